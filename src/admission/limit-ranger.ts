/**
 * LimitRanger: a namespace's LimitRanges give containers the requests and limits that they leave out, and refuse pods and
 * claims that ask for too little, too much, or limits too far above requests.
 * Source: Kubernetes `plugin/pkg/admission/limitranger`.
 */
import type * as k8s from '@kubernetes/client-node';
import { parseQuantities, podLimits, podRequests, type Quantities } from '../apis/core/pod-resources.ts';
import type { Container, LimitRange, PersistentVolumeClaim, Pod, Wire } from '../apis/types.ts';
import type { Quantity } from '../machinery/quantity.ts';
import { type AdmissionPlugin, type AdmissionRequest, admissionForbidden } from './chain.ts';

type Item = Wire<k8s.V1LimitRangeItem> & { readonly default?: Readonly<Record<string, string>> };

const limitRanges = { group: '', plural: 'limitranges' };
const annotation = 'kubernetes.io/limit-ranger';

export const limitRanger: AdmissionPlugin = {
  name: 'LimitRanger',
  mutate(request) {
    if (request.operation !== 'CREATE' || !concerns(request, 'pods')) return;
    return forEachRange(request, (items) => setDefaults(request.object as Pod, items));
  },
  validate(request) {
    const pods = request.operation === 'CREATE' && concerns(request, 'pods');
    const claims = !pods && request.operation !== 'DELETE' && concerns(request, 'persistentvolumeclaims');
    if (!pods && !claims) return;
    // What is on its way out may still be written.
    if (request.oldObject?.metadata.deletionTimestamp !== undefined) return;
    return forEachRange(request, (items) => {
      const problems = pods
        ? podProblems(request.object as Pod, items)
        : claimProblems(request.object as PersistentVolumeClaim, items);
      if (problems.length === 0) return;
      const text = problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`;
      throw admissionForbidden(request, text);
    });
  },
};

const concerns = ({ group, resource, subresource }: AdmissionRequest, plural: string): boolean =>
  group === '' && resource === plural && subresource === '';

async function forEachRange(request: AdmissionRequest, visit: (items: readonly Item[]) => void): Promise<void> {
  const ranges = (await request.access.list(limitRanges, request.namespace)) as readonly LimitRange[];
  for (const { spec } of ranges) visit((spec?.limits ?? []) as readonly Item[]);
}

/** Says on the pod what it has set, as Kubernetes does. */
function setDefaults(pod: Pod, items: readonly Item[]): void {
  const containerItems = items.filter(({ type }) => type === 'Container');
  const requests = Object.assign({}, ...containerItems.map(({ defaultRequest }) => defaultRequest));
  const limits = Object.assign({}, ...containerItems.map((item) => item.default));
  const said: string[] = [];
  for (const container of pod.spec!.containers) complete(container, 'container', requests, limits, said);
  for (const container of pod.spec!.initContainers ?? []) complete(container, 'init container', requests, limits, said);
  if (said.length === 0) return;
  pod.metadata.annotations = {
    ...pod.metadata.annotations,
    [annotation]: `LimitRanger plugin set: ${said.join('; ')}`,
  };
}

function complete(
  container: Container,
  called: string,
  requests: Readonly<Record<string, string>>,
  limits: Readonly<Record<string, string>>,
  said: string[],
): void {
  for (const [which, defaults, singular] of [
    ['requests', requests, 'request'],
    ['limits', limits, 'limit'],
  ] as const) {
    const own = container.resources?.[which] ?? {};
    const missing = Object.keys(defaults).filter((name) => own[name] === undefined);
    if (missing.length === 0) continue;
    const added = Object.fromEntries(missing.map((name) => [name, defaults[name]!]));
    container.resources = { ...container.resources, [which]: { ...own, ...added } };
    said.push(`${missing.sort().join(', ')} ${singular} for ${called} ${container.name}`);
  }
}

function podProblems(pod: Pod, items: readonly Item[]): string[] {
  const spec = pod.spec!;
  return items.flatMap((item) => {
    if (item.type === 'Pod') return problemsOf(item, podRequests(spec), podLimits(spec));
    if (item.type !== 'Container') return [];
    return [...spec.containers, ...(spec.initContainers ?? [])].flatMap(({ resources }) =>
      problemsOf(item, parseQuantities(resources?.requests), parseQuantities(resources?.limits)),
    );
  });
}

/** Claims have no limits: their maximum is that of requests. */
function claimProblems({ spec }: PersistentVolumeClaim, items: readonly Item[]): string[] {
  const requests = parseQuantities(spec?.resources?.requests);
  return items
    .filter(({ type }) => type === 'PersistentVolumeClaim')
    .flatMap(({ type, min, max }) => [
      ...broken(min, type, requests, new Map(), below),
      ...broken(max, type, requests, new Map(), requestAbove),
    ]);
}

function problemsOf(
  { type, min, max, maxLimitRequestRatio }: Item,
  requests: Quantities,
  limits: Quantities,
): string[] {
  return [
    ...broken(min, type, requests, limits, below),
    ...broken(max, type, requests, limits, above),
    ...broken(maxLimitRequestRatio, type, requests, limits, tooFar),
  ];
}

/** One resource of what is asked for, beside the bound that a LimitRange sets. */
interface Bounded {
  readonly name: string;
  /** What the bound is for: `Container`, `Pod`, `PersistentVolumeClaim`. */
  readonly type: string;
  readonly bound: Quantity;
  readonly request: Quantity | undefined;
  readonly limit: Quantity | undefined;
}

function broken(
  bounds: Readonly<Record<string, string>> | undefined,
  type: string,
  requests: Quantities,
  limits: Quantities,
  problem: (bounded: Bounded) => string | undefined,
): string[] {
  return [...parseQuantities(bounds)].flatMap(
    ([name, bound]) => problem({ name, type, bound, request: requests.get(name), limit: limits.get(name) }) ?? [],
  );
}

function below({ name, type, bound, request, limit }: Bounded): string | undefined {
  const rule = `minimum ${name} usage per ${type} is ${bound}`;
  if (request === undefined) return `${rule}.  No request is specified`;
  if (request.compare(bound) < 0) return `${rule}, but request is ${request}`;
  return limit !== undefined && limit.compare(bound) < 0 ? `${rule}, but limit is ${limit}` : undefined;
}

function above({ name, type, bound, request, limit }: Bounded): string | undefined {
  const rule = `maximum ${name} usage per ${type} is ${bound}`;
  if (limit === undefined) return `${rule}.  No limit is specified`;
  if (limit.compare(bound) > 0) return `${rule}, but limit is ${limit}`;
  return request !== undefined && request.compare(bound) > 0 ? `${rule}, but request is ${request}` : undefined;
}

function requestAbove({ name, type, bound, request }: Bounded): string | undefined {
  const rule = `maximum ${name} usage per ${type} is ${bound}`;
  if (request === undefined) return `${rule}.  No request is specified`;
  return request.compare(bound) > 0 ? `${rule}, but request is ${request}` : undefined;
}

function tooFar({ name, type, bound, request, limit }: Bounded): string | undefined {
  const rule = `${name} max limit to request ratio per ${type} is ${bound}`;
  if (request === undefined || request.isZero) return `${rule}, but no request is specified or request is 0`;
  if (limit === undefined || limit.isZero) return `${rule}, but no limit is specified or limit is 0`;
  const ratio = limit.toNumber() / request.toNumber();
  return ratio > bound.toNumber() ? `${rule}, but provided ratio is ${ratio.toFixed(6)}` : undefined;
}
