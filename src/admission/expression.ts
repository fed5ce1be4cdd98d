/**
 * Expressions with their programs, evaluated within a budget. Failures are values, in Kubernetes' words.
 * Source: `k8s.io/apiserver/pkg/admission/plugin/cel` (activation.go, composition.go).
 */
import { compileExpression } from '../apis/admissionregistration/expressions.ts';
import { CelError, type Environment, MapValue, type Program, perCallLimit, type Value } from '../cel/index.ts';

export interface Expression {
  readonly text: string;
  /** A text says why it does not compile. */
  readonly program: Program | string;
}

export function expressionOf(text: string, environment: Environment, results?: readonly string[]): Expression {
  return { text, program: compileExpression(text, environment, results) };
}

/** The names of variables that the expressions refer to. */
export function namesUsed(expressions: Iterable<Expression>): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { program } of expressions) {
    if (typeof program === 'string') continue;
    for (const reference of program.checked.references) if (reference?.kind === 'ident') names.add(reference.name);
  }
  return names;
}

/** What the expressions of one evaluation may cost together. */
export class Budget {
  #remaining: number;

  constructor(limit: number) {
    this.#remaining = limit;
  }

  /** @throws OutOfBudget */
  spend(cost: number): void {
    if (cost > this.#remaining) throw new OutOfBudget();
    this.#remaining -= cost;
  }
}

export class OutOfBudget extends Error {
  override readonly name = 'OutOfBudget';
  constructor() {
    super('validation failed due to running out of cost budget, no further validation rules will be run');
  }
}

/** @throws OutOfBudget */
export function evaluate(
  { text, program }: Expression,
  globals: readonly (Value | undefined)[],
  budget: Budget,
  variables?: Variables,
): Value {
  if (typeof program === 'string') return new CelError(`compilation error: ${program}`);
  const { value, cost } = program.run(globals, perCallLimit);
  budget.spend(variables === undefined ? cost : cost + variables.takeCost());
  return value instanceof CelError ? new CelError(`expression '${text}' resulted in error: ${value.message}`) : value;
}

/** The value of `variables`: each is evaluated when it is first asked for, and then known. */
export class Variables extends MapValue {
  readonly #expressions: ReadonlyMap<string, Expression>;
  readonly #globals: (Value | undefined)[];
  readonly #values = new Map<string, Value>();
  #cost = 0;

  /** `globals` are those of the policy's environment but for the last, which this becomes. */
  constructor(expressions: ReadonlyMap<string, Expression>, globals: (Value | undefined)[]) {
    super();
    this.#expressions = expressions;
    this.#globals = globals;
    globals.push(this);
  }

  get size(): number {
    return this.#expressions.size;
  }

  keys(): Iterable<string> {
    return this.#expressions.keys();
  }

  get(key: Value): Value | undefined {
    if (typeof key !== 'string') return undefined;
    const expression = this.#expressions.get(key);
    if (expression === undefined) return undefined;
    let value = this.#values.get(key);
    if (value === undefined) {
      value = this.#evaluate(key, expression);
      this.#values.set(key, value);
    }
    return value;
  }

  /** What evaluations since the last call have cost. */
  takeCost(): number {
    const cost = this.#cost;
    this.#cost = 0;
    return cost;
  }

  #evaluate(name: string, { program }: Expression): Value {
    if (typeof program === 'string') {
      return new CelError(`composited variable ${JSON.stringify(name)} fails to compile: ${program}`);
    }
    const { value, cost } = program.run(this.#globals, perCallLimit);
    this.#cost += cost;
    if (!(value instanceof CelError)) return value;
    return new CelError(`composited variable ${JSON.stringify(name)} fails to evaluate: ${value.message}`);
  }
}
