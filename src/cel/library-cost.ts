/**
 * Estimates for the functions of the libraries. Source: Kubernetes' `apiserver/pkg/cel/library/cost.go`, and the
 * estimators that cel-go's `ext/sets.go` and `ext/lists.go` bring with them.
 */
import type { Expr } from './ast.ts';
import {
  type Amount,
  add,
  addAmounts,
  fixedRange,
  maxAmount,
  multiply,
  type Range,
  scale,
  scaleAmount,
} from './cost-amounts.ts';
import {
  authorizationCheckCost,
  listCreationCost,
  regexLengthFactor,
  selectorBaseCost,
  selectorRequirementCost,
  selectorRequirementFactor,
  stringTraversalFactor,
} from './runtime-cost.ts';
import { sameType, type Type } from './types.ts';

/** What an estimate needs to know of an argument. */
export interface CostNode {
  readonly type: Type;
  /** The path to it from a variable; empty when there is none. */
  readonly path: readonly string[];
  /** Absent for elements of lists, which no expression stands for. */
  readonly expr?: Expr;
  /** The size as the expression tells it. */
  readonly size?: Range | undefined;
}

/** The estimate of a call without its arguments; `size` is that of the result. */
export interface CallEstimate {
  readonly cost: Range;
  readonly size?: Range;
}

type Size = (node: CostNode) => Range;
type Estimate = (
  size: Size,
  target: CostNode | undefined,
  args: readonly CostNode[],
  overload: string,
) => CallEstimate | undefined;

/** The estimate for a call of this overload, without its arguments; undefined when the language's own rules apply. */
export function estimateCall(
  name: string,
  overload: string,
  target: CostNode | undefined,
  args: readonly CostNode[],
  size: Size,
): CallEstimate | undefined {
  const estimate = (Object.hasOwn(byOverload, overload) ? byOverload[overload] : undefined)?.(
    size,
    target,
    args,
    overload,
  );
  if (estimate !== undefined) return estimate;
  return Object.hasOwn(byFunction, name) ? byFunction[name]?.(size, target, args, overload) : undefined;
}

const one = fixedRange(1);
const traverse = (range: Range): Range => scale(range, stringTraversalFactor);

const constant =
  (cost: number): Estimate =>
  () => ({ cost: fixedRange(cost) });

/** For methods; a function of the same name follows the language's own rules. */
const ofReceiver =
  (estimate: Estimate): Estimate =>
  (size, target, args, overload) =>
    target === undefined ? undefined : estimate(size, target, args, overload);

const traverseTarget: Estimate = ofReceiver((size, target) => {
  const range = size(target as CostNode);
  return { cost: traverse(range), size: range };
});

const parseArgument: Estimate = (size, _, [arg]) => {
  if (arg === undefined) return undefined;
  const range = size(arg);
  return { cost: traverse(range), size: range };
};

const parseText: Estimate = (size, _, [arg]) => (arg === undefined ? undefined : { cost: traverse(size(arg)) });

const selector: Estimate = (size, _, [arg]) => {
  if (arg === undefined) return undefined;
  const requirements = scale(scale(size(arg), selectorRequirementFactor), selectorRequirementCost);
  return { cost: add(add(fixedRange(selectorBaseCost), traverse(size(arg))), requirements) };
};

/** An element of a list: its type, and the path to it if there is one. */
function elementOf(list: CostNode): CostNode | undefined {
  const type = list.type.params[0];
  if (type === undefined) return undefined;
  return { type, path: list.path.length === 0 ? [] : [...list.path, '@items'] };
}

/** One comparison for each element, and the traversal of those that are text. */
const eachElement: Estimate = ofReceiver((size, target) => {
  const list = target as CostNode;
  const element = elementOf(list);
  if (element === undefined) return { cost: traverse(size(list)) };
  return { cost: multiply(size(list), isText(element.type) ? add(one, traverse(size(element))) : one) };
});

