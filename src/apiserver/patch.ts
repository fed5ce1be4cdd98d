/**
 * PATCH: how a patch of each media type makes a new object from the current one.
 * Source: `k8s.io/apiserver/pkg/endpoints/handlers` (patch.go).
 */
import type { ResourceType, ResourceVersion } from '../apis/resource-type.ts';
import { invalid } from '../machinery/field.ts';
import { goValue } from '../machinery/go-text.ts';
import {
  cloneJson,
  duplicateFields,
  isJsonObject,
  type JsonObject,
  JsonSyntaxError,
  type JsonValue,
  jsonKind,
  jsonText,
  parseJson,
  setField,
  stringifyJson,
} from '../machinery/json.ts';
import { applyJsonPatch, decodeJsonPatch, JsonPatchError, jsonPatchRejected } from '../machinery/json-patch.ts';
import { applyMergePatch, decodeMergePatch } from '../machinery/merge-patch.ts';
import { type ApiObject, groupVersion } from '../machinery/object.ts';
import { badRequest, invalidObject, StatusError, unsupportedMediaType } from '../machinery/status.ts';
import { strategicMergePatch } from '../machinery/strategic/merge.ts';
import { draftOf } from './cache-entry.ts';
import type { RequestBody } from './decode.ts';
import { noConversion, noObject, shapeFields, shapeObject } from './decode.ts';
import type { WriteOptions } from './options.ts';

export const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

export type PatchKind = keyof typeof patchTypes;

/** Throws 415 in kube-apiserver's words for media types that the resource does not take. */
export function patchKind(mediaType: string, version: ResourceVersion): PatchKind {
  const accepted: PatchKind[] =
    version.typeErrors === 'decoding' ? ['json', 'merge', 'strategic', 'apply'] : ['json', 'merge', 'apply'];
  const found = accepted.find((kind) => patchTypes[kind] === mediaType);
  if (found !== undefined) return found;
  throw unsupportedMediaType(accepted.map((kind) => patchTypes[kind]));
}

/** A patch that has been read once and is applied to whatever is current. */
export interface Patch {
  /** Answers the patched value; `current` is not changed. */
  apply(current: JsonObject): JsonValue;
  /** Strict decoding errors of the patch itself. */
  readonly problems: readonly string[];
  /** The result is brought into the kind's Go type, whatever kind it says it is of. */
  readonly setsTypeMeta: boolean;
  /** The answer to a patch whose result is not an object of the kind. `why` is the decoder's error. */
  refuse(patched: JsonValue, why: string): StatusError;
}

export function decodePatch(kind: Exclude<PatchKind, 'apply'>, body: RequestBody, version: ResourceVersion): Patch {
  const source = body.kind === 'bytes' ? body.bytes : stringifyJson(body.value);
  if (kind === 'json') {
    const { operations, strictErrors } = decodeJsonPatch(source, true);
    return {
      problems: strictErrors,
      setsTypeMeta: false,
      refuse: refusePatched,
      apply(current) {
        try {
          return applyJsonPatch(current, operations);
        } catch (error) {
          if (error instanceof JsonPatchError) throw jsonPatchRejected(error);
          throw error;
        }
      },
    };
  }
  if (kind === 'merge') {
    const { patch, strictErrors } = decodeMergePatch(source, true);
    return {
      problems: strictErrors,
      setsTypeMeta: false,
      refuse: refusePatched,
      apply: (current) => applyMergePatch(current, patch),
    };
  }
  const { patch, strictErrors } = decodeStrategicPatch(source);
  return {
    problems: strictErrors,
    setsTypeMeta: true,
    refuse: (_, why) => invalidPatch(goValue(patch), conversionError(why)),
    apply: (current) => strategicMergePatch(current, patch, version.schema),
  };
}

