/**
 * What a schema does to an object: prune, default, validate, decode. Each is prepared when it is first used, and kept as
 * long as the schema lives.
 */
import { coerceEmbedded, validateEmbedded } from '../machinery/embedded-resource.ts';
import type { FieldError } from '../machinery/field.ts';
import type { JsonObject } from '../machinery/json.ts';
import type { Schema } from '../machinery/schema.ts';
import { decodeError } from './decode.ts';
import { applyDefaults } from './default.ts';
import { validateListTypes } from './list-type.ts';
import { prune } from './prune.ts';
import { validateSchema } from './validate.ts';

export interface CompiledSchema {
  readonly schema: Schema;
  /**
   * Removes unknown fields from the draft; answers their paths: `spec.foo`, `spec.list[0].bar`. Those of Go types come in
   * the order of the document, as Go's decoder meets them; those of custom resources are sorted.
   */
  prune(draft: JsonObject): string[];
  /** Fills in defaults and drops nulls that the schema does not allow; those of Go types stay without a default. */
  applyDefaults(draft: JsonObject): void;
  /** What is wrong with an object. With `old` (an update), what was wrong before and is unchanged passes (KEP-4008). */
  validate(object: JsonObject, old?: JsonObject): FieldError[];
  /**
   * The first value that does not go into its Go type, in the words of Go's decoder:
   * `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`. Of a custom resource
   * only `metadata` has a Go type.
   */
  decodeError(object: JsonObject): string | undefined;
}

const compiled = new WeakMap<Schema, CompiledSchema>();

export function compileSchema(schema: Schema): CompiledSchema {
  let found = compiled.get(schema);
  if (found === undefined) {
    found = compile(schema);
    compiled.set(schema, found);
  }
  return found;
}

function compile(schema: Schema): CompiledSchema {
  const embeds = lazily(() => contains(schema, (part) => part['x-kubernetes-embedded-resource'] === true));
  const hasKeys = lazily(() => contains(schema, isSetOrMap));
  return {
    schema,
    prune(draft) {
      const unknown = prune(draft, schema);
      if (embeds()) unknown.push(...coerceEmbedded(draft, schema).unknown);
      return schema.definition === undefined ? unknown.sort() : unknown;
    },
    applyDefaults: (draft) => applyDefaults(draft, schema, schema.definition !== undefined),
    validate(object, old) {
      const errors = validateSchema(object, schema, old);
      if (embeds()) errors.push(...validateEmbedded(object, schema));
      if (!hasKeys()) return errors;
      const repeated = validateListTypes(object, schema);
      const repeatedBefore = old !== undefined && repeated.length > 0 && validateListTypes(old, schema).length > 0;
      if (!repeatedBefore) errors.push(...repeated);
      return errors;
    },
    decodeError: (object) => decodeError(object, schema),
  };
}

const isSetOrMap = (schema: Schema): boolean => {
  const type = schema['x-kubernetes-list-type'];
  return type === 'set' || type === 'map';
};

function lazily<T>(compute: () => T): () => T {
  let value: { readonly known: T } | undefined;
  return () => {
    value ??= { known: compute() };
    return value.known;
  };
}

/** Whether any structural part of a schema has a property. Schemas of built-in kinds may be recursive. */
function contains(schema: Schema, predicate: (schema: Schema) => boolean, seen = new Set<Schema>()): boolean {
  if (seen.has(schema)) return false;
  seen.add(schema);
  if (predicate(schema)) return true;
  const { properties, items, additionalProperties } = schema;
  if (items !== undefined && contains(items, predicate, seen)) return true;
  if (typeof additionalProperties === 'object' && contains(additionalProperties, predicate, seen)) return true;
  for (const name in properties) if (contains(properties[name] as Schema, predicate, seen)) return true;
  return false;
}