const replace: Estimate = ofReceiver((size, target, [old, replacement]) => {
  if (old === undefined || replacement === undefined) return undefined;
  const text = size(target as CostNode);
  const [from, to] = [size(old), size(replacement)];
  const count = { min: 0 as Amount, max: 0 as Amount };
  const kept = { min: 0 as Amount, max: 0 as Amount };
  if (from.min === 0) {
    // The empty string is found around every character.
    count.max = addAmounts(text.max, 1);
    kept.max = text.max;
  } else if (to.max <= from.min) kept.max = text.max;
  else count.max = scaleAmount(Number(text.max) / Number(from.min), 1);
  if (from.max === 0) {
    count.min = addAmounts(text.min, 1);
    kept.min = text.min;
  } else if (from.max <= to.min) kept.min = text.min;
  else count.min = scaleAmount(Number(text.min) / Number(from.max), 1);
  return { cost: scale(text, 2 * stringTraversalFactor), size: add(multiply(count, to), kept) };
});

const split: Estimate = ofReceiver((size, target, args) => {
  const text = size(target as CostNode);
  const limit = args[1]?.expr;
  const known = limit?.kind === 'literal' && (typeof limit.value === 'number' || typeof limit.value === 'bigint');
  const max = known ? unsigned(limit.value as Amount) : text.max;
  return { cost: scale(text, 2 * stringTraversalFactor), size: { min: 0, max } };
});

const join: Estimate = ofReceiver((size, target, [separator]) => {
  const list = size(target as CostNode);
  const element = elementOf(target as CostNode);
  let text = element === undefined ? fixedRange(0) : multiply(list, size(element));
  if (separator !== undefined) {
    const gaps = { min: list.min > 0 ? less(list.min) : 0, max: list.max > 0 ? less(list.max) : 0 };
    text = add(text, multiply(size(separator), gaps));
  }
  return { cost: traverse(text), size: text };
});

function isText(type: Type | undefined): boolean {
  return type?.kind === 'string' || type?.kind === 'bytes';
}

function less(amount: Amount): Amount {
  return typeof amount === 'number' ? amount - 1 : amount - 1n;
}

function unsigned(value: Amount): Amount {
  const wrapped = BigInt.asUintN(64, BigInt(value));
  return wrapped <= Number.MAX_SAFE_INTEGER ? Number(wrapped) : wrapped;
}

const find: Estimate = ofReceiver((size, target, [pattern]) => {
  if (pattern === undefined) return undefined;
  const text = size(target as CostNode);
  const cost = multiply(traverse(add(text, one)), scale(size(pattern), regexLengthFactor));
  return { cost, size: { min: 0, max: text.max } };
});

/** Parsing an address, or the address of a network, which is there already. */
const ip: Estimate = (size, target, args, overload) =>
  target === undefined ? parseText(size, target, args, overload) : { cost: one };

/** Addresses have 4 or 16 bytes, and both sides are gone through. */
const addressBytes: Range = { min: 4, max: 16 };

const containsAddress =
  (withMask: boolean, ofText: string): Estimate =>
  (size, target, [arg], overload) => {
    if (target === undefined || arg === undefined) return undefined;
    let cost = traverse(add(addressBytes, addressBytes));
    if (withMask) cost = add(add(cost, traverse(addressBytes)), one);
    return { cost: overload === ofText ? add(cost, traverse(size(arg))) : cost };
  };

/** What named formats are estimated by: the longest pattern of names. */
const formatPatternSize = 128;
const formatTextSize = 64;

const validateFormat: Estimate = ofReceiver((size, _, [arg]) =>
  arg === undefined ? undefined : { cost: scale(traverse(size(arg)), formatPatternSize * regexLengthFactor) },
);

const unitEquality = new Set([
  'net.IP',
  'net.CIDR',
  'kubernetes.Quantity',
  'kubernetes.Semver',
  ...['Authorizer', 'PathCheck', 'GroupCheck', 'ResourceCheck', 'Decision'].map(
    (kind) => `kubernetes.authorization.${kind}`,
  ),
]);

/** Equality of the libraries' own types. */
const equality: Estimate = (_, __, [a, b]) => {
  if (a === undefined || b === undefined || !sameType(a.type, b.type)) return undefined;
  const { name } = a.type;
  if (unitEquality.has(name)) return { cost: one };
  if (name === 'kubernetes.NamedFormat') return { cost: traverse({ min: 1, max: formatTextSize }) };
  if (name === 'kubernetes.URL') return { cost: traverse({ min: 1, max: b.size?.max ?? 1 }) };
  return undefined;
};

