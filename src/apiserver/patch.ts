/**
 * PATCH: how a patch of each media type makes a new object from the current one.
 * Source: `k8s.io/apiserver/pkg/endpoints/handlers` (patch.go).
 */
import type { ResourceType, ResourceVersion } from '../apis/resource-type.ts';
import { goQuote, invalid } from '../machinery/field.ts';
import { isJsonObject, type JsonObject, type JsonValue, stringifyJson } from '../machinery/json.ts';
import { applyJsonPatch, decodeJsonPatch, JsonPatchError, jsonPatchRejected } from '../machinery/json-patch.ts';
import { applyMergePatch, decodeMergePatch } from '../machinery/merge-patch.ts';
import { type ApiObject, groupVersion } from '../machinery/object.ts';
import { badRequest, invalidObject, StatusError, unsupportedMediaType } from '../machinery/status.ts';
import { strategicMergePatch } from '../machinery/strategic/merge.ts';
import type { RequestBody } from './decode.ts';
import { decodeValue, shapeObject } from './decode.ts';
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
}

export function decodePatch(kind: Exclude<PatchKind, 'apply'>, body: RequestBody, version: ResourceVersion): Patch {
  const source = body.kind === 'bytes' ? body.bytes : stringifyJson(body.value);
  if (kind === 'json') {
    const { operations, strictErrors } = decodeJsonPatch(source, true);
    return {
      problems: strictErrors,
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
    return { problems: strictErrors, apply: (current) => applyMergePatch(current, patch) };
  }
  const json = body.kind === 'bytes' ? { ...body, mediaType: 'application/json' } : body;
  const { value, duplicates } = decodeValue(json, 'Patch');
  if (!isJsonObject(value)) {
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value} into Go value of type map[string]interface {}`,
    );
  }
  return { problems: duplicates(), apply: (current) => strategicMergePatch(current, value, version.schema) };
}

/** What a patched value must still be: an object of the same kind and version, of the right types. */
export function shapePatched(
  patched: JsonValue,
  patch: Patch,
  type: ResourceType,
  version: ResourceVersion,
  options: WriteOptions,
  warn: (message: string) => void,
): ApiObject {
  if (!isJsonObject(patched)) throw refusePatched(patched, 'the patched value is not an object');
  const object = patched as unknown as ApiObject;
  if (object.apiVersion !== groupVersion(type.group, version.name) || object.kind !== type.names.kind) {
    throw badRequest(
      `the patched object is a ${goQuote(String(object.kind))} in ${goQuote(String(object.apiVersion))}: a patch cannot change apiVersion or kind`,
    );
  }
  let problems: string[];
  try {
    problems = [...patch.problems, ...shapeObject(patched, type, version)];
  } catch (error) {
    if (error instanceof StatusError && error.code === 400) {
      throw refusePatched(patched, error.message.replace(/^.* cannot be handled as a \w+: /, ''));
    }
    throw error;
  }
  if (problems.length > 0 && options.fieldValidation === 'Strict') {
    throw refusePatched(patched, `strict decoding error: ${problems.join(', ')}`);
  }
  if (options.fieldValidation === 'Warn') for (const problem of problems) warn(problem);
  return object;
}

function refusePatched(patched: JsonValue, why: string): StatusError {
  return invalidObject({ group: '', name: '' }, '', [invalid('patch', stringifyJson(patched), why)]);
}
