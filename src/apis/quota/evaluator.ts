/**
 * What an object counts for in ResourceQuotas: the same rules for admission, which charges for new objects, and for the
 * controller, which adds up those that are there. Source: Kubernetes `pkg/quota/v1/evaluator/core`, KEP-284 (object counts).
 */

import type { ApiObject } from '../../machinery/object.ts';
import { Quantity } from '../../machinery/quantity.ts';
import { addQuantities, parseQuantities, podLimits, podRequests, type Quantities } from '../core/pod-resources.ts';
import type { PersistentVolumeClaim, Pod, Service } from '../types.ts';

export interface QuotaEvaluator {
  /** Whether a quota's resource of this name counts such objects: `pods`, `requests.cpu`, `count/deployments.apps`. */
  counts(name: string): boolean;
  /** `now`: milliseconds since the epoch. */
  usage(object: ApiObject, now: number): Quantities;
  /** What an object must say to be counted at all, as the end of a sentence; undefined: it says it. */
  missing?(object: ApiObject, names: readonly string[]): string | undefined;
}

const one = Quantity.of(1);

/** Never fails: objects of every resource can be counted. */
export function quotaEvaluator(group: string, plural: string): QuotaEvaluator {
  return (group === '' ? evaluators[plural] : undefined) ?? countEvaluator(group, plural);
}

/** The resources that quotas of these names count. */
export function countedResources(names: readonly string[]): { readonly group: string; readonly plural: string }[] {
  const found = new Map<string, { readonly group: string; readonly plural: string }>();
  for (const name of names) {
    const [, plural, group = ''] = /^count\/([^.]+)(?:\.(.+))?$/.exec(name) ?? [];
    if (plural !== undefined) found.set(name, { group, plural });
    else if (countedByName.has(name)) found.set(`count/${name}`, { group: '', plural: name });
    else {
      for (const known of Object.keys(evaluators)) {
        if (evaluators[known]!.counts(name)) found.set(`count/${known}`, { group: '', plural: known });
      }
    }
  }
  return [...found.values()];
}

/** Resources that were counted by their own names before `count/…` was invented. */
const countedByName = new Set(['configmaps', 'replicationcontrollers', 'resourcequotas', 'secrets']);

function countEvaluator(group: string, plural: string): QuotaEvaluator {
  const names = new Set([`count/${plural}${group === '' ? '' : `.${group}`}`]);
  if (group === '' && countedByName.has(plural)) names.add(plural);
  const usage = new Map([...names].map((name) => [name, one]));
  return { counts: (name) => names.has(name), usage: () => new Map(usage) };
}

/** In Kubernetes' own order of names. */
const computeResources = ['cpu', 'memory', 'ephemeral-storage'];
const podNames = new Set([
  'count/pods',
  'pods',
  ...computeResources.flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
]);

/** Where one of these is limited, every container must say what it takes: an old promise to those who set the quota. */
const obligatory = new Set(['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory']);

const pods: QuotaEvaluator = {
  counts: (name) => podNames.has(name) || /^(requests\.)?hugepages-/.test(name) || isExtendedRequest(name),
  usage(object, now) {
    const pod = object as Pod;
    const usage: Quantities = new Map([['count/pods', one]]);
    if (isOver(pod, now)) return usage;
    usage.set('pods', one);
    addQuantities(usage, computeUsage(podRequests(pod.spec!), podLimits(pod.spec!)));
    return usage;
  },
  missing(object, names) {
    const spec = (object as Pod).spec!;
    const required = names.filter((name) => obligatory.has(name));
    const lacking = new Map<string, Set<string>>();
    for (const { name, resources } of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
      const own = computeUsage(
        parseQuantities({ ...spec.resources?.requests, ...resources?.requests }),
        parseQuantities({ ...spec.resources?.limits, ...resources?.limits }),
      );
      for (const resource of required) {
        if (own.has(resource)) continue;
        if (!lacking.has(resource)) lacking.set(resource, new Set());
        lacking.get(resource)!.add(name);
      }
    }
    if (lacking.size === 0) return undefined;
    const parts = [...lacking].sort(([a], [b]) => (a < b ? -1 : 1));
    return `must specify ${parts.map(([resource, containers]) => `${resource} for: ${[...containers].sort().join(',')}`).join('; ')}`;
  },
};

function computeUsage(requests: Quantities, limits: Quantities): Quantities {
  const usage: Quantities = new Map();
  for (const [name, quantity] of requests) {
    if (computeResources.includes(name) || name.startsWith('hugepages-')) usage.set(name, quantity);
    if (usage.has(name) || isExtended(name)) usage.set(`requests.${name}`, quantity);
  }
  for (const [name, quantity] of limits) if (computeResources.includes(name)) usage.set(`limits.${name}`, quantity);
  return usage;
}

/** A name with a domain that is not Kubernetes' own: `example.com/gpu`. */
const isExtended = (name: string): boolean =>
  name.includes('/') && !/(^|\.)kubernetes\.io\//.test(name) && !name.startsWith('requests.');

const isExtendedRequest = (name: string): boolean =>
  name.startsWith('requests.') && isExtended(name.slice('requests.'.length));

/** Pods that have ended, or should have by now, take nothing from others. */
function isOver({ metadata, status }: Pod, now: number): boolean {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return true;
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return false;
  return now > Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

const serviceNames = new Set(['count/services', 'services', 'services.nodeports', 'services.loadbalancers']);

const services: QuotaEvaluator = {
  counts: (name) => serviceNames.has(name),
  usage(object) {
    const { type, ports = [], allocateLoadBalancerNodePorts } = (object as Service).spec ?? {};
    const usage: Quantities = new Map([
      ['count/services', one],
      ['services', one],
      ['services.loadbalancers', Quantity.of(type === 'LoadBalancer' ? 1 : 0)],
      ['services.nodeports', Quantity.zero],
    ]);
    const allocates = type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== false);
    const given = ports.filter(({ nodePort }) => (nodePort ?? 0) !== 0).length;
    if (type === 'NodePort' || type === 'LoadBalancer') {
      usage.set('services.nodeports', Quantity.of(allocates ? ports.length : given));
    }
    return usage;
  },
};

const classSuffix = '.storageclass.storage.k8s.io/';

const claims: QuotaEvaluator = {
  counts: (name) =>
    ['count/persistentvolumeclaims', 'persistentvolumeclaims', 'requests.storage'].includes(name) ||
    name.endsWith(`${classSuffix}requests.storage`) ||
    name.endsWith(`${classSuffix}persistentvolumeclaims`),
  usage(object) {
    const { metadata, spec, status } = object as PersistentVolumeClaim;
    const usage: Quantities = new Map([
      ['count/persistentvolumeclaims', one],
      ['persistentvolumeclaims', one],
    ]);
    const className = metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? '';
    if (className !== '') usage.set(`${className}${classSuffix}persistentvolumeclaims`, one);
    const requested = spec?.resources?.requests?.storage;
    if (requested !== undefined) {
      // A claim that shrinks its request after a failed expansion still holds what was allocated.
      const allocated = status?.allocatedResources?.storage;
      const storage = larger(Quantity.parse(requested), allocated);
      usage.set('requests.storage', storage);
      if (className !== '') usage.set(`${className}${classSuffix}requests.storage`, storage);
    }
    return usage;
  },
};

function larger(quantity: Quantity, text: string | undefined): Quantity {
  if (text === undefined) return quantity;
  const other = Quantity.parse(text);
  return other.compare(quantity) > 0 ? other : quantity;
}

const evaluators: Readonly<Record<string, QuotaEvaluator>> = { pods, services, persistentvolumeclaims: claims };
