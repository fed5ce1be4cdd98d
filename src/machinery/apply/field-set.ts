/**
 * Sets of fields, and their algebra (KEP-555; `sigs.k8s.io/structured-merge-diff/fieldpath`).
 *
 * A set is held in the form in which `fieldsV1` writes it: a tree of path elements, where a node belongs to the set when
 * it is empty or has the entry `.`. So nothing is decoded or encoded, and what an operation leaves alone is shared: the
 * answer `===` the operand when nothing changed. Sets are immutable; entries stand in Kubernetes' order.
 */
import { isJsonObject, type JsonObject } from '../json.ts';
import { canonicalElement, compareElements, FieldSetError, type Path, type PathElement } from './path-element.ts';

export interface FieldSet {
  readonly [element: PathElement]: FieldSet;
}

/** A node that belongs to the set and has nothing below it. At the root: the empty set. */
export const leaf: FieldSet = Object.freeze({});
export const emptySet: FieldSet = leaf;

/** A tree under construction. */
type Draft = Record<PathElement, FieldSet>;

export function fieldSet(...paths: Path[]): FieldSet {
  return paths.reduce((set, path) => union(set, single(path)), emptySet);
}

function single(path: Path): FieldSet {
  return path.reduceRight((node: FieldSet, element) => ({ [element]: node }), leaf);
}

export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** Whether a node below the root belongs to the set. */
export function isMember(node: FieldSet): boolean {
  return node['.'] !== undefined || isEmptySet(node);
}

/** Whether the field at `path` itself is in the set; fields below it do not count. */
export function hasPath(set: FieldSet, path: Path): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path) {
    node = node[element];
    if (node === undefined) return false;
  }
  return path.length > 0 && isMember(node);
}

/** What lies below `element`, as a set of its own. */
export function below(set: FieldSet, element: PathElement): FieldSet {
  const node = set[element];
  if (node === undefined) return emptySet;
  return node['.'] === undefined ? node : withMembership(node, false);
}

/** The paths of the set, first the fields of a level and then what lies below them, as Kubernetes lists them. */
export function pathsOf(set: FieldSet): Path[] {
  const paths: Path[] = [];
  collect(set, [], paths);
  return paths;
}

function collect(node: FieldSet, prefix: Path, paths: Path[]): void {
  const elements = Object.keys(node).filter((element) => element !== '.');
  for (const element of elements) if (isMember(node[element] as FieldSet)) paths.push([...prefix, element]);
  for (const element of elements) collect(node[element] as FieldSet, [...prefix, element], paths);
}

export function union(left: FieldSet, right: FieldSet): FieldSet {
  if (left === right || isEmptySet(right)) return left;
  if (isEmptySet(left)) return right;
  return uniteBelow(left, right, false);
}

function uniteNodes(left: FieldSet, right: FieldSet): FieldSet {
  if (left === right) return left;
  return uniteBelow(left, right, isMember(left) || isMember(right));
}

function uniteBelow(left: FieldSet, right: FieldSet, member: boolean): FieldSet {
  let changes: Draft | undefined;
  let grown = false;
  for (const element in right) {
    if (element === '.') continue;
    const mine = left[element];
    const theirs = right[element] as FieldSet;
    const united = mine === undefined ? theirs : uniteNodes(mine, theirs);
    if (united === mine) continue;
    changes ??= {};
    changes[element] = united;
    grown ||= mine === undefined;
  }
  if (changes === undefined) return withMembership(left, member);
  const elements = Object.keys(left).filter((element) => element !== '.');
  if (grown) merge(elements, Object.keys(changes));
  const result: Draft = {};
  if (member) result['.'] = leaf;
  for (const element of elements) result[element] = changes[element] ?? (left[element] as FieldSet);
  return result;
}

/** Puts what `added` has and `elements` has not in its place. Both are in order. */
function merge(elements: PathElement[], added: readonly PathElement[]): void {
  let at = 0;
  for (const element of added) {
    let order = 1;
    while (at < elements.length) {
      order = compareElements(element, elements[at] as PathElement);
      if (order <= 0) break;
      at++;
    }
    if (order !== 0 || at === elements.length) elements.splice(at, 0, element);
    at++;
  }
}

