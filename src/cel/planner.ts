/**
 * From a syntax tree to closures that evaluate it, counting the cost as Kubernetes counts it.
 *
 * The costs follow the shape of cel-go's plan (`interpreter/planner.go`, `interpreter/runtimecost.go`): names and
 * selections form "attributes" that cost one for each step and one for the whole; constants and what can be folded
 * into constants are free; `&&`, `||` and `?:` are free themselves.
 */
import { type Ast, type Call, type Expr, type Ident, qualifiedName, type Select, type StructLiteral } from './ast.ts';
import { isLazyOptional, lazyOptional, logical, membership, notStrictlyFalse, scalarSet } from './calls.ts';
import { type CheckedAst, candidateNames, fieldKey, type Reference } from './checked-ast.ts';
import { isKey, listConstruction, mapConstruction, objectConstruction } from './constructions.ts';
import { planFold } from './folds.ts';
import type { Evaluate, ExprPlanner, Local } from './frame.ts';
import type { FunctionDeclaration, Overload } from './functions.ts';
import { apply, generalCall } from './general-call.ts';
import { fastCall } from './operators.ts';
import { compileRegex } from './regex.ts';
import { callCost } from './runtime-cost.ts';
import {
  element,
  globalVariable,
  localVariable,
  optionalElement,
  optionalSelection,
  presence,
  type Slot,
  selection,
  variableSelection,
} from './selections.ts';
import type { Type } from './types.ts';
import { CelError, EntryMap, ListValue, noneOptional, noSuchOverload, OptionalValue, type Value } from './values.ts';

/** What the planner asks of its environment. */
export interface PlanScope {
  readonly container: string;
  readonly keywordFields: boolean;
  /** The position of a variable among the globals. */
  variableIndex(name: string): number | undefined;
  /** The value of a constant or a type's name. */
  findConstant(name: string): Value | undefined;
  findFunction(name: string): FunctionDeclaration | undefined;
  findType(name: string): Type | undefined;
}

export interface Plan {
  readonly evaluate: Evaluate;
  /** How many locals a frame needs. */
  readonly locals: number;
}

/** Plans a checked tree, or one that was only parsed: names are then resolved here and types at run time. */
export function plan(ast: Ast | CheckedAst, scope: PlanScope): Plan | CelError {
  const planner = new Planner(ast, scope);
  const evaluate = planner.plan(ast.expr);
  return planner.problem ?? { evaluate, locals: planner.slots };
}

const conversions = new Set('bool bytes double duration dyn int string timestamp type uint'.split(' '));

class Planner implements ExprPlanner {
  readonly #scope: PlanScope;
  readonly #types: readonly (Type | undefined)[];
  readonly #references: readonly (Reference | undefined)[] | undefined;
  readonly #locals: Local[] = [];
  slots = 0;
  freeSteps = 0;
  /** The first constant that cannot be converted: such an expression has no plan. */
  problem: CelError | undefined;

  constructor(ast: Ast | CheckedAst, scope: PlanScope) {
    this.#scope = scope;
    this.#types = 'types' in ast ? ast.types : [];
    this.#references = 'references' in ast ? ast.references : undefined;
  }

  plan(expr: Expr): Evaluate {
    const constant = this.constant(expr);
    if (constant !== undefined) return () => constant;
    switch (expr.kind) {
      case 'literal':
        return () => expr.value;
      case 'ident':
      case 'select':
        return this.#attribute(expr, 1);
      case 'call':
        return this.#call(expr);
      case 'list':
        return listConstruction(this, expr);
      case 'map':
        return mapConstruction(this, expr);
      case 'struct':
        return this.#struct(expr);
      case 'comprehension':
        return planFold(this, expr);
    }
  }

