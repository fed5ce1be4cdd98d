/**
 * On which nodes a DaemonSet's pods belong. Source: `NodeShouldRunDaemonPod` in Kubernetes' daemon_controller.go, and
 * `k8s.io/component-helpers/scheduling/corev1`.
 */

import { tolerates } from '../../apis/core/tolerations.ts';
import type { Affinity, PodSpec, PodTemplateSpec, Toleration } from '../../apis/types.ts';
import type { Node, Pod } from '../../client/kinds.ts';
import { matchesNodeSelectorTerm } from '../../machinery/node-selector.ts';

export interface Placement {
  /** Whether a pod is to be made there. */
  readonly runs: boolean;
  /** Whether one that is there already may stay. */
  readonly stays: boolean;
}

const nowhere: Placement = { runs: false, stays: false };

export function placementOn(node: Node, template: PodTemplateSpec): Placement {
  const { spec } = template;
  if (spec?.nodeName !== undefined && spec.nodeName !== '' && spec.nodeName !== node.metadata.name) return nowhere;
  if (!selectsNode(spec, node)) return nowhere;
  const tolerations = daemonTolerations(spec);
  const untolerated = (node.spec?.taints ?? []).filter(
    ({ effect, ...taint }) =>
      effect !== 'PreferNoSchedule' && !tolerations.some((one) => tolerates(one, { effect, ...taint })),
  );
  return { runs: untolerated.length === 0, stays: !untolerated.some(({ effect }) => effect === 'NoExecute') };
}

/** Daemons run where others may not: on nodes that are not ready, under pressure or closed to new pods. */
export function daemonTolerations(spec: PodSpec | undefined): Toleration[] {
  const always: [key: string, effect: string][] = [
    ['node.kubernetes.io/not-ready', 'NoExecute'],
    ['node.kubernetes.io/unreachable', 'NoExecute'],
    ['node.kubernetes.io/disk-pressure', 'NoSchedule'],
    ['node.kubernetes.io/memory-pressure', 'NoSchedule'],
    ['node.kubernetes.io/pid-pressure', 'NoSchedule'],
    ['node.kubernetes.io/unschedulable', 'NoSchedule'],
  ];
  if (spec?.hostNetwork === true) always.push(['node.kubernetes.io/network-unavailable', 'NoSchedule']);
  const own = spec?.tolerations ?? [];
  const added = always.map(([key, effect]) => ({ key, operator: 'Exists', effect }));
  const isReplaced = (one: Toleration): boolean =>
    added.some(({ key, effect }) => one.key === key && one.effect === effect && one.operator === 'Exists');
  return [...own.filter((one) => !isReplaced(one)), ...added];
}

/** The affinity that lets the scheduler choose no other node. */
export function affinityTo(node: string, affinity: Affinity | undefined): Affinity {
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [node] }];
  return {
    ...affinity,
    nodeAffinity: {
      ...affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] },
    },
  };
}

/** The node that a daemon's pod is on, or is meant for; undefined when neither is known. */
export function targetNode({ spec }: Pod): string | undefined {
  if (spec?.nodeName !== undefined && spec.nodeName !== '') return spec.nodeName;
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  for (const { matchFields } of terms) {
    const field = matchFields?.find(({ key, operator }) => key === 'metadata.name' && operator === 'In');
    if (field?.values?.length === 1) return field.values[0];
  }
  return undefined;
}

function selectsNode(spec: PodSpec | undefined, node: Node): boolean {
  const { labels = {} } = node.metadata;
  if (!Object.entries(spec?.nodeSelector ?? {}).every(([name, value]) => labels[name] === value)) return false;
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return (
    required === undefined ||
    required.nodeSelectorTerms.some((term) => matchesNodeSelectorTerm(term, node.metadata.name, labels))
  );
}
