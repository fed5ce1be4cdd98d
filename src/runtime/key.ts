/** How objects and kinds are named in queues and maps. */
import type { ObjectKey } from '../client/definition.ts';

/** `namespace/name`, or `name` for cluster-scoped kinds: what stands in work queues. */
export function keyText({ namespace, name }: ObjectKey): string {
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

export function parseKey(text: string): ObjectKey {
  const slash = text.indexOf('/');
  return slash < 0 ? { name: text } : { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}

export function kindId({ group, kind }: { readonly group: string; readonly kind: string }): string {
  return `${group}/${kind}`;
}
