/**
 * LimitRanger: a namespace's LimitRanges give containers the requests and limits that they leave out, and refuse pods and
 * claims that ask for too little, too much, or limits too far above requests.
 * Source: Kubernetes `plugin/pkg/admission/limitranger`.
 */
import type * as k8s from '@kubernetes/client-node';
import { parseQuantities, podLimits, podRequests, type Quantities } from '../apis/core/pod-resources.ts';
import type { Container, LimitRange, PersistentVolumeClaim, Pod, Wire } from '../apis/types.ts';
import { Quantity } from '../machinery/quantity.ts';
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
  const problems: string[] = [];
  for (const item of items) {
    if (item.type === 'Container') {
      for (const { resources } of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
        check(item, parseQuantities(resources?.requests), parseQuantities(resources?.limits), problems);
      }
    } else if (item.type === 'Pod') check(item, podRequests(spec), podLimits(spec), problems);
  }
  return problems;
}

function claimProblems({ spec }: PersistentVolumeClaim, items: readonly Item[]): string[] {
  const requests = parseQuantities(spec?.resources?.requests);
  const problems: string[] = [];
  for (const { type, min, max } of items) {
    if (type !== 'PersistentVolumeClaim') continue;
    for (const [name, bound] of parseQuantities(min)) below(name, type, bound, requests, new Map(), problems);
    for (const [name, bound] of parseQuantities(max)) requestAbove(name, type, bound, requests, problems);
  }
  return problems;
}

function check(item: Item, requests: Quantities, limits: Quantities, problems: string[]): void {
  const { type, min, max, maxLimitRequestRatio } = item;
  for (const [name, bound] of parseQuantities(min)) below(name, type, bound, requests, limits, problems);
  for (const [name, bound] of parseQuantities(max)) above(name, type, bound, requests, limits, problems);
  for (const [name, bound] of parseQuantities(maxLimitRequestRatio)) {
    tooFar(name, type, bound, requests, limits, problems);
  }
}

function below(
  name: string,
  type: string,
  bound: Quantity,
  requests: Quantities,
  limits: Quantities,
  problems: string[],
): void {
  const request = requests.get(name);
  const limit = limits.get(name);
  const rule = `minimum ${name} usage per ${type} is ${bound}`;
  if (request === undefined) problems.push(`${rule}.  No request is specified`);
  else if (request.compare(bound) < 0) problems.push(`${rule}, but request is ${request}`);
  else if (limit !== undefined && limit.compare(bound) < 0) problems.push(`${rule}, but limit is ${limit}`);
}

function above(
  name: string,
  type: string,
  bound: Quantity,
  requests: Quantities,
  limits: Quantities,
  problems: string[],
): void {
  const request = requests.get(name);
  const limit = limits.get(name);
  const rule = `maximum ${name} usage per ${type} is ${bound}`;
  if (limit === undefined) problems.push(`${rule}.  No limit is specified`);
  else if (limit.compare(bound) > 0) problems.push(`${rule}, but limit is ${limit}`);
  else if (request !== undefined && request.compare(bound) > 0) problems.push(`${rule}, but request is ${request}`);
}

/** Claims have no limits. */
function requestAbove(name: string, type: string, bound: Quantity, requests: Quantities, problems: string[]): void {
  const request = requests.get(name);
  const rule = `maximum ${name} usage per ${type} is ${bound}`;
  if (request === undefined) problems.push(`${rule}.  No request is specified`);
  else if (request.compare(bound) > 0) problems.push(`${rule}, but request is ${request}`);
}

function tooFar(
  name: string,
  type: string,
  bound: Quantity,
  requests: Quantities,
  limits: Quantities,
  problems: string[],
): void {
  const request = requests.get(name) ?? Quantity.zero;
  const limit = limits.get(name) ?? Quantity.zero;
  const rule = `${name} max limit to request ratio per ${type} is ${bound}`;
  if (request.isZero) problems.push(`${rule}, but no request is specified or request is 0`);
  else if (limit.isZero) problems.push(`${rule}, but no limit is specified or limit is 0`);
  else {
    const ratio = limit.toNumber() / request.toNumber();
    if (ratio > bound.toNumber()) problems.push(`${rule}, but provided ratio is ${ratio.toFixed(6)}`);
  }
}
