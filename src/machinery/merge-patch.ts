/**
 * JSON Merge Patch (RFC 7386) as kube-apiserver applies it. Inputs are never changed: what the patch does not reach is
 * shared with the result.
 */
import {
  deepEqual,
  duplicateFields,
  isJsonObject,
  type JsonArray,
  type JsonObject,
  JsonSyntaxError,
  type JsonValue,
  jsonKind,
  jsonText,
  parseJson,
  setField,
} from './json.ts';
import { badRequest } from './status.ts';

/**
 * Reads the body of a merge patch; with `strict` (field validation Warn or Strict) also the fields given twice.
 * @throws StatusError 400
 */
export function decodeMergePatch(
  source: string | Uint8Array,
  strict = false,
): { patch: JsonObject; strictErrors: string[] } {
  const text = jsonText(source);
  let patch: JsonValue;
  try {
    patch = parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw badRequest(strict ? `error decoding patch: ${error.message}` : 'Invalid JSON Patch');
  }
  if (isJsonObject(patch)) return { patch, strictErrors: strict ? duplicateFields(text, patch) : [] };
  if (!strict || patch === null) throw badRequest('Invalid JSON Patch');
  throw badRequest(
    `error decoding patch: json: cannot unmarshal ${jsonKind(patch)} into Go value of type map[string]interface {}`,
  );
}

/** The target with the patch merged in: null deletes, objects merge, everything else replaces. */
export function applyMergePatch(target: JsonValue, patch: JsonValue): JsonValue {
  if (!isJsonObject(patch)) return withoutNulls(patch);
  if (!isJsonObject(target)) return withoutNulls(patch);
  const merged: JsonObject = { ...target };
  for (const key of Object.keys(patch)) {
    const change = patch[key];
    if (change === undefined) continue;
    if (change === null) {
      delete merged[key];
      continue;
    }
    const current = Object.hasOwn(target, key) ? target[key] : undefined;
    setField(merged, key, applyMergePatch(current ?? null, change));
  }
  return merged;
}

/** What a patch adds as a whole holds no deletions. Nulls that are items of arrays are values and stay. */
function withoutNulls(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutNulls) satisfies JsonArray;
  const kept: JsonObject = {};
  for (const key of Object.keys(value)) {
    const member = value[key];
    if (member !== null && member !== undefined) setField(kept, key, withoutNulls(member));
  }
  return kept;
}

/** The smallest merge patch that turns `from` into `to`, or undefined when they are equal. */
export function createMergePatch(from: JsonObject, to: JsonObject): JsonObject | undefined {
  const patch: JsonObject = {};
  let changed = false;
  const put = (key: string, value: JsonValue): void => {
    setField(patch, key, value);
    changed = true;
  };
  for (const key of Object.keys(to)) {
    const after = to[key];
    if (after === undefined) continue;
    const before = Object.hasOwn(from, key) ? from[key] : undefined;
    if (before === undefined) put(key, after);
    else if (isJsonObject(before) && isJsonObject(after)) {
      const inner = createMergePatch(before, after);
      if (inner !== undefined) put(key, inner);
    } else if (!deepEqual(before, after)) put(key, after);
  }
  for (const key of Object.keys(from)) {
    if (from[key] !== undefined && (!Object.hasOwn(to, key) || to[key] === undefined)) put(key, null);
  }
  return changed ? patch : undefined;
}
