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

import { goJson, goQuote } from '../go-text.ts';
import { isJsonObject, type JsonObject, JsonSyntaxError, type JsonValue, parseJson, stringifyJson } from '../json.ts';

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
    text += `${text.length === 3 ? '' : ','}${encode(name)}:${encode(value)}`;
  }
  return `${text}}`;
}

/** The path through fields: `fieldPath('spec', 'replicas')`. */
export const fieldPath = (...names: string[]): Path => names.map(fieldElement);

export const isFieldElement = (element: PathElement): boolean => element.startsWith('f:');
export const isKeyElement = (element: PathElement): boolean => element.startsWith('k:');
export const fieldName = (element: PathElement): string => element.slice(2);

/** What cannot be read as a set of fields. */
export class FieldSetError extends Error {
  override readonly name = 'FieldSetError';
}

/** The fields of a `k:` element. */
export function keyFields(element: PathElement): JsonObject {
  const fields = parsed(element);
  if (!isJsonObject(fields)) throw new FieldSetError(`not a key: ${element}`);
  return fields;
}

/**
 * The same step as this server writes it: keys sorted, no spaces. `undefined` for a kind of step that is not known,
 * which is to be left out.
 * @throws FieldSetError for what cannot be read
 */
export function canonicalElement(element: string): PathElement | undefined {
  if (element.length < 2) throw new FieldSetError('key must be 2 characters long:');
  if (element[1] !== ':') throw new FieldSetError(`missing colon: ${element}`);
  switch (element[0]) {
    case 'f':
      return element;
    case 'v':
      return valueElement(parsed(element));
    case 'k': {
      const fields = keyFields(element);
      return keyElement(Object.keys(fields).sort(), (name) => fields[name]);
    }
    case 'i':
      if (!/^i:[+-]?\d+$/.test(element)) throw new FieldSetError(`invalid index: ${element}`);
      return indexElement(Number(element.slice(2)));
    default:
      return undefined;
  }
}

function parsed(element: PathElement): JsonValue {
  try {
    return parseJson(element.slice(2));
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw new FieldSetError(error.message);
    throw error;
  }
}

/** Kubernetes' order: fields, then keys, then values, then indexes; each by what it holds. */
export function compareElements(left: PathElement, right: PathElement): number {
  if (left === right) return 0;
  const kind = left.charCodeAt(0);
  const byKind = rank(kind) - rank(right.charCodeAt(0));
  if (byKind !== 0) return byKind;
  if (kind === fieldKind) return left < right ? -1 : 1;
  if (kind === keyKind) return compareKeys(left, right);
  if (kind === valueKind) return compareSetValues(left, right);
  return Number(left.slice(2)) - Number(right.slice(2));
}

const fieldKind = 'f'.charCodeAt(0);
const keyKind = 'k'.charCodeAt(0);
const valueKind = 'v'.charCodeAt(0);

function rank(kind: number): number {
  if (kind === fieldKind) return 0;
  if (kind === keyKind) return 1;
  return kind === valueKind ? 2 : 3;
}

function compareSetValues(left: PathElement, right: PathElement): number {
  const [leftText, rightText] = [onlyText(left), onlyText(right)];
  return leftText !== undefined && rightText !== undefined
    ? compareText(leftText, rightText)
    : compareValues(parsed(left), parsed(right));
}

function compareKeys(left: PathElement, right: PathElement): number {
  const [leftText, rightText] = [onlyText(left), onlyText(right)];
  if (leftText !== undefined && rightText !== undefined && left.startsWith(right.slice(0, right.indexOf(':"')))) {
    return compareText(leftText, rightText);
  }
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

/** The value of an element with a single one, if it is plain text: most are, and need not be parsed to be compared. */
function onlyText(element: PathElement): string | undefined {
  return singleText.exec(element)?.[1];
}

const singleText = /^(?:k:\{"[^"\\]*":|v:)"([^"\\]*)"\}?$/;

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
      return `[=${valueText(parsed(element))}]`;
    default:
      return `[${rest}]`;
  }
}

function valueText(of: JsonValue): string {
  return typeof of === 'string' ? goQuote(of) : encode(of);
}

function encode(of: JsonValue): string {
  if (typeof of === 'string' && plain.test(of)) return `"${of}"`;
  if (typeof of === 'number' || typeof of === 'boolean') return String(of);
  return goJson(stringifyJson(of));
}

/** Text that JSON and HTML leave as it is. */
const plain = /^[ !#-%'-;=?-[\]-~]*$/;
