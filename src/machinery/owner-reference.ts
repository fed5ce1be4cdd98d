/** Who owns an object. Source: `k8s.io/apimachinery/pkg/apis/meta/v1/controller_ref.go`. */
import { type GroupVersionKind, groupVersion, type ObjectMeta, type OwnerReference } from './object.ts';

interface Owned {
  readonly metadata: ObjectMeta;
}

/** The one owner that controls the object. */
export function getControllerOf({ metadata }: Owned): OwnerReference | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true);
}

/** Whether `owner` (this very object, by uid) controls the object. */
export function isControlledBy(object: Owned, owner: Owned): boolean {
  const controller = getControllerOf(object);
  return controller !== undefined && controller.uid === owner.metadata.uid;
}

export function ownerReference(owner: Owned, { group, version, kind }: GroupVersionKind): OwnerReference {
  const { name = '', uid = '' } = owner.metadata;
  return { apiVersion: groupVersion(group, version), kind, name, uid };
}

/** The reference of what a controller makes for `owner`, whose foreground deletion waits for it. */
export function controllerReference(owner: Owned, gvk: GroupVersionKind): OwnerReference {
  return { ...ownerReference(owner, gvk), controller: true, blockOwnerDeletion: true };
}

export function hasOwner({ metadata }: Owned, uid: string): boolean {
  return metadata.ownerReferences?.some((owner) => owner.uid === uid) ?? false;
}
