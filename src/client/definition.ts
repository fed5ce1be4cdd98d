/**
 * What a client must know about a resource to speak of it, and nothing more: where it is served and, at compile time,
 * what its objects look like.
 */
import { type ApiObject, groupVersion, type ObjectMeta } from '../machinery/object.ts';

declare const objectType: unique symbol;

/** What every typed object has in common. */
export interface TypedObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

export interface ResourceDefinition<T extends TypedObject = ApiObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Lower-case plural, the resource in URLs. */
  readonly plural: string;
  readonly namespaced: boolean;
  /** Never there at run time: carries the type of the objects. */
  readonly [objectType]?: T;
}

/** The type of a definition's objects: `type Memcached = ObjectOf<typeof Memcached>`. */
export type ObjectOf<D> = D extends { readonly [objectType]?: infer T } ? NonNullable<T> : never;

/** An object's name within its kind. `namespace` is absent for cluster-scoped kinds. */
export interface ObjectKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

export function apiVersionOf(definition: ResourceDefinition<TypedObject>): string {
  return groupVersion(definition.group, definition.version);
}

export function keyOf(object: TypedObject): ObjectKey {
  const { namespace, name = '' } = object.metadata;
  return namespace === undefined || namespace === '' ? { name } : { namespace, name };
}
