/**
 * What a new cluster is born with: objects that the server makes itself and knows to be right pass neither admission nor
 * validation.
 */
import { randomUUID } from 'node:crypto';
import { type Clock, formatTime } from '../clock/clock.ts';
import { type ApiObject, parseGroupVersion } from '../machinery/object.ts';
import type { Store } from '../storage/store.ts';
import { encodeObject } from './cache-entry.ts';
import type { ResourceRegistry, ServedResource } from './registry.ts';

/** Writes what is not there yet, all at once: the store commits it together. The objects become the cache's. */
export async function seedObjects(
  registry: ResourceRegistry,
  store: Store,
  clock: Clock,
  objects: readonly ApiObject[],
): Promise<void> {
  const creationTimestamp = formatTime(clock.now());
  await Promise.all(
    objects.map(async (object) => {
      const { type, store: resource } = servedAs(registry, object);
      const { metadata } = object;
      type.strategy.default?.(object);
      metadata.uid = randomUUID();
      metadata.creationTimestamp = creationTimestamp;
      const key = resource.key(metadata.namespace, metadata.name!);
      const value = encodeObject(object);
      await resource.cache.ready();
      resource.cache.willWrite(value, object, type);
      await store.txn([{ key, modRevision: 0 }], [{ type: 'put', key, value }]);
    }),
  );
}

function servedAs(registry: ResourceRegistry, { apiVersion, kind }: ApiObject): ServedResource {
  const { group } = parseGroupVersion(apiVersion);
  for (const served of registry.all()) {
    if (served.type.group === group && served.type.names.kind === kind) return served;
  }
  throw new Error(`${kind} of ${apiVersion} is not served`);
}
