/**
 * What a call costs when it is evaluated. Source: cel-go `interpreter/runtimecost.go` and Kubernetes'
 * `apiserver/pkg/cel/library/cost.go`. Costs are part of the API: they decide which objects are too expensive to validate.
 */
import { codePoints } from './equality.ts';
import { ListValue, MapValue, OpaqueValue, type Value } from './values.ts';
import { elementWork, textWork, work } from './work.ts';

export const stringTraversalFactor = 0.1;
export const regexLengthFactor = 0.25;
export const listCreationCost = 10;
export const mapCreationCost = 30;
export const structCreationCost = 40;
/** An authorization check: two fit into one expression. */
export const authorizationCheckCost = 350_000;
/** A selector of length n holds at most n/2 requirements, each a struct and a list. */
export const selectorBaseCost = listCreationCost;
export const selectorRequirementFactor = 0.5;
export const selectorRequirementCost = listCreationCost + structCreationCost;

export type CallCost = (args: readonly Value[], result: Value) => number;

/** The size that costs are computed from: characters, bytes, elements or entries; 1 for everything else. */
export function sizeOf(value: Value): number {
  if (typeof value === 'string') return codePoints(value);
  if (value instanceof ListValue) return value.length;
  if (value instanceof MapValue) return value.size;
  if (value instanceof Uint8Array) return value.length;
  return value instanceof OpaqueValue ? value.costSize : 1;
}

const traversal = (size: number): number => Math.ceil(size * stringTraversalFactor);
const size = (args: readonly Value[], index: number): number => sizeOf(args[index] as Value);

const firstTraversed: CallCost = (args) => traversal(size(args, 0));
const smallerTraversed: CallCost = (args) => traversal(Math.min(size(args, 0), size(args, 1)));
const bothTraversed: CallCost = (args) => traversal(size(args, 0) + size(args, 1));
const firstTwice: CallCost = (args) => Math.ceil(size(args, 0) * 2 * stringTraversalFactor);
const wholeData: CallCost = (args) => dataTraversal(args[0] as Value);
const regex: CallCost = (args) => traversal(1 + size(args, 0)) * Math.ceil(size(args, 1) * regexLengthFactor);
const selector: CallCost = (args) => {
  const length = size(args, 1);
  const requirements = Math.ceil(length * selectorRequirementFactor);
  return selectorBaseCost + traversal(length) + requirements * selectorRequirementCost;
};
const crossProduct =
  (factor: number): CallCost =>
  (args) =>
    1 + Math.trunc(size(args, 0) * size(args, 1) * factor);

/** A call that makes a list, with the elements gone through times a factor. */
const allocation = (factor: number, elements: number): number => Math.trunc(elements * factor) + 1 + listCreationCost;
const resultAllocated: CallCost = (_, result) => allocation(1, sizeOf(result));
const comparedWithItself =
  (index: number): CallCost =>
  (args) => {
    const list = args[index];
    const elements = list === undefined ? 0 : sizeOf(list);
    const first = list instanceof ListValue && elements > 0 ? list.at(0) : null;
    const isText = typeof first === 'string' || first instanceof Uint8Array;
    return allocation(2 + (isText ? stringTraversalFactor : 0), elements * elements);
  };
const flattened: CallCost = (args) => allocation(args.length === 2 ? Number(args[1]) : 1, size(args, 0));

const byFunction: Readonly<Record<string, CallCost>> = {
  check: () => authorizationCheckCost,
  fieldSelector: selector,
  labelSelector: selector,
  isSorted: wholeData,
  sum: wholeData,
  max: wholeData,
  min: wholeData,
  indexOf: wholeData,
  lastIndexOf: wholeData,
  url: firstTraversed,
  lowerAscii: firstTraversed,
  upperAscii: firstTraversed,
  substring: firstTraversed,
  trim: firstTraversed,
  'jsonpatch.escapeKey': firstTraversed,
  replace: firstTwice,
  split: firstTwice,
  join: (_, result) => Math.ceil(sizeOf(result) * 2 * stringTraversalFactor),
  find: regex,
  findAll: regex,
  cidr: firstTraversed,
  isIP: firstTraversed,
  isCIDR: firstTraversed,
  ip: firstTraversed,
  'ip.isCanonical': firstTwice,
  quantity: firstTraversed,
  isQuantity: firstTraversed,
  semver: firstTraversed,
  isSemver: firstTraversed,
  'sets.contains': crossProduct(1),
  'sets.intersects': crossProduct(1),
  'sets.equivalent': crossProduct(2),
  slice: resultAllocated,
  reverse: resultAllocated,
  'lists.range': resultAllocated,
  flatten: flattened,
  distinct: comparedWithItself(0),
  sort: comparedWithItself(0),
  '@sortByAssociatedKeys': comparedWithItself(1),
};

const byOverload: Readonly<Record<string, CallCost>> = {
  cidr_ip: () => 1,
  cidr_contains_ip: (args) => traversal(2 * size(args, 0)),
  cidr_contains_ip_string: (args) => traversal(2 * size(args, 0)) + traversal(size(args, 1)),
  cidr_contains_cidr: (args) => traversal(2 * size(args, 0)) + traversal(size(args, 0)) + 1,
  cidr_contains_cidr_string: (args) =>
    traversal(2 * size(args, 0)) + traversal(size(args, 0)) + 1 + traversal(size(args, 1)),
  'format-validate': (args) => {
    const format = args[0] as { readonly maxRegexSize?: number };
    return traversal(1 + size(args, 1)) * Math.ceil((format.maxRegexSize ?? 0) * regexLengthFactor);
  },
  starts_with_string: (args) => traversal(size(args, 1)),
  ends_with_string: (args) => traversal(size(args, 1)),
  string_to_bytes: firstTraversed,
  bytes_to_string: firstTraversed,
  in_list: (args) => size(args, 1),
  equals: smallerTraversed,
  not_equals: smallerTraversed,
  less_string: smallerTraversed,
  less_equals_string: smallerTraversed,
  greater_string: smallerTraversed,
  greater_equals_string: smallerTraversed,
  less_bytes: smallerTraversed,
  less_equals_bytes: smallerTraversed,
  greater_bytes: smallerTraversed,
  greater_equals_bytes: smallerTraversed,
  add_string: bothTraversed,
  add_bytes: bothTraversed,
  matches: () => 1,
  matches_string: regex,
  contains_string: (args) => traversal(size(args, 0)) * traversal(size(args, 1)),
};

/** The cost of calls of this function; undefined when every call costs one. Several overloads count as none in particular. */
export function callCost(name: string, overloadIds: readonly string[]): CallCost | undefined {
  const id = overloadIds.length === 1 ? (overloadIds[0] as string) : '';
  if (Object.hasOwn(byOverload, id)) return byOverload[id];
  return Object.hasOwn(byFunction, name) ? byFunction[name] : undefined;
}

/** The cost of walking a value as a tree of data. */
function dataTraversal(value: Value): number {
  work(4 * elementWork);
  if (typeof value === 'number') return 1;
  work(4 * elementWork + (typeof value === 'string' ? textWork(value.length) : 0));
  if (typeof value === 'string') return Math.trunc(Buffer.byteLength(value) * stringTraversalFactor);
  if (value instanceof Uint8Array) return Math.trunc(value.length * stringTraversalFactor);
  let cost = 0;
  if (value instanceof ListValue) for (let i = 0; i < value.length; i++) cost += dataTraversal(value.at(i));
  else if (value instanceof MapValue) {
    for (const key of value.keys()) cost += dataTraversal(key) + dataTraversal(value.get(key) as Value);
  } else cost = 1;
  return cost;
}
