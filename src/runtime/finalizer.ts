/** Puts finalizers on objects and takes them off, without touching those of others. */
import type { ResourceClient } from '../client/client.ts';
import { keyOf, type ObjectKey, type TypedObject } from '../client/definition.ts';
import { isReason } from '../machinery/status.ts';

/** The object with `finalizer` on it: as given when it has it, else as written. */
export async function withFinalizer<T extends TypedObject>(
  client: ResourceClient<T>,
  object: T,
  finalizer: string,
): Promise<T> {
  const { finalizers = [], resourceVersion } = object.metadata;
  if (finalizers.includes(finalizer)) return object;
  return client.patch(keyOf(object), patchOf(resourceVersion, [...finalizers, finalizer]));
}

/** Takes `finalizer` off, again when somebody was faster; an object that is gone is fine. */
export async function finalizeObject<T extends TypedObject>(
  client: ResourceClient<T>,
  key: ObjectKey,
  finalizer: string,
): Promise<void> {
  for (;;) {
    try {
      const { finalizers = [], resourceVersion } = (await client.get(key)).metadata;
      if (!finalizers.includes(finalizer)) return;
      await client.patch(
        key,
        patchOf(
          resourceVersion,
          finalizers.filter((other) => other !== finalizer),
        ),
      );
      return;
    } catch (error) {
      if (isReason(error, 'NotFound')) return;
      if (!isReason(error, 'Conflict')) throw error;
    }
  }
}

/** The version makes it a compare-and-swap: a list in a merge patch replaces the whole list. */
function patchOf(resourceVersion: string | undefined, finalizers: string[]): { metadata: { finalizers: string[] } } {
  return { metadata: { ...(resourceVersion === undefined ? {} : { resourceVersion }), finalizers } };
}
