/**
 * Server-side apply of what belongs to the object being reconciled. Nothing is sent that would change nothing: when the
 * intent is the one of last time, and what came of it has not been touched since.
 */
import type { Client } from '../client/client.ts';
import {
  apiVersionOf,
  keyOf,
  type ObjectKey,
  type ResourceDefinition,
  type TypedObject,
} from '../client/definition.ts';
import { deepEqual } from '../machinery/json.ts';
import type { OwnerReference } from '../machinery/object.ts';
import type { Cache } from './cache.ts';
import { keyText, kindText } from './key.ts';

export interface ApplierOptions {
  /** The kind of the owners. */
  readonly owner: ResourceDefinition<TypedObject>;
  readonly fieldManager: string;
  readonly client: Client;
  /** The definition of a kind that is cached by anybody. */
  readonly definitionOf: (apiVersion: string, kind: string) => ResourceDefinition<TypedObject> | undefined;
  /** The cache of a kind whose changes the controller hears of. */
  readonly cacheOf: (definition: ResourceDefinition<TypedObject>) => Cache<TypedObject> | undefined;
}

interface Applied {
  readonly intent: string;
  readonly object: TypedObject;
}

export class Applier {
  readonly #options: ApplierOptions;
  readonly #applied = new Map<string, Applied>();

  constructor(options: ApplierOptions) {
    this.#options = options;
  }

  /** The object as the server has it now. */
  async apply(owner: TypedObject, object: TypedObject): Promise<TypedObject> {
    const { client, fieldManager, cacheOf } = this.#options;
    const definition = await this.#definitionOf(object);
    const intent = this.#owned(owner, object, definition);
    const cache = cacheOf(definition);
    if (cache === undefined) {
      return client.resource(definition).apply(intent as never, { fieldManager, force: true });
    }
    const id = idOf(definition, keyOf(intent));
    const text = JSON.stringify(intent);
    const last = this.#applied.get(id);
    const cached = cache.get(keyOf(intent));
    if (cached !== undefined && last?.intent === text && isUntouched(cached, last.object)) return cached;
    const applied = await client.resource(definition).apply(intent as never, { fieldManager, force: true });
    this.#applied.set(id, { intent: text, object: applied });
    return applied;
  }

  /** The object is gone. */
  forget(definition: ResourceDefinition<TypedObject>, object: TypedObject): void {
    this.#applied.delete(idOf(definition, keyOf(object)));
  }

  async #definitionOf({ apiVersion, kind, metadata }: TypedObject): Promise<ResourceDefinition<TypedObject>> {
    if (apiVersion === undefined || kind === undefined) {
      throw new TypeError(`ctx.apply: ${metadata.name ?? 'an object'} has no apiVersion or kind`);
    }
    if (metadata.name === undefined) throw new TypeError(`ctx.apply: a ${kind} has no metadata.name`);
    const { definitionOf, client } = this.#options;
    return definitionOf(apiVersion, kind) ?? (await client.mapper.resourceFor({ apiVersion, kind }));
  }

  /** A copy of `object` with the owner's namespace and an owner reference. */
  #owned(
    { metadata: owner }: TypedObject,
    object: TypedObject,
    { kind, namespaced }: ResourceDefinition<TypedObject>,
  ): TypedObject {
    const namespace = namespaced ? (object.metadata.namespace ?? owner.namespace) : undefined;
    if (owner.namespace !== undefined && namespace !== owner.namespace) {
      const place = namespace === undefined ? 'cluster-scoped' : `in namespace ${namespace}`;
      throw new Error(
        `ctx.apply: ${kind} ${object.metadata.name} is ${place} and cannot be owned by an object in namespace ${owner.namespace}: apply it with ctx.client`,
      );
    }
    const reference: OwnerReference = {
      apiVersion: apiVersionOf(this.#options.owner),
      kind: this.#options.owner.kind,
      name: owner.name ?? '',
      uid: owner.uid ?? '',
      controller: true,
      blockOwnerDeletion: true,
    };
    const others = (object.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== reference.uid);
    return {
      ...object,
      metadata: {
        ...object.metadata,
        ...(namespace === undefined ? {} : { namespace }),
        ownerReferences: [...others, reference],
      },
    };
  }
}

function idOf(definition: ResourceDefinition<TypedObject>, key: ObjectKey): string {
  return `${kindText(definition)}/${keyText(key)}`;
}

/**
 * Whether nobody has changed, since then, anything that an apply could set: the version is the same or, for kinds that
 * count their changes in `generation`, that and the metadata are (then only status has changed).
 */
function isUntouched({ metadata: now }: TypedObject, { metadata: then }: TypedObject): boolean {
  if (now.uid !== then.uid) return false;
  if (now.resourceVersion === then.resourceVersion) return true;
  return (
    now.generation !== undefined &&
    now.generation === then.generation &&
    deepEqual(now.labels, then.labels) &&
    deepEqual(now.annotations, then.annotations) &&
    deepEqual(now.ownerReferences, then.ownerReferences) &&
    deepEqual(now.finalizers, then.finalizers)
  );
}
