import { nameIsDnsSubdomain } from '../../machinery/names.ts';
import { builtinType } from '../builtin.ts';
import type { SelectableField } from '../resource-type.ts';
import type { Pod, PodStatus } from '../types.ts';
import { podColumns } from './pod-columns.ts';
import { podConnections } from './pod-connect.ts';
import { defaultPod } from './pod-defaults.ts';
import { ephemeralContainersSubresource } from './pod-ephemeral-containers.ts';
import { qosClass } from './pod-qos.ts';
import { resizeSubresource } from './pod-resize.ts';
import { podSubresources } from './pod-subresources.ts';
import { validatePodStatusUpdate, validatePodUpdate } from './pod-update-validation.ts';
import { validatePod } from './pod-validation.ts';
import { podWarnings } from './pod-warnings.ts';

const field = (name: string, value: (pod: Pod) => string | undefined): SelectableField => ({
  name,
  value: (object) => value(object as unknown as Pod) ?? '',
});

export const podType = builtinType<Pod>({
  group: '',
  kind: 'Pod',
  plural: 'pods',
  shortNames: ['po'],
  categories: ['all'],
  status: true,
  columns: podColumns,
  selectableFields: [
    field('spec.nodeName', (pod) => pod.spec?.nodeName),
    field('spec.restartPolicy', (pod) => pod.spec?.restartPolicy),
    field('spec.schedulerName', (pod) => pod.spec?.schedulerName),
    field('spec.serviceAccountName', (pod) => pod.spec?.serviceAccountName),
    field('spec.hostNetwork', (pod) => String(pod.spec?.hostNetwork === true)),
    field('status.phase', (pod) => pod.status?.phase),
    field('status.podIP', (pod) => pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP),
    field('status.nominatedNodeName', (pod) => pod.status?.nominatedNodeName),
  ],
  strategy: {
    generation: true,
    resetFields: {
      object: ['status'],
      status: ['spec', 'metadata.deletionTimestamp', 'metadata.ownerReferences'],
    },
    returnsDeletedObject: true,
    validateName: (name, prefix) => nameIsDnsSubdomain(name, prefix),
    default: defaultPod,
    prepareForCreate(draft) {
      draft.status = { phase: 'Pending', qosClass: qosClass(draft.spec!) };
      if ((draft.spec!.schedulingGates?.length ?? 0) > 0) draft.status.conditions = [gatedCondition()];
    },
    prepareForStatusUpdate(draft, old) {
      // The old value stays where the kubelet leaves it out; owners are not status.
      draft.status!.qosClass ??= old.status?.qosClass ?? qosClass(old.spec!);
      const { metadata } = draft;
      if (old.metadata.ownerReferences === undefined) delete metadata.ownerReferences;
      else metadata.ownerReferences = old.metadata.ownerReferences;
    },
    gracePeriodSeconds,
    validate: validatePod,
    validateUpdate: validatePodUpdate,
    validateStatusUpdate: validatePodStatusUpdate,
    warnings: podWarnings,
  },
  subresources: podSubresources,
  connections: podConnections,
  objectSubresources: { ephemeralcontainers: ephemeralContainersSubresource, resize: resizeSubresource },
});

function gatedCondition(): NonNullable<PodStatus['conditions']>[number] {
  return {
    type: 'PodScheduled',
    status: 'False',
    reason: 'SchedulingGated',
    message: 'Scheduling is blocked due to non-empty scheduling gates',
    ...(unsetTimes as { lastProbeTime?: string; lastTransitionTime?: string }),
  };
}

/** Times that nobody has set are written as null. */
const unsetTimes: object = { lastProbeTime: null, lastTransitionTime: null };

/** Source: Kubernetes `pkg/registry/core/pod/strategy.go`, CheckGracefulDelete. */
function gracePeriodSeconds({ spec, status }: Pod, requested: number | undefined): number {
  // Where nothing runs there is nothing to wait for.
  if ((spec?.nodeName ?? '') === '' || status?.phase === 'Failed' || status?.phase === 'Succeeded') return 0;
  const seconds = requested ?? spec?.terminationGracePeriodSeconds ?? 30;
  return seconds < 0 ? 1 : seconds;
}
