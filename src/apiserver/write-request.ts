/** What the verbs that write have in common: what they demand of a request, and what the store is told of it. */
import type { OperationOptions } from '../admission/chain.ts';
import type { RequestContext } from '../apis/resource-type.ts';
import type { ApiObject } from '../machinery/object.ts';
import { badRequest, methodNotAllowed, methodNotSupported } from '../machinery/status.ts';
import type { ApiRequest } from './api-request.ts';
import { applyDefaults, type Decoded, decodeObject, reportProblems } from './decode.ts';
import { fieldTracker } from './field-tracker.ts';
import { managerName, type WriteKind, type WriteOptions } from './options.ts';
import type { WriteRequest } from './store-write.ts';

export function contextOf(request: ApiRequest, dryRun: boolean): RequestContext {
  const { now, user, audit, services } = request;
  const context = { now, user, dryRun, authorizer: services.authorizer };
  if (audit === undefined) return context;
  return { ...context, annotate: (key, value, level) => audit.annotate(key, value, level) };
}

export function writeRequest(request: ApiRequest, options: WriteOptions, kind: WriteKind): WriteRequest {
  const { served, namespace, name, subresource, warn } = request;
  return {
    version: served.version,
    namespace,
    name,
    subresource,
    context: contextOf(request, options.dryRun),
    warn,
    options: operationOptions(options),
    trackFields: kind === 'DeleteOptions' ? noTracking : fieldTracker(request, managerName(options, request.userAgent)),
  };
}

/** What a client has said, as admission is told of it. */
export function operationOptions({ fieldManager, fieldValidation }: WriteOptions): OperationOptions {
  return {
    ...(fieldManager === '' ? {} : { fieldManager }),
    ...(fieldValidation === 'Warn' ? {} : { fieldValidation }),
  };
}

/** Managed fields are part of what has been made already. */
export const noTracking = (): void => undefined;

/** Writes to one object need its whole path. */
export function requireObject(request: ApiRequest): void {
  requireNamespace(request);
  if (request.name === '') throw methodNotAllowed();
}

export function requireNamespace({ served, namespace }: ApiRequest): void {
  if (served.type.scope === 'Namespaced' && (namespace ?? '') === '') throw methodNotAllowed();
}

export function requireBody({ body, served }: ApiRequest): NonNullable<ApiRequest['body']> {
  if (body === undefined) throw methodNotSupported(served.store.resource, 'a request without a body');
  return body;
}

/** The object in the body: checked, pruned and defaulted. */
export function decodeBody(request: ApiRequest, options: WriteOptions): Decoded {
  const { type, version } = request.served;
  const decoded = decodeObject(requireBody(request), type, version);
  reportProblems(decoded, options.fieldValidation, type, version, request.warn);
  applyDefaults(decoded.object, type, version);
  request.audit?.requested(decoded.object);
  return decoded;
}

/**
 * The object must be the one that the URL names; a namespace that it does not name is filled in. Source: `checkName` and
 * `EnsureObjectNamespaceMatchesRequestNamespace` of `k8s.io/apiserver`.
 */
export function checkUrl({ served, name, namespace }: ApiRequest, object: ApiObject): void {
  checkNamespace({ served, namespace }, object);
  const given = object.metadata.name ?? '';
  if (given === '') {
    throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  }
  if (given !== name) {
    throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
  }
}

/** In place: the namespace is that of the URL, or none for cluster-scoped objects. */
export function checkNamespace(
  { served, namespace }: Pick<ApiRequest, 'served' | 'namespace'>,
  { metadata }: ApiObject,
): void {
  if (served.type.scope !== 'Namespaced' || namespace === undefined) {
    delete metadata.namespace;
    return;
  }
  if ((metadata.namespace ?? '') === '') metadata.namespace = namespace;
  if (metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}
