/** Gives every node of a syntax tree its type, and every name its meaning. Source: cel-go `checker/checker.go`. */
import {
  type Ast,
  type Call,
  type Comprehension,
  type Expr,
  qualifiedName,
  type Select,
  type StructLiteral,
} from './ast.ts';
import { type CheckedAst, candidateNames, fieldKey, type Reference } from './checked-ast.ts';
import type { FunctionDeclaration, Overload } from './functions.ts';
import type { SourceIssue } from './source.ts';
import {
  boolType,
  bytesType,
  doubleType,
  dynType,
  errorType,
  fieldType,
  formatSignature,
  formatType,
  intType,
  isDyn,
  isDynOrError,
  listOf,
  mapOf,
  mostGeneral,
  nullType,
  optionalOf,
  paramType,
  Substitutions,
  sameType,
  stringType,
  type Type,
  typeOf,
  uintType,
} from './types.ts';
import { Double, Uint, type Value } from './values.ts';

/** What the checker asks of its environment. Names are complete: the container is resolved by the checker. */
export interface Scope {
  readonly container: string;
  /** Whether fields that are called like a reserved word may be selected by that word. */
  readonly keywordFields: boolean;
  findVariable(name: string): { readonly type: Type; readonly value?: Value } | undefined;
  findFunction(name: string): FunctionDeclaration | undefined;
  /** An object type that expressions may construct, or any other type that they may name. */
  findType(name: string): Type | undefined;
}

export interface CheckResult {
  readonly checked: CheckedAst;
  readonly issues: readonly SourceIssue[];
}

export function check(ast: Ast, scope: Scope): CheckResult {
  return new Checker(ast, scope).check();
}

class Checker {
  readonly #ast: Ast;
  readonly #scope: Scope;
  readonly #issues: SourceIssue[] = [];
  readonly #types: (Type | undefined)[];
  readonly #references: (Reference | undefined)[];
  readonly #substitutions = new Substitutions();
  readonly #locals: { readonly name: string; readonly type: Type }[] = [];
  #freeVariables = 0;

  constructor(ast: Ast, scope: Scope) {
    this.#ast = ast;
    this.#scope = scope;
    this.#types = new Array(ast.positions.length);
    this.#references = new Array(ast.positions.length);
  }

  check(): CheckResult {
    this.#check(this.#ast.expr);
    for (let id = 1; id < this.#types.length; id++) {
      const type = this.#types[id];
      if (type !== undefined) this.#types[id] = this.#substitutions.apply(type, true);
    }
    return { checked: { ...this.#ast, types: this.#types, references: this.#references }, issues: this.#issues };
  }

  #report(id: number, message: string): void {
    this.#issues.push({ offset: this.#ast.positions[id] as number, message });
  }

  #undeclared(id: number, name: string): Type {
    this.#report(id, `undeclared reference to '${name}' (in container '${this.#scope.container}')`);
    return errorType;
  }

