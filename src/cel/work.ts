/**
 * The work of evaluations: what bounds their time where costs do not.
 *
 * Kubernetes' costs decide which objects are too expensive to validate, and are part of the API. But some of what an
 * expression does costs nothing or next to nothing: a list that is doubled, a text that is replaced by a longer one, a
 * loop whose condition is a constant. Everything that is gone through or made is therefore counted a second time, in
 * units of about ten nanoseconds, at worst. Work depends on the expression and its variables, never on time, so that an object is
 * refused everywhere or nowhere (but for patterns that an expression puts together, which take less when they are
 * compiled already); rules that keep to their costs stay far below what they may.
 */

/**
 * The work that pays for one unit of cost. Kubernetes chose its limits for 0.1 s for an expression and one second for
 * an object (`apiserver/pkg/apis/cel/config.go`); with this factor they hold, and leave some
 * for code that is run for the first time.
 */
export const workPerCost = 7;

/** What is thrown when an evaluation costs more, or takes more work, than it may. */
export class CostLimitExceeded extends Error {
  override readonly name = 'CostLimitExceeded';
  constructor() {
    super('operation cancelled: actual cost limit exceeded');
  }
}

/**
 * The work of an evaluation that costs are no limit to. It fits into 31 bits: small integers make this counter cheap,
 * and all work is counted in whole units.
 */
const mostWork = 2 ** 30;

/** What is left where nothing is evaluated. */
const idle = -1;

/** Evaluations are synchronous: the one that runs has this meter, whichever function of whichever library works for it. */
const meter = { left: idle };

/**
 * Counts work, in whole units; to be called before it is done. Outside of evaluations nothing is counted.
 * @throws {CostLimitExceeded} when it is more than is left.
 */
export function work(units: number): void {
  if (units > meter.left) exhausted();
  else meter.left -= units;
}

function exhausted(): void {
  if (meter.left === idle) return;
  meter.left = 0;
  throw new CostLimitExceeded();
}

/** The work that even the smallest cost pays for: calls take some that cost one. */
const leastWork = 1_000_000;

/** The work that a cost pays for. */
export function workOf(cost: number): number {
  // As an integer: that is what the counter is.
  return Math.min(Math.max(cost * workPerCost, leastWork), mostWork) | 0;
}

/** Starts to count for an evaluation; gives what was left to the one around it, for {@link endWork}. */
export function startWork(limit: number): number {
  const outer = meter.left;
  meter.left = limit;
  return outer;
}

/** Ends what {@link startWork} began; gives what is left. */
export function endWork(outer: number): number {
  const { left } = meter;
  meter.left = outer;
  return left;
}

/** Copies of elements, and walks over them. */
export const elementWork = 2;
/** Two values that are asked whether they are equal. */
export const comparisonWork = 4;
/** Lists of new texts: each has a header of its own. */
export const textElementWork = 8;
/** A round of a loop. */
export const roundWork = 4;
/** An entry of a map that is made, or whose keys are listed. */
export const entryWork = 16;

/** Texts and bytes are copied and compared several characters at a time. */
export function textWork(length: number): number {
  return length >> 2;
}
