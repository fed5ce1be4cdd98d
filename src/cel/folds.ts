/**
 * Comprehensions. The folds that macros make are recognised and run as loops; they cost what cel-go's general fold
 * costs: the condition and the step for each element, then the result.
 */
import type { Call, Comprehension, Expr } from './ast.ts';
import { typeName } from './equality.ts';
import type { Evaluate, ExprPlanner, Frame } from './frame.ts';
import { accumulator } from './macros.ts';
import { listCreationCost } from './runtime-cost.ts';
import { CelError, ListValue, MapValue, noSuchOverload, type Value } from './values.ts';
import { CostLimitExceeded, roundWork, work } from './work.ts';

export function planFold(planner: ExprPlanner, expr: Comprehension): Evaluate {
  if (isBind(expr)) return planBind(planner, expr);
  const range = planner.plan(expr.iterRange);
  const init = planner.plan(expr.accuInit);
  const result = planner.enter(expr.accuVar).slot;
  const first = planner.enter(expr.iterVar).slot;
  const second = expr.iterVar2 === '' ? -1 : planner.enter(expr.iterVar2).slot;
  const loop = { range, first, second, roundWork };
  const before = planner.freeSteps;
  const fold = planLoop(planner, expr, loop, result, init);
  planner.leave(1);
  loop.roundWork += planner.freeSteps - before;
  return fold;
}

/** The loop of one of the macros, or else the fold as it is written. Takes the iteration variables out of scope. */
function planLoop(planner: ExprPlanner, expr: Comprehension, loop: Loop, slot: number, init: Evaluate): Evaluate {
  const done = <T>(value: T): T => {
    planner.leave(loop.second < 0 ? 1 : 2);
    return value;
  };
  const quantified = quantifier(expr);
  if (quantified !== undefined) {
    const [decisive, predicate] = quantified;
    return done(quantify(loop, planner.plan(predicate), decisive, slot));
  }
  const one = counted(expr);
  if (one !== undefined) return done(countOne(loop, planner.plan(one), slot));
  const collected = collection(expr);
  if (collected !== undefined) {
    const [predicate, element] = collected;
    // A list of one constant element is a constant itself, and free.
    const cost = 2 + (planner.constant(element) === undefined ? listCreationCost : 0);
    return done(collect(loop, predicate && planner.plan(predicate), planner.plan(element), cost, slot));
  }
  const condition = planner.plan(expr.loopCondition);
  const step = done(planner.plan(expr.loopStep));
  return general(loop, slot, init, condition, step, planner.plan(expr.result));
}

/** `cel.bind` and `optMap`: a fold over nothing, whose accumulator is computed when it is first asked for. */
function isBind(expr: Comprehension): boolean {
  const { iterRange, loopCondition, accuVar } = expr;
  const overNothing = iterRange.kind === 'list' && iterRange.elements.length === 0;
  return overNothing && loopCondition.kind === 'literal' && loopCondition.value === false && accuVar !== accumulator;
}

function planBind(planner: ExprPlanner, expr: Comprehension): Evaluate {
  const init = planner.plan(expr.accuInit);
  const { slot } = planner.enter(expr.accuVar, init);
  const result = planner.plan(expr.result);
  planner.leave(1);
  return (frame) => {
    frame.locals[slot] = undefined;
    return result(frame);
  };
}

interface Loop {
  readonly range: Evaluate;
  /** The slot of the element, or of the index or key when there are two variables. */
  readonly first: number;
  /** The slot of the value; -1 when there is one variable. */
  readonly second: number;
  /** The work of a round besides what it costs. */
  readonly roundWork: number;
}

/** What a round of a loop says: whether to go on. */
type Round = (frame: Frame) => boolean;

/** Runs `round` for every element until it says to stop; an error when the range cannot be iterated. */
function iterate(loop: Loop, frame: Frame, round: Round): CelError | undefined {
  const range = loop.range(frame);
  if (range instanceof ListValue) return overList(loop, frame, range, round);
  if (range instanceof MapValue) return overMap(loop, frame, range, round);
  if (range instanceof CelError) return range;
  return new CelError(`got '${typeName(range)}', expected iterable type`);
}

