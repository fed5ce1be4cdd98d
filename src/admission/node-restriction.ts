/**
 * NodeRestriction: a node agent writes its own Node, Lease and CSINode, the status of its own pods and mirrors of its static
 * pods, and nothing that would give it more to read or steer workloads to it.
 * Source: Kubernetes `plugin/pkg/admission/noderestriction`.
 */
import { isMirrorPod, podConfigMapNames, podSecretNames } from '../apis/core/pod-references.ts';
import { nodeNameOf } from '../apis/node-identity.ts';
import type { Node, PersistentVolumeClaim, Pod } from '../apis/types.ts';
import { goQuote } from '../machinery/field.ts';
import { deepEqual } from '../machinery/json.ts';
import type { ApiObject } from '../machinery/object.ts';
import { notFound } from '../machinery/status.ts';
import { type AdmissionPlugin, type AdmissionRequest, admissionForbidden } from './chain.ts';

export const nodeRestriction: AdmissionPlugin = {
  name: 'NodeRestriction',
  mutate(request) {
    if (request.operation === 'CONNECT') return;
    const node = nodeNameOf(request.context.user);
    if (node === undefined) return;
    if (node === '') refuse(request, `could not determine node from user ${goQuote(request.context.user.name)}`);
    return checks[`${request.resource}.${request.group}`]?.(node, request);
  },
};

type Check = (node: string, request: AdmissionRequest) => void | Promise<void>;

const checks: Readonly<Record<string, Check>> = {
  'pods.': checkPod,
  'nodes.': checkNode,
  'persistentvolumeclaims.': checkClaim,
  'serviceaccounts.': checkToken,
  'leases.coordination.k8s.io': checkLease,
  'csinodes.storage.k8s.io': (node, request) => {
    if (nameOf(request) === node) return;
    refuse(request, 'can only access CSINode with the same name as the requesting node');
  },
};

function refuse(request: AdmissionRequest, why: string): never {
  throw admissionForbidden(request, why);
}

/** On create the name is the object's. */
function nameOf({ operation, object, name }: AdmissionRequest): string {
  return operation === 'CREATE' ? (object?.metadata.name ?? '') : name;
}

// ---------------------------------------------------------------------------------------------------------------- pods

function checkPod(node: string, request: AdmissionRequest): void | Promise<void> {
  switch (request.subresource) {
    case '':
      if (request.operation === 'CREATE') return checkMirrorPod(node, request);
      if (request.operation === 'DELETE') return checkPodDeletion(node, request);
      return refuse(
        request,
        `unexpected operation ${goQuote(request.operation)}, node ${goQuote(node)} can only create and delete mirror pods`,
      );
    case 'status':
      return checkPodStatus(node, request);
    case 'eviction':
      return checkEviction(node, request);
    default:
      return refuse(
        request,
        `unexpected pod subresource ${goQuote(request.subresource)}, only 'status' and 'eviction' are allowed`,
      );
  }
}

function checkPodDeletion(node: string, request: AdmissionRequest): void {
  if (nodeOf(request.oldObject) === node) return;
  refuse(request, `node ${goQuote(node)} can only delete pods with spec.nodeName set to itself`);
}

async function checkMirrorPod(node: string, request: AdmissionRequest): Promise<void> {
  const pod = request.object as Pod;
  const who = `node ${goQuote(node)}`;
  if (!isMirrorPod(pod)) {
    refuse(request, `pod does not have "kubernetes.io/config.mirror" annotation, ${who} can only create mirror pods`);
  }
  if (nodeOf(pod) !== node) refuse(request, `${who} can only create pods with spec.nodeName set to itself`);
  const owners = pod.metadata.ownerReferences ?? [];
  if (owners.length > 1) {
    refuse(request, `${who} can only create pods with a single owner reference set to itself`);
  }
  const [owner] = owners;
  if (owner === undefined || owner.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) {
    refuse(request, `${who} can only create pods with an owner reference set to itself`);
  }
  if (owner.controller !== true) {
    refuse(request, `${who} can only create pods with a controller owner reference set to itself`);
  }
  if (owner.blockOwnerDeletion === true) {
    refuse(request, `${who} must not set blockOwnerDeletion on an owner reference`);
  }
  const found = await request.access.get({ group: '', plural: 'nodes' }, undefined, node);
  if (found === undefined) throw notFound({ group: '', name: 'nodes' }, node);
  if (found.metadata.uid !== owner.uid) {
    refuse(request, `node ${node} UID mismatch: expected ${owner.uid} got ${found.metadata.uid}`);
  }
  checkReferences(who, pod.spec ?? { containers: [] }, request);
}

