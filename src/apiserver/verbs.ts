/**
 * The verbs: what the API does for a decoded request, the same for every resource.
 *
 * Flow of a write: options → body → shape and defaults → {@link ResourceStore} (admission, stamps, validation, commit).
 */
import { schemaOf } from '../apis/schemas.ts';
import type { JsonObject } from '../machinery/json.ts';
import type { ApiObject } from '../machinery/object.ts';
import { badRequest, methodNotAllowed, type Named, resourceNotServed, StatusError } from '../machinery/status.ts';
import type { ApiRequest, ApiResponse } from './api-request.ts';
import { serveApply } from './apply.ts';
import { notePatch } from './audited.ts';
import type { CacheEntry } from './cache-entry.ts';
import { applyDefaults, type Decoded, decodeValue, foreignKind, requireJsonObject } from './decode.ts';
import { type DeleteOptions, parseDeleteOptions, parseDeleteQuery } from './deletion.ts';
import { noteDeprecation } from './deprecation.ts';
import type { UpdateTarget } from './object-lifecycle.ts';
import { deleteOptionsName } from './openapi/definitions.ts';
import { parseListOptions, parseWriteOptions, unsaidWriteOptions } from './options.ts';
import { decodePatch, patchKind, shapePatched } from './patch.ts';
import { serveScale } from './scale-verbs.ts';
import { select } from './selection.ts';
import type { WriteRequest } from './store-write.ts';
import { admitCreated } from './subresource-admission.ts';
import { serveVirtual } from './virtual.ts';
import {
  checkNamespace,
  checkUrl,
  contextOf,
  decodeBody,
  requireBody,
  requireNamespace,
  requireObject,
  writeRequest,
} from './write-request.ts';

export async function serve(request: ApiRequest): Promise<ApiResponse> {
  const { served, verb, subresource, audit } = request;
  if (audit !== undefined && served.version.deprecated === true) noteDeprecation(audit, served);
  if (subresource === '') {
    if (!served.type.verbs.includes(verb)) throw methodNotAllowed();
    if (served.type.virtual !== undefined) return await serveVirtual(request, served.type.virtual);
    return await verbs[verb](request);
  }
  if (subresource === 'status' && served.version.status) return await serveObjectSubresource(request, statusVerbs);
  if (subresource === 'scale' && served.version.scale !== undefined) return await serveScale(request);
  const part = served.type.objectSubresources?.[subresource];
  if (part !== undefined) return await serveObjectSubresource(request, part.verbs);
  return await serveNamed(request);
}

const verbs = { create, get, list, watch, update, patch, delete: remove, deletecollection: removeCollection };

/** `status`, `approval`, `resize` and their like: the object itself, a part of which is written. */
async function serveObjectSubresource(request: ApiRequest, verbs: readonly string[]): Promise<ApiResponse> {
  const { verb } = request;
  if (!verbs.includes(verb)) throw methodNotAllowed();
  if (verb === 'get') return await get(request);
  return verb === 'update' ? await update(request) : await patch(request);
}

const statusVerbs: readonly string[] = ['get', 'update', 'patch'];

/** What a write to the request's endpoint may change. */
function targetOf({ served, subresource }: ApiRequest): UpdateTarget {
  if (subresource === '') return 'object';
  return subresource === 'status' ? 'status' : served.type.objectSubresources![subresource]!;
}

// ------------------------------------------------------------------------------------------------------------- reads

async function get(request: ApiRequest): Promise<ApiResponse> {
  const entry = await request.served.store.get(request.namespace, request.name);
  return { kind: 'entry', code: 200, entry };
}

async function list(request: ApiRequest): Promise<ApiResponse> {
  const { served, namespace, query } = request;
  const options = parseListOptions(query);
  const selection = select(served.type, served.version, namespace, options.labelSelector, options.fieldSelector);
  return { kind: 'list', list: await served.store.list(selection, options) };
}

async function watch(request: ApiRequest): Promise<ApiResponse> {
  const { served, namespace, name, query } = request;
  const options = parseListOptions(name === '' ? query : withName(query, name));
  const selection = select(served.type, served.version, namespace, options.labelSelector, options.fieldSelector);
  return { kind: 'watch', selection, options: { ...options, watch: true } };
}

/** A watch of one object by its path is a watch of the collection with a field selector. */
function withName(query: URLSearchParams, name: string): URLSearchParams {
  const changed = new URLSearchParams(query);
  changed.set('fieldSelector', `metadata.name=${name}`);
  return changed;
}

// ------------------------------------------------------------------------------------------------------------ writes

async function create(request: ApiRequest): Promise<ApiResponse> {
  const { served, name } = request;
  if (name !== '') throw methodNotAllowed();
  requireNamespace(request);
  if (served.type.terminating === true) throw createWhileTerminating(served.store.resource);
  const options = parseWriteOptions(request.query, 'CreateOptions');
  const decoded = decodeBody(request, options);
  checkNamespace(request, decoded.object);
  const entry = await served.store.create(decoded.object, writeRequest(request, options, 'CreateOptions'));
  return { kind: 'entry', code: 201, entry };
}

function createWhileTerminating({ group, name }: Named): StatusError {
  const message = 'create not allowed while custom resource definition is terminating';
  return new StatusError(405, 'MethodNotAllowed', message, { group, kind: name });
}

