/** What a pod refers to. Source: Kubernetes `pkg/api/v1/pod/util.go`, VisitPodSecretNames. */
import type { Container, Pod } from '../types.ts';
import { mirrorAnnotation } from './pod-validation.ts';

/** Stands in the API for a pod that a node agent runs from a file of its own. */
export function isMirrorPod({ metadata }: Pod): boolean {
  return metadata.annotations?.[mirrorAnnotation] !== undefined;
}

/** Names of Secrets, some of them more than once. */
export function podSecretNames(spec: NonNullable<Pod['spec']>): string[] {
  const names: (string | undefined)[] = (spec.imagePullSecrets ?? []).map(({ name }) => name);
  const { initContainers = [], containers, ephemeralContainers = [] } = spec;
  for (const { env = [], envFrom = [] } of [...initContainers, ...containers, ...ephemeralContainers] as Container[]) {
    names.push(...envFrom.map(({ secretRef }) => secretRef?.name));
    names.push(...env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name));
  }
  for (const volume of spec.volumes ?? []) {
    names.push(
      volume.azureFile?.secretName,
      volume.cephfs?.secretRef?.name,
      volume.cinder?.secretRef?.name,
      volume.csi?.nodePublishSecretRef?.name,
      volume.flexVolume?.secretRef?.name,
      volume.iscsi?.secretRef?.name,
      ...(volume.projected?.sources ?? []).map(({ secret }) => secret?.name),
      volume.rbd?.secretRef?.name,
      volume.scaleIO?.secretRef?.name,
      volume.secret?.secretName,
      volume.storageos?.secretRef?.name,
    );
  }
  return names.filter((name): name is string => name !== undefined && name !== '');
}

/** Names of ConfigMaps, some of them more than once. Source: as above, VisitPodConfigmapNames. */
export function podConfigMapNames(spec: NonNullable<Pod['spec']>): string[] {
  const names: (string | undefined)[] = [];
  const { initContainers = [], containers, ephemeralContainers = [] } = spec;
  for (const { env = [], envFrom = [] } of [...initContainers, ...containers, ...ephemeralContainers] as Container[]) {
    names.push(...envFrom.map(({ configMapRef }) => configMapRef?.name));
    names.push(...env.map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name));
  }
  for (const volume of spec.volumes ?? []) {
    names.push(volume.configMap?.name, ...(volume.projected?.sources ?? []).map(({ configMap }) => configMap?.name));
  }
  return names.filter((name): name is string => name !== undefined && name !== '');
}