/** What is in both. */
export function intersection(left: FieldSet, right: FieldSet): FieldSet {
  return left === right ? left : (intersectBelow(left, right, false) ?? emptySet);
}

function intersectBelow(left: FieldSet, right: FieldSet, member: boolean): FieldSet | undefined {
  const result: Draft = {};
  if (member) result['.'] = leaf;
  let count = 0;
  for (const element in left) {
    const mine = left[element] as FieldSet;
    const theirs = right[element];
    if (theirs === undefined || element === '.') continue;
    const common = mine === theirs ? mine : intersectBelow(mine, theirs, isMember(mine) && isMember(theirs));
    if (common === undefined) continue;
    result[element] = common;
    count++;
  }
  if (count > 0) return result;
  return member ? leaf : undefined;
}

/** What is in `left` and not in `right`. Fields below a field of `right` stay. */
export function difference(left: FieldSet, right: FieldSet): FieldSet {
  return isEmptySet(right) ? left : (subtractBelow(left, right, false, false) ?? emptySet);
}

/** What is in `left` and neither in `right` nor below a field of `right`. */
export function recursiveDifference(left: FieldSet, right: FieldSet): FieldSet {
  return isEmptySet(right) ? left : (subtractBelow(left, right, false, true) ?? emptySet);
}

function subtractBelow(left: FieldSet, right: FieldSet, member: boolean, recursive: boolean): FieldSet | undefined {
  let changes: Map<PathElement, FieldSet | undefined> | undefined;
  for (const element in right) {
    const mine = left[element];
    if (mine === undefined || element === '.') continue;
    const theirs = right[element] as FieldSet;
    const taken = isMember(theirs);
    const rest = recursive && taken ? undefined : subtractBelow(mine, theirs, isMember(mine) && !taken, recursive);
    if (rest === mine) continue;
    changes ??= new Map();
    changes.set(element, rest);
  }
  if (changes === undefined) return hasBelow(left) ? withMembership(left, member) : member ? leaf : undefined;
  const result: Draft = {};
  if (member) result['.'] = leaf;
  let empty = true;
  for (const element in left) {
    if (element === '.') continue;
    const rest = changes.has(element) ? changes.get(element) : left[element];
    if (rest === undefined) continue;
    result[element] = rest;
    empty = false;
  }
  return empty ? (member ? leaf : undefined) : result;
}

/** The fields that have no field of the set below them. */
export function leaves(set: FieldSet): FieldSet {
  const result: Draft = {};
  for (const element in set) {
    if (element !== '.') result[element] = leaves(set[element] as FieldSet);
  }
  return result;
}

/**
 * Reads a set as a client may have written it. Steps of unknown kinds are left out.
 * @throws FieldSetError where it is not a set of fields
 */
export function parseFieldSet(fields: JsonObject): FieldSet {
  return parseNode(fields, false) ?? emptySet;
}

function parseNode(fields: JsonObject, member: boolean): FieldSet | undefined {
  const nodes = new Map<PathElement, FieldSet>();
  for (const key of Object.keys(fields)) {
    if (key === '.') continue;
    const element = canonicalElement(key);
    const below = fields[key];
    if (element === undefined) continue;
    if (!isJsonObject(below)) throw new FieldSetError(`not a set of fields: ${key}`);
    const node = parseNode(below, below['.'] !== undefined || Object.keys(below).length === 0) ?? leaf;
    const seen = nodes.get(element);
    nodes.set(element, seen === undefined ? node : uniteNodes(seen, node));
  }
  if (nodes.size === 0) return member ? leaf : undefined;
  const result: Draft = {};
  if (member) result['.'] = leaf;
  for (const element of [...nodes.keys()].sort(compareElements)) result[element] = nodes.get(element) as FieldSet;
  return result;
}

function hasBelow(node: FieldSet): boolean {
  for (const element in node) if (element !== '.') return true;
  return false;
}

/** The node with or without `.`; a node without anything below it stays as it is. */
export function withMembership(node: FieldSet, member: boolean): FieldSet {
  if ((node['.'] !== undefined) === member || !hasBelow(node)) return node;
  if (member) return { '.': leaf, ...node };
  const { '.': _, ...rest } = node;
  return rest;
}
