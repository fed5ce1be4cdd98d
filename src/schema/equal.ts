import { isJsonObject, type JsonValue } from '../machinery/json.ts';
import { isNumber } from './number.ts';

/** Deep equality of JSON values. Fields that are `undefined` count as absent; an integer equals itself as a bigint. */
export function equalJson(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true;
  if (isNumber(a) && isNumber(b)) return a <= b && a >= b;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => equalJson(item, b[i]));
  }
  if (!isJsonObject(b)) return false;
  let fields = 0;
  for (const key of Object.keys(a)) {
    if (a[key] === undefined) continue;
    fields++;
    if (!Object.hasOwn(b, key) || !equalJson(a[key], b[key])) return false;
  }
  return fields === Object.keys(b).filter((key) => b[key] !== undefined).length;
}
