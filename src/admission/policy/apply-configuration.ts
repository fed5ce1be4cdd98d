/**
 * The configuration that a mutating policy constructs, laid over the object as server-side apply does it, but for owners.
 * Source: `k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch/smd.go`.
 */
import { CelError, misnamedObjects, toJson, type Value } from '../../cel/index.ts';
import { merge } from '../../machinery/apply/merge.ts';
import { objectType, type Type } from '../../machinery/apply/type.ts';
import { fieldTypeOf } from '../../machinery/apply/typed.ts';
import { typeErrorText, validate } from '../../machinery/apply/validate.ts';
import { cloneJson, isJsonObject, type JsonObject, type JsonValue } from '../../machinery/json.ts';
import type { ApiObject } from '../../machinery/object.ts';
import type { Schema } from '../../machinery/schema.ts';
import { MutationError } from './mutation-error.ts';

/**
 * Answers the merged object, which shares what has not changed with `object`.
 * @throws MutationError for what is not a configuration of the object
 */
export function applyConfigured(value: Value, object: ApiObject, schema: Schema): ApiObject {
  const misnamed = misnamedObjects(value);
  if (misnamed.length > 0) throw new MutationError(`type mismatch: ${misnamed.join('\n')}`);
  const made = toJson(value);
  if (made instanceof CelError) throw new MutationError(made.message);
  const fields = made as JsonValue;
  if (!isJsonObject(fields)) throw new MutationError('unsupported return type from ApplyConfiguration expression');
  // Expressions hand out parts of objects that belong to others.
  const config = cloneJson(fields);
  config.apiVersion = object.apiVersion;
  config.kind = object.kind;
  const type = objectType(schema);
  const errors = validate(config, type);
  if (errors.length > 0) {
    const why = `failed to convert patch object to typed object: ${typeErrorText(errors)}`;
    throw new MutationError(`error applying patch: ${why}`);
  }
  const atomics: string[] = [];
  findAtomics(config, type, '', atomics);
  if (atomics.length > 0) {
    const why = `may not mutate atomic arrays, maps or structs: ${atomics.join(', ')}`;
    throw new MutationError(`error applying patch: invalid ApplyConfiguration: ${why}`);
  }
  return merge(object as unknown as JsonObject, config, type) as unknown as ApiObject;
}

/** Who sets one field of something atomic takes all others away, which nobody means to. */
function findAtomics(value: JsonValue, type: Type, path: string, found: string[]): void {
  if (isJsonObject(value) && type.map !== undefined) {
    if (type.map.atomic) found.push(path);
    for (const [name, field] of Object.entries(value)) {
      const declared = type.map.fields.get(name);
      if (declared !== undefined)
        findAtomics(field as JsonValue, fieldTypeOf(type.map, declared), `${path}.${name}`, found);
    }
  }
  if (Array.isArray(value) && type.list !== undefined) {
    if (type.list.atomic) found.push(path);
    for (const [i, item] of value.entries()) findAtomics(item, type.list.element, `${path}[${i}]`, found);
  }
}
