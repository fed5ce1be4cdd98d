/**
 * Whether a value fits its type. Source: `sigs.k8s.io/structured-merge-diff/typed/validate.go`; the words are those that
 * the API server shows when a configuration cannot be applied.
 */
import { goQuote, goValue } from '../go-text.ts';
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

export function validate(value: JsonValue, type: Type, options: ValidateOptions = {}): readonly TypeErrorAt[] {
  return validateAt(value, type, options.allowDuplicates === true) ?? none;
}

const none: readonly TypeErrorAt[] = [];

/** The errors in one text. */
export function typeErrorText(errors: readonly TypeErrorAt[]): string {
  const texts = errors.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  return texts.length === 1 ? (texts[0] as string) : ['errors:', ...texts.map((text) => `  ${text}`)].join('\n');
}

/** Errors below a place do not know of it: paths are put together only where there are errors. */
type Errors = TypeErrorAt[] | undefined;

function validateAt(value: JsonValue, type: Type, duplicates: boolean): Errors {
  switch (formOf(type, value)) {
    case 'scalar':
      return scalarError(value, type.scalar as Scalar);
    case 'map':
      if (isJsonObject(value)) return validateMap(value, type.map as MapType, duplicates);
      return value === null ? undefined : wrong(`expected map, got ${goPointer(value)}`);
    case 'list':
      if (Array.isArray(value)) return validateList(value, type.list as ListType, duplicates);
      return value === null ? undefined : wrong(`expected list, got ${goPointer(value)}`);
    case 'none':
      return wrong('schema error: no type found matching: inlined type');
  }
}

function validateMap(value: JsonObject, map: MapType, duplicates: boolean): Errors {
  let errors: Errors;
  for (const name of Object.keys(value)) {
    const field = map.fields.get(name);
    const unknown = field === undefined && map.element === undefined;
    const below = unknown
      ? wrong('field not declared in schema')
      : validateAt(value[name] as JsonValue, fieldTypeOf(map, field), duplicates);
    errors = collect(errors, below, fieldElement, name);
    // What follows an unknown field is not looked at, as in Kubernetes.
    if (unknown) break;
  }
  return errors;
}

function validateList(values: JsonArray, list: ListType, duplicates: boolean): Errors {
  if (list.atomic) {
    let errors: Errors;
    for (let index = 0; index < values.length; index++) {
      errors = collect(errors, validateAt(values[index] as JsonValue, list.element, duplicates), indexElement, index);
    }
    return errors;
  }
  let errors: Errors;
  const seen = new Set<PathElement>();
  for (const [index, value] of values.entries()) {
    let element: PathElement;
    try {
      element = elementOf(list, value);
    } catch (error) {
      if (!(error instanceof ElementError)) throw error;
      return [...(errors ?? []), ...wrong(`element ${index}: ${error.message}`)];
    }
    if (seen.has(element) && !duplicates) {
      errors ??= [];
      errors.push({ path: '', message: `duplicate entries for key ${elementText(element)}` });
    }
    seen.add(element);
    errors = collect(errors, validateAt(value, list.element, duplicates), asIs, element);
  }
  return errors;
}

const asIs = (element: PathElement): PathElement => element;

/** Adds the errors of a part, now that there are some, with the path to the part. */
function collect<T>(errors: Errors, below: Errors, toElement: (part: T) => PathElement, part: T): Errors {
  if (below === undefined) return errors;
  const step = elementText(toElement(part));
  const all = errors ?? [];
  for (const { path, message } of below) all.push({ path: step + path, message });
  return all;
}

const wrong = (message: string): TypeErrorAt[] => [{ path: '', message }];

export function scalarError(value: JsonValue, scalar: Scalar): Errors {
  if (value === null) return undefined;
  switch (scalar) {
    case 'numeric':
      if (typeof value === 'number' || typeof value === 'bigint') return undefined;
      return wrong(`expected numeric (int or float), got ${goType(value)}`);
    case 'string':
      if (typeof value === 'string') return undefined;
      return wrong(`expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`);
    case 'boolean':
      return typeof value === 'boolean' ? undefined : wrong(`expected boolean, got ${goPointer(value)}`);
    case 'untyped':
      return typeof value === 'object' ? wrong(`expected any scalar, got ${goPointer(value)}`) : undefined;
  }
}

function goType(value: JsonValue): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (isJsonObject(value)) return 'map[string]interface {}';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/** A wrapped value as Go's `%v` prints it. */
function goPointer(value: JsonValue): string {
  return `&{${goValue(value)}}`;
}

/** A value as Go's `%#v` prints it. */
function goSyntax(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return 'interface {}(nil)';
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`;
  if (typeof value === 'string') return goQuote(value);
  if (typeof value !== 'object') return goValue(value);
  const names = Object.keys(value).sort();
  return `map[string]interface {}{${names.map((name) => `${goQuote(name)}:${goSyntax(value[name])}`).join(', ')}}`;
}
