/**
 * Comprehensions. The folds that macros make are recognised and run as loops; they cost what cel-go's general fold
 * costs: the condition and the step for each element, then the result.
 */
import type { Call, Comprehension, Expr } from './ast.ts';
import { typeName } from './equality.ts';
import type { Evaluate, ExprPlanner, Frame } from './frame.ts';
import { accumulator } from './macros.ts';
import { CostLimitExceeded, listCreationCost } from './runtime-cost.ts';
import { CelError, ListValue, MapValue, type Value } from './values.ts';

export function planFold(planner: ExprPlanner, expr: Comprehension): Evaluate {
  if (isBind(expr)) return planBind(planner, expr);
  const range = planner.plan(expr.iterRange);
  const init = planner.plan(expr.accuInit);
  const result = planner.enter(expr.accuVar).slot;
  const first = planner.enter(expr.iterVar).slot;
  const second = expr.iterVar2 === '' ? -1 : planner.enter(expr.iterVar2).slot;
  const loop: Loop = { range, first, second };
  const quantified = quantifier(expr);
  const collected = quantified === undefined ? collection(expr) : undefined;
  let fold: Evaluate;
  if (quantified !== undefined) {
    const [decisive, predicate] = quantified;
    fold = quantify(loop, planner.plan(predicate), decisive);
    planner.leave(second < 0 ? 1 : 2);
  } else if (collected !== undefined) {
    const [predicate, element] = collected;
    // A list of one constant element is a constant itself, and free.
    const cost = 2 + (planner.constant(element) === undefined ? listCreationCost : 0);
    fold = collect(loop, predicate && planner.plan(predicate), planner.plan(element), cost);
    planner.leave(second < 0 ? 1 : 2);
  } else {
    const condition = planner.plan(expr.loopCondition);
    const step = planner.plan(expr.loopStep);
    planner.leave(second < 0 ? 1 : 2);
    fold = general(loop, result, init, condition, step, planner.plan(expr.result));
  }
  planner.leave(1);
  return fold;
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
}

/** Calls `body` for every element until it answers false; an error when the range cannot be iterated. */
function iterate(loop: Loop, frame: Frame, body: () => boolean): CelError | undefined {
  const range = loop.range(frame);
  const { locals } = frame;
  if (range instanceof ListValue) {
    for (let i = 0; i < range.length; i++) {
      if (loop.second < 0) locals[loop.first] = range.at(i);
      else {
        locals[loop.first] = i;
        locals[loop.second] = range.at(i);
      }
      if (!body()) return undefined;
      if (frame.cost > frame.limit) throw new CostLimitExceeded();
    }
    return undefined;
  }
  if (range instanceof MapValue) {
    for (const key of range.keys()) {
      locals[loop.first] = key;
      if (loop.second >= 0) locals[loop.second] = range.get(key);
      if (!body()) return undefined;
      if (frame.cost > frame.limit) throw new CostLimitExceeded();
    }
    return undefined;
  }
  if (range instanceof CelError) return range;
  return new CelError(`got '${typeName(range)}', expected iterable type`);
}

function general(
  loop: Loop,
  slot: number,
  init: Evaluate,
  condition: Evaluate,
  step: Evaluate,
  result: Evaluate,
): Evaluate {
  return (frame) => {
    frame.locals[slot] = init(frame);
    const failed = iterate(loop, frame, () => {
      if (condition(frame) === false) return false;
      frame.locals[slot] = step(frame);
      return true;
    });
    return failed ?? result(frame);
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

function quantify(loop: Loop, predicate: Evaluate, decisive: boolean): Evaluate {
  const conditionCost = decisive ? 3 : 2;
  const noSuchOverload = new CelError('no such overload');
  return (frame) => {
    let result: Value = !decisive;
    const failed = iterate(loop, frame, () => {
      frame.cost += conditionCost;
      if (result === decisive) return false;
      frame.cost++;
      const value = predicate(frame);
      if (value === decisive) result = decisive;
      else if (value !== !decisive && result === !decisive) result = value instanceof CelError ? value : noSuchOverload;
      return true;
    });
    if (failed !== undefined) return failed;
    frame.cost++;
    return result;
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

function collect(loop: Loop, predicate: Evaluate | undefined, element: Evaluate, cost: number): Evaluate {
  const noSuchOverload = new CelError('no such overload');
  return (frame) => {
    const items: Value[] = [];
    let error: CelError | undefined;
    const failed = iterate(loop, frame, () => {
      const kept = predicate === undefined ? true : predicate(frame);
      // What cannot be decided replaces the accumulator; elements are not appended to an error.
      if (kept instanceof CelError) error = kept;
      else if (kept === true) {
        if (error !== undefined) {
          frame.cost++;
          return true;
        }
        const value = element(frame);
        frame.cost += cost;
        if (value instanceof CelError) error = value;
        else items.push(value);
      } else if (kept !== false) error = noSuchOverload;
      return true;
    });
    if (failed !== undefined) return failed;
    frame.cost++;
    return error ?? new ListValue(items);
  };
}

function isCall(expr: Expr, name: string): expr is Call {
  return expr.kind === 'call' && expr.function === name && expr.target === undefined;
}

function isIdent(expr: Expr | undefined, name: string): boolean {
  return expr?.kind === 'ident' && expr.name === name;
}