function overList(loop: Loop, frame: Frame, { items, read }: ListValue, round: Round): undefined {
  const { first, second } = loop;
  const { locals } = frame;
  const slot = second < 0 ? first : second;
  for (let i = 0; i < items.length; i++) {
    if (second >= 0) locals[first] = i;
    locals[slot] = read === undefined ? (items[i] as Value) : read(items[i]);
    if (!round(frame)) return;
    if (i % roundsBetweenChecks === roundsBetweenChecks - 1) check(loop, frame, roundsBetweenChecks);
  }
  check(loop, frame, items.length % roundsBetweenChecks);
}

function overMap(loop: Loop, frame: Frame, map: MapValue, round: Round): undefined {
  const { first, second } = loop;
  const { locals } = frame;
  for (const key of map.keys()) {
    locals[first] = key;
    if (second >= 0) locals[second] = map.get(key);
    if (!round(frame)) return;
    check(loop, frame, 1);
  }
}

/** Rounds are cheap: not each of them asks whether it is one too many. */
const roundsBetweenChecks = 16;

function check(loop: Loop, frame: Frame, rounds: number): void {
  if (frame.cost > frame.limit) throw new CostLimitExceeded();
  work(loop.roundWork * rounds);
}

function general(
  loop: Loop,
  slot: number,
  init: Evaluate,
  condition: Evaluate,
  step: Evaluate,
  result: Evaluate,
): Evaluate {
  const round: Round = (frame) => {
    if (condition(frame) === false) return false;
    frame.locals[slot] = step(frame);
    return true;
  };
  return (frame) => {
    frame.locals[slot] = init(frame);
    return iterate(loop, frame, round) ?? result(frame);
  };
}

// `all` and `exists`.

/** The value that decides (`all` by false, `exists` by true) and the predicate of a fold that a quantifier made. */
function quantifier(expr: Comprehension): [decisive: boolean, predicate: Expr] | undefined {
  const { accuInit: init, loopCondition, loopStep: step } = expr;
  if (init.kind !== 'literal' || typeof init.value !== 'boolean' || !isCall(loopCondition, '@not_strictly_false')) {
    return undefined;
  }
  const name = init.value ? '_&&_' : '_||_';
  if (!isCall(step, name) || !isIdent(step.args[0], expr.accuVar) || !isIdent(expr.result, expr.accuVar))
    return undefined;
  const tested = init.value ? loopCondition.args[0] : notOf(loopCondition.args[0]);
  return isIdent(tested, expr.accuVar) ? [!init.value, step.args[1] as Expr] : undefined;
}

function notOf(expr: Expr | undefined): Expr | undefined {
  return expr !== undefined && isCall(expr, '!_') ? expr.args[0] : undefined;
}

function quantify(loop: Loop, predicate: Evaluate, decisive: boolean, slot: number): Evaluate {
  const conditionCost = decisive ? 3 : 2;
  const round: Round = (frame) => {
    frame.cost += conditionCost;
    const { locals } = frame;
    if (locals[slot] === decisive) return false;
    frame.cost++;
    const value = predicate(frame);
    if (value === decisive) locals[slot] = decisive;
    else if (value !== !decisive && locals[slot] === !decisive) {
      locals[slot] = value instanceof CelError ? value : noSuchOverload;
    }
    return true;
  };
  return (frame) => {
    frame.locals[slot] = !decisive;
    const failed = iterate(loop, frame, round);
    if (failed !== undefined) return failed;
    frame.cost++;
    return frame.locals[slot] as Value;
  };
}

// `exists_one`.

