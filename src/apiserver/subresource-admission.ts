/** Admission of what is written to subresources that have a kind of their own, and of connections to them. */
import type { AdmissionRequest } from '../admission/chain.ts';
import type { NamedSubresource } from '../apis/resource-type.ts';
import type { JsonObject } from '../machinery/json.ts';
import { type ApiObject, groupVersion } from '../machinery/object.ts';
import type { ApiRequest } from './api-request.ts';
import type { WriteOptions } from './options.ts';
import { contextOf, operationOptions } from './write-request.ts';

/** Of evictions, bindings, requests for tokens; `body` may be changed. */
export async function admitCreated(
  request: ApiRequest,
  { kind, group, version }: NamedSubresource,
  body: JsonObject,
  options: WriteOptions,
): Promise<void> {
  const { type, version: own } = request.served;
  const apiVersion = groupVersion(group ?? type.group, version ?? own.name);
  body.metadata ??= {};
  await admit(request, {
    operation: 'CREATE',
    object: Object.assign(body as unknown as ApiObject, { kind, apiVersion }),
    options: operationOptions(options),
    context: contextOf(request, options.dryRun),
  });
}

/** Of a connection, whose options are the object. */
export async function admitConnection(request: ApiRequest, kind: string, options: JsonObject): Promise<void> {
  const { type, version } = request.served;
  const apiVersion = groupVersion(type.group, version.name);
  await admit(request, {
    operation: 'CONNECT',
    object: { kind, apiVersion, ...options } as unknown as ApiObject,
    options: undefined,
    context: contextOf(request, false),
  });
}

type Asked = Pick<AdmissionRequest, 'operation' | 'options' | 'context'> & { readonly object: ApiObject };

async function admit(
  { served, services, namespace, name, subresource, warn }: ApiRequest,
  asked: Asked,
): Promise<void> {
  const { type, version } = served;
  const { admission, access } = services;
  const { kind, apiVersion } = asked.object;
  const request: AdmissionRequest = {
    ...asked,
    group: type.group,
    version: version.name,
    resource: type.names.plural,
    kind,
    apiVersion,
    subresource,
    namespace,
    name,
    oldObject: undefined,
    type,
    warn,
    access,
    // What it does not know is not read.
    conform: () => undefined,
  };
  await admission.mutate(request);
  await admission.validate(request);
}
