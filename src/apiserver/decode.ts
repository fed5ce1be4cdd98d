/**
 * From the body of a request to a draft object: read, checked against what the URL says, pruned and defaulted.
 * Source: `k8s.io/apiserver/pkg/endpoints/handlers` (create, update, transformDecodeError) and the API concepts page,
 * "Validation for unrecognized or duplicate fields".
 */

import { builtinTypes } from '../apis/index.ts';
import { decodeMessage, messageOf } from '../apis/protobuf/index.ts';
import type { ResourceType, ResourceVersion } from '../apis/resource-type.ts';
import { goQuote } from '../machinery/field.ts';
import {
  duplicateFields,
  isJsonObject,
  type JsonObject,
  JsonSyntaxError,
  type JsonValue,
  jsonKind,
  parseJson,
} from '../machinery/json.ts';
import { type ApiObject, groupVersion, parseGroupVersion } from '../machinery/object.ts';
import { coerceObjectMeta } from '../machinery/object-meta-coercion.ts';
import { type Envelope, type MessageType, ProtobufError, readEnvelope } from '../machinery/protobuf/index.ts';
import type { Schema } from '../machinery/schema.ts';
import { badRequest, type Named, type StatusError, unsupportedMediaType } from '../machinery/status.ts';
import { parseYaml, YamlError } from '../machinery/yaml.ts';
import { compileSchema } from '../schema/compile.ts';
import { bodyTypes, builtinBodyTypes, protobufType } from './media.ts';

/** What a client sent: bytes with their media type, or a value handed over inside the process. */
export type RequestBody =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array; readonly mediaType: string }
  /** Not shared with the caller: it may be changed. */
  | { readonly kind: 'value'; readonly value: JsonValue };

export interface Decoded {
  readonly object: ApiObject;
  /** Strict decoding errors: unknown and duplicate fields, in Kubernetes' words. */
  readonly problems: readonly string[];
}

/**
 * Reads a body that holds one JSON or YAML value, or a protobuf message when `schema` is that of one of Kubernetes' own
 * kinds. Custom resources have no protobuf form.
 */
export function decodeValue(
  body: RequestBody,
  kind: string,
  schema?: Schema,
): { value: JsonValue; duplicates: () => string[] } {
  if (body.kind === 'value') return { value: body.value, duplicates: () => [] };
  const { bytes, mediaType } = body;
  if (mediaType === '' || mediaType === 'application/json') {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
    try {
      const value = parseJson(text);
      return { value, duplicates: () => duplicateFields(text, value) };
    } catch (error) {
      if (!(error instanceof JsonSyntaxError)) throw error;
      throw unrecognized(kind, `couldn't get version/kind; json parse error: ${error.message}`, bytes);
    }
  }
  if (mediaType === 'application/yaml' || mediaType === 'application/x-yaml' || mediaType === 'text/yaml') {
    try {
      const { value, duplicates } = parseYaml(bytes);
      return { value, duplicates: () => duplicates };
    } catch (error) {
      if (!(error instanceof YamlError)) throw error;
      throw unrecognized(kind, `error converting YAML to JSON: ${error.message}`, bytes);
    }
  }
  const message = schema?.definition === undefined ? undefined : messageOf(schema.definition);
  if (message === undefined) throw unsupportedMediaType(bodyTypes);
  if (mediaType !== protobufType) throw unsupportedMediaType(builtinBodyTypes);
  return { value: decodeProtobuf(bytes, kind, message), duplicates: () => [] };
}

/** The object in a protobuf body. One of another kind is not read: its type and kind are enough to refuse it. */
function decodeProtobuf(bytes: Uint8Array, kind: string, message: MessageType): JsonObject {
  let envelope: Envelope | undefined;
  try {
    envelope = readEnvelope(bytes);
    return {
      ...(envelope.kind === '' ? {} : { kind: envelope.kind }),
      ...(envelope.apiVersion === '' ? {} : { apiVersion: envelope.apiVersion }),
      ...(envelope.kind === '' || envelope.kind === kind ? decodeMessage(message, envelope.raw) : {}),
    };
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    if (envelope === undefined) throw unrecognized(kind, error.message, bytes);
    const { version } = parseGroupVersion(envelope.apiVersion);
    throw badRequest(
      `${envelope.kind || kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${error.message}`,
    );
  }
}

/** A whole object of `type` in `version`, pruned of what the schema does not know, without defaults. */
export function decodeObject(body: RequestBody, type: ResourceType, version: ResourceVersion): Decoded {
  const { kind } = type.names;
  const { value: decoded, duplicates } = decodeValue(body, kind, version.schema);
  // Go reads nothing as an object without fields.
  const value = decoded ?? {};
  requireJsonObject(value, kind, body);
  checkKind(value, type, version, body);
  const problems = duplicates();
  problems.push(...shapeObject(value, type, version));
  value.metadata ??= {};
  return { object: value as unknown as ApiObject, problems };
}

/** Makes an object of the right JSON types out of `draft`, in place; answers what it did not know, as strict errors. */
export function shapeObject(draft: JsonObject, type: ResourceType, version: ResourceVersion): string[] {
  const coerced = coerceObjectMeta(draft, version.typeErrors === 'decoding' ? type.names.kind : '');
  if (coerced.error !== undefined) throw cannotBeHandled(type, version, coerced.error);
  return [...coerced.unknown.map(unknownField), ...shapeFields(draft, type, version)];
}

