/**
 * Server-side apply: a configuration and the live object become a draft. Source: API concepts, "Server-Side Apply";
 * `k8s.io/apiserver/pkg/endpoints/handlers` (applyPatcher).
 */
import { type ApplyResult, apply, withoutIdleTimes } from '../machinery/apply/field-manager.ts';
import { duplicateFields, isJsonObject, JsonSyntaxError, type JsonValue, parseJson } from '../machinery/json.ts';
import type { ApiObject } from '../machinery/object.ts';
import { badRequest, conflict } from '../machinery/status.ts';
import { parseYaml, YamlError } from '../machinery/yaml.ts';
import type { ApiRequest } from './api-request.ts';
import { draftOf } from './cache-entry.ts';
import { applyDefaults, type RequestBody } from './decode.ts';
import { acrossVersions, keepManagedFields, trackedWrite } from './field-tracker.ts';
import type { WriteOptions } from './options.ts';
import type { WriteRequest } from './resource-store.ts';
import { checkUrl } from './write-request.ts';

export interface AppliedConfiguration {
  readonly config: ApiObject;
  /** Managed fields are part of the merge; only the times of a write that changed nothing are left to be seen to. */
  readonly trackFields: WriteRequest['trackFields'];
}

export function decodeApplied(body: RequestBody, request: ApiRequest, options: WriteOptions): AppliedConfiguration {
  const { value, duplicates } =
    body.kind === 'bytes' ? read(body.bytes) : { value: body.value, duplicates: noProblems };
  if (!isJsonObject(value)) {
    const got = Array.isArray(value) ? 'array' : typeof value;
    throw badRequest(
      `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${got} into Go value of type map[string]interface {}`,
    );
  }
  const problems = duplicates();
  if (problems.length > 0 && options.fieldValidation === 'Strict') {
    throw badRequest(`error strict decoding YAML: ${problems.join(', ')}`);
  }
  if (options.fieldValidation === 'Warn') for (const problem of problems) request.warn(problem);
  const config = value as unknown as ApiObject;
  config.metadata ??= {};
  return {
    config,
    trackFields: (draft, live) => {
      if (live !== undefined) keepManagedFields(draft, withoutIdleTimes(draft, live));
    },
  };
}

/** `live` undefined: the object is created. */
export function applyConfiguration(
  live: ApiObject | undefined,
  { config }: AppliedConfiguration,
  request: ApiRequest,
  options: WriteOptions,
): ApiObject | Promise<ApiObject> {
  const { type, version, store } = request.served;
  if (live === undefined && (config.metadata.uid ?? '') !== '') {
    throw conflict(
      store.resource,
      request.name,
      `uid mismatch: the provided object specified uid ${config.metadata.uid}, and no existing object was found`,
    );
  }
  const applied = acrossVersions(type, trackedWrite(type, version, request.subresource, request.now), (write) =>
    apply({
      ...write,
      live,
      config,
      kind: type.names.kind,
      manager: options.fieldManager,
      force: options.force ?? false,
    }),
  );
  const drafted = ({ object }: ApplyResult): ApiObject => {
    // The merge shares structure with `live` and the configuration; a draft is nobody else's.
    const draft = draftOf(object);
    checkUrl(request, draft);
    applyDefaults(draft, type, version);
    return draft;
  };
  return applied instanceof Promise ? applied.then(drafted) : drafted(applied);
}

interface Configuration {
  readonly value: JsonValue;
  readonly duplicates: () => readonly string[];
}

const noProblems = (): readonly string[] => [];

/** YAML, of which JSON is a part: what looks like JSON is tried as such first, which is faster. */
function read(bytes: Uint8Array): Configuration {
  if (bytes[0] === 0x7b) {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
    try {
      const value = parseJson(text);
      return { value, duplicates: () => duplicateFields(text, value) };
    } catch (error) {
      if (!(error instanceof JsonSyntaxError)) throw error;
    }
  }
  try {
    const { value, duplicates } = parseYaml(bytes);
    // Nothing is read as an object without members.
    return { value: value ?? {}, duplicates: () => duplicates };
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw badRequest(`error decoding YAML: error converting YAML to JSON: ${error.message}`);
  }
}
