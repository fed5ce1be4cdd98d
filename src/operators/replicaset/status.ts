/** A ReplicaSet's status. Source: `k8s.io/kubernetes/pkg/controller/replicaset/replica_set_utils.go`. */
import type * as k8s from '@kubernetes/client-node';
import type { Wire } from '../../apis/types.ts';
import type { Pod, ReplicaSet } from '../../client/kinds.ts';
import { findCondition, removeCondition } from '../../machinery/conditions.ts';
import { nonZero } from '../workload/counts.ts';
import { availableFrom, isPodReady } from '../workload/pods.ts';

export type ReplicaSetStatus = Wire<k8s.V1ReplicaSetStatus>;
type Condition = Wire<k8s.V1ReplicaSetCondition>;

/** Why the number of pods could not be made what it should be. */
export interface ReplicaFailure {
  readonly reason: 'FailedCreate' | 'FailedDelete';
  readonly message: string;
}

export interface StatusInput {
  readonly replicaSet: ReplicaSet;
  /** Active ones that the ReplicaSet has claimed. */
  readonly pods: readonly Pod[];
  /** How many of its pods are on their way out. */
  readonly terminating: number;
  readonly failure: ReplicaFailure | undefined;
  /** Milliseconds. */
  readonly now: number;
  /** The same as the API writes it. */
  readonly time: string;
}

/** The status, and when it changes without any pod changing: the next pod to have been ready for long enough. */
export function replicaSetStatus(input: StatusInput): { status: ReplicaSetStatus; nextChange: number | undefined } {
  const { replicaSet, pods, terminating, failure, now, time } = input;
  const { spec, metadata } = replicaSet;
  const templateLabels = Object.entries(spec?.template?.metadata?.labels ?? {});
  const minReadySeconds = spec?.minReadySeconds ?? 0;
  let fullyLabeledReplicas = 0;
  let readyReplicas = 0;
  let availableReplicas = 0;
  let nextChange: number | undefined;
  for (const pod of pods) {
    const { labels = {} } = pod.metadata;
    if (templateLabels.every(([name, value]) => labels[name] === value)) fullyLabeledReplicas += 1;
    if (!isPodReady(pod)) continue;
    readyReplicas += 1;
    const from = availableFrom(pod, minReadySeconds);
    if (from === undefined) continue;
    if (from <= now) availableReplicas += 1;
    else nextChange = Math.min(nextChange ?? from, from);
  }
  const conditions = conditionsWith(replicaSet.status?.conditions, failure, time);
  const status: ReplicaSetStatus = {
    replicas: pods.length,
    ...nonZero({
      fullyLabeledReplicas,
      readyReplicas,
      availableReplicas,
      observedGeneration: metadata.generation ?? 0,
    }),
    terminatingReplicas: terminating,
    ...(conditions.length === 0 ? {} : { conditions }),
  };
  return { status, nextChange };
}

function conditionsWith(before: Condition[] = [], failure: ReplicaFailure | undefined, time: string): Condition[] {
  const type = 'ReplicaFailure';
  if (failure === undefined) return removeCondition(before, type);
  if (findCondition(before, type) !== undefined) return before;
  return [...before, { type, status: 'True', lastTransitionTime: time, ...failure }];
}
