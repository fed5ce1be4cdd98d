/**
 * What a schema does to an object: prune, default, validate, decode. Each is prepared when it is first used, and kept as
 * long as the schema lives.
 */
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
  /** Removes unknown fields from the draft; answers their paths, sorted: `spec.foo`, `spec.list[0].bar`. */
  prune(draft: JsonObject): string[];
  /** Fills in defaults and drops nulls that the schema does not allow. */
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
  return {
    schema,
    prune: (draft) => prune(draft, schema).sort(),
    applyDefaults: (draft) => applyDefaults(draft, schema),
    decodeError: (object) => decodeError(object, schema),
    validate(object, old) {
      const errors = validateSchema(object, schema, old);
      const repeated = validateListTypes(object, schema);
      if (repeated.length > 0 && (old === undefined || validateListTypes(old, schema).length === 0)) {
        errors.push(...repeated);
      }
      return errors;
    },
  };
}
