/**
 * Kinds that are not stored: reviews that answer what is created, and kinds whose objects are computed when they are read.
 * Decoding, admission, validation and rendering are everybody's.
 */
import type { VirtualRequest, VirtualResource } from '../apis/resource-type.ts';
import type { ApiObject } from '../machinery/object.ts';
import { methodNotAllowed, notFound } from '../machinery/status.ts';
import type { ApiRequest, ApiResponse } from './api-request.ts';
import { CacheEntry, encodeObject } from './cache-entry.ts';
import { parseListOptions, parseWriteOptions } from './options.ts';
import type { ResourceStore } from './resource-store.ts';
import { select } from './selection.ts';
import { checkNamespace, contextOf, decodeBody, requireNamespace, writeRequest } from './write-request.ts';

export async function serveVirtual(request: ApiRequest, virtual: VirtualResource): Promise<ApiResponse> {
  switch (request.verb) {
    case 'create':
      return await create(request, virtual);
    case 'get':
      return await get(request, virtual);
    case 'list':
      return await list(request, virtual);
    default:
      throw methodNotAllowed();
  }
}

async function create(request: ApiRequest, virtual: VirtualResource): Promise<ApiResponse> {
  const answer = virtual.create;
  if (answer === undefined || request.name !== '') throw methodNotAllowed();
  requireNamespace(request);
  const options = parseWriteOptions(request.query, 'CreateOptions');
  const { object } = decodeBody(request, options);
  checkNamespace(request, object);
  const { store } = request.served;
  const write = writeRequest(request, options, 'CreateOptions');
  const made = await store.answer(object, write, (draft) => answer(draft, virtualRequest(request, options.dryRun)));
  return { kind: 'entry', code: 201, entry: entryFor(store, made) };
}

async function get(request: ApiRequest, virtual: VirtualResource): Promise<ApiResponse> {
  requireNamespace(request);
  const { name, served } = request;
  const object = await virtual.get?.(name, virtualRequest(request, false));
  if (object === undefined) throw notFound(served.store.resource, name);
  return { kind: 'entry', code: 200, entry: entryFor(served.store, object) };
}

async function list(request: ApiRequest, virtual: VirtualResource): Promise<ApiResponse> {
  const { served, namespace, query } = request;
  const { labelSelector, fieldSelector } = parseListOptions(query);
  const selection = select(served.type, served.version, namespace, labelSelector, fieldSelector);
  const objects = (await virtual.list?.(virtualRequest(request, false))) ?? [];
  const entries = objects.map((object) => entryFor(served.store, object)).filter((entry) => selection.matches(entry));
  return { kind: 'list', list: { entries, revision: undefined, continue: '', remaining: undefined } };
}

function virtualRequest(request: ApiRequest, dryRun: boolean): VirtualRequest {
  const { namespace, services } = request;
  return {
    namespace,
    context: contextOf(request, dryRun),
    authenticator: services.authenticator,
    access: services.access,
    nodes: services.nodes,
    get signal() {
      return request.signal;
    },
  };
}

/** As the cache would hold it, but without a resourceVersion: it was never written. */
function entryFor(store: ResourceStore, object: ApiObject): CacheEntry {
  const { namespace, name = '' } = object.metadata;
  return new CacheEntry(`${store.prefix(namespace)}${name}`, 0, encodeObject(object), object, false);
}
