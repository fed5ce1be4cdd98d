/** The pods of a job: how they are made, and how each one's end is counted once. Source: Kubernetes' pkg/controller/job. */
import type { Container } from '../../apis/types.ts';
import type { Draft } from '../../client/client.ts';
import { keyOf } from '../../client/definition.ts';
import { Job, Pod } from '../../client/kinds.ts';
import { isReason } from '../../machinery/status.ts';
import type { KeyContext } from '../../runtime/index.ts';
import { podFromTemplate } from '../workload/pod-control.ts';
import { indexAnnotation } from './indexes.ts';

/** Held until the job's status counts the pod (KEP-2307). */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';

export const isIndexed = ({ spec }: Job): boolean => spec?.completionMode === 'Indexed';
export const isTracked = ({ metadata }: Pod): boolean => metadata.finalizers?.includes(trackingFinalizer) ?? false;
export const isSucceeded = ({ status }: Pod): boolean => status?.phase === 'Succeeded';

const isFinished = (pod: Pod): boolean => isSucceeded(pod) || pod.status?.phase === 'Failed';
export const isActive = (pod: Pod): boolean => !isFinished(pod) && pod.metadata.deletionTimestamp === undefined;
export const isTerminating = (pod: Pod): boolean => !isFinished(pod) && pod.metadata.deletionTimestamp !== undefined;

/** A pod that is deleted counts as failed at once, unless the job waits for its end. */
export function isFailed(pod: Pod, job: Job): boolean {
  if (pod.status?.phase === 'Failed') return true;
  return isTerminating(pod) && !waitsForEnds(job);
}

/** Whether pods are replaced only when they have ended: what a failure means is known no earlier. */
export const waitsForEnds = ({ spec }: Job): boolean =>
  spec?.podReplacementPolicy === 'Failed' || spec?.podFailurePolicy !== undefined;

/** `annotations`: what the pod is to say of the failures before it. */
export function podOf(job: Job, index: number | undefined, annotations: Record<string, string> = {}): Draft<Pod> {
  const pod = podFromTemplate(job.spec!.template, job, Job);
  const finalizers = [...(pod.metadata.finalizers ?? []), trackingFinalizer];
  if (index === undefined) return { ...pod, metadata: { ...pod.metadata, finalizers } };
  const { name = '' } = job.metadata;
  const text = String(index);
  const { spec } = pod;
  return {
    metadata: {
      ...pod.metadata,
      generateName: `${name.slice(0, 253 - text.length - 7)}-${text}-`,
      labels: { ...pod.metadata.labels, [indexAnnotation]: text },
      annotations: { ...pod.metadata.annotations, [indexAnnotation]: text, ...annotations },
      finalizers,
    },
    spec: {
      ...spec!,
      hostname: `${name.slice(0, 63 - text.length - 1)}-${text}`,
      containers: spec!.containers.map(withIndex),
      ...(spec?.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(withIndex) }),
    },
  };
}

const indexVariable = 'JOB_COMPLETION_INDEX';

function withIndex(container: Container): Container {
  const { env = [] } = container;
  if (env.some(({ name }) => name === indexVariable)) return container;
  const fieldRef = { fieldPath: `metadata.labels['${indexAnnotation}']` };
  return { ...container, env: [...env, { name: indexVariable, valueFrom: { fieldRef } }] };
}

/** When the pod ended, in milliseconds. */
export function finishedAt({ metadata, status }: Pod): number {
  let latest = 0;
  for (const { state } of [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])]) {
    const at = state?.terminated?.finishedAt;
    if (at !== undefined) latest = Math.max(latest, Date.parse(at));
  }
  if (latest > 0) return latest;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime;
  return Date.parse(ready ?? metadata.deletionTimestamp ?? metadata.creationTimestamp ?? '');
}

export async function untrack(pod: Pod, { client }: Pick<KeyContext, 'client'>): Promise<void> {
  const { finalizers = [], uid = '', resourceVersion = '' } = pod.metadata;
  const others = finalizers.filter((finalizer) => finalizer !== trackingFinalizer);
  try {
    await client
      .resource(Pod)
      .patch(keyOf(pod), { metadata: { uid, resourceVersion, finalizers: others.length === 0 ? null : others } });
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
}
