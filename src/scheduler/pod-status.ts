/** What the scheduler writes into the status of pods. */
import { type Pod, Pod as PodKind } from '../client/kinds.ts';
import { formatTime } from '../clock/clock.ts';
import type { JsonObject } from '../machinery/json.ts';
import { isReason } from '../machinery/status.ts';
import type { KeyContext } from '../runtime/reconciler.ts';

/** Of a pod that is gone, nobody asks the status. */
export async function patchPodStatus({ metadata }: Pod, status: JsonObject, { client }: KeyContext): Promise<void> {
  const key = { namespace: metadata.namespace, name: metadata.name! };
  const type = 'application/strategic-merge-patch+json';
  try {
    await client.resource(PodKind).patchStatus(key, { status }, { type });
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
}

/**
 * The pod cannot be scheduled now: the event and the condition say why. `nominatedNodeName` is where it has been promised
 * room; empty: nowhere any more; undefined: as it was.
 */
export async function reportUnschedulable(
  pod: Pod,
  message: string,
  nominatedNodeName: string | undefined,
  context: KeyContext,
): Promise<void> {
  context.eventFor(pod, 'Warning', 'FailedScheduling', message);
  const known = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  const told = known?.status === 'False' && known.reason === 'Unschedulable' && known.message === message;
  const promised = pod.status?.nominatedNodeName ?? '';
  const promises = nominatedNodeName !== undefined && nominatedNodeName !== promised;
  if (told && !promises) return;
  const now = formatTime(context.clock.now());
  const condition = {
    type: 'PodScheduled',
    status: 'False',
    reason: 'Unschedulable',
    message,
    lastProbeTime: null,
    lastTransitionTime: known?.status === 'False' ? (known.lastTransitionTime ?? now) : now,
  };
  const nomination: JsonObject = promises
    ? { nominatedNodeName: nominatedNodeName === '' ? null : nominatedNodeName }
    : {};
  await patchPodStatus(pod, { conditions: [condition], ...nomination }, context);
}
