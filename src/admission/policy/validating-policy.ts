/**
 * One ValidatingAdmissionPolicy: its programs, and what they say of a request.
 * Source: `k8s.io/apiserver/pkg/admission/plugin/policy/validating` (validator.go).
 */
import { CelError, fromJson, runtimeCostBudget, type Value } from '../../cel/index.ts';
import type { ApiObject } from '../../machinery/object.ts';
import { Budget, type Expression, evaluate, expressionOf, OutOfBudget, Variables } from '../expression.ts';
import { conditionsHold } from '../match-conditions.ts';
import type { RequestView } from '../request-view.ts';
import { compilePolicy, type Policy } from './policy.ts';

interface Validation {
  readonly expression: Expression;
  readonly message: string;
  readonly messageExpression: Expression | undefined;
  readonly reason: string;
}

interface AuditAnnotation {
  readonly key: string;
  readonly value: Expression;
}

export interface ValidatingPolicy extends Policy {
  readonly validations: readonly Validation[];
  readonly auditAnnotations: readonly AuditAnnotation[];
}

/** A validation that failed, or could not be evaluated while the failurePolicy is Fail. */
export interface Denial {
  /** The position of the expression; 0 for what went wrong before. */
  readonly index: number;
  readonly message: string;
  /** Empty: Invalid. */
  readonly reason: string;
}

export interface Verdict {
  readonly denials: readonly Denial[];
  readonly annotations: readonly { readonly key: string; readonly value: string }[];
  /** What made annotations fail while the failurePolicy is Fail: such requests are denied whatever the binding says. */
  readonly annotationErrors: readonly string[];
}

interface Spec {
  readonly validations?: readonly {
    readonly expression: string;
    readonly message?: string;
    readonly messageExpression?: string;
    readonly reason?: string;
  }[];
  readonly auditAnnotations?: readonly { readonly key: string; readonly valueExpression: string }[];
}

export function compileValidatingPolicy(object: ApiObject): ValidatingPolicy {
  const { validations = [], auditAnnotations = [] } = (object.spec ?? {}) as Spec;
  return compilePolicy(object, (environmentOf) => {
    const environment = environmentOf({});
    const messages = environmentOf({ authorizer: false });
    const compiled = {
      validations: validations.map(({ expression, message = '', messageExpression = '', reason = 'Invalid' }) => ({
        expression: expressionOf(expression, environment, ['bool']),
        message: message.trim(),
        messageExpression:
          messageExpression.trim() === '' ? undefined : expressionOf(messageExpression, messages, ['string']),
        reason,
      })),
      auditAnnotations: auditAnnotations.map(({ key, valueExpression }) => ({
        key,
        value: expressionOf(valueExpression.trim(), environment, ['string', 'null_type']),
      })),
    };
    const expressions = [
      ...compiled.validations.flatMap(({ expression, messageExpression }) => [expression, messageExpression ?? []]),
      ...compiled.auditAnnotations.map(({ value }) => value),
    ].flat();
    return { ...compiled, expressions };
  });
}

const nothing: readonly never[] = [];
const admitted: Verdict = { denials: nothing, annotations: nothing, annotationErrors: nothing };
const maxMessageBytes = 5 * 1024;

/** What the policy says with one parameter object; null: without one. */
export function judge(policy: ValidatingPolicy, view: RequestView, param: ApiObject | null): Verdict {
  const params = policy.paramKind === undefined ? undefined : param === null ? null : fromJson(param);
  const globals = view.globals(params, true, policy.uses);
  if (policy.matchConditions.length > 0) {
    const hold = conditionsHold(policy.matchConditions, globals, policy.failurePolicy);
    if (typeof hold === 'string') return failed(policy, hold);
    if (!hold) return admitted;
  }
  const variables = policy.variables === undefined ? undefined : new Variables(policy.variables, globals);
  try {
    const budget = new Budget(runtimeCostBudget);
    let denials: Denial[] | undefined;
    for (let index = 0; index < policy.validations.length; index++) {
      const validation = policy.validations[index]!;
      const value = evaluate(validation.expression, globals, budget, variables);
      if (value === true) continue;
      if (value instanceof CelError) {
        if (policy.failurePolicy === 'Ignore') continue;
        denials ??= [];
        denials.push({ index, message: value.message, reason: '' });
        continue;
      }
      const message = messageOf(validation, () => messageGlobals(policy, view, params, variables), budget, variables);
      denials ??= [];
      denials.push({ index, message, reason: validation.reason });
    }
    if (policy.auditAnnotations.length === 0) return denials === undefined ? admitted : { ...admitted, denials };
    return { denials: denials ?? nothing, ...annotate(policy, globals, variables) };
  } catch (error) {
    if (error instanceof OutOfBudget) return failed(policy, error.message);
    throw error;
  }
}

function failed({ failurePolicy }: ValidatingPolicy, message: string): Verdict {
  return failurePolicy === 'Ignore' ? admitted : { ...admitted, denials: [{ index: 0, message, reason: '' }] };
}

/** Messages cannot ask for authorization, so that they see fewer variables. */
function messageGlobals(
  policy: ValidatingPolicy,
  view: RequestView,
  params: Value | undefined,
  variables: Variables | undefined,
): (Value | undefined)[] {
  const globals = view.globals(params, false, policy.uses);
  if (variables !== undefined) globals.push(variables);
  return globals;
}

function messageOf(
  { expression, message, messageExpression }: Validation,
  globals: () => readonly (Value | undefined)[],
  budget: Budget,
  variables: Variables | undefined,
): string {
  if (messageExpression !== undefined) {
    const value = evaluate(messageExpression, globals(), budget, variables);
    const text = typeof value === 'string' ? value.trim() : '';
    if (text !== '' && Buffer.byteLength(text) <= maxMessageBytes && !text.includes('\n')) return text;
  }
  return message === '' ? `failed expression: ${expression.text.trim()}` : message;
}

function annotate(
  policy: ValidatingPolicy,
  globals: readonly (Value | undefined)[],
  variables: Variables | undefined,
): Pick<Verdict, 'annotations' | 'annotationErrors'> {
  const budget = new Budget(runtimeCostBudget);
  const annotations: { key: string; value: string }[] = [];
  const annotationErrors: string[] = [];
  for (const { key, value: expression } of policy.auditAnnotations) {
    const value = evaluate(expression, globals, budget, variables);
    if (value instanceof CelError) {
      if (policy.failurePolicy !== 'Ignore') annotationErrors.push(value.message);
    } else if (typeof value === 'string' && value.trim() !== '') annotations.push({ key, value: value.trim() });
  }
  return { annotations, annotationErrors };
}
