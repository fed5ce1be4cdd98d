/**
 * The way from client-side to server-side apply: what `kubectl apply` noted in an annotation is taken for the intent of
 * the manager `kubectl`, and the annotation is kept up to date, so that there is a way back.
 * Source: `k8s.io/apimachinery/pkg/util/managedfields/internal` (lastappliedmanager.go, lastappliedupdater.go).
 */
import { goJson } from '../go-text.ts';
import {
  isJsonObject,
  type JsonObject,
  JsonSyntaxError,
  type JsonValue,
  parseJson,
  setField,
  stringifyJson,
} from '../json.ts';
import { totalAnnotationSizeLimit } from '../object-meta.ts';
import { compare } from './compare.ts';
import { difference, type FieldSet } from './field-set.ts';
import type { Type } from './type.ts';
import { toFieldSet } from './typed.ts';
import { validate } from './validate.ts';

const annotation = 'kubectl.kubernetes.io/last-applied-configuration';

/** The manager for which this holds; whoever wants none of it takes another name. */
export const lastAppliedManager = 'kubectl';

/**
 * The fields that the annotation of `live` sets and that are still as it says: they were applied on the client's side, so
 * applying them on the server's side is no conflict. undefined where there is no (usable) annotation.
 */
export function lastAppliedFields(live: JsonObject, apiVersion: string, type: Type): FieldSet | undefined {
  const noted = lastApplied(live);
  if (noted === undefined) return undefined;
  let config: JsonValue;
  try {
    config = parseJson(noted);
  } catch (error) {
    if (error instanceof JsonSyntaxError) return undefined;
    throw error;
  }
  if (!isJsonObject(config) || config.apiVersion !== apiVersion || validate(config, type).length > 0) return undefined;
  const { added, modified, removed } = compare(config, live, type);
  return difference(difference(difference(toFieldSet(config, type), modified), added), removed);
}

/** `object` with its annotation, if it has one, saying `config`. The annotation goes when it would be too long. */
export function withLastApplied(object: JsonObject, config: JsonObject): JsonObject {
  if (lastApplied(object) === undefined) return object;
  const metadata = object.metadata as JsonObject;
  const annotations: JsonObject = { ...(metadata.annotations as JsonObject) };
  annotations[annotation] = `${goJson(stringifyJson(sorted(withoutAnnotation(config))))}\n`;
  if (sizeOf(annotations) > totalAnnotationSizeLimit) delete annotations[annotation];
  return { ...object, metadata: { ...metadata, annotations } };
}

function lastApplied(object: JsonObject): string | undefined {
  const annotations = isJsonObject(object.metadata) ? object.metadata.annotations : undefined;
  const value = isJsonObject(annotations) ? annotations[annotation] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function withoutAnnotation(config: JsonObject): JsonObject {
  const { metadata } = config;
  if (!isJsonObject(metadata) || !isJsonObject(metadata.annotations)) return config;
  const { [annotation]: _, ...annotations } = metadata.annotations;
  return { ...config, metadata: { ...metadata, annotations } };
}

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  const result: JsonObject = {};
  for (const name of Object.keys(value).sort()) setField(result, name, sorted(value[name] as JsonValue));
  return result;
}

function sizeOf(annotations: JsonObject): number {
  return Object.entries(annotations).reduce(
    (size, [name, value]) => size + Buffer.byteLength(name) + Buffer.byteLength(String(value)),
    0,
  );
}