  /** The value of an expression that needs no evaluation, as cel-go's optimizer finds it; undefined for others. */
  constant(expr: Expr): Value | undefined {
    switch (expr.kind) {
      case 'literal':
        return expr.value;
      case 'ident':
      case 'select':
        return this.#constantName(expr);
      case 'list': {
        if (expr.optionals.length > 0) return undefined;
        const values = expr.elements.map((element) => this.constant(element));
        return values.includes(undefined) ? undefined : new ListValue(values as Value[]);
      }
      case 'map': {
        const entries: [Value, Value][] = [];
        for (const entry of expr.entries) {
          const key = this.constant(entry.key);
          const value = this.constant(entry.value);
          if (entry.optional || key === undefined || value === undefined || !isKey(key)) return undefined;
          entries.push([key, value]);
        }
        return new EntryMap(entries);
      }
      case 'call':
        return this.#constantCall(expr);
      default:
        return undefined;
    }
  }

  #constantName(expr: Ident | Select): Value | undefined {
    const reference = this.#references?.[expr.id];
    if (reference !== undefined) return reference.kind === 'ident' ? reference.value : undefined;
    if (this.#references !== undefined) return undefined;
    const name = qualifiedName(expr);
    if (name === undefined || this.#findLocal(firstName(name)) !== undefined) return undefined;
    for (const candidate of candidateNames(this.#scope.container, name)) {
      if (this.#scope.variableIndex(candidate) !== undefined) return undefined;
      const constant = this.#scope.findConstant(candidate);
      if (constant !== undefined) return constant;
    }
    return undefined;
  }

  #constantCall(expr: Call): Value | undefined {
    const [arg, second] = expr.args;
    if (expr.target !== undefined || arg === undefined) return undefined;
    if (expr.function === '@in' && second !== undefined) {
      const list = this.constant(second);
      return list instanceof ListValue && list.length === 0 ? false : undefined;
    }
    if (!conversions.has(expr.function) || second !== undefined) return undefined;
    const value = this.constant(arg);
    if (value === undefined) return undefined;
    const result = apply(expr.function, this.#overloads(expr), [value]);
    if (result instanceof CelError) this.problem ??= result;
    return result;
  }

  // Names and selections.

  enter(name: string, init?: Evaluate): Local {
    const local = { name, slot: this.slots++, ...(init === undefined ? {} : { init }) };
    this.#locals.push(local);
    return local;
  }

  leave(count: number): void {
    this.#locals.length -= count;
  }

  #findLocal(name: string): Local | undefined {
    for (let i = this.#locals.length - 1; i >= 0; i--) if (this.#locals[i]?.name === name) return this.#locals[i];
    return undefined;
  }

  /** Whether cel-go plans this expression as an attribute. */
  isAttribute(expr: Expr): boolean {
    if (this.constant(expr) !== undefined) return false;
    if (expr.kind === 'ident' || expr.kind === 'select') return true;
    return expr.kind === 'call' && attributeCalls.has(expr.function);
  }

  /** An attribute whose root costs `root`: one, or nothing when it is a branch of a condition. */
  #attribute(expr: Expr, root: 0 | 1): Evaluate {
    if (expr.kind === 'ident') return this.#variable(expr, expr.name, root);
    if (expr.kind === 'select') return this.#select(expr, root);
    const call = expr as Call;
    if (call.function === '_?_:_') return this.#conditional(call);
    const [operand, index] = call.args as [Expr, Expr];
    const evaluate = this.#operand(operand, root);
    if (call.function === '_?._') return optionalSelection(evaluate, (index as { value: string }).value);
    return this.#index(evaluate, index, call.function === '_[?_]');
  }

  /** What is selected from: another attribute, or a value whose selection is an attribute of its own. */
  #operand(expr: Expr, root: 0 | 1): Evaluate {
    if (this.isAttribute(expr)) return this.#attribute(expr, root);
    const evaluate = this.plan(expr);
    if (root === 0) return evaluate;
    return (frame) => {
      const value = evaluate(frame);
      frame.cost++;
      return value;
    };
  }

  #variable(expr: Expr, name: string, root: 0 | 1): Evaluate {
    const reference = this.#references?.[expr.id];
    const full = reference?.kind === 'ident' ? reference.name : name;
    const local = reference?.kind === 'ident' && !reference.local ? undefined : this.#findLocal(full);
    if (local !== undefined) return localVariable(local, root);
    const candidates = reference === undefined ? candidateNames(this.#scope.container, name) : [full];
    for (const candidate of candidates) {
      const index = this.#scope.variableIndex(candidate);
      if (index !== undefined) return globalVariable(index, candidate, root);
    }
    const missing = new CelError(`no such attribute(s): ${candidates.join(', ')}`);
    return () => missing;
  }

  #select(expr: Select, root: 0 | 1): Evaluate {
    if (!expr.testOnly) {
      const name = this.#qualifiedVariable(expr);
      if (name !== undefined) return this.#variable(expr, name, root);
    }
    const { operand } = expr;
    const type = this.#types[operand.id];
    const field = type === undefined ? expr.field : fieldKey(type, expr.field, this.#scope.keywordFields);
    if (expr.testOnly) return presence(this.#operand(operand, 0), field);
    // Most selections are from a variable: they read it themselves.
    const slot = operand.kind === 'ident' ? this.#slot(operand, operand.name) : undefined;
    if (slot === undefined) return selection(this.#operand(operand, root), field, expr.field, type);
    return variableSelection(slot, field, expr, root);
  }

  /** Where a variable is that is there whenever the expression is evaluated. */
  #slot(expr: Expr, name: string): Slot | undefined {
    const reference = this.#references?.[expr.id];
    if (reference?.kind !== 'ident' || reference.value !== undefined) return undefined;
    if (reference.local) {
      const local = this.#findLocal(name);
      return local === undefined || local.init !== undefined ? undefined : { index: local.slot, local: true };
    }
    const index = this.#scope.variableIndex(reference.name);
    return index === undefined ? undefined : { index, local: false };
  }

  /** The name of the variable that a chain of selections means as a whole, if it does. */
  #qualifiedVariable(expr: Select): string | undefined {
    const reference = this.#references?.[expr.id];
    if (reference !== undefined) return reference.kind === 'ident' ? reference.name : undefined;
    if (this.#references !== undefined) return undefined;
    const name = qualifiedName(expr);
    if (name === undefined || this.#findLocal(firstName(name)) !== undefined) return undefined;
    return candidateNames(this.#scope.container, name).find((n) => this.#scope.variableIndex(n) !== undefined);
  }

  #index(operand: Evaluate, indexExpr: Expr, optional: boolean): Evaluate {
    const index = this.plan(indexExpr);
    // An attribute used as an index stands for the step itself.
    const cost = this.isAttribute(indexExpr) ? 0 : 1;
    return (frame) => {
      const container = operand(frame);
      if (container instanceof CelError) return container;
      const key = index(frame);
      if (key instanceof CelError) return key;
      if (!optional && !(container instanceof OptionalValue)) {
        frame.cost += cost;
        return element(container, key);
      }
      const found = optionalElement(container, key);
      // A step to nothing is not taken, and costs nothing.
      frame.cost += found === noneOptional ? cost - 1 : cost;
      return found;
    };
  }

  #conditional(expr: Call): Evaluate {
    this.freeSteps++;
    const [condition, whenTrue, whenFalse] = expr.args as [Expr, Expr, Expr];
    const test = this.plan(condition);
    const branch = (e: Expr): Evaluate => (this.isAttribute(e) ? this.#attribute(e, 0) : this.plan(e));
    const yes = branch(whenTrue);
    const no = branch(whenFalse);
    return (frame) => {
      const value = test(frame);
      if (value === true) return yes(frame);
      if (value === false) return no(frame);
      return value instanceof CelError ? value : noSuchOverload;
    };
  }

  // Calls.

  #call(expr: Call): Evaluate {
    if (attributeCalls.has(expr.function)) return this.#attribute(expr, 1);
    switch (expr.function) {
      case '_&&_':
        this.freeSteps++;
        return logical(this.plan(expr.args[0] as Expr), this.plan(expr.args[1] as Expr), false);
      case '_||_':
        this.freeSteps++;
        return logical(this.plan(expr.args[0] as Expr), this.plan(expr.args[1] as Expr), true);
      case '@not_strictly_false':
        return notStrictlyFalse(this.plan(expr.args[0] as Expr));
    }
    const constantSet = expr.function === '@in' ? scalarSet(this.constant(expr.args[1] as Expr)) : undefined;
    if (constantSet !== undefined) {
      this.freeSteps++;
      return membership(this.plan(expr.args[0] as Expr), constantSet);
    }
    const overloads = this.#overloads(expr);
    const args = this.#arguments(expr);
    const evaluators = args.map((arg) => this.plan(arg));
    if (expr.target !== undefined && args.length > expr.args.length && isLazyOptional(expr.function, overloads)) {
      this.freeSteps++;
      return lazyOptional(expr.function, evaluators[0] as Evaluate, evaluators[1] as Evaluate);
    }
    const cost = callCost(this.#functionName(expr), ids(overloads));
    const constants = args.map((arg) => this.constant(arg));
    const [, pattern] = constants;
    if (patternFunctions.has(expr.function) && typeof pattern === 'string') {
      const regex = compileRegex(pattern);
      if (regex instanceof CelError) this.problem ??= regex;
    }
    return (
      fastCall(expr.function, ids(overloads), evaluators, constants) ??
      generalCall(expr.function, this.#functionName(expr), overloads, evaluators, cost)
    );
  }

  /** The arguments, the receiver first unless it is part of the function's name. */
  #arguments(expr: Call): readonly Expr[] {
    if (expr.target === undefined || this.#isNamespaced(expr)) return expr.args;
    return [expr.target, ...expr.args];
  }

  /** The full name of the function: with the target when that is part of the name. */
  #functionName(expr: Call): string {
    const reference = this.#references?.[expr.id];
    if (reference?.kind === 'function') return reference.name;
    return this.#namespacedFunction(expr)?.name ?? expr.function;
  }

  #isNamespaced(expr: Call): boolean {
    const reference = this.#references?.[expr.id];
    if (reference !== undefined) return reference.kind === 'function' && reference.namespaced;
    return this.#namespacedFunction(expr) !== undefined;
  }

  #namespacedFunction(expr: Call): FunctionDeclaration | undefined {
    const prefix = expr.target === undefined ? undefined : qualifiedName(expr.target);
    return prefix === undefined ? undefined : this.#findFunction(`${prefix}.${expr.function}`);
  }

  #findFunction(name: string): FunctionDeclaration | undefined {
    for (const candidate of candidateNames(this.#scope.container, name)) {
      const fn = this.#scope.findFunction(candidate);
      if (fn !== undefined) return fn;
    }
    return undefined;
  }

  #overloads(expr: Call): readonly Overload[] {
    const reference = this.#references?.[expr.id];
    if (reference?.kind === 'function') return reference.overloads;
    const fn = this.#namespacedFunction(expr) ?? this.#findFunction(expr.function);
    const member = expr.target !== undefined && !this.#isNamespaced(expr);
    return (fn?.overloads ?? []).filter((overload) => overload.member === member);
  }

  #struct(expr: StructLiteral): Evaluate {
    const reference = this.#references?.[expr.id];
    const names = reference?.kind === 'ident' ? [reference.name] : candidateNames(this.#scope.container, expr.name);
    const type = names.map((name) => this.#scope.findType(name)).find((found) => found !== undefined);
    if (type !== undefined) return objectConstruction(this, expr, type);
    const unknown = new CelError(`unknown type: ${expr.name}`);
    return () => unknown;
  }
}

/** Functions whose constant patterns are compiled with the expression. */
const patternFunctions = new Set(['matches', 'find', 'findAll']);
const attributeCalls = new Set(['_[_]', '_[?_]', '_?._', '_?_:_']);

function ids(overloads: readonly Overload[]): string[] {
  return overloads.map((overload) => overload.id);
}

function firstName(name: string): string {
  const dot = name.indexOf('.', 1);
  return dot < 0 ? name : name.slice(0, dot);
}
