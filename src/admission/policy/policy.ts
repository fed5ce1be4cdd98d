/**
 * Policies and bindings as they are evaluated: compiled when they come, once for each generation.
 * Source: `k8s.io/apiserver/pkg/admission/plugin/policy` (generic, validating, mutating).
 */
import { admissionEnvironment, type ExpressionScope } from '../../apis/admissionregistration/expressions.ts';
import { dynType, type Environment, type Type } from '../../cel/index.ts';
import type { ApiObject } from '../../machinery/object.ts';
import { type Expression, expressionOf, namesUsed } from '../expression.ts';
import { type MatchCriteria, Matcher } from '../matching.ts';

export interface ParamKind {
  readonly apiVersion?: string;
  readonly kind?: string;
}

export interface ParamRef {
  readonly name?: string;
  readonly namespace?: string;
  readonly selector?: { matchLabels?: Record<string, string> };
  readonly parameterNotFoundAction?: string;
}

/** What `spec` of both kinds of policies holds. */
export interface PolicySpec {
  readonly failurePolicy?: string;
  readonly paramKind?: ParamKind;
  readonly matchConstraints?: MatchCriteria;
  readonly matchConditions?: readonly { readonly name: string; readonly expression: string }[];
  readonly variables?: readonly { readonly name: string; readonly expression: string }[];
}

export interface Policy {
  readonly name: string;
  readonly failurePolicy: string;
  readonly paramKind: ParamKind | undefined;
  readonly matcher: Matcher;
  readonly matchConditions: readonly Expression[];
  readonly variables: ReadonlyMap<string, Expression> | undefined;
  /** The names that its expressions refer to. */
  readonly uses: ReadonlySet<string>;
}

export interface BindingSpec {
  readonly policyName?: string;
  readonly paramRef?: ParamRef;
  readonly matchResources?: MatchCriteria;
}

export interface Binding {
  readonly name: string;
  readonly policyName: string;
  readonly paramRef: ParamRef | undefined;
  readonly matcher: Matcher;
}

export function compileBinding({ metadata, spec }: ApiObject): Binding {
  const { policyName = '', paramRef, matchResources = {} } = (spec ?? {}) as BindingSpec;
  return { name: metadata.name!, policyName, paramRef, matcher: new Matcher(matchResources, true) };
}

/** The compiled frame of a policy, and the environment of what it frames. `rest` compiles that. */
export function compilePolicy<T>(
  { metadata, spec }: ApiObject,
  rest: (environment: (more: ExpressionScope) => Environment) => T & { readonly expressions: readonly Expression[] },
): Policy & T {
  const {
    failurePolicy = 'Fail',
    paramKind,
    matchConstraints = {},
    matchConditions = [],
    variables = [],
  } = (spec ?? {}) as PolicySpec;
  const params = paramKind !== undefined;
  const conditionEnvironment = admissionEnvironment({ params });
  const conditions = matchConditions.map(({ expression }) =>
    expressionOf(expression.trim(), conditionEnvironment, ['bool']),
  );
  const types = new Map<string, Type>();
  const compiled = new Map<string, Expression>();
  for (const { name, expression } of variables) {
    // What the variables before it are is known, what comes after it is not.
    const variable = expressionOf(expression, admissionEnvironment({ params, variables: new Map(types) }));
    compiled.set(name, variable);
    types.set(name, typeof variable.program === 'string' ? dynType : variable.program.type);
  }
  const composed = variables.length > 0 ? { variables: types } : {};
  const own = rest((more) => admissionEnvironment({ params, ...composed, ...more }));
  return {
    name: metadata.name!,
    failurePolicy,
    paramKind,
    matcher: new Matcher(matchConstraints, false),
    matchConditions: conditions,
    variables: variables.length > 0 ? compiled : undefined,
    uses: namesUsed([...conditions, ...compiled.values(), ...own.expressions]),
    ...own,
  };
}
