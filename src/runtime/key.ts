/** How objects and kinds are named in queues and maps. */
import { apiVersionOf, type ObjectKey, type ResourceDefinition, type TypedObject } from '../client/definition.ts';

/** `namespace/name`, or `name` for cluster-scoped kinds: what stands in work queues. */
export function keyText({ namespace, name }: ObjectKey): string {
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

export function parseKey(text: string): ObjectKey {
  const slash = text.indexOf('/');
  return slash < 0 ? { name: text } : { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}

/** `apps/v1/Deployment`. */
export function kindText(definition: ResourceDefinition<TypedObject>): string {
  return `${apiVersionOf(definition)}/${definition.kind}`;
}
