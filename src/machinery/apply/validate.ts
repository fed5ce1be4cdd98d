/**
 * Whether a value fits its type. Source: `sigs.k8s.io/structured-merge-diff/typed/validate.go`; the words are those that
 * the API server shows when a configuration cannot be applied.
 */
import { isJsonObject, type JsonArray, type JsonObject, type JsonValue } from '../json.ts';
import { elementText, fieldElement, indexElement, type PathElement } from './path-element.ts';
import type { ListType, MapType, Scalar, Type } from './type.ts';
import { ElementError, elementOf, fieldTypeOf, formOf } from './typed.ts';

export interface TypeErrorAt {
  /** As messages show it: `.spec.containers[name="app"].image`; empty for the value itself. */
  readonly path: string;
  readonly message: string;
}

export interface ValidateOptions {
  /** Whether a list may hold several elements with the same keys; true for objects that are already stored. */
  allowDuplicates?: boolean;
}

export function validate(value: JsonValue, type: Type, options: ValidateOptions = {}): TypeErrorAt[] {
  const errors: TypeErrorAt[] = [];
  validateAt(value, type, '', options.allowDuplicates === true, errors);
  return errors;
}

/** The errors in one text. */
export function typeErrorText(errors: readonly TypeErrorAt[]): string {
  const texts = errors.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  return texts.length === 1 ? (texts[0] as string) : ['errors:', ...texts.map((text) => `  ${text}`)].join('\n');
}

function validateAt(value: JsonValue, type: Type, path: string, duplicates: boolean, errors: TypeErrorAt[]): void {
  const error = (message: string): void => void errors.push({ path, message });
  switch (formOf(type, value)) {
    case 'scalar': {
      const message = scalarError(value, type.scalar as Scalar);
      if (message !== undefined) error(message);
      return;
    }
    case 'map':
      if (isJsonObject(value)) validateMap(value, type.map as MapType, path, duplicates, errors);
      else if (value !== null) error(`expected map, got ${goPointer(value)}`);
      return;
    case 'list':
      if (Array.isArray(value)) validateList(value, type.list as ListType, path, duplicates, errors);
      else if (value !== null) error(`expected list, got ${goPointer(value)}`);
      return;
    case 'none':
      error('schema error: no type found matching: inlined type');
  }
}

function validateMap(value: JsonObject, map: MapType, path: string, duplicates: boolean, errors: TypeErrorAt[]): void {
  for (const name of Object.keys(value)) {
    const field = map.fields.get(name);
    const at = path + elementText(field?.name ?? fieldElement(name));
    if (field === undefined && map.element === undefined) {
      errors.push({ path: at, message: 'field not declared in schema' });
      return;
    }
    validateAt(value[name] as JsonValue, fieldTypeOf(map, field), at, duplicates, errors);
  }
}

function validateList(
  values: JsonArray,
  list: ListType,
  path: string,
  duplicates: boolean,
  errors: TypeErrorAt[],
): void {
  const seen = new Set<PathElement>();
  for (const [index, value] of values.entries()) {
    let element = indexElement(index);
    if (!list.atomic) {
      try {
        element = elementOf(list, value);
      } catch (error) {
        if (!(error instanceof ElementError)) throw error;
        errors.push({ path, message: `element ${index}: ${error.message}` });
        return;
      }
      if (seen.has(element) && !duplicates) {
        errors.push({ path, message: `duplicate entries for key ${elementText(element)}` });
      }
      seen.add(element);
    }
    validateAt(value, list.element, path + elementText(element), duplicates, errors);
  }
}

function scalarError(value: JsonValue, scalar: Scalar): string | undefined {
  if (value === null) return undefined;
  const numeric = typeof value === 'number' || typeof value === 'bigint';
  switch (scalar) {
    case 'numeric':
      return numeric ? undefined : `expected numeric (int or float), got ${goType(value)}`;
    case 'string':
      return typeof value === 'string'
        ? undefined
        : `expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `expected boolean, got ${goPointer(value)}`;
    case 'untyped':
      return typeof value === 'object' ? `expected any scalar, got ${goPointer(value)}` : undefined;
  }
}

function goType(value: JsonValue): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (isJsonObject(value)) return 'map[string]interface {}';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/** A wrapped value as Go's `%v` prints it. */
function goPointer(value: JsonValue): string {
  return `&{${goPlain(value)}}`;
}

function goPlain(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goPlain).join(' ')}]`;
  if (typeof value !== 'object') return String(value);
  const names = Object.keys(value).sort();
  return `map[${names.map((name) => `${name}:${goPlain(value[name])}`).join(' ')}]`;
}

/** A value as Go's `%#v` prints it. */
function goSyntax(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return 'interface {}(nil)';
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object') return String(value);
  const names = Object.keys(value).sort();
  return `map[string]interface {}{${names.map((name) => `${JSON.stringify(name)}:${goSyntax(value[name])}`).join(', ')}}`;
}
