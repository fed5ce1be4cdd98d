/** Paths such as `.spec.replicas`: JSON paths without lists, which scale and selectable fields are restricted to. */
import { isJsonObject, type JsonValue } from '../machinery/json.ts';
import { simplePath } from '../machinery/jsonpath.ts';
import type { ApiObject } from '../machinery/object.ts';

export type Lookup =
  | { readonly found: true; readonly value: JsonValue }
  | { readonly found: false; readonly blocked?: undefined }
  /** `value`, on the way, is no object: `blocked` is the path of the field that it should have. */
  | { readonly found: false; readonly blocked: string; readonly value: JsonValue };

export function lookup(object: ApiObject, path: string): Lookup {
  const fields = simplePath(path) ?? path.replace(/^\./, '').split('.');
  let value = object as unknown as JsonValue;
  for (const [i, field] of fields.entries()) {
    if (value === null) return { found: false };
    if (!isJsonObject(value)) return { found: false, blocked: `.${fields.slice(0, i + 1).join('.')}`, value };
    const child: JsonValue | undefined = Object.hasOwn(value, field) ? value[field] : undefined;
    if (child === undefined) return { found: false };
    value = child;
  }
  return { found: true, value };
}

/** A scalar as selectors compare it; the empty string when there is none. */
export function readText(object: ApiObject, path: string): string {
  const result = lookup(object, path);
  if (!result.found || result.value === null || typeof result.value === 'object') return '';
  return String(result.value);
}
