/**
 * Where objects stand in the store: `/registry/<group>/<resource>/[<namespace>/]<name>`, the core group as `core`, so
 * that a range over a resource or a namespace is one prefix and an operator with etcdctl can read along.
 */
import type { ResourceType } from '../apis/resource-type.ts';

export function resourcePrefix(type: Pick<ResourceType, 'group' | 'names' | 'storedAs'>): string {
  const group = type.storedAs?.group ?? type.group;
  return `/registry/${group === '' ? 'core' : group}/${type.names.plural}/`;
}

/** The prefix of a namespace's objects; of all objects when there is no namespace. */
export function namespacePrefix(type: ResourceType, namespace: string | undefined): string {
  const prefix = resourcePrefix(type);
  return type.scope === 'Namespaced' && namespace !== undefined && namespace !== '' ? `${prefix}${namespace}/` : prefix;
}

export function objectKey(type: ResourceType, namespace: string | undefined, name: string): string {
  return namespacePrefix(type, namespace) + name;
}
