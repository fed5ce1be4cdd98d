/** Objects for hooks and for the server's own housekeeping: no authorization, no admission, the same validation. */
import type { RequestContext, ResourceAccess, ResourceRef, ResourceVersion } from '../apis/resource-type.ts';
import { notFound } from '../machinery/status.ts';
import { objectKey } from './keys.ts';
import type { ResourceRegistry, ServedResource } from './registry.ts';

export function resourceAccess(registry: ResourceRegistry): ResourceAccess {
  const find = ({ group, plural }: ResourceRef): ServedResource => {
    const found = registry.get(group, plural);
    if (found === undefined) throw notFound({ group, name: plural }, '');
    return found;
  };
  return {
    async get(ref, namespace, name) {
      const { store } = find(ref);
      await store.cache.caughtUp();
      return store.cache.get(store.key(namespace, name))?.object;
    },
    async cached(ref, namespace, name) {
      const { store } = find(ref);
      await store.cache.ready();
      return store.cache.get(store.key(namespace, name))?.object;
    },
    peek({ group, plural }, namespace, name) {
      const store = registry.get(group, plural)?.store;
      return store?.cache.get(objectKey(store.type, namespace, name))?.object;
    },
    peekAll({ group, plural }, namespace) {
      const store = registry.get(group, plural)?.store;
      return store?.cache.range(store.prefix(namespace)).map((entry) => entry.object) ?? [];
    },
    async list(ref, namespace) {
      const { store } = find(ref);
      await store.cache.caughtUp();
      return store.cache.range(store.prefix(namespace)).map((entry) => entry.object);
    },
    async update(ref, namespace, name, change, context) {
      const entry = await find(ref).store.overwrite(namespace, name, change, context);
      return entry.object;
    },
    async delete(ref, namespace, name, options, context) {
      const served = find(ref);
      await served.store.delete({ ...options }, internalWrite(storedVersion(served), namespace, name, '', context));
    },
  };
}

export function storedVersion({ type }: ServedResource): ResourceVersion {
  return type.versions.find(({ name }) => name === type.storageVersion)!;
}

/** A write of the server itself. */
export function internalWrite(
  version: ResourceVersion,
  namespace: string | undefined,
  name: string,
  subresource: string,
  context: RequestContext,
): Parameters<ServedResource['store']['update']>[1] {
  return {
    version,
    namespace,
    name,
    subresource,
    context,
    warn: () => undefined,
    internal: true,
    trackFields: () => undefined,
  };
}