/** What the pod referred to, the node could read. */
function checkReferences(who: string, spec: NonNullable<Pod['spec']>, request: AdmissionRequest): void {
  const cannot = (what: string): never => refuse(request, `${who} can not create pods that reference ${what}`);
  if ((spec.serviceAccountName ?? '') !== '') cannot('a service account');
  if (podSecretNames(spec).length > 0) cannot('secrets');
  if (podConfigMapNames(spec).length > 0) cannot('configmaps');
  const volumes = spec.volumes ?? [];
  const bundles = volumes.some(({ projected }) =>
    (projected?.sources ?? []).some(({ clusterTrustBundle }) => clusterTrustBundle != null),
  );
  if (bundles) cannot('clustertrustbundles');
  if (volumes.some(({ persistentVolumeClaim }) => persistentVolumeClaim != null)) cannot('persistentvolumeclaims');
}

function checkPodStatus(node: string, request: AdmissionRequest): void {
  const { operation, object, oldObject } = request;
  if (operation !== 'UPDATE') refuse(request, `unexpected operation ${goQuote(operation)}`);
  if (nodeOf(oldObject) !== node) {
    refuse(request, `node ${goQuote(node)} can only update pod status for pods with spec.nodeName set to itself`);
  }
  if (!deepEqual(object?.metadata.labels ?? {}, oldObject?.metadata.labels ?? {})) {
    refuse(request, `node ${goQuote(node)} cannot update labels through pod status`);
  }
  const claims = (pod: ApiObject | undefined): unknown => (pod as Pod).status?.resourceClaimStatuses ?? [];
  if (!deepEqual(claims(object), claims(oldObject))) {
    refuse(request, `node ${goQuote(node)} cannot update resource claim statues`);
  }
}

async function checkEviction(node: string, request: AdmissionRequest): Promise<void> {
  if (request.operation !== 'CREATE') refuse(request, `unexpected operation ${request.operation}`);
  const name = request.name === '' ? (request.object?.metadata.name ?? '') : request.name;
  if (name === '') refuse(request, 'could not determine pod from request data');
  const pod = await podOf(request, name);
  if (nodeOf(pod) !== node) refuse(request, `node ${node} can only evict pods with spec.nodeName set to itself`);
}

async function podOf({ access, namespace }: AdmissionRequest, name: string): Promise<Pod> {
  const pod = await access.get({ group: '', plural: 'pods' }, namespace, name);
  if (pod === undefined) throw notFound({ group: '', name: 'pods' }, name);
  return pod as Pod;
}

function nodeOf(pod: ApiObject | undefined): string {
  return (pod as Pod | undefined)?.spec?.nodeName ?? '';
}

// --------------------------------------------------------------------------------------------------------- own objects

function checkNode(node: string, request: AdmissionRequest): void {
  const { operation, object, oldObject } = request;
  const name = nameOf(request);
  if (name !== node) refuse(request, `node ${goQuote(node)} is not allowed to modify node ${goQuote(name)}`);
  const { spec, metadata } = (object ?? { metadata: {} }) as Node;
  if (operation === 'CREATE') {
    if (spec?.configSource != null) {
      refuse(request, `node ${goQuote(node)} is not allowed to create pods with a non-nil configSource`);
    }
    const labels = forbiddenLabels(metadata.labels, undefined);
    if (labels.length > 0) {
      refuse(request, `node ${goQuote(node)} is not allowed to set the following labels: ${labels.join(', ')}`);
    }
  }
  if (operation === 'UPDATE') {
    const old = oldObject as Node;
    if (spec?.configSource != null && !deepEqual(spec.configSource, old.spec?.configSource)) {
      refuse(request, `node ${goQuote(node)} is not allowed to update configSource to a new non-nil configSource`);
    }
    if (!deepEqual(spec?.taints ?? [], old.spec?.taints ?? [])) {
      refuse(request, `node ${goQuote(node)} is not allowed to modify taints`);
    }
    const labels = forbiddenLabels(metadata.labels, old.metadata.labels);
    if (labels.length > 0) refuse(request, `is not allowed to modify labels: ${labels.join(', ')}`);
  }
}

