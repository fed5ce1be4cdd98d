/**
 * What all custom resources have in common besides their schema.
 * Source: apiextensions-apiserver `pkg/registry/customresource` (strategy, validator).
 */
import type { ResourceVersion, ScalePaths, Strategy } from '../apis/resource-type.ts';
import { type FieldError, invalid } from '../machinery/field.ts';
import type { JsonValue } from '../machinery/json.ts';
import { type ApiObject, groupVersion } from '../machinery/object.ts';
import { goNumber, isNumber } from '../schema/number.ts';
import { type Lookup, lookup } from './simple-path.ts';

const maxReplicas = 2 ** 31 - 1;

export function strategyOf(group: string, versions: readonly ResourceVersion[]): Strategy {
  const scaleOf = (object: ApiObject): ScalePaths | undefined =>
    versions.find(({ name }) => groupVersion(group, name) === object.apiVersion)?.scale;
  const validateSpec = (object: ApiObject): FieldError[] => {
    const scale = scaleOf(object);
    return scale === undefined ? [] : validateReplicas(object, scale.specReplicasPath);
  };
  const validateStatus = (object: ApiObject): FieldError[] => {
    const scale = scaleOf(object);
    if (scale === undefined) return [];
    const errors = validateReplicas(object, scale.statusReplicasPath);
    return scale.labelSelectorPath === undefined || scale.labelSelectorPath === ''
      ? errors
      : [...errors, ...validateSelector(object, scale.labelSelectorPath)];
  };
  const validateAll = (object: ApiObject): FieldError[] => [...validateSpec(object), ...validateStatus(object)];
  return {
    generation: true,
    allowCreateOnUpdate: false,
    allowUnconditionalUpdate: false,
    validate: validateAll,
    validateUpdate: validateAll,
    validateStatusUpdate: validateStatus,
  };
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
