/** `metadata.managedFields` of creates, updates and patches. Source: KEP-555. */
import { normalize } from '../apis/normal-form.ts';
import type { ResetFields, ResourceType, ResourceVersion } from '../apis/resource-type.ts';
import { formatTime } from '../clock/clock.ts';
import { withConversions } from '../machinery/apply/conversion.ts';
import { type OtherVersions, trackUpdate } from '../machinery/apply/field-manager.ts';
import { type FieldSet, fieldSet } from '../machinery/apply/field-set.ts';
import { fieldPath } from '../machinery/apply/path-element.ts';
import { deepFreeze, type JsonObject } from '../machinery/json.ts';
import { type ApiObject, groupVersion, parseGroupVersion } from '../machinery/object.ts';
import type { ApiRequest } from './api-request.ts';
import { convertObject } from './conversion.ts';
import { keepManagedFields } from './managed-fields.ts';
import type { WriteRequest } from './store-write.ts';

/** Records what the manager's write has changed between `live` and the draft. */
export function fieldTracker(request: ApiRequest, manager: string): WriteRequest['trackFields'] {
  const { served, subresource, now } = request;
  const { type } = served;
  return (draft, live) => {
    const write = trackedWrite(type, served.version, subresource, now);
    const owned = acrossVersions(type, write, (versioned) =>
      trackUpdate({ ...versioned, manager, live, updated: draft }),
    );
    return owned instanceof Promise
      ? owned.then((entries) => keepManagedFields(draft, entries))
      : keepManagedFields(draft, owned);
  };
}

/** Field management where owners may speak of other versions: a promise only where converting to them takes time. */
export function acrossVersions<W extends { readonly versions?: OtherVersions }, T>(
  type: ResourceType,
  write: W,
  run: (write: W) => T,
): T | Promise<T> {
  const { versions } = write;
  if (versions === undefined || type.convert === undefined) return run(write);
  return withConversions(
    (convert) => run({ ...write, versions: { ...versions, convert } }),
    (object, apiVersion) => convertObject(type, object, parseGroupVersion(apiVersion).version),
  );
}

/** What tracking must know of a write besides its objects and its manager. */
export function trackedWrite(type: ResourceType, version: ResourceVersion, subresource: string, now: number) {
  return { ...trackedEndpoint(type, version, subresource), time: formatTime(now) };
}

type Endpoint = ReturnType<typeof makeEndpoint>;

const endpoints = new WeakMap<ResourceVersion, { type: ResourceType; bySubresource: Map<string, Endpoint> }>();

/** What is the same for all writes to an endpoint. */
function trackedEndpoint(type: ResourceType, version: ResourceVersion, subresource: string): Endpoint {
  let known = endpoints.get(version);
  if (known?.type !== type) {
    known = { type, bySubresource: new Map() };
    endpoints.set(version, known);
  }
  let endpoint = known.bySubresource.get(subresource);
  if (endpoint === undefined) {
    endpoint = makeEndpoint(type, version, subresource);
    known.bySubresource.set(subresource, endpoint);
  }
  return endpoint;
}

function makeEndpoint(type: ResourceType, version: ResourceVersion, subresource: string) {
  const others = otherVersions(type);
  return {
    apiVersion: groupVersion(type.group, version.name),
    schema: version.schema,
    ...(subresource === '' ? {} : { subresource }),
    ...(others === undefined ? {} : { versions: others }),
    ...initialOf(type, version),
    ...resetFieldsOf(type, version, subresource),
  };
}

/** What the endpoint leaves alone whatever a write says: nobody comes to own it there. */
function resetFieldsOf(type: ResourceType, version: ResourceVersion, subresource: string): { resetFields?: FieldSet } {
  const part = type.objectSubresources?.[subresource];
  const { object, status } = type.strategy.resetFields ?? (version.status ? statusApart : nothingApart);
  const paths = part?.resetFields ?? (subresource === '' ? object : subresource === 'status' ? status : none);
  if (paths.length === 0) return {};
  return { resetFields: fieldSet(...paths.map((path) => fieldPath(...path.split('.')))) };
}

const none: readonly string[] = [];
const nothingApart: ResetFields = { object: none, status: none };
const statusApart: ResetFields = { object: ['status'], status: ['spec'] };

/** What Go's types write of an empty object of a built-in kind; custom resources have no such thing. */
function initialOf(type: ResourceType, version: ResourceVersion): { initial?: ApiObject } {
  if (version.schema.definition === undefined) return {};
  const initial = { apiVersion: groupVersion(type.group, version.name), kind: type.names.kind, metadata: {} };
  normalize(initial as unknown as JsonObject, version.schema);
  return { initial: deepFreeze(initial) };
}

/** `undefined` for resources with one version. Field sets of other versions are compared by their own schema. */
function otherVersions(type: ResourceType): OtherVersions | undefined {
  if (type.versions.length === 1) return undefined;
  return {
    schema: (apiVersion) => {
      const { group, version } = parseGroupVersion(apiVersion);
      return group === type.group ? type.versions.find(({ name }) => name === version)?.schema : undefined;
    },
    convert: (object, apiVersion) => ({ ...object, apiVersion }),
  };
}