const byFunction: Readonly<Record<string, Estimate>> = {
  check: constant(authorizationCheckCost),
  ...Object.fromEntries(
    (
      'serviceAccount path group resource subresource namespace name allowed reason error errored format.named ' +
      'masked prefixLength family isUnspecified isLoopback isLinkLocalMulticast isLinkLocalUnicast isGlobalUnicast ' +
      'sign asInteger isInteger asApproximateFloat isGreaterThan isLessThan compareTo add sub major minor patch ' +
      'getScheme getHostname getHost getPort getEscapedPath getQuery'
    )
      .split(' ')
      .map((name) => [name, constant(1)]),
  ),
  fieldSelector: selector,
  labelSelector: selector,
  isSorted: eachElement,
  sum: eachElement,
  max: eachElement,
  min: eachElement,
  indexOf: eachElement,
  lastIndexOf: eachElement,
  url: parseArgument,
  'jsonpatch.escapeKey': parseArgument,
  lowerAscii: traverseTarget,
  upperAscii: traverseTarget,
  substring: traverseTarget,
  trim: traverseTarget,
  replace,
  split,
  join,
  find,
  findAll: find,
  cidr: parseText,
  isIP: parseText,
  isCIDR: parseText,
  ip,
  'ip.isCanonical': (size, _, [arg]) =>
    arg === undefined ? undefined : { cost: scale(size(arg), 2 * stringTraversalFactor) },
  containsIP: containsAddress(false, 'cidr_contains_ip_string'),
  containsCIDR: containsAddress(true, 'cidr_contains_cidr_string'),
  quantity: parseText,
  isQuantity: parseText,
  semver: parseText,
  isSemver: parseText,
  validate: validateFormat,
  '_==_': equality,
};

// The estimators of cel-go's own extensions.

const crossProduct =
  (factor: number): Estimate =>
  (size, _, [a, b]) =>
    a === undefined || b === undefined ? undefined : { cost: add(scale(multiply(size(a), size(b)), factor), one) };

/** A call that makes a list: the call, the list, and its elements times a factor. */
function allocation(factor: number, elements: Range): CallEstimate {
  return { cost: add(scale(elements, factor), fixedRange(1 + listCreationCost)), size: elements };
}

/** The value of a literal int; `otherwise` for anything else. */
function literalAmount(node: CostNode | undefined, otherwise: Amount): Amount {
  const expr = node?.expr;
  if (expr?.kind !== 'literal' || (typeof expr.value !== 'number' && typeof expr.value !== 'bigint')) return otherwise;
  const isNegative = expr.value < 0;
  return isNegative ? 0 : expr.value;
}

const flatten: Estimate = ofReceiver((size, target, [depth]) =>
  allocation(depth === undefined ? 1 : Number(literalAmount(depth, maxAmount)), size(target as CostNode)),
);

const selfComparison =
  (ofText: boolean, list: (target: CostNode, args: readonly CostNode[]) => CostNode | undefined): Estimate =>
  (size, target, args) => {
    const compared = target === undefined ? undefined : list(target, args);
    if (compared === undefined) return undefined;
    const elements = size(compared);
    return allocation(2 + (ofText ? stringTraversalFactor : 0), multiply(elements, elements));
  };

const sorted = 'int uint double bool google.protobuf.Duration google.protobuf.Timestamp string bytes'.split(' ');

const byOverload: Readonly<Record<string, Estimate>> = {
  list_sets_contains_list: crossProduct(1),
  list_sets_intersects_list: crossProduct(1),
  list_sets_equivalent_list: crossProduct(2),
  list_slice: ofReceiver((size, target, [start, end]) => {
    const from = literalAmount(start, 0);
    const to = literalAmount(end, size(target as CostNode).max);
    return allocation(1, fixedRange(unsigned(BigInt(to) - BigInt(from))));
  }),
  list_flatten: flatten,
  list_flatten_int: flatten,
  lists_range: (_, __, [count]) => allocation(1, fixedRange(literalAmount(count, maxAmount))),
  list_reverse: ofReceiver((size, target) => allocation(1, size(target as CostNode))),
  list_distinct: ofReceiver((size, target, args, overload) =>
    selfComparison(isText((target as CostNode).type.params[0]), (list) => list)(size, target, args, overload),
  ),
  ...Object.fromEntries(
    sorted.flatMap((type) => {
      const ofText = type === 'string' || type === 'bytes';
      return [
        [`list_${type}_sort`, selfComparison(ofText, (target) => target)],
        [`list_${type}_sortByAssociatedKeys`, selfComparison(ofText, (_, [keys]) => keys)],
      ];
    }),
  ),
};
