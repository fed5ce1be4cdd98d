/**
 * Which part of an old object a part of the new one comes from, and whether it has changed: errors of unchanged parts
 * are forgiven (CRD validation ratcheting, KEP-4008). Source: `apiserver/pkg/cel/common/equality.go`, `maplist.go`.
 */
import type { Schema } from '../machinery/schema.ts';
import { equal } from './equality.ts';
import { fromJson } from './json.ts';
import { mapListKey } from './schema-values.ts';

type JsonObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Finds the elements of an old list by the keys of new ones; only lists of type map can. */
export class OldItems {
  readonly #keys: readonly string[] | undefined;
  readonly #list: readonly unknown[];
  #byKey: Map<unknown, unknown> | undefined;

  constructor(schema: Schema, old: unknown) {
    this.#keys = schema['x-kubernetes-list-type'] === 'map' ? schema['x-kubernetes-list-map-keys'] : undefined;
    this.#list = Array.isArray(old) ? old : [];
  }

  get(item: unknown): unknown {
    if (this.#keys === undefined || this.#list.length === 0 || !isObject(item)) return undefined;
    const keys = this.#keys;
    this.#byKey ??= new Map(this.#list.map((old) => [mapListKey(keys, old), old] as const));
    return this.#byKey.get(mapListKey(keys, item));
  }
}

/** A value and the old value that it corresponds to. */
export class Correlation {
  readonly #value: unknown;
  readonly #old: unknown;
  readonly #schema: Schema;
  readonly #children = new Map<string | number, Correlation | undefined>();
  #oldItems: OldItems | undefined;
  #unchanged: boolean | undefined;

  constructor(value: unknown, old: unknown, schema: Schema) {
    this.#value = value;
    this.#old = old;
    this.#schema = schema;
  }

  /** The field, or undefined when there is no old value to compare it with. */
  key(name: string): Correlation | undefined {
    return this.#child(name, () => {
      if (!isObject(this.#value) || !isObject(this.#old)) return undefined;
      if (!Object.hasOwn(this.#value, name) || !Object.hasOwn(this.#old, name)) return undefined;
      const { properties = {}, additionalProperties } = this.#schema;
      const property = Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
      return typeof property === 'object' ? new Correlation(this.#value[name], this.#old[name], property) : undefined;
    });
  }

  index(index: number): Correlation | undefined {
    return this.#child(index, () => {
      if (!Array.isArray(this.#value) || index >= this.#value.length || this.#schema.items === undefined)
        return undefined;
      const item: unknown = this.#value[index];
      const old = this.#oldItem(item, index);
      return old === undefined || old === null ? undefined : new Correlation(item, old, this.#schema.items);
    });
  }

  #oldItem(item: unknown, index: number): unknown {
    if (!Array.isArray(this.#old)) return undefined;
    switch (this.#schema['x-kubernetes-list-type']) {
      case 'map':
        this.#oldItems ??= new OldItems(this.#schema, this.#old);
        return this.#oldItems.get(item);
      case 'set':
      case 'atomic':
        return undefined;
      default:
        return this.#old[index];
    }
  }

  #child(key: string | number, make: () => Correlation | undefined): Correlation | undefined {
    if (!this.#children.has(key)) this.#children.set(key, make());
    return this.#children.get(key);
  }

  /** Whether the value is as it was. */
  get unchanged(): boolean {
    this.#unchanged ??= equal(fromJson(this.#value ?? null), fromJson(this.#old ?? null));
    return this.#unchanged;
  }
}
