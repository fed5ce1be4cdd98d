/**
 * One MutatingAdmissionPolicy: its programs, and what they make of an object.
 * Source: `k8s.io/apiserver/pkg/admission/plugin/policy/mutating`.
 */
import {
  CelError,
  fromJson,
  ListValue,
  MapValue,
  misnamedObjects,
  runtimeCostBudget,
  toJson,
  type Value,
} from '../../cel/index.ts';
import { cloneJson, type JsonObject, type JsonValue } from '../../machinery/json.ts';
import { applyJsonPatch, JsonPatchError } from '../../machinery/json-patch.ts';
import type { ApiObject } from '../../machinery/object.ts';
import type { Schema } from '../../machinery/schema.ts';
import { serviceUnavailable } from '../../machinery/status.ts';
import { Budget, type Expression, evaluate, expressionOf, OutOfBudget, Variables } from '../expression.ts';
import { conditionsHold } from '../match-conditions.ts';
import type { RequestView } from '../request-view.ts';
import { applyConfigured } from './apply-configuration.ts';
import { MutationError } from './mutation-error.ts';
import { compilePolicy, type Policy } from './policy.ts';

interface Mutation {
  readonly patchType: 'ApplyConfiguration' | 'JSONPatch';
  readonly expression: Expression;
}

export interface MutatingPolicy extends Policy {
  readonly mutations: readonly Mutation[];
  /** Whether it runs again when somebody behind it changed the object. */
  readonly reinvocable: boolean;
}

interface Spec {
  readonly mutations?: readonly {
    readonly patchType: string;
    readonly applyConfiguration?: { readonly expression?: string };
    readonly jsonPatch?: { readonly expression?: string };
  }[];
  readonly reinvocationPolicy?: string;
}

export function compileMutatingPolicy(object: ApiObject): MutatingPolicy {
  const { mutations = [], reinvocationPolicy } = (object.spec ?? {}) as Spec;
  return compilePolicy(object, (environmentOf) => {
    const environment = environmentOf({ patchTypes: true });
    const compiled = mutations.map(({ patchType, applyConfiguration, jsonPatch }): Mutation => {
      const configured = patchType === 'ApplyConfiguration';
      const text = (configured ? applyConfiguration : jsonPatch)?.expression?.trim() ?? '';
      const expression = expressionOf(text, environment, [configured ? 'Object' : 'list(JSONPatch)']);
      return { patchType: configured ? 'ApplyConfiguration' : 'JSONPatch', expression };
    });
    return {
      mutations: compiled,
      reinvocable: reinvocationPolicy === 'IfNeeded',
      expressions: compiled.map(({ expression }) => expression),
    };
  });
}

/** Whether the policy's conditions hold; a text says why that is not known. */
export function applies(policy: MutatingPolicy, view: RequestView, param: ApiObject | null): boolean | string {
  if (policy.matchConditions.length === 0) return true;
  const globals = view.globals(paramsOf(policy, param), true, policy.uses);
  return conditionsHold(policy.matchConditions, globals, policy.failurePolicy);
}

/**
 * What one mutation makes of the view's object; the object itself when it changes nothing.
 * @throws MutationError
 */
export function mutated(
  policy: MutatingPolicy,
  { patchType, expression }: Mutation,
  view: RequestView,
  param: ApiObject | null,
  schema: Schema | undefined,
): ApiObject {
  const object = view.object!;
  if (schema === undefined) {
    const { apiVersion, kind } = object;
    throw serviceUnavailable(
      `Resource kind ${apiVersion}, Kind=${kind} not found. There can be a delay between when CustomResourceDefinitions are created and when they are available.`,
    );
  }
  if (typeof expression.program === 'string') throw new MutationError(expression.program);
  const globals = view.globals(paramsOf(policy, param), true, policy.uses);
  const variables = policy.variables === undefined ? undefined : new Variables(policy.variables, globals);
  const value = evaluated(expression, globals, variables);
  return patchType === 'JSONPatch' ? jsonPatched(value, object) : applyConfigured(value, object, schema);
}

function paramsOf({ paramKind }: MutatingPolicy, param: ApiObject | null): Value | undefined {
  if (paramKind === undefined) return undefined;
  return param === null ? null : fromJson(param);
}

function evaluated(
  expression: Expression,
  globals: readonly (Value | undefined)[],
  variables: Variables | undefined,
): Value {
  let value: Value;
  try {
    value = evaluate(expression, globals, new Budget(runtimeCostBudget), variables);
  } catch (error) {
    if (error instanceof OutOfBudget) throw new MutationError(error.message);
    throw error;
  }
  if (value instanceof CelError) throw new MutationError(value.message);
  return value;
}

function jsonPatched(value: Value, object: ApiObject): ApiObject {
  if (!(value instanceof ListValue)) {
    throw new MutationError('type mismatch: JSONPatchType.expression should evaluate to array');
  }
  const operations = [...value].map(operationOf);
  try {
    return applyJsonPatch(object as unknown as JsonValue, operations) as unknown as ApiObject;
  } catch (error) {
    if (!(error instanceof JsonPatchError)) throw error;
    // A test that fails is how a patch says that it has nothing to do.
    if (error.message.endsWith('test failed')) return object;
    throw new MutationError(`JSONPath: ${error.message}`);
  }
}

function operationOf(patch: Value): JsonObject {
  if (!(patch instanceof MapValue)) {
    throw new MutationError('type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch');
  }
  const text = (field: string): string => (patch.get(field) as string | undefined) ?? '';
  const operation: JsonObject = { op: text('op'), path: text('path') };
  if (text('from') !== '') operation.from = text('from');
  const value = patch.get('value');
  if (value === undefined) return operation;
  const misnamed = misnamedValues(value);
  if (misnamed.length > 0) throw new MutationError(`type mismatch: ${misnamed.join('\n')}`);
  const json = toJson(value);
  if (json instanceof CelError) {
    const why = `JSONPath valueExpression evaluated to a type that could not marshal to JSON: ${json.message}`;
    throw new MutationError(why);
  }
  operation.value = cloneJson(json as JsonValue);
  return operation;
}

function misnamedValues(value: Value): string[] {
  return value instanceof MapValue && value.typeName !== 'map' ? misnamedObjects(value) : [];
}
