/**
 * What the pods of each node refer to: the objects that the node's agent may read. Kept from events; a pod is looked at when
 * it is bound to a node, since what it refers to does not change after that.
 * Source: Kubernetes `plugin/pkg/auth/authorizer/node` (graph.go, graph_populator.go).
 */
import { isMirrorPod, podConfigMapNames, podSecretNames } from '../apis/core/pod-references.ts';
import type { ObjectHandler, ObjectSource } from '../apis/object-source.ts';
import type { PersistentVolume, Pod, VolumeAttachment } from '../apis/types.ts';

export type ReferredKind = 'pod' | 'secret' | 'configmap' | 'serviceaccount' | 'pvc' | 'pv' | 'volumeattachment';

interface KnownPod {
  readonly node: string;
  readonly references: readonly string[];
}

interface KnownVolume {
  /** The claim that it is bound to, as a reference. */
  readonly claim: string;
  readonly secrets: readonly string[];
}

export class NodeGraph {
  readonly #pods = new Map<string, KnownPod>();
  /** How many pods of each node refer to an object. */
  readonly #nodes = new Map<string, Map<string, number>>();
  readonly #volumes = new Map<string, KnownVolume>();
  /** The volumes that need a Secret. */
  readonly #volumesOf = new Map<string, Set<string>>();
  readonly #attachments = new Map<string, string>();

  async follow(source: ObjectSource): Promise<void> {
    const pods: ObjectHandler = {
      set: (found) => this.#setPod(found.key, found.field('spec.nodeName'), () => found.object),
      delete: ({ key }) => this.#deletePod(key),
      reset: () => {
        this.#pods.clear();
        this.#nodes.clear();
      },
    };
    const volumes: ObjectHandler = {
      set: ({ object }) => this.#setVolume(object as PersistentVolume),
      delete: ({ key }) => this.#deleteVolume(key),
      reset: () => {
        this.#volumes.clear();
        this.#volumesOf.clear();
      },
    };
    const attachments: ObjectHandler = {
      set: ({ key, object }) => this.#attachments.set(key, (object as VolumeAttachment).spec.nodeName),
      delete: ({ key }) => this.#attachments.delete(key),
      reset: () => this.#attachments.clear(),
    };
    await Promise.all([
      source.follow({ group: '', plural: 'pods' }, pods),
      source.follow({ group: '', plural: 'persistentvolumes' }, volumes),
      source.follow({ group: 'storage.k8s.io', plural: 'volumeattachments' }, attachments),
    ]);
  }

  /** Whether a pod of the node refers to the object, directly or by way of its volumes. */
  reaches(node: string, kind: ReferredKind, namespace: string, name: string): boolean {
    if (kind === 'volumeattachment') return this.#attachments.get(name) === node;
    if (kind === 'pv') return this.#refers(node, this.#volumes.get(name)?.claim);
    const reference = referenceTo(kind, namespace, name);
    if (this.#refers(node, reference)) return true;
    if (kind !== 'secret') return false;
    for (const volume of this.#volumesOf.get(reference) ?? []) {
      if (this.#refers(node, this.#volumes.get(volume)?.claim)) return true;
    }
    return false;
  }

  #refers(node: string, reference: string | undefined): boolean {
    return reference !== undefined && this.#nodes.get(reference)?.has(node) === true;
  }

  #setPod(key: string, node: string, pod: () => object): void {
    if (this.#pods.get(key)?.node === node) return;
    this.#deletePod(key);
    if (node === '') return;
    const references = referencesOf(pod() as Pod);
    this.#pods.set(key, { node, references });
    for (const reference of references) {
      const nodes = this.#nodes.get(reference) ?? new Map<string, number>();
      nodes.set(node, (nodes.get(node) ?? 0) + 1);
      this.#nodes.set(reference, nodes);
    }
  }

  #deletePod(key: string): void {
    const known = this.#pods.get(key);
    if (known === undefined) return;
    this.#pods.delete(key);
    for (const reference of known.references) {
      const nodes = this.#nodes.get(reference)!;
      const count = nodes.get(known.node)! - 1;
      if (count > 0) nodes.set(known.node, count);
      else nodes.delete(known.node);
      if (nodes.size === 0) this.#nodes.delete(reference);
    }
  }

  #setVolume({ metadata, spec }: PersistentVolume): void {
    const name = metadata.name!;
    this.#deleteVolume(name);
    const { namespace = '', name: claim = '' } = spec?.claimRef ?? {};
    if (claim === '') return;
    const secrets = volumeSecrets(spec!, namespace);
    this.#volumes.set(name, { claim: referenceTo('pvc', namespace, claim), secrets });
    for (const secret of secrets) {
      const volumes = this.#volumesOf.get(secret) ?? new Set();
      this.#volumesOf.set(secret, volumes.add(name));
    }
  }

  #deleteVolume(name: string): void {
    for (const secret of this.#volumes.get(name)?.secrets ?? []) {
      const volumes = this.#volumesOf.get(secret);
      volumes?.delete(name);
      if (volumes?.size === 0) this.#volumesOf.delete(secret);
    }
    this.#volumes.delete(name);
  }
}

function referenceTo(kind: ReferredKind, namespace: string, name: string): string {
  return `${kind}:${namespace}/${name}`;
}

/** A mirror pod refers to nothing: its node may not give itself what it likes. */
function referencesOf(pod: Pod): string[] {
  const { namespace = '', name = '' } = pod.metadata;
  const found = new Set([referenceTo('pod', namespace, name)]);
  if (isMirrorPod(pod) || pod.spec == null) return [...found];
  const { spec } = pod;
  if ((spec.serviceAccountName ?? '') !== '') {
    found.add(referenceTo('serviceaccount', namespace, spec.serviceAccountName!));
  }
  for (const secret of podSecretNames(spec)) found.add(referenceTo('secret', namespace, secret));
  for (const configMap of podConfigMapNames(spec)) found.add(referenceTo('configmap', namespace, configMap));
  for (const volume of spec.volumes ?? []) {
    const claim = volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral == null ? '' : `${name}-${volume.name}`);
    if (claim !== '') found.add(referenceTo('pvc', namespace, claim));
  }
  return [...found];
}

/** Source: Kubernetes `pkg/api/v1/persistentvolume/util.go`, VisitPVSecretNames. */
function volumeSecrets(spec: NonNullable<PersistentVolume['spec']>, claimNamespace: string): string[] {
  const { azureFile, cephfs, cinder, flexVolume, rbd, scaleIO, iscsi, storageos, csi } = spec;
  const references: readonly { namespace?: string; name?: string }[] = [
    azureFile == null ? {} : { namespace: azureFile.secretNamespace ?? '', name: azureFile.secretName },
    ...[cephfs?.secretRef, cinder?.secretRef, flexVolume?.secretRef, rbd?.secretRef, scaleIO?.secretRef].map(given),
    ...[iscsi?.secretRef, storageos?.secretRef, csi?.controllerPublishSecretRef].map(given),
    ...[csi?.controllerExpandSecretRef, csi?.nodePublishSecretRef, csi?.nodeStageSecretRef].map(given),
    given(csi?.nodeExpandSecretRef),
  ];
  return references.flatMap(({ namespace, name = '' }) =>
    name === '' ? [] : referenceTo('secret', (namespace ?? '') === '' ? claimNamespace : namespace!, name),
  );
}

const given = (reference: { namespace?: string; name?: string } | null | undefined) => reference ?? {};
