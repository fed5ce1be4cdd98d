/** JSON as Kubernetes writes it: integers past 2^53 are `bigint`, everything else is what `JSON.parse` gives. */
export type JsonValue = string | number | bigint | boolean | null | JsonObject | JsonArray;
export interface JsonObject {
  [field: string]: JsonValue | undefined;
}
export type JsonArray = JsonValue[];

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
