/** What expressions may refer to, and the programs that they become. */
import type { CheckedAst } from './checked-ast.ts';
import { check, type Scope } from './checker.ts';
import { type CostEstimate, estimateCost, type SizeHints } from './cost.ts';
import { type Evaluate, Frame } from './frame.ts';
import type { FunctionDeclaration, Library } from './functions.ts';
import { fromJson } from './json.ts';
import { macroTable } from './macros.ts';
import { type ParserOptions, parse } from './parser.ts';
import { type PlanScope, plan } from './planner.ts';
import { formatIssues, type SourceIssue } from './source.ts';
import { standardLibrary } from './standard.ts';
import { parseType, type Type, typeOf } from './types.ts';
import { validateLiterals } from './validators.ts';
import { CelError, TypeValue, type Value } from './values.ts';
import { CostLimitExceeded, endWork, startWork, workOf } from './work.ts';

export interface EnvironmentOptions {
  /** Variables by name, with their types or the notation of them: `int`, `list(string)`, `map(string, dyn)`. */
  readonly variables?: Readonly<Record<string, Type | string>>;
  /** What is there besides the language's own functions and macros. */
  readonly libraries?: readonly Library[];
  /** The namespace in which names are looked up first. */
  readonly container?: string;
  /**
   * Whether literals are validated when compiling: that the elements of lists and maps agree in type, and that
   * `timestamp`, `duration` and `matches` are given what they can read. Kubernetes demands it; the default is not to.
   */
  readonly validateLiterals?: boolean;
  /** Whether fields that are called like a reserved word may be selected by that word: `x.namespace`. */
  readonly keywordFields?: boolean;
  readonly parser?: Omit<ParserOptions, 'macros'>;
}

/** An expression that cannot be compiled. `message` is printed as cel-go prints it, with lines and carets. */
export class CompileError extends Error {
  override readonly name = 'CompileError';
  readonly issues: readonly SourceIssue[];

  constructor(text: string, issues: readonly SourceIssue[]) {
    super(formatIssues(text, issues));
    this.issues = issues;
  }
}

/** What an evaluation gave, and what it cost. A value that could not be computed is a {@link CelError}. */
export interface Outcome {
  readonly value: Value;
  readonly cost: number;
  /** What it did, costs apart; {@link workPerCost} for each unit of cost that it may have stop it. */
  readonly work: number;
  /** Whether the evaluation was stopped because it cost more, or did more, than it may. */
  readonly limitExceeded: boolean;
}

/** The names of an environment. Environments are immutable; {@link Environment.extend} makes a larger one. */
export class Environment implements Scope, PlanScope {
  readonly container: string;
  readonly options: EnvironmentOptions;
  readonly #variables: ReadonlyMap<string, { readonly type: Type; readonly index: number }>;
  readonly #functions: ReadonlyMap<string, FunctionDeclaration>;
  readonly #types: ReadonlyMap<string, Type>;
  readonly #typeFinders: readonly NonNullable<Library['findType']>[];
  readonly #parser: ParserOptions;

