/** Who a StatefulSet's pod is: its ordinal, its name, its claims. Source: Kubernetes' stateful_set_utils.go. */

import type { PodTemplateSpec } from '../../apis/types.ts';
import type { Draft } from '../../client/client.ts';
import type { TypedObject } from '../../client/definition.ts';
import { type PersistentVolumeClaim, type Pod, StatefulSet } from '../../client/kinds.ts';
import { podFromTemplate } from '../workload/pod-control.ts';

export const revisionLabel = 'controller-revision-hash';
const podNameLabel = 'statefulset.kubernetes.io/pod-name';
const podIndexLabel = 'apps.kubernetes.io/pod-index';

const ordinalName = /^(.*)-([0-9]+)$/;

/** -1 when the pod's name is not one of this set. */
export function ordinalOf(pod: TypedObject, set: StatefulSet): number {
  const match = ordinalName.exec(pod.metadata.name ?? '');
  if (match === null || match[1] !== set.metadata.name) return -1;
  const ordinal = Number(match[2]);
  return ordinal <= 2 ** 31 - 1 ? ordinal : -1;
}

export const startOf = ({ spec }: StatefulSet): number => spec?.ordinals?.start ?? 0;

export const revisionOf = ({ metadata }: Pod): string | undefined => metadata.labels?.[revisionLabel];

export function podOf(set: StatefulSet, ordinal: number, template: PodTemplateSpec, revision: string): Draft<Pod> {
  const name = `${set.metadata.name}-${ordinal}`;
  const pod = podFromTemplate(template, set, StatefulSet);
  const claims = (set.spec?.volumeClaimTemplates ?? []).map(({ metadata }) => ({
    name: metadata?.name ?? '',
    persistentVolumeClaim: { claimName: `${metadata?.name}-${name}`, readOnly: false },
  }));
  const others = (pod.spec?.volumes ?? []).filter((volume) => !claims.some((claim) => claim.name === volume.name));
  const volumes = [...claims, ...others];
  const { serviceName = '' } = set.spec ?? {};
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      name,
      labels: { ...pod.metadata.labels, ...identityLabels(name), [revisionLabel]: revision },
    },
    spec: {
      ...pod.spec!,
      hostname: name,
      ...(serviceName === '' ? {} : { subdomain: serviceName }),
      ...(volumes.length === 0 ? {} : { volumes }),
    },
  };
}

/** By which Services find one pod of a set. */
export function identityLabels(podName: string): Record<string, string> {
  return { [podNameLabel]: podName, [podIndexLabel]: ordinalName.exec(podName)?.[2] ?? '' };
}

export function claimsOf(set: StatefulSet, podName: string): Draft<PersistentVolumeClaim>[] {
  return (set.spec?.volumeClaimTemplates ?? []).map(({ metadata, spec }) => {
    const { labels, annotations, name = '' } = metadata ?? {};
    return {
      metadata: {
        name: `${name}-${podName}`,
        namespace: set.metadata.namespace ?? '',
        labels: { ...labels, ...set.spec?.selector.matchLabels },
        ...(annotations === undefined ? {} : { annotations }),
      },
      ...(spec === undefined ? {} : { spec }),
    };
  });
}
