/** Makes and deletes pods of StatefulSets, with their claims. Source: Kubernetes' stateful_pod_control.go. */

import type { PodTemplateSpec } from '../../apis/types.ts';
import { keyOf } from '../../client/definition.ts';
import { PersistentVolumeClaim, Pod, type StatefulSet } from '../../client/kinds.ts';
import { isReason } from '../../machinery/status.ts';
import type { KeyContext } from '../../runtime/index.ts';
import { isNamespaceTerminating, messageOf, preconditionsOf } from '../workload/pod-control.ts';
import { claimsOf, identityLabels, podOf } from './identity.ts';
import { ownClaims } from './retention.ts';

export async function createStatefulPod(
  set: StatefulSet,
  ordinal: number,
  template: PodTemplateSpec,
  revision: string,
  context: KeyContext,
): Promise<void> {
  const pod = podOf(set, ordinal, template, revision);
  const { name = '' } = pod.metadata;
  await createMissingClaims(set, name, context);
  await ownClaims(set, pod, context);
  await recorded(set, 'create', `Pod ${name}`, context, async () => {
    await context.client.resource(Pod).create(pod);
  });
}

export async function createMissingClaims(set: StatefulSet, podName: string, context: KeyContext): Promise<void> {
  const cache = context.cache(PersistentVolumeClaim);
  for (const claim of claimsOf(set, podName)) {
    if (cache.get(keyOf(claim)) !== undefined) continue;
    await recorded(set, 'create', `Claim ${claim.metadata.name} Pod ${podName}`, context, async () => {
      try {
        await context.client.resource(PersistentVolumeClaim).create(claim);
      } catch (error) {
        if (!isReason(error, 'AlreadyExists')) throw error;
      }
    });
  }
}

export async function deleteStatefulPod(set: StatefulSet, pod: Pod, context: KeyContext): Promise<void> {
  await recorded(set, 'delete', `Pod ${pod.metadata.name}`, context, async () => {
    try {
      await context.client.resource(Pod).delete(keyOf(pod), preconditionsOf(pod));
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  });
}

/** Puts the labels back by which Services find the pod. */
export async function restoreIdentity(set: StatefulSet, pod: Pod, context: KeyContext): Promise<void> {
  const labels = identityLabels(pod.metadata.name ?? '');
  if (Object.entries(labels).every(([name, value]) => pod.metadata.labels?.[name] === value)) return;
  await recorded(set, 'update', `Pod ${pod.metadata.name}`, context, async () => {
    await context.client.resource(Pod).patch(keyOf(pod), { metadata: { uid: pod.metadata.uid ?? '', labels } });
  });
}

/** Tells by an event how it went: `create Pod web-0 in StatefulSet web successful`. */
async function recorded(
  set: StatefulSet,
  verb: 'create' | 'delete' | 'update',
  what: string,
  context: KeyContext,
  act: () => Promise<void>,
): Promise<void> {
  const reason = `${verb[0]!.toUpperCase()}${verb.slice(1)}`;
  const text = `${verb} ${what} in StatefulSet ${set.metadata.name}`;
  try {
    await act();
    context.eventFor(
      set,
      'Normal',
      `Successful${reason}`,
      `${text} ${what.startsWith('Claim') ? 'success' : 'successful'}`,
    );
  } catch (error) {
    if (!isReason(error, 'AlreadyExists') && !isNamespaceTerminating(error)) {
      context.eventFor(set, 'Warning', `Failed${reason}`, `${text} failed error: ${messageOf(error)}`);
    }
    throw error;
  }
}
