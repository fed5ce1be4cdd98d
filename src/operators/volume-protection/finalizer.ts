/** Finalizers as the protection controllers may write them: with whole updates, for their roles allow no patch. */
import type { ResourceClient } from '../../client/client.ts';
import type { TypedObject } from '../../client/definition.ts';
import { isReason } from '../../machinery/status.ts';

/** What is not being deleted has the finalizer: admission gives it to what is created, this to what was there before. */
export async function addFinalizer<T extends TypedObject>(
  client: ResourceClient<T>,
  object: T,
  finalizer: string,
): Promise<void> {
  const { finalizers = [] } = object.metadata;
  if (!finalizers.includes(finalizer)) await write(client, object, [...finalizers, finalizer]);
}

export async function removeFinalizer<T extends TypedObject>(
  client: ResourceClient<T>,
  object: T,
  finalizer: string,
): Promise<void> {
  const { finalizers = [] } = object.metadata;
  const left = finalizers.filter((other) => other !== finalizer);
  await write(client, object, left);
}

/** The object's version makes it a compare-and-swap. */
async function write<T extends TypedObject>(client: ResourceClient<T>, object: T, finalizers: string[]): Promise<void> {
  try {
    await client.update({ ...object, metadata: { ...object.metadata, finalizers } });
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
}
