/** What policies and webhooks ask of the server that they run in. */
import type { ResourceAccess, ResourceRef, ResourceType, ResourceVersion } from '../apis/resource-type.ts';
import type { WebhookEnvironment } from '../crd/webhook-client.ts';
import { type ApiObject, groupVersion } from '../machinery/object.ts';
import type { AdmissionRequest } from './chain.ts';
import type { WebhookHandlers } from './webhook/handlers.ts';

export interface AdmissionHost {
  readonly access: ResourceAccess;
  readonly resources: ResourceCatalog;
  /** Undefined when the resource is not served. */
  source(resource: ResourceRef): CurrentObjects | undefined;
  /** Answers `object` itself when it is in `version` already; never changes it. */
  convert(type: ResourceType, object: ApiObject, version: string): Promise<ApiObject>;
  /** How webhooks are reached. */
  readonly webhooks: WebhookEnvironment;
  /** Webhooks that are functions of this process. */
  readonly handlers: WebhookHandlers;
}

/** All objects of one resource, kept current. */
export interface CurrentObjects {
  /** Whether it holds what the store held when it was started. */
  readonly ready: boolean;
  start(): Promise<void>;
  /** Counts the changes. */
  readonly version: number;
  objects(): readonly ApiObject[];
}

/** The resources that are served now. */
export interface ResourceCatalog {
  /** Counts the changes to the set. */
  readonly generation: number;
  get(group: string, plural: string): ResourceType | undefined;
  all(): Iterable<ResourceType>;
}

export interface ServedKind {
  readonly type: ResourceType;
  readonly version: ResourceVersion;
}

/** The resource of a kind, as clients find it in discovery. */
export function servedKind(resources: ResourceCatalog, apiVersion: string, kind: string): ServedKind | undefined {
  for (const type of resources.all()) {
    if (type.names.kind !== kind) continue;
    const version = type.versions.find(({ name, served }) => served && groupVersion(type.group, name) === apiVersion);
    if (version !== undefined) return { type, version };
  }
  return undefined;
}

/** The namespace that a request is shown in: a Namespace stands in itself. Source: `createHandler` and RequestInfo. */
export function shownNamespace({ group, resource, namespace, name }: AdmissionRequest): string | undefined {
  return namespace ?? (group === '' && resource === 'namespaces' && name !== '' ? name : undefined);
}

export const namespaces: ResourceRef = { group: '', plural: 'namespaces' };