async function update(request: ApiRequest): Promise<ApiResponse> {
  const { served, subresource } = request;
  requireObject(request);
  const options = parseWriteOptions(request.query, 'UpdateOptions');
  const first = decodeBody(request, options);
  checkUrl(request, first.object);
  let fresh: Decoded | undefined = first;
  const draft = (): ApiObject => {
    const decoded = fresh ?? decodeBody(request, { ...options, fieldValidation: 'Ignore' });
    fresh = undefined;
    return decoded.object;
  };
  const mayCreate = subresource === '' && served.type.strategy.allowCreateOnUpdate;
  const result = await served.store.update(
    draft,
    writeRequest(request, options, 'UpdateOptions'),
    targetOf(request),
    mayCreate ? draft : undefined,
  );
  return { kind: 'entry', code: result.created ? 201 : 200, entry: result.entry };
}

async function patch(request: ApiRequest): Promise<ApiResponse> {
  const { type, version, store } = request.served;
  requireObject(request);
  const body = requireBody(request);
  const mediaType = body.kind === 'bytes' ? body.mediaType : (request.query.get('patchType') ?? '');
  const kind = patchKind(mediaType, version);
  const options = parseWriteOptions(request.query, 'PatchOptions', kind === 'apply');
  const target = targetOf(request);
  notePatch(request.audit, body);
  if (kind === 'apply') return await serveApply(request, body, options, target);
  const decoded = decodePatch(kind, body, version);
  const result = await store.update(
    (current) => {
      const before = current as unknown as JsonObject;
      const draft = shapePatched(decoded.apply(before), before, decoded, type, version, options, request.warn);
      applyDefaults(draft, type, version);
      checkUrl(request, draft);
      return draft;
    },
    writeRequest(request, options, 'PatchOptions'),
    target,
  );
  return { kind: 'entry', code: 200, entry: result.entry };
}

async function remove(request: ApiRequest): Promise<ApiResponse> {
  const { served } = request;
  requireObject(request);
  const { options, write } = deleteRequest(request);
  const result = await served.store.delete(options, { ...write, name: request.name });
  if (!result.removed && result.pending !== true) {
    return { kind: 'entry', code: options.orphanDependents === false ? 202 : 200, entry: result.entry };
  }
  if (served.type.strategy.returnsDeletedObject === true) return { kind: 'entry', code: 200, entry: result.entry };
  return { kind: 'object', code: 200, object: deletedStatus(request, result.entry) };
}

async function removeCollection(request: ApiRequest): Promise<ApiResponse> {
  const { served, namespace } = request;
  const listOptions = parseListOptions(request.query);
  const { options, write } = deleteRequest(request);
  const { type, version, store } = served;
  const selection = select(type, version, namespace, listOptions.labelSelector, listOptions.fieldSelector);
  const found = await store.list(selection, listOptions);
  const pending = [...found.entries];
  const deleted: CacheEntry[] = [];
  // Kubernetes deletes with a few workers; objects that are gone meanwhile are no error.
  const worker = async (): Promise<void> => {
    for (let entry = pending.shift(); entry !== undefined; entry = pending.shift()) {
      const { name, namespace: within } = entry.peek().metadata;
      try {
        const result = await store.delete({ ...options }, { ...write, name: name!, namespace: within });
        deleted.push(result.entry);
      } catch (error) {
        if (!(error instanceof StatusError && error.code === 404)) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  deleted.sort((a, b) => (a.key < b.key ? -1 : 1));
  return { kind: 'list', list: { ...found, entries: deleted } };
}

/** The options of a delete are those of its body; where there is none, those of its query. */
function deleteRequest(request: ApiRequest): { options: DeleteOptions; write: WriteRequest } {
  const options = deleteOptionsOf(request);
  const write = writeRequest(request, { ...unsaidWriteOptions, dryRun: options.dryRun === true }, 'DeleteOptions');
  return { options, write };
}

function deleteOptionsOf({ body, query, audit }: ApiRequest): DeleteOptions {
  if (body === undefined || (body.kind === 'bytes' && body.bytes.length === 0)) return parseDeleteQuery(query);
  const { value } = decodeValue(body, 'DeleteOptions', schemaOf(deleteOptionsName));
  requireJsonObject(value, 'DeleteOptions', body);
  if (value.kind !== undefined && value.kind !== 'DeleteOptions') {
    throw badRequest('decoded object cannot be converted to DeleteOptions');
  }
  audit?.requested(value);
  return parseDeleteOptions(value);
}

function deletedStatus(request: ApiRequest, entry: CacheEntry): JsonObject {
  const { group, names } = request.served.type;
  const { uid } = entry.peek().metadata;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name: entry.name, ...(group === '' ? {} : { group }), kind: names.plural, uid },
  };
}

// ------------------------------------------------------------------------------------------------------ subresources

async function serveNamed(request: ApiRequest): Promise<ApiResponse> {
  const { served, subresource, verb, name, namespace } = request;
  const found = served.type.subresources[subresource];
  if (found === undefined) throw resourceNotServed();
  if (!found.verbs.includes(verb)) throw methodNotAllowed();
  let body: JsonObject | undefined;
  if (request.body !== undefined) {
    const { value } = decodeValue(request.body, found.kind, found.schema);
    requireJsonObject(value, found.kind, request.body);
    const { kind = found.kind, apiVersion = found.version ?? served.version.name } = value;
    if (kind !== found.kind) {
      const group = found.group ?? served.type.group;
      throw foreignKind({ kind: String(kind), apiVersion: String(apiVersion) }, { group, name: found.kind });
    }
    body = value;
    request.audit?.requested(body);
  }
  const options = parseWriteOptions(request.query, 'CreateOptions');
  if (verb === 'create' && body !== undefined) await admitCreated(request, found, body, options);
  return await found.handle({
    verb,
    namespace,
    name,
    path: request.rest,
    query: request.query,
    body,
    context: contextOf(request, options.dryRun),
    access: request.services.access,
    nodes: request.services.nodes,
    serviceAccountTokens: request.services.serviceAccountTokens,
    warn: request.warn,
    signal: request.signal,
  });
}
