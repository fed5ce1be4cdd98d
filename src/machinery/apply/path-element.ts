/**
 * One step of a field path, in the form in which `fieldsV1` names it (KEP-555):
 *
 * | form            | selects                                                          |
 * | --------------- | ---------------------------------------------------------------- |
 * | `f:name`        | a field of an object                                             |
 * | `k:{"name":"a"}`| the element of a list with these keys, sorted by name            |
 * | `v:"a"`         | the element of a set with this value                             |
 * | `i:0`           | the element at an index                                          |
 */

import { goQuote } from '../field.ts';
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../json.ts';

export type PathElement = string;
export type Path = readonly PathElement[];

export const fieldElement = (name: string): PathElement => `f:${name}`;
export const valueElement = (value: JsonValue): PathElement => `v:${encode(value)}`;
export const indexElement = (index: number): PathElement => `i:${index}`;

/** `names` sorted; a key without a value is left out. */
export function keyElement(names: readonly string[], fieldOf: (name: string) => JsonValue | undefined): PathElement {
  let text = 'k:{';
  for (const name of names) {
    const value = fieldOf(name);
    if (value === undefined) continue;
    text += `${text.length === 3 ? '' : ','}${JSON.stringify(name)}:${encode(value)}`;
  }
  return `${text}}`;
}

/** The path through fields: `fieldPath('spec', 'replicas')`. */
export const fieldPath = (...names: string[]): Path => names.map(fieldElement);

export const isFieldElement = (element: PathElement): boolean => element.startsWith('f:');
export const isKeyElement = (element: PathElement): boolean => element.startsWith('k:');
export const fieldName = (element: PathElement): string => element.slice(2);

/** The fields of a `k:` element. */
export function keyFields(element: PathElement): JsonObject {
  const fields = parseJson(element.slice(2));
  if (!isJsonObject(fields)) throw new Error(`not a key: ${element}`);
  return fields;
}

/**
 * The same step as this server writes it: keys sorted, no spaces. `undefined` for a kind of step that is not known,
 * which is to be left out. Throws an Error for what cannot be read.
 */
export function canonicalElement(element: string): PathElement | undefined {
  if (element.length < 2) throw new Error('key must be 2 characters long:');
  if (element[1] !== ':') throw new Error(`missing colon: ${element}`);
  switch (element[0]) {
    case 'f':
      return element;
    case 'v':
      return valueElement(parseJson(element.slice(2)));
    case 'k': {
      const fields = keyFields(element);
      return keyElement(Object.keys(fields).sort(), (name) => fields[name]);
    }
    case 'i':
      if (!/^i:[+-]?\d+$/.test(element)) throw new Error(`invalid index: ${element}`);
      return indexElement(Number(element.slice(2)));
    default:
      return undefined;
  }
}

/** Kubernetes' order: fields, then keys, then values, then indexes; each by what it holds. */
export function compareElements(left: PathElement, right: PathElement): number {
  if (left === right) return 0;
  const kind = left.charCodeAt(0);
  const byKind = rank(kind) - rank(right.charCodeAt(0));
  if (byKind !== 0) return byKind;
  if (kind === field) return left < right ? -1 : 1;
  if (kind === key) return compareKeys(left, right);
  if (kind === value) return compareValues(parseJson(left.slice(2)), parseJson(right.slice(2)));
  return Number(left.slice(2)) - Number(right.slice(2));
}

const field = 'f'.charCodeAt(0);
const key = 'k'.charCodeAt(0);
const value = 'v'.charCodeAt(0);

function rank(kind: number): number {
  if (kind === field) return 0;
  if (kind === key) return 1;
  return kind === value ? 2 : 3;
}

function compareKeys(left: PathElement, right: PathElement): number {
  const l = keyFields(left);
  const r = keyFields(right);
  const leftNames = Object.keys(l);
  const rightNames = Object.keys(r);
  for (let at = 0; at < leftNames.length && at < rightNames.length; at++) {
    const [leftName, rightName] = [leftNames[at] as string, rightNames[at] as string];
    if (leftName !== rightName) return leftName < rightName ? -1 : 1;
    const byValue = compareValues(l[leftName] as JsonValue, r[rightName] as JsonValue);
    if (byValue !== 0) return byValue;
  }
  return leftNames.length - rightNames.length;
}

/** Numbers before strings before booleans before everything else, as structured-merge-diff orders values. */
function compareValues(left: JsonValue, right: JsonValue): number {
  const byType = valueRank(left) - valueRank(right);
  if (byType !== 0) return byType;
  if (typeof left === 'object' || typeof right === 'object') {
    return compareText(encode(left), encode(right));
  }
  return left < right ? -1 : left > right ? 1 : 0;
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function valueRank(of: JsonValue): number {
  switch (typeof of) {
    case 'number':
    case 'bigint':
      return 0;
    case 'string':
      return 1;
    case 'boolean':
      return 2;
    default:
      return Array.isArray(of) ? 3 : of === null ? 5 : 4;
  }
}

/** A path as messages show it: `.spec.containers[name="app"].args[="-v"]`. */
export function pathText(path: Path): string {
  return path.map(elementText).join('');
}

export function elementText(element: PathElement): string {
  const rest = element.slice(2);
  switch (element[0]) {
    case 'f':
      return `.${rest}`;
    case 'k': {
      const fields = keyFields(element);
      return `[${Object.keys(fields).map((name) => `${name}=${valueText(fields[name] as JsonValue)}`)}]`;
    }
    case 'v':
      return `[=${valueText(parseJson(rest))}]`;
    default:
      return `[${rest}]`;
  }
}

function valueText(of: JsonValue): string {
  return typeof of === 'string' ? goQuote(of) : encode(of);
}

const escaped: Record<string, string> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

/** JSON as Go's encoder writes it: what could end a script in HTML is escaped. */
function encode(of: JsonValue): string {
  if (typeof of === 'bigint') return String(of);
  const text = JSON.stringify(of);
  return /[<>&\u2028\u2029]/.test(text) ? text.replace(/[<>&\u2028\u2029]/g, (c) => escaped[c] as string) : text;
}