/** The predicate of a fold that counts, and asks whether there was one. */
function counted(expr: Comprehension): Expr | undefined {
  const { accuInit: init, loopCondition, loopStep: step, result, accuVar } = expr;
  if (init.kind !== 'literal' || init.value !== 0 || loopCondition.kind !== 'literal' || loopCondition.value !== true) {
    return undefined;
  }
  if (!isCall(step, '_?_:_') || !isIdent(step.args[2], accuVar) || !isCall(result, '_==_')) return undefined;
  const added = step.args[1] as Expr;
  const isSum = isCall(added, '_+_') && isIdent(added.args[0], accuVar) && isOne(added.args[1]);
  return isSum && isIdent(result.args[0], accuVar) && isOne(result.args[1]) ? step.args[0] : undefined;
}

function isOne(expr: Expr | undefined): boolean {
  return expr?.kind === 'literal' && expr.value === 1;
}

function countOne(loop: Loop, predicate: Evaluate, slot: number): Evaluate {
  const round: Round = (frame) => {
    const { locals } = frame;
    const value = predicate(frame);
    if (value === true) {
      const count = locals[slot];
      frame.cost += typeof count === 'number' ? 2 : 1;
      if (typeof count === 'number') locals[slot] = count + 1;
    } else if (value !== false) locals[slot] = value instanceof CelError ? value : noSuchOverload;
    return true;
  };
  return (frame) => {
    frame.locals[slot] = 0;
    const failed = iterate(loop, frame, round);
    if (failed !== undefined) return failed;
    const count = frame.locals[slot] as Value;
    frame.cost += typeof count === 'number' ? 2 : 1;
    return typeof count === 'number' ? count === 1 : count;
  };
}

// `map` and `filter`.

/** The predicate, if any, and the element of a fold that appends to a list. */
function collection(expr: Comprehension): [predicate: Expr | undefined, element: Expr] | undefined {
  const { accuInit: init, loopCondition, loopStep: step } = expr;
  if (init.kind !== 'list' || init.elements.length > 0 || !isIdent(expr.result, expr.accuVar)) return undefined;
  if (loopCondition.kind !== 'literal' || loopCondition.value !== true) return undefined;
  const direct = appended(step, expr.accuVar);
  if (direct !== undefined) return [undefined, direct];
  if (!isCall(step, '_?_:_') || !isIdent(step.args[2], expr.accuVar)) return undefined;
  const element = appended(step.args[1] as Expr, expr.accuVar);
  return element === undefined ? undefined : [step.args[0], element];
}

/** `element` of `accumulator + [element]`. */
function appended(expr: Expr, name: string): Expr | undefined {
  if (!isCall(expr, '_+_') || !isIdent(expr.args[0], name)) return undefined;
  const list = expr.args[1];
  if (list?.kind !== 'list' || list.elements.length !== 1 || list.optionals.length > 0) return undefined;
  return list.elements[0];
}

function collect(loop: Loop, predicate: Evaluate | undefined, element: Evaluate, cost: number, slot: number): Evaluate {
  const round: Round = (frame) => {
    const { locals } = frame;
    const kept = predicate === undefined ? true : predicate(frame);
    if (kept === false) return true;
    // What cannot be decided replaces the list; elements are not appended to an error.
    if (kept !== true) locals[slot] = kept instanceof CelError ? kept : noSuchOverload;
    else if (locals[slot] instanceof CelError) frame.cost++;
    else {
      const value = element(frame);
      frame.cost += cost;
      if (value instanceof CelError) locals[slot] = value;
      else ((locals[slot] as ListValue).items as Value[]).push(value);
    }
    return true;
  };
  return (frame) => {
    frame.locals[slot] = new ListValue([]);
    const failed = iterate(loop, frame, round);
    if (failed !== undefined) return failed;
    frame.cost++;
    return frame.locals[slot] as Value;
  };
}

function isCall(expr: Expr, name: string): expr is Call {
  return expr.kind === 'call' && expr.function === name && expr.target === undefined;
}

function isIdent(expr: Expr | undefined, name: string): boolean {
  return expr?.kind === 'ident' && expr.name === name;
}