type Labels = Readonly<Record<string, string>>;

/** The changed labels that are not a node's to set. Source: `getForbiddenLabels`, `kubeletapis.IsKubeletLabel`. */
function forbiddenLabels(labels: Labels = {}, old: Labels = {}): string[] {
  const keys = new Set([...Object.keys(labels), ...Object.keys(old)]);
  return [...keys].filter((key) => labels[key] !== old[key] && isForbidden(key)).sort();
}

const nodeLabels = new Set([
  'kubernetes.io/hostname',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
]);

function isForbidden(key: string): boolean {
  const slash = key.indexOf('/');
  const prefix = slash < 0 ? '' : key.slice(0, slash);
  const isIn = (domain: string): boolean => prefix === domain || prefix.endsWith(`.${domain}`);
  if (isIn('node-restriction.kubernetes.io')) return true;
  if (!isIn('kubernetes.io') && !isIn('k8s.io')) return false;
  return !nodeLabels.has(key) && !isIn('kubelet.kubernetes.io') && !isIn('node.kubernetes.io');
}

function checkLease(node: string, request: AdmissionRequest): void {
  if (request.namespace !== 'kube-node-lease') {
    refuse(request, 'can only access leases in the "kube-node-lease" system namespace');
  }
  if (nameOf(request) !== node) {
    refuse(request, 'can only access node lease with the same name as the requesting node');
  }
}

// ------------------------------------------------------------------------------------------------------ what pods use

function checkClaim(node: string, request: AdmissionRequest): void {
  const { subresource, operation, object, oldObject } = request;
  if (subresource !== 'status') refuse(request, 'may only update PVC status');
  if (operation !== 'UPDATE') refuse(request, `unexpected operation ${goQuote(operation)}`);
  if (deepEqual(withoutOwnStatus(object), withoutOwnStatus(oldObject))) return;
  refuse(
    request,
    `node ${goQuote(node)} is not allowed to update fields other than status.capacity and status.conditions`,
  );
}

function withoutOwnStatus(claim: ApiObject | undefined): unknown {
  const { metadata, status = {}, ...rest } = claim as PersistentVolumeClaim;
  const { resourceVersion: _, managedFields: __, ...meta } = metadata;
  const {
    capacity: _capacity,
    conditions: _conditions,
    allocatedResources: _allocated,
    allocatedResourceStatuses: _statuses,
    ...others
  } = status;
  return { ...rest, metadata: meta, status: others };
}

/** Source: TokenRequests from a node are bound to a pod that runs there. */
async function checkToken(node: string, request: AdmissionRequest): Promise<void> {
  if (request.operation !== 'CREATE' || request.subresource !== 'token') return;
  const { spec } = (request.object ?? {}) as { spec?: { boundObjectRef?: BoundReference } };
  const { apiVersion, kind, name = '', uid = '' } = spec?.boundObjectRef ?? {};
  if (apiVersion !== 'v1' || kind !== 'Pod' || name === '') refuse(request, 'node requested token not bound to a pod');
  if (uid === '') refuse(request, 'node requested token with a pod binding without a uid');
  const pod = await podOf(request, name);
  if (pod.metadata.uid !== uid) {
    refuse(
      request,
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  if (nodeOf(pod) !== node) refuse(request, 'node requested token bound to a pod scheduled on a different node');
}

interface BoundReference {
  apiVersion?: string;
  kind?: string;
  name?: string;
  uid?: string;
}
