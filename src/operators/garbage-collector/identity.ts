/** How owners are named: by coordinates and uid. Source: `objectReference` in Kubernetes' garbage collector. */
import type { OwnerReference } from '../../machinery/object.ts';

export interface Identity {
  readonly apiVersion: string;
  readonly kind: string;
  /** Empty: cluster-scoped. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** What a reference names, should its kind have namespaces; an owner is in the namespace of its dependent. */
export function identityOf({ apiVersion, kind, name, uid }: OwnerReference, namespace: string): Identity {
  return { apiVersion, kind, namespace, name, uid };
}

export function sameCoordinates(a: Omit<Identity, 'namespace'>, b: Omit<Identity, 'namespace'>): boolean {
  return a.uid === b.uid && a.name === b.name && a.kind === b.kind && a.apiVersion === b.apiVersion;
}

export function sameIdentity(a: Identity, b: Identity): boolean {
  return sameCoordinates(a, b) && a.namespace === b.namespace;
}

/** As Kubernetes' events print it. */
export function identityText({ apiVersion, kind, namespace, name, uid }: Identity): string {
  return `[${apiVersion}/${kind}, namespace: ${namespace}, name: ${name}, uid: ${uid}]`;
}
