/**
 * What a Deployment notes on its ReplicaSets: revisions, and the sizes that proportional scaling starts from.
 * Source: Kubernetes' deployment_util.go.
 */
import type { Deployment, ReplicaSet } from '../../client/kinds.ts';
import { desiredReplicas, maxSurge } from './sizes.ts';

export const revisionAnnotation = 'deployment.kubernetes.io/revision';
const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history';
const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas';
const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas';

/** Of a Deployment's annotations, those that are not its ReplicaSets'. */
const notCopied = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'deprecated.deployment.rollback.to',
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
]);

const maxHistoryLength = 2000;

export type Annotations = Record<string, string>;

/** 0 where there is none. */
export function revisionOf({ metadata }: ReplicaSet): number {
  return Number.parseInt(metadata.annotations?.[revisionAnnotation] ?? '', 10) || 0;
}

export const maxRevision = (replicaSets: readonly ReplicaSet[]): number =>
  replicaSets.reduce((highest, replicaSet) => Math.max(highest, revisionOf(replicaSet)), 0);

export const notedDesiredReplicas = (replicaSet: ReplicaSet): number | undefined =>
  noted(replicaSet, desiredReplicasAnnotation);

export const notedMaxReplicas = (replicaSet: ReplicaSet): number | undefined =>
  noted(replicaSet, maxReplicasAnnotation);

function noted({ metadata }: ReplicaSet, name: string): number | undefined {
  const text = metadata.annotations?.[name];
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

/** The sizes as they are to be noted on every ReplicaSet that is scaled. */
export function sizeAnnotations(deployment: Deployment): Annotations {
  const desired = desiredReplicas(deployment);
  return {
    [desiredReplicasAnnotation]: String(desired),
    [maxReplicasAnnotation]: String(desired + maxSurge(deployment)),
  };
}

/** The annotations of the new ReplicaSet at `revision`: the Deployment's, and its revisions, the earlier ones as history. */
export function newReplicaSetAnnotations(deployment: Deployment, before: Annotations, revision: number): Annotations {
  const after: Annotations = { ...before };
  for (const [name, value] of Object.entries(deployment.metadata.annotations ?? {})) {
    if (!notCopied.has(name)) after[name] = value;
  }
  const old = before[revisionAnnotation];
  const oldRevision = Number.parseInt(old ?? '', 10) || 0;
  if (oldRevision >= revision) return after;
  after[revisionAnnotation] = String(revision);
  if (old !== undefined) after[revisionHistoryAnnotation] = extendHistory(before[revisionHistoryAnnotation] ?? '', old);
  return after;
}

/** The oldest are forgotten when it becomes too long. */
function extendHistory(history: string, revision: string): string {
  const revisions = history === '' ? [] : history.split(',');
  revisions.push(revision);
  while (revisions.length > 1 && revisions.join(',').length > maxHistoryLength) revisions.shift();
  return revisions.join(',');
}

export function carries(annotations: Annotations | undefined, wanted: Annotations): boolean {
  return Object.entries(wanted).every(([name, value]) => annotations?.[name] === value);
}
