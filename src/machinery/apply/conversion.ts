/**
 * Field management where converting between versions takes time: a webhook does it. Field management itself is pure, so
 * it can be run, stopped where it lacks a conversion, and run again with it.
 */

import { type JsonValue, stringifyJson } from '../json.ts';
import type { ApiObject } from '../object.ts';

export type Convert = (object: ApiObject, apiVersion: string) => ApiObject;

/**
 * The answer of `run`, which converts with what it is given. It is run again for each conversion that it needs, and must
 * have no effects of its own. What `run` or `convert` throws is thrown.
 */
export async function withConversions<T>(
  run: (convert: Convert) => T,
  convert: (object: ApiObject, apiVersion: string) => Promise<ApiObject>,
): Promise<T> {
  const known = new Map<string, ApiObject>();
  for (;;) {
    try {
      return run((object, apiVersion) => {
        const key = keyOf(object, apiVersion);
        const converted = known.get(key);
        if (converted === undefined) throw new ConversionNeeded(key, object, apiVersion);
        return converted;
      });
    } catch (needed) {
      if (!(needed instanceof ConversionNeeded)) throw needed;
      known.set(needed.key, await convert(needed.object, needed.apiVersion));
    }
  }
}

class ConversionNeeded extends Error {
  readonly key: string;
  readonly object: ApiObject;
  readonly apiVersion: string;

  constructor(key: string, object: ApiObject, apiVersion: string) {
    super(`conversion to ${apiVersion} needed`);
    this.key = key;
    this.object = object;
    this.apiVersion = apiVersion;
  }
}

function keyOf(object: ApiObject, apiVersion: string): string {
  return `${apiVersion} ${stringifyJson(object as unknown as JsonValue)}`;
}