/** The same for a draft whose metadata is that of a stored object. */
export function shapeFields(draft: JsonObject, type: ResourceType, version: ResourceVersion): string[] {
  const compiled = compileSchema(version.schema);
  if (version.typeErrors === 'decoding') {
    const error = compiled.decodeError(draft);
    if (error !== undefined) throw cannotBeHandled(type, version, error);
  }
  return compiled.prune(draft).map(unknownField);
}

const unknownField = (path: string): string => `unknown field ${JSON.stringify(path)}`;

/** Defaults of a custom resource's schema; those of built-ins are all their strategy's, as they are code in Kubernetes. */
export function applyDefaults(draft: ApiObject, type: ResourceType, version: ResourceVersion): void {
  if (version.typeErrors === 'validation') compileSchema(version.schema).applyDefaults(draft as unknown as JsonObject);
  type.strategy.default?.(draft);
}

/** `strict decoding error: …` for Strict, warnings for Warn, nothing for Ignore. */
export function reportProblems(
  decoded: Decoded,
  validation: 'Strict' | 'Warn' | 'Ignore',
  type: ResourceType,
  version: ResourceVersion,
  warn: (message: string) => void,
): void {
  if (decoded.problems.length === 0 || validation === 'Ignore') return;
  if (validation === 'Strict') {
    throw cannotBeHandled(type, version, `strict decoding error: ${decoded.problems.join(', ')}`);
  }
  for (const problem of decoded.problems) warn(problem);
}

function cannotBeHandled(type: ResourceType, version: ResourceVersion, why: string): StatusError {
  const { kind } = type.names;
  return badRequest(`${kind} in version ${JSON.stringify(version.name)} cannot be handled as a ${kind}: ${why}`);
}

function unrecognized(kind: string, why: string, bytes: Uint8Array): StatusError {
  return badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why} (${summarize(bytes)})`);
}

/** The start of a body as error messages show it: text when it looks like JSON, hexadecimal otherwise. */
function summarize(bytes: Uint8Array): string {
  if (bytes.length === 0) return '<empty>';
  const head = Buffer.from(bytes.subarray(0, 30)).toString(bytes[0] === 0x7b ? 'utf8' : 'hex');
  return bytes.length > 30 ? `${head} ...` : head;
}

/** @throws StatusError 400 in the words of Go's decoder, which looks for the kind first */
export function requireJsonObject(value: JsonValue, kind: string, body: RequestBody): asserts value is JsonObject {
  if (isJsonObject(value)) return;
  throw unrecognized(kind, noObject(value), body.kind === 'bytes' ? body.bytes : new Uint8Array());
}

/** What Go's decoder says of a value that should be an object. */
export function noObject(value: JsonValue): string {
  return `couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonKind(value)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`;
}

function checkKind(value: JsonObject, type: ResourceType, version: ResourceVersion, body: RequestBody): void {
  const expected = groupVersion(type.group, version.name);
  const { apiVersion, kind } = value;
  const custom = version.typeErrors === 'validation';
  const { kind: wanted } = type.names;
  if (typeof kind !== 'string' || kind === '') {
    if (custom || (kind !== undefined && kind !== '')) {
      const text = body.kind === 'bytes' ? Buffer.from(body.bytes).toString() : JSON.stringify(value);
      throw badRequest(
        `the object provided is unrecognized (must be of type ${wanted}): Object 'Kind' is missing in '${text}'`,
      );
    }
    value.kind = wanted;
  }
  if (typeof apiVersion !== 'string' || apiVersion === '') value.apiVersion = expected;
  const given = value as { kind: string; apiVersion: string };
  if (given.apiVersion === expected && given.kind === wanted) return;
  const sameKind = given.kind === wanted && parseGroupVersion(given.apiVersion).group === type.group;
  if (custom ? given.apiVersion !== expected : sameKind && isBuiltinKind(wanted, given.apiVersion)) {
    const message = `the API version in the data (${given.apiVersion}) does not match the expected API version (${expected})`;
    throw badRequest(message);
  }
  throw custom
    ? badRequest(`the kind in the data (${given.kind}) does not match the expected kind (${wanted})`)
    : foreignKind(given, { group: type.group, name: wanted });
}

interface TypeMeta {
  readonly kind: string;
  readonly apiVersion: string;
}

/** The refusal of an object that is none of a built-in kind. */
export function foreignKind(given: TypeMeta, wanted: Named): StatusError {
  const { version } = parseGroupVersion(given.apiVersion);
  return badRequest(
    `${given.kind} in version ${goQuote(version)} cannot be handled as a ${wanted.name}: ${noConversion(given, wanted)}`,
  );
}

/** What Kubernetes' scheme says of an object that is none of a built-in kind. */
export function noConversion({ kind, apiVersion }: TypeMeta, wanted: Named): string {
  if (!isBuiltinKind(kind, apiVersion)) {
    return `no kind ${goQuote(kind)} is registered for version ${goQuote(apiVersion)} in scheme "pkg/api/legacyscheme/scheme.go:30"`;
  }
  const { version } = parseGroupVersion(apiVersion);
  const internal = wanted.group === '' ? 'core' : wanted.group.split('.', 1)[0];
  return `converting (${version}.${kind}) to (${internal}.${wanted.name}): unknown conversion`;
}

let builtinKinds: Set<string> | undefined;

function isBuiltinKind(kind: string, apiVersion: string): boolean {
  builtinKinds ??= new Set(
    builtinTypes().flatMap(({ group, names, versions }) =>
      versions.flatMap(({ name }) =>
        [names.kind, names.listKind].map((known) => `${groupVersion(group, name)} ${known}`),
      ),
    ),
  );
  return builtinKinds.has(`${apiVersion} ${kind}`);
}
