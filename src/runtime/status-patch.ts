/** The JSON merge patch (RFC 7386) that turns one object into another. */
import { isDeepStrictEqual } from 'node:util';
import { isJsonObject, type JsonObject } from '../machinery/json.ts';

/** Undefined when there is nothing to change. Fields that are `undefined` in `to` are removed. */
export function mergePatchBetween(from: JsonObject, to: JsonObject): JsonObject | undefined {
  let patch: JsonObject | undefined;
  for (const field of Object.keys(to)) {
    const wanted = to[field];
    const there = from[field];
    if (wanted === undefined || wanted === there) continue;
    if (isJsonObject(wanted) && isJsonObject(there)) {
      const inner = mergePatchBetween(there, wanted);
      if (inner !== undefined) patch = { ...patch, [field]: inner };
    } else if (!isDeepStrictEqual(wanted, there)) patch = { ...patch, [field]: wanted };
  }
  for (const field of Object.keys(from)) {
    if (from[field] !== undefined && to[field] === undefined) patch = { ...patch, [field]: null };
  }
  return patch;
}