  #mismatch(id: number, expected: Type, actual: Type): void {
    this.#report(id, `expected type '${formatType(expected)}' but found '${formatType(actual)}'`);
  }

  #typeVariable(): Type {
    return paramType(`_var${this.#freeVariables++}`);
  }

  #check(expr: Expr): Type {
    const type = this.#typeOf(expr);
    this.#types[expr.id] = type;
    return type;
  }

  #typeOf(expr: Expr): Type {
    switch (expr.kind) {
      case 'literal':
        return literalType(expr.value);
      case 'ident':
        return this.#reference(expr.id, expr.name) ?? this.#undeclared(expr.id, expr.name);
      case 'select':
        return this.#select(expr);
      case 'call':
        return this.#call(expr);
      case 'list': {
        let element: Type | undefined;
        expr.elements.forEach((e, i) => {
          const type = this.#check(e);
          element = this.#join(element, expr.optionals.includes(i) ? this.#unwrapEntry(e, type) : type);
        });
        return listOf(element ?? this.#typeVariable());
      }
      case 'map': {
        let key: Type | undefined;
        let value: Type | undefined;
        for (const entry of expr.entries) {
          key = this.#join(key, this.#check(entry.key));
          const type = this.#check(entry.value);
          value = this.#join(value, entry.optional ? this.#unwrapEntry(entry.value, type) : type);
        }
        return mapOf(key ?? this.#typeVariable(), value ?? this.#typeVariable());
      }
      case 'struct':
        return this.#struct(expr);
      case 'comprehension':
        return this.#comprehension(expr);
    }
  }

  /** The type of the variable, constant or type that `name` means here; notes the reference. */
  #reference(id: number, name: string): Type | undefined {
    const local = this.#local(name);
    if (local !== undefined) {
      this.#references[id] = { kind: 'ident', name, local: true };
      return local;
    }
    for (const candidate of candidateNames(this.#scope.container, name)) {
      const variable = this.#scope.findVariable(candidate);
      if (variable !== undefined) {
        this.#references[id] = { kind: 'ident', name: candidate, local: false, value: variable.value };
        return variable.type;
      }
    }
    return undefined;
  }

  #local(name: string): Type | undefined {
    for (let i = this.#locals.length - 1; i >= 0; i--) {
      const local = this.#locals[i] as { readonly name: string; readonly type: Type };
      if (local.name === name) return local.type;
    }
    return undefined;
  }

  #select(expr: Select): Type {
    const name = qualifiedName(expr);
    if (name !== undefined && this.#local(name.slice(0, name.indexOf('.'))) === undefined) {
      const type = this.#reference(expr.id, name);
      if (type !== undefined) return type;
    }
    const type = this.#field(expr.id, expr.operand, expr.field, false);
    return expr.testOnly ? boolType : this.#substitutions.apply(type, false);
  }

  /** The type of `operand.field`; fields of an optional are optional. */
  #field(id: number, operand: Expr, field: string, optional: boolean): Type {
    const operandType = this.#substitutions.apply(this.#check(operand), false);
    const unwrapped = unwrapOptional(operandType);
    const type = this.#fieldOf(id, unwrapped ?? operandType, field);
    return optional || unwrapped !== undefined ? optionalOf(type) : type;
  }

  #fieldOf(id: number, type: Type, field: string): Type {
    switch (type.kind) {
      case 'map':
        return type.params[1] as Type;
      case 'object': {
        const found = fieldType(type, fieldKey(type, field, this.#scope.keywordFields));
        if (found === undefined) this.#report(id, `undefined field '${field}'`);
        return found ?? errorType;
      }
      case 'param':
        this.#substitutions.isAssignable(dynType, type);
        return dynType;
      default:
        if (!isDynOrError(type)) this.#report(id, `type '${formatType(type)}' does not support field selection`);
        return dynType;
    }
  }

  #call(expr: Call): Type {
    if (expr.function === '_?._') return this.#optionalSelect(expr);
    const args = expr.args.map((arg) => this.#check(arg));
    if (expr.target === undefined) {
      const fn = this.#function(expr.function);
      return fn === undefined ? this.#undeclared(expr.id, expr.function) : this.#resolve(expr, fn, args, false, false);
    }
    const prefix = qualifiedName(expr.target);
    if (prefix !== undefined) {
      const fn = this.#function(`${prefix}.${expr.function}`);
      if (fn !== undefined) return this.#resolve(expr, fn, args, false, true);
    }
    const target = this.#check(expr.target);
    const fn = this.#function(expr.function);
    return fn === undefined
      ? this.#undeclared(expr.id, expr.function)
      : this.#resolve(expr, fn, [target, ...args], true, false);
  }

  #optionalSelect(expr: Call): Type {
    const [operand, field] = expr.args as [Expr, Expr];
    if (field.kind !== 'literal' || typeof field.value !== 'string') {
      this.#report(field.id, 'unsupported optional field selection');
      return errorType;
    }
    const type = this.#field(expr.id, operand, field.value, true);
    this.#references[expr.id] = {
      kind: 'function',
      name: expr.function,
      overloads: this.#function(expr.function)?.overloads ?? [],
      namespaced: false,
    };
    return this.#substitutions.apply(type, false);
  }

  #function(name: string): FunctionDeclaration | undefined {
    if (this.#scope.container === '') return this.#scope.findFunction(name.startsWith('.') ? name.slice(1) : name);
    for (const candidate of candidateNames(this.#scope.container, name)) {
      const fn = this.#scope.findFunction(candidate);
      if (fn !== undefined) return fn;
    }
    return undefined;
  }

  /** Finds the overloads that take these arguments; the result is dyn when they do not agree on one. */
  #resolve(expr: Call, fn: FunctionDeclaration, args: readonly Type[], member: boolean, namespaced: boolean): Type {
    if (fn.name === '_&&_' || fn.name === '_||_') return this.#logical(expr, fn, args);
    let result: Type | undefined;
    const overloads: Overload[] = [];
    for (const overload of fn.overloads) {
      if (overload.member !== member || overload.params.length !== args.length) continue;
      if (!mayAccept(overload, args)) continue;
      let { params, result: returned } = overload;
      if (overload.typeParams.length > 0) {
        const fresh = new Map(overload.typeParams.map((name) => [name, this.#typeVariable()]));
        params = params.map((param) => instantiate(param, fresh));
        returned = instantiate(returned, fresh);
      }
      if (!this.#substitutions.areAssignable(args, params)) continue;
      overloads.push(overload);
      const type = this.#substitutions.apply(returned, false);
      if (result === undefined) result = type;
      else if (!isDyn(result) && !sameType(type, result)) result = dynType;
    }
    if (result === undefined) {
      const types = args.map((arg) => this.#substitutions.apply(arg, true));
      const signature = formatSignature(types, member);
      this.#report(expr.id, `found no matching overload for '${fn.name}' applied to '${signature}'`);
      return errorType;
    }
    this.#references[expr.id] = { kind: 'function', name: fn.name, overloads, namespaced };
    return result;
  }

  #logical(expr: Call, fn: FunctionDeclaration, args: readonly Type[]): Type {
    let result = boolType;
    args.forEach((arg, i) => {
      if (this.#substitutions.isAssignable(arg, boolType)) return;
      this.#mismatch((expr.args[i] as Expr).id, boolType, arg);
      result = errorType;
    });
    this.#references[expr.id] = { kind: 'function', name: fn.name, overloads: fn.overloads, namespaced: false };
    return result;
  }

  #unwrapEntry(expr: Expr, type: Type): Type {
    const unwrapped = unwrapOptional(type);
    if (unwrapped === undefined && !isDyn(type)) this.#mismatch(expr.id, optionalOf(type), type);
    return unwrapped ?? type;
  }

  #join(previous: Type | undefined, current: Type): Type {
    if (previous === undefined) return current;
    return this.#substitutions.isAssignable(previous, current) ? mostGeneral(previous, current) : dynType;
  }

  #struct(expr: StructLiteral): Type {
    let found: Type | undefined;
    for (const name of candidateNames(this.#scope.container, expr.name)) {
      found = this.#scope.findType(name);
      if (found !== undefined) {
        this.#references[expr.id] = { kind: 'ident', name, local: false };
        break;
      }
    }
    if (found === undefined) return this.#undeclared(expr.id, expr.name);
    let result = found;
    if (found.kind !== 'object') {
      this.#report(expr.id, `'${formatType(found)}' is not a message type`);
      result = errorType;
    }
    for (const field of expr.fields) {
      const type = this.#check(field.value);
      const value = field.optional ? this.#unwrapEntry(field.value, type) : type;
      const declared = fieldType(result, field.name);
      if (declared === undefined) {
        if (result.kind === 'object') this.#report(field.id, `undefined field '${field.name}'`);
      } else if (!this.#substitutions.isAssignable(declared, value)) {
        const types = `'${formatType(declared)}' but provided type is '${formatType(value)}'`;
        this.#report(field.id, `expected type of field '${field.name}' is ${types}`);
      }
    }
    return result;
  }

  #comprehension(expr: Comprehension): Type {
    const range = this.#check(expr.iterRange);
    const accumulator = this.#check(expr.accuInit);
    const [first, second] = this.#iterationTypes(expr, this.#substitutions.apply(range, false));
    const depth = this.#locals.length;
    this.#locals.push({ name: expr.accuVar, type: accumulator }, { name: expr.iterVar, type: first });
    if (expr.iterVar2 !== '') this.#locals.push({ name: expr.iterVar2, type: second });
    this.#assert(expr.loopCondition, boolType);
    this.#assert(expr.loopStep, accumulator);
    this.#locals.length = depth + 1;
    const result = this.#check(expr.result);
    this.#locals.length = depth;
    return this.#substitutions.apply(result, false);
  }

  /** The types of the variables that go over a range: of one variable, or of two. */
  #iterationTypes(expr: Comprehension, range: Type): [Type, Type] {
    const two = expr.iterVar2 !== '';
    switch (range.kind) {
      case 'list':
        return two ? [intType, range.params[0] as Type] : [range.params[0] as Type, errorType];
      case 'map':
        return [range.params[0] as Type, range.params[1] as Type];
      case 'dyn':
      case 'any':
      case 'error':
      case 'param':
        this.#substitutions.isAssignable(dynType, range);
        return [dynType, dynType];
      default: {
        const type = formatType(range);
        const message = `expression of type '${type}' cannot be range of a comprehension (must be list, map, or dynamic)`;
        this.#report(expr.iterRange.id, message);
        return [errorType, errorType];
      }
    }
  }

  #assert(expr: Expr, expected: Type): void {
    const actual = this.#check(expr);
    if (!this.#substitutions.isAssignable(expected, actual)) this.#mismatch(expr.id, expected, actual);
  }
}

