/**
 * What all custom resources have in common besides their schema.
 * Source: apiextensions-apiserver `pkg/registry/customresource` (strategy, validator).
 */
import type { ResourceVersion, ScalePaths, Strategy } from '../apis/resource-type.ts';
import { type CompiledRules, compileRules } from '../cel/validation.ts';
import { type FieldError, type FieldErrorType, goQuote, invalid } from '../machinery/field.ts';
import type { JsonObject, JsonValue } from '../machinery/json.ts';
import { isQualifiedName } from '../machinery/names.ts';
import { type ApiObject, groupVersion } from '../machinery/object.ts';
import type { Schema } from '../machinery/schema.ts';
import { compileSchema } from '../schema/compile.ts';
import { goNumber, isNumber } from '../schema/number.ts';
import { type Lookup, lookup } from './simple-path.ts';

const maxReplicas = 2 ** 31 - 1;

/** A version, with the schema that its definition gives: rules see that one, not the whole object's. */
export interface RuledVersion {
  readonly version: ResourceVersion;
  readonly schema: Schema | undefined;
}

export function strategyOf(group: string, versions: readonly RuledVersion[]): Strategy {
  const byApiVersion = new Map(
    versions.map(({ version, schema }) => [groupVersion(group, version.name), checksOf(version, schema)]),
  );
  const check = (object: ApiObject, old: ApiObject | undefined, statusOnly: boolean): FieldError[] => {
    const checks = byApiVersion.get(object.apiVersion);
    if (checks === undefined) return [];
    const { scale } = checks;
    const errors = scale === undefined ? [] : validateScale(object, scale, statusOnly);
    return [...errors, ...checks.rules(object, old)];
  };
  return {
    generation: true,
    allowCreateOnUpdate: false,
    allowUnconditionalUpdate: false,
    prepareForCreate(draft) {
      const version = byApiVersion.get(draft.apiVersion)?.version;
      if (version?.status !== true || draft.status === undefined) return;
      // A new object has no status but what the schema says that a status is.
      delete draft.status;
      compileSchema(version.schema).applyDefaults(draft as unknown as JsonObject);
    },
    warnings: (object, old) => finalizerWarnings(object.metadata.finalizers, old?.metadata.finalizers),
    validate: (object) => check(object, undefined, false),
    validateUpdate: (object, old) => check(object, old, false),
    validateStatusUpdate: (object, old) => check(object, old, true),
  };
}

interface Checks {
  readonly version: ResourceVersion;
  readonly scale: ScalePaths | undefined;
  readonly rules: (object: ApiObject, old: ApiObject | undefined) => FieldError[];
}

function checksOf(version: ResourceVersion, schema: Schema | undefined): Checks {
  let compiled: { readonly rules: CompiledRules | undefined } | undefined;
  return {
    version,
    scale: version.scale,
    rules(object, old) {
      compiled ??= { rules: schema === undefined ? undefined : compileRules(schema) };
      return compiled.rules === undefined ? [] : validateRules(object, old, compiled.rules, version.schema);
    },
  };
}

const standardFinalizers = ['kubernetes', 'orphan', 'foregroundDeletion'];

/** Of finalizers that are new: names that others may choose too. */
function finalizerWarnings(now: readonly string[] = [], before: readonly string[] = []): string[] {
  const added = [...new Set(now)].filter((finalizer) => !before.includes(finalizer)).sort();
  return added.flatMap((finalizer) => {
    const problems = isQualifiedName(finalizer);
    if (!finalizer.includes('/') && !standardFinalizers.includes(finalizer)) {
      problems.push(
        'prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers',
      );
    }
    return problems.map((problem) => `metadata.finalizers: ${goQuote(finalizer)}: ${problem}`);
  });
}

/** Errors of these kinds leave rules without the values that they are about. */
const blocking: ReadonlySet<FieldErrorType> = new Set([
  'NotSupported',
  'Required',
  'TooLong',
  'TooMany',
  'TypeInvalid',
]);

function validateRules(
  object: ApiObject,
  old: ApiObject | undefined,
  rules: CompiledRules,
  schema: Schema,
): FieldError[] {
  const found = compileSchema(schema).validate(object as unknown as JsonObject, old as unknown as JsonObject);
  if (found.some(({ type }) => blocking.has(type))) {
    const why =
      'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
    return [invalid('<nil>', null, why)];
  }
  return rules.validate(object, old, undefined, { ratchet: true }).errors;
}

function validateScale(object: ApiObject, scale: ScalePaths, statusOnly: boolean): FieldError[] {
  const errors = statusOnly ? [] : validateReplicas(object, scale.specReplicasPath);
  errors.push(...validateReplicas(object, scale.statusReplicasPath));
  const { labelSelectorPath = '' } = scale;
  return labelSelectorPath === '' ? errors : [...errors, ...validateSelector(object, labelSelectorPath)];
}

function validateReplicas(object: ApiObject, path: string): FieldError[] {
  const result = lookup(object, path);
  if (!result.found) return blockedError(path, 0, result);
  const { value } = result;
  if (!isNumber(value) || goNumber(value) !== 'int64') return [accessorError(path, path, 0, value, 'int64')];
  if (value < 0) return [invalid(path, value, 'should be a non-negative integer')];
  return value > maxReplicas ? [invalid(path, value, `should be less than or equal to ${maxReplicas}`)] : [];
}

function validateSelector(object: ApiObject, path: string): FieldError[] {
  const result = lookup(object, path);
  if (!result.found) return blockedError(path, '', result);
  return typeof result.value === 'string' ? [] : [accessorError(path, path, '', result.value, 'string')];
}

function blockedError(path: string, zero: number | string, result: Lookup): FieldError[] {
  if (result.found || result.blocked === undefined) return [];
  return [accessorError(path, result.blocked, zero, result.value, 'map[string]interface{}')];
}

/** The words of apimachinery's `unstructured` accessors. `at` is where they stopped. */
function accessorError(
  path: string,
  at: string,
  zero: number | string,
  value: JsonValue,
  expected: string,
): FieldError {
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return invalid(path, zero, `${at} accessor error: ${text} is of the type ${goTypeOf(value)}, expected ${expected}`);
}

function goTypeOf(value: JsonValue): string {
  if (isNumber(value)) return goNumber(value);
  if (typeof value === 'boolean') return 'bool';
  if (value === null) return '<nil>';
  return typeof value === 'string' ? 'string' : Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
}
