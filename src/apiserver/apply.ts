/**
 * Server-side apply: a configuration and the live object become a draft. Source: API concepts, "Server-Side Apply";
 * `k8s.io/apiserver/pkg/endpoints/handlers` (applyPatcher).
 */
import { apply, withoutIdleTimes } from '../machinery/apply/field-manager.ts';
import { goQuote, invalid } from '../machinery/field.ts';
import { isJsonObject } from '../machinery/json.ts';
import { type ApiObject, groupVersion } from '../machinery/object.ts';
import { badRequest, conflict, invalidObject } from '../machinery/status.ts';
import type { ApiRequest } from './api-request.ts';
import { applyDefaults, decodeValue, type RequestBody } from './decode.ts';
import { keepManagedFields, trackedWrite } from './field-tracker.ts';
import type { WriteOptions } from './options.ts';
import type { WriteRequest } from './resource-store.ts';

export interface AppliedConfiguration {
  readonly config: ApiObject;
  /** Managed fields are part of the merge; only the times of a write that changed nothing are left to be seen to. */
  readonly trackFields: WriteRequest['trackFields'];
}

export function decodeApplied(body: RequestBody, request: ApiRequest, options: WriteOptions): AppliedConfiguration {
  const { type, version } = request.served;
  // YAML is a superset of JSON: one reading for both media types.
  const yaml: RequestBody = body.kind === 'bytes' ? { ...body, mediaType: applyEncoding(body.bytes) } : body;
  const { value, duplicates } = decodeValue(yaml, type.names.kind);
  if (!isJsonObject(value)) throw badRequest('error decoding YAML: the configuration must be an object');
  const problems = duplicates();
  if (problems.length > 0 && options.fieldValidation === 'Strict') {
    throw badRequest(`error strict decoding YAML: ${problems.join(', ')}`);
  }
  if (options.fieldValidation === 'Warn') for (const problem of problems) request.warn(problem);
  const config = value as unknown as ApiObject;
  config.metadata ??= {};
  const expected = groupVersion(type.group, version.name);
  if (config.apiVersion !== expected || config.kind !== type.names.kind) {
    throw badRequest(
      `incorrect object given: apply configuration is ${goQuote(String(config.apiVersion))} ${goQuote(String(config.kind))}, the URL names ${goQuote(expected)} ${goQuote(type.names.kind)}`,
    );
  }
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
): ApiObject {
  const { type, version, store } = request.served;
  checkIdentity(config, request);
  if (live === undefined && (config.metadata.uid ?? '') !== '') {
    throw conflict(
      store.resource,
      request.name,
      `uid mismatch: the provided object specified uid ${config.metadata.uid}, and no existing object was found`,
    );
  }
  const { object, changed } = apply({
    ...trackedWrite(type, version, request.subresource, request.now),
    live,
    config,
    kind: type.names.kind,
    manager: options.fieldManager,
    force: options.force ?? false,
  });
  // The merge shares structure with `live` and the configuration; a draft is nobody else's.
  const draft = changed ? structuredClone(object) : object;
  applyDefaults(draft, type, version);
  return draft;
}

/** The object must be the one that the URL names. */
function checkIdentity(config: ApiObject, { name, namespace, served }: ApiRequest): void {
  const { metadata } = config;
  if ((metadata.name ?? '') === '') metadata.name = name;
  if (metadata.name !== name) {
    throw invalidObject(served.store.kind, name, [
      invalid('metadata.name', metadata.name, 'must be the name in the URL'),
    ]);
  }
  if (served.type.scope !== 'Namespaced') return;
  if ((metadata.namespace ?? '') === '') metadata.namespace = namespace!;
  if (metadata.namespace !== namespace) {
    throw badRequest(
      `the namespace of the object (${metadata.namespace}) does not match the namespace on the request (${namespace})`,
    );
  }
}

/** JSON is read as JSON, which is faster and keeps its own errors. */
function applyEncoding(bytes: Uint8Array): string {
  return bytes[0] === 0x7b ? 'application/json' : 'application/yaml';
}
