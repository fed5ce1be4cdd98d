/** Admission of what is created at a subresource: evictions, bindings, requests for tokens. */
import type { AdmissionRequest } from '../admission/chain.ts';
import type { NamedSubresource } from '../apis/resource-type.ts';
import type { JsonObject } from '../machinery/json.ts';
import { type ApiObject, groupVersion } from '../machinery/object.ts';
import type { ApiRequest } from './api-request.ts';
import type { WriteOptions } from './options.ts';
import { contextOf, operationOptions } from './write-request.ts';

/** `body` may be changed. */
export async function admitCreated(
  request: ApiRequest,
  { kind, group, version }: NamedSubresource,
  body: JsonObject,
  options: WriteOptions,
): Promise<void> {
  const { served, namespace, name, subresource, warn } = request;
  const { type } = served;
  const { admission, access } = request.services;
  const apiVersion = groupVersion(group ?? type.group, version ?? served.version.name);
  body.metadata ??= {};
  const creating: AdmissionRequest = {
    operation: 'CREATE',
    group: type.group,
    version: served.version.name,
    resource: type.names.plural,
    kind,
    apiVersion,
    subresource,
    namespace,
    name,
    object: Object.assign(body as unknown as ApiObject, { kind, apiVersion }),
    oldObject: undefined,
    options: operationOptions(options),
    context: contextOf(request, options.dryRun),
    type,
    warn,
    access,
    // What it does not know it does not read.
    conform: () => undefined,
  };
  const mutated = admission.mutate(creating);
  if (mutated !== undefined) await mutated;
  const validated = admission.validate(creating);
  if (validated !== undefined) await validated;
}
