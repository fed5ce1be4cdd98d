/** Whether the matchConditions of a webhook or policy hold. Source: `k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions`. */
import { CelError, type Value } from '../cel/index.ts';
import { Budget, type Expression, evaluate, OutOfBudget } from './expression.ts';

const costBudget = 2_500_000;

/**
 * A text says why it is not known whether they hold, which then decides the request: with failurePolicy Ignore they do not.
 * One that does not hold counts for more than those that fail.
 */
export function conditionsHold(
  conditions: readonly Expression[],
  globals: readonly (Value | undefined)[],
  failurePolicy: string,
): boolean | string {
  const budget = new Budget(costBudget);
  const errors: string[] = [];
  for (const condition of conditions) {
    let value: Value;
    try {
      value = evaluate(condition, globals, budget);
    } catch (error) {
      if (!(error instanceof OutOfBudget)) throw error;
      return failurePolicy === 'Ignore' ? false : error.message;
    }
    if (value === false) return false;
    if (value instanceof CelError) errors.push(value.message);
  }
  if (errors.length === 0) return true;
  if (failurePolicy === 'Ignore') return false;
  return errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]`;
}
