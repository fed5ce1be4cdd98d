/**
 * Server-side apply: a configuration and the live object become a draft. Source: API concepts, "Server-Side Apply";
 * `k8s.io/apiserver/pkg/endpoints/handlers` (applyPatcher).
 */
import { type ApplyResult, apply } from '../machinery/apply/field-manager.ts';
import { duplicateFields, isJsonObject, JsonSyntaxError, type JsonValue, parseJson } from '../machinery/json.ts';
import type { ApiObject } from '../machinery/object.ts';
import { badRequest, conflict } from '../machinery/status.ts';
import { parseYaml, YamlError } from '../machinery/yaml.ts';
import type { ApiRequest, ApiResponse } from './api-request.ts';
import { draftOf } from './cache-entry.ts';
import { applyDefaults, type RequestBody } from './decode.ts';
import { acrossVersions, trackedWrite } from './field-tracker.ts';
import { IdleApply } from './idle-apply.ts';
import type { UpdateTarget } from './object-lifecycle.ts';
import type { WriteOptions } from './options.ts';
import { checkUrl, noTracking, writeRequest } from './write-request.ts';

export async function serveApply(
  request: ApiRequest,
  body: RequestBody,
  options: WriteOptions,
  target: UpdateTarget,
): Promise<ApiResponse> {
  const { served, subresource } = request;
  const { store, version } = served;
  const write = writeRequest(request, options, 'PatchOptions');
  const idle = body.kind === 'bytes' ? new IdleApply(version, subresource, body.bytes, options) : undefined;
  const confirmed = idle && (await store.confirm(write, (entry, type) => idle.recall(entry, type)));
  if (confirmed !== undefined) return { kind: 'entry', code: 200, entry: confirmed };

  const applied = decodeApplied(body, request, options);
  let merged = false;
  const result = await store.update(
    async (live) => {
      const { draft, changed } = await applyConfiguration(live, applied, request, options);
      merged = changed;
      return draft;
    },
    { ...write, trackFields: noTracking },
    target,
    subresource === '' ? async () => (await applyConfiguration(undefined, applied, request, options)).draft : undefined,
  );
  // Admission has seen the live object as it is, and will see it so again.
  if (result.unchanged !== undefined && !merged) {
    idle?.remember(result.entry, store.type, {
      decoding: applied.warnings,
      strategy: result.unchanged.warnings,
    });
  }
  return { kind: 'entry', code: result.created ? 201 : 200, entry: result.entry };
}

export interface AppliedConfiguration {
  readonly config: ApiObject;
  /** What the decoder warns of. */
  readonly warnings: readonly string[];
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
  const warnings = options.fieldValidation === 'Warn' ? problems : [];
  for (const warning of warnings) request.warn(warning);
  const config = value as unknown as ApiObject;
  config.metadata ??= {};
  return {
    config,
    warnings,
  };
}

/** The merged object, and whether it differs from the live one. */
interface Draft {
  readonly draft: ApiObject;
  readonly changed: boolean;
}

/** `live` undefined: the object is created. */
function applyConfiguration(
  live: ApiObject | undefined,
  { config }: AppliedConfiguration,
  request: ApiRequest,
  options: WriteOptions,
): Draft | Promise<Draft> {
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
  const drafted = ({ object, changed }: ApplyResult): Draft => {
    // The merge shares structure with `live` and the configuration; a draft is nobody else's.
    const draft = draftOf(object);
    checkUrl(request, draft);
    applyDefaults(draft, type, version);
    return { draft, changed };
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