  constructor(options: EnvironmentOptions = {}, base?: Environment) {
    this.options = options;
    this.container = options.container ?? '';
    const variables = Object.entries(options.variables ?? {});
    this.#variables = new Map(
      variables.map(([name, type], index) => [
        name,
        { type: typeof type === 'string' ? parseType(type) : type, index },
      ]),
    );
    if (base !== undefined && base.options.libraries === options.libraries) {
      this.#functions = base.#functions;
      this.#types = base.#types;
      this.#typeFinders = base.#typeFinders;
      this.#parser = base.#parser;
      return;
    }
    const libraries = [standardLibrary, ...(options.libraries ?? [])];
    this.#functions = collectFunctions(libraries);
    this.#types = new Map(libraries.flatMap((library) => library.types ?? []).map((type) => [type.name, type]));
    this.#typeFinders = libraries.flatMap((library) => library.findType ?? []);
    this.#parser = { ...options.parser, macros: macroTable(libraries.flatMap((library) => library.macros ?? [])) };
  }

  /** An environment with other options, which shares what has not changed with this one. */
  extend(options: EnvironmentOptions): Environment {
    return new Environment({ ...this.options, ...options }, this);
  }

  get keywordFields(): boolean {
    return this.options.keywordFields ?? false;
  }

  get variableCount(): number {
    return this.#variables.size;
  }

  findVariable(name: string): { readonly type: Type; readonly value?: Value } | undefined {
    const variable = this.#variables.get(name);
    if (variable !== undefined) return variable;
    const type = this.#types.get(name);
    return type === undefined ? undefined : { type: typeOf(type), value: new TypeValue(name) };
  }

  findConstant(name: string): Value | undefined {
    return this.#types.has(name) ? new TypeValue(name) : undefined;
  }

  variableIndex(name: string): number | undefined {
    return this.#variables.get(name)?.index;
  }

  findFunction(name: string): FunctionDeclaration | undefined {
    return this.#functions.get(name);
  }

  findType(name: string): Type | undefined {
    const known = this.#types.get(name);
    if (known !== undefined) return known;
    for (const find of this.#typeFinders) {
      const found = find(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /**
   * Parses, checks and plans an expression.
   * @throws {CompileError} with everything that is wrong with it.
   */
  compile(expression: string): Program {
    const parsed = parse(expression, this.#parser);
    if (!('ast' in parsed)) throw new CompileError(expression, parsed.issues);
    const { checked, issues } = check(parsed.ast, this);
    if (issues.length > 0) throw new CompileError(expression, issues);
    if (this.options.validateLiterals) {
      const invalid = validateLiterals(checked);
      if (invalid.length > 0) throw new CompileError(expression, invalid);
    }
    return new Program(checked, this);
  }

  /** Parses and plans an expression without checking it: names and types are resolved when it is evaluated. */
  compileUnchecked(expression: string): Program {
    const parsed = parse(expression, this.#parser);
    if (!('ast' in parsed)) throw new CompileError(expression, parsed.issues);
    return new Program({ ...parsed.ast, types: [], references: [] }, this, parsed.ast);
  }

  /** Values for the variables, in the order in which programs keep them. Raw JSON becomes a view; values stay. */
  bind(bindings: Readonly<Record<string, unknown>>): (Value | undefined)[] {
    const globals = new Array<Value | undefined>(this.#variables.size);
    for (const [name, { index }] of this.#variables) {
      const value = bindings[name];
      if (value !== undefined) globals[index] = fromJson(value);
    }
    return globals;
  }
}

function collectFunctions(libraries: readonly Library[]): Map<string, FunctionDeclaration> {
  const functions = new Map<string, FunctionDeclaration>();
  for (const fn of libraries.flatMap((library) => library.functions ?? [])) {
    const known = functions.get(fn.name);
    functions.set(
      fn.name,
      known === undefined ? fn : { name: fn.name, overloads: [...known.overloads, ...fn.overloads] },
    );
  }
  return functions;
}

/** What an evaluation takes before it does anything. */
const evaluationWork = 20;

function failure(error: unknown): CelError {
  if (error instanceof CostLimitExceeded) return new CelError(error.message);
  // Values nested so deeply that walking them exhausts the stack.
  if (error instanceof RangeError) return new CelError('value nesting limit exceeded');
  throw error;
}

/** An expression ready to be evaluated, any number of times. */
export class Program {
  readonly checked: CheckedAst;
  /** What cannot be computed even before there is anything to evaluate, such as `duration('x')`. */
  readonly problem: CelError | undefined;
  readonly #environment: Environment;
  readonly #evaluate: Evaluate;
  readonly #locals: number;

  constructor(checked: CheckedAst, environment: Environment, unchecked?: Parameters<typeof plan>[0]) {
    this.checked = checked;
    this.#environment = environment;
    const planned = plan(unchecked ?? checked, environment);
    if (planned instanceof CelError) {
      this.problem = planned;
      this.#evaluate = () => planned;
      this.#locals = 0;
    } else {
      this.#evaluate = planned.evaluate;
      this.#locals = planned.locals;
    }
  }

  /** The type of the result. */
  get type(): Type {
    return this.checked.types[this.checked.expr.id] as Type;
  }

  /** What an evaluation may cost at least and at most, by what is known of the sizes of the variables. */
  cost(hints?: SizeHints): CostEstimate {
    return estimateCost(this.checked, hints);
  }

  /** Evaluates with variables by name: JSON or values. A failure is a value, a {@link CelError}. */
  evaluate(bindings: Readonly<Record<string, unknown>> = {}): Value {
    return this.run(this.#environment.bind(bindings)).value;
  }

  /** Evaluates with variables in the order of the environment, up to a cost and the work that it pays for. */
  run(globals: readonly (Value | undefined)[], costLimit = Number.POSITIVE_INFINITY): Outcome {
    const frame = new Frame(globals, this.#locals, costLimit);
    const limit = workOf(costLimit);
    const outer = startWork(limit);
    try {
      const value = this.#evaluate(frame);
      if (frame.cost > costLimit) throw new CostLimitExceeded();
      return { value, cost: frame.cost, work: evaluationWork + limit - endWork(outer), limitExceeded: false };
    } catch (error) {
      const work = evaluationWork + limit - endWork(outer);
      return { value: failure(error), cost: frame.cost, work, limitExceeded: error instanceof CostLimitExceeded };
    }
  }
}