function decodeStrategicPatch(source: string | Uint8Array): { patch: JsonObject; strictErrors: string[] } {
  const text = jsonText(source);
  let patch: JsonValue;
  try {
    patch = parseJson(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw badRequest(error.message);
    throw error;
  }
  if (isJsonObject(patch)) return { patch, strictErrors: duplicateFields(text, patch) };
  throw badRequest(`json: cannot unmarshal ${jsonKind(patch)} into Go value of type map[string]interface {}`);
}

/**
 * kube-apiserver brings the result of a strategic merge into its Go type without JSON between, by a converter with words of
 * its own for values of the wrong type.
 * Source: `k8s.io/apimachinery/pkg/runtime` (converter.go), fromUnstructured.
 */
function conversionError(decodeError: string): string {
  const found = /^json: cannot unmarshal (\S+)(?: (\S+))? into Go (?:struct field \S+|value) of type (.+)$/.exec(
    decodeError,
  );
  if (found === null) return decodeError;
  const [, kind = '', literal = '', type = ''] = found;
  const from = goKinds[kind] ?? (/[.eE]/.test(literal) ? 'float64' : 'int64');
  if (type.startsWith('map[')) return `cannot restore map from ${from}`;
  if (type.startsWith('[]')) return `cannot restore slice from ${from}`;
  if (!basicType.test(type)) return `cannot restore struct from: ${from}`;
  // Go converts integers to strings and between numbers; the converter refuses what it would make of them.
  const convertible = from === 'int64' ? type !== 'bool' : from === 'float64' && type !== 'bool' && type !== 'string';
  return convertible ? `cannot convert ${from} to ${type}` : `unrecognized type: ${type}`;
}

const goKinds: Readonly<Record<string, string>> = { string: 'string', bool: 'bool', array: 'slice', object: 'map' };
const basicType = /^(?:string|bool|u?int\d*|float\d\d)$/;

/**
 * What a patched value must still be: an object of the same kind and version, of the right types. What the patch has not
 * touched of `current` is shared with it, and copied here.
 */
export function shapePatched(
  patched: JsonValue,
  current: JsonObject,
  patch: Patch,
  type: ResourceType,
  version: ResourceVersion,
  options: WriteOptions,
  warn: (message: string) => void,
): ApiObject {
  // Go reads nothing as an object without fields.
  const value = patched ?? {};
  if (!isJsonObject(value)) throw patch.refuse(value, noObject(value));
  const keepsMetadata = value.metadata === current.metadata;
  const object = keepsMetadata ? draftOf(value as unknown as ApiObject) : shallowDraft(value);
  checkTypeMeta(object, patch, type, version);
  let problems: string[];
  try {
    const shape = keepsMetadata ? shapeFields : shapeObject;
    problems = [...patch.problems, ...shape(object as unknown as JsonObject, type, version)];
  } catch (error) {
    if (error instanceof StatusError && error.code === 400) {
      throw patch.refuse(value, error.message.replace(/^.* cannot be handled as a \w+: /, ''));
    }
    throw error;
  }
  if (problems.length > 0 && options.fieldValidation === 'Strict') {
    throw patch.refuse(value, `strict decoding error: ${problems.join(', ')}`);
  }
  if (options.fieldValidation === 'Warn') for (const problem of problems) warn(problem);
  return object;
}

/** A copy of what the patch shares with the live object. Metadata is made anew by its decoder. */
function shallowDraft(patched: JsonObject): ApiObject {
  const draft: JsonObject = {};
  for (const field of Object.keys(patched)) {
    const value = patched[field]!;
    setField(draft, field, field === 'metadata' ? value : cloneJson(value));
  }
  return draft as unknown as ApiObject;
}

/** In place: kind and version are those of the endpoint, or the patch is refused. */
function checkTypeMeta(object: ApiObject, patch: Patch, type: ResourceType, version: ResourceVersion): void {
  const expected = groupVersion(type.group, version.name);
  const { kind } = type.names;
  const given = { kind: String(object.kind ?? ''), apiVersion: String(object.apiVersion ?? '') };
  if (given.kind === kind && given.apiVersion === expected) return;
  const refuse = (why: string): StatusError => patch.refuse(object as unknown as JsonObject, why);
  if (patch.setsTypeMeta || (version.typeErrors === 'decoding' && given.kind === '' && given.apiVersion === expected)) {
    Object.assign(object, { apiVersion: expected, kind });
    return;
  }
  if (version.typeErrors === 'decoding') throw refuse(noConversion(given, { group: type.group, name: kind }));
  const missing = ['kind', 'apiVersion'].find((field) => (object[field] ?? '') === '');
  if (missing !== undefined) {
    const name = missing === 'kind' ? 'Kind' : missing;
    throw refuse(`Object '${name}' is missing in '${stringifyJson(object as unknown as JsonObject)}'`);
  }
  if (given.apiVersion !== expected) {
    throw refuse(`request to convert CR from an invalid group/version: ${given.apiVersion}`);
  }
  const errors = [invalid('kind', given.kind, `must be ${kind}`)];
  throw invalidObject({ group: type.group, name: kind }, object.metadata?.name ?? '', errors);
}

function refusePatched(patched: JsonValue, why: string): StatusError {
  return invalidPatch(stringifyJson(patched), why);
}

function invalidPatch(value: string, why: string): StatusError {
  return invalidObject({ group: '', name: '' }, '', [invalid('patch', value, why)]);
}
