/**
 * Pruning: removes the fields that a schema does not know, and says which they were.
 * Source: KEP "Pruning for Custom Resources"; apiextensions-apiserver `pkg/apiserver/schema/pruning`.
 */
import { isJsonObject, type JsonValue } from '../machinery/json.ts';
import type { Schema } from '../machinery/schema.ts';

/** Removes unknown fields from `draft`, in place. Answers their paths (`spec.list[0].foo`) in the order of the document. */
export function prune(draft: JsonValue, schema: Schema): string[] {
  const unknown: string[] = [];
  pruneValue(draft, schema, false, [], unknown);
  return unknown;
}

type Path = (string | number)[];

/** Where there is no schema nothing is known: objects lose every field. `preserved`: a list that preserves holds this. */
function pruneValue(
  value: JsonValue | undefined,
  schema: Schema | undefined,
  preserved: boolean,
  path: Path,
  unknown: string[],
): void {
  const preserve = preserved || schema?.['x-kubernetes-preserve-unknown-fields'] === true;
  if (Array.isArray(value)) {
    if (preserve && schema?.items === undefined) return;
    for (let i = 0; i < value.length; i++) {
      const item = value[i];
      if (typeof item !== 'object' || item === null) continue;
      path.push(i);
      pruneValue(item, schema?.items, preserve, path, unknown);
      path.pop();
    }
    return;
  }
  if (!isJsonObject(value)) return;
  const embedded = schema?.['x-kubernetes-embedded-resource'] === true;
  const properties = schema?.properties;
  const additional = schema?.additionalProperties;
  for (const key of Object.keys(value)) {
    if (embedded && isTypeOrObjectMeta(key)) continue;
    const property = properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (property === undefined && (additional === undefined || additional === false)) {
      if (preserve) continue;
      unknown.push(renderPath(path, key));
      delete value[key];
      continue;
    }
    const child = value[key];
    if (typeof child !== 'object' || child === null) continue;
    path.push(key);
    pruneValue(child, property ?? (additional === true ? undefined : (additional as Schema)), false, path, unknown);
    path.pop();
  }
}

/** Kept in every embedded resource; `metadata` there is a matter of its own. */
function isTypeOrObjectMeta(key: string): boolean {
  return key === 'apiVersion' || key === 'kind' || key === 'metadata';
}

function renderPath(path: Path, key: string): string {
  let text = '';
  for (const segment of path)
    text += typeof segment === 'number' ? `[${segment}]` : text === '' ? segment : `.${segment}`;
  return text === '' ? key : `${text}.${key}`;
}