const scalars: ReadonlySet<string> = new Set('bool int uint double string bytes timestamp duration'.split(' '));

/** Rules out, without looking into types, overloads that ask for scalars of another kind. */
function mayAccept(overload: Overload, args: readonly Type[]): boolean {
  for (let i = 0; i < args.length; i++) {
    const wanted = (overload.params[i] as Type).kind;
    const given = (args[i] as Type).kind;
    if (wanted !== given && scalars.has(wanted) && scalars.has(given)) return false;
  }
  return true;
}

function instantiate(type: Type, fresh: ReadonlyMap<string, Type>): Type {
  if (type.kind === 'param') return fresh.get(type.name) ?? type;
  if (type.params.length === 0) return type;
  return { ...type, params: type.params.map((param) => instantiate(param, fresh)) };
}

function unwrapOptional(type: Type): Type | undefined {
  return type.kind === 'opaque' && type.name === 'optional_type' ? type.params[0] : undefined;
}

function literalType(value: Value): Type {
  switch (typeof value) {
    case 'boolean':
      return boolType;
    case 'string':
      return stringType;
    case 'number':
    case 'bigint':
      return intType;
    default:
      if (value === null) return nullType;
      if (value instanceof Uint) return uintType;
      if (value instanceof Double) return doubleType;
      return value instanceof Uint8Array ? bytesType : typeOf();
  }
}
