/** Which ReplicaSet is the new one, which are old, and in what order. Source: Kubernetes' deployment_util.go. */
import type { PodTemplateSpec } from '../../apis/types.ts';
import type { Deployment, ReplicaSet } from '../../client/kinds.ts';
import { deepEqual } from '../../machinery/json.ts';
import { isActive, replicasOf } from './sizes.ts';

export const hashLabel = 'pod-template-hash';

export function byAge(a: ReplicaSet, b: ReplicaSet): number {
  const timeA = a.metadata.creationTimestamp ?? '';
  const timeB = b.metadata.creationTimestamp ?? '';
  return compare(timeA, timeB) || compare(a.metadata.name ?? '', b.metadata.name ?? '');
}

/** The largest first; among equals, the newest. */
export const bySizeNewer = (a: ReplicaSet, b: ReplicaSet): number => replicasOf(b) - replicasOf(a) || byAge(b, a);

/** The largest first; among equals, the oldest. */
export const bySizeOlder = (a: ReplicaSet, b: ReplicaSet): number => replicasOf(b) - replicasOf(a) || byAge(a, b);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Of several with the Deployment's template, the oldest is the new one. `replicaSets` are sorted by age. */
export function findNewReplicaSet(deployment: Deployment, replicaSets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const template = deployment.spec?.template;
  return replicaSets.find(({ spec }) => sameTemplate(spec?.template, template));
}

/** Whether they differ in nothing but the hash label. */
export function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return deepEqual(a?.spec, b?.spec) && deepEqual(metadataOf(a), metadataOf(b));
}

function metadataOf(template: PodTemplateSpec | undefined): unknown {
  const { labels = {}, ...metadata } = template?.metadata ?? {};
  const { [hashLabel]: _, ...others } = labels;
  return { ...metadata, labels: others };
}

/** The one that scaling is about: the only active one, or the latest when none is; undefined when several are active. */
export function activeOrLatest(newest: ReplicaSet | undefined, old: readonly ReplicaSet[]): ReplicaSet | undefined {
  const active = [...old, ...(newest === undefined ? [] : [newest])].filter(isActive);
  if (active.length === 0) return newest ?? old.at(-1);
  return active.length === 1 ? active[0] : undefined;
}
