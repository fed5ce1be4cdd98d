/** What JSON holds: integers past 2^53 are `bigint`, everything else is what `JSON.parse` gives. */
export type JsonValue = string | number | bigint | boolean | null | JsonObject | JsonArray;
export interface JsonObject {
  [field: string]: JsonValue | undefined;
}
export type JsonArray = JsonValue[];

/** Sets an own property, also when it is called `__proto__` (which assignment would take for the prototype). */
export function setField(object: JsonObject, key: string, value: JsonValue): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  } else object[key] = value;
}
