/** What planned expressions are made of: closures over the state of an evaluation. */
import type { Expr } from './ast.ts';
import type { Value } from './values.ts';
import { CostLimitExceeded } from './work.ts';

/** The state of one evaluation. */
export class Frame {
  cost = 0;
  readonly limit: number;
  /** Variables, in the order of the environment. */
  readonly globals: readonly (Value | undefined)[];
  /** What comprehensions bind; undefined where nothing is bound yet. */
  readonly locals: (Value | undefined)[];

  constructor(globals: readonly (Value | undefined)[], locals: number, limit: number) {
    this.globals = globals;
    this.limit = limit;
    this.locals = locals === 0 ? noLocals : new Array(locals);
  }

  /** Adds to the cost; stops the evaluation when that is too much. */
  charge(cost: number): void {
    this.cost += cost;
    if (this.cost > this.limit) throw new CostLimitExceeded();
  }
}

const noLocals: (Value | undefined)[] = [];

export type Evaluate = (frame: Frame) => Value;

/** A name that a comprehension binds: where it is, and how to compute it when it is computed on first use. */
export interface Local {
  readonly name: string;
  readonly slot: number;
  readonly init?: Evaluate;
}

/** What the plans of comprehensions need of the planner. */
export interface ExprPlanner {
  plan(expr: Expr): Evaluate;
  /** How many operators have been planned that cost nothing. */
  readonly freeSteps: number;
  /** The value of an expression that needs no evaluation; undefined for others. */
  constant(expr: Expr): Value | undefined;
  /** Brings a name into scope. */
  enter(name: string, init?: Evaluate): Local;
  /** Takes the names that came last out of scope. */
  leave(count: number): void;
}
