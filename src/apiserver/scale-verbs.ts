/**
 * The verbs of the `scale` subresource: a Scale is made from the object, changed as any object would be, and its replicas
 * go back. Whoever owns the replicas of the Scale owns those of the object.
 * Source: `scaleUpdatedObjectInfo` of the registries of Kubernetes and of apiextensions-apiserver.
 */
import type { ResourceType, ResourceVersion, ScalePaths } from '../apis/resource-type.ts';
import { schemaOf } from '../apis/schemas.ts';
import { apply, trackUpdate } from '../machinery/apply/field-manager.ts';
import { fieldPath } from '../machinery/apply/path-element.ts';
import { fromScaleManagedFields, type ReplicasPaths, toScaleManagedFields } from '../machinery/apply/scale.ts';
import type { JsonObject } from '../machinery/json.ts';
import { type ApiObject, groupVersion } from '../machinery/object.ts';
import { conflict, methodNotAllowed, modified } from '../machinery/status.ts';
import type { ApiRequest, ApiResponse } from './api-request.ts';
import { decodeApplied } from './apply.ts';
import { notePatch } from './audited.ts';
import { type CacheEntry, draftOf } from './cache-entry.ts';
import { convertObject } from './conversion.ts';
import { decodeObject, reportProblems } from './decode.ts';
import { trackedWrite } from './field-tracker.ts';
import { keepManagedFields } from './managed-fields.ts';
import { scaleName } from './openapi/definitions.ts';
import { managerName, parseWriteOptions, type WriteOptions } from './options.ts';
import { decodePatch, patchKind, shapePatched } from './patch.ts';
import {
  applyScale,
  requireReplicas,
  type Scale,
  scaleColumns,
  scaleGroupVersion,
  scaleOf,
  segments,
} from './scale.ts';
import type { AdmittedForm } from './store-write.ts';
import { checkUrl, noTracking, requireBody, requireNamespace, writeRequest } from './write-request.ts';

export async function serveScale(request: ApiRequest): Promise<ApiResponse> {
  const { served, verb, name, namespace } = request;
  if (verb === 'get') {
    const entry = await served.store.get(namespace, name);
    requireReplicas(entry.peek(), served.version.scale!);
    return await answer(request, entry);
  }
  if (verb !== 'update' && verb !== 'patch') throw methodNotAllowed();
  requireNamespace(request);
  const { options, change } = verb === 'update' ? replaced(request) : patched(request);
  const write = {
    ...writeRequest(request, options, verb === 'update' ? 'UpdateOptions' : 'PatchOptions'),
    trackFields: noTracking,
    form: admittedForm(served.version.scale!),
  };
  const result = await served.store.update((current) => scaled(draftOf(current), change, request), write, 'object');
  return await answer(request, result.entry);
}

/** Admission sees Scales. */
function admittedForm(paths: ScalePaths): AdmittedForm {
  return {
    kind: 'Scale',
    apiVersion: scaleGroupVersion,
    of: (object) => scaleOf(object, paths),
    into: (draft, form) => applyScale(draft, form as Scale, paths),
  };
}

async function answer({ served }: ApiRequest, entry: CacheEntry): Promise<ApiResponse> {
  const object = await convertObject(served.type, entry.peek(), served.version.name);
  return { kind: 'object', code: 200, object: scaleOf(object, served.version.scale!), version: scaleVersion };
}

/** Makes the new Scale, with its managed fields, from the one of the current object. */
type ScaleChange = (current: Scale) => Scale;

interface ScaleWrite {
  readonly options: WriteOptions;
  readonly change: ScaleChange;
}

function scaled(draft: ApiObject, change: ScaleChange, { served, name }: ApiRequest): ApiObject {
  const { type, version, store } = served;
  const paths = replicasPaths(type);
  const { managedFields, uid } = draft.metadata;
  const current = scaleOf(draft, version.scale!);
  keepManagedFields(current, toScaleManagedFields(managedFields, paths));
  const scale = change(current);
  const given = scale.metadata.uid ?? '';
  if (given !== '' && given !== uid) {
    throw conflict(
      { ...store.resource, name: `${store.resource.name}/scale` },
      name,
      `Precondition failed: UID in precondition: ${given}, UID in object meta: ${uid}`,
    );
  }
  const { resourceVersion } = scale.metadata;
  if ((resourceVersion ?? '') !== '' && resourceVersion !== draft.metadata.resourceVersion) {
    throw modified(store.resource, name);
  }
  applyScale(draft, scale, version.scale!);
  keepManagedFields(
    draft,
    fromScaleManagedFields(managedFields, scale.metadata.managedFields, groupVersion(type.group, version.name), paths),
  );
  return draft;
}

function replaced(request: ApiRequest): ScaleWrite {
  const options = parseWriteOptions(request.query, 'UpdateOptions');
  const decoded = decodeObject(requireBody(request), scaleType, scaleVersion);
  reportProblems(decoded, options.fieldValidation, scaleType, scaleVersion, request.warn);
  checkUrl(request, decoded.object);
  request.audit?.requested(decoded.object);
  return { options, change: (current) => tracked(structuredClone(decoded.object) as Scale, current, request, options) };
}

function patched(request: ApiRequest): ScaleWrite {
  const body = requireBody(request);
  notePatch(request.audit, body);
  const mediaType = body.kind === 'bytes' ? body.mediaType : (request.query.get('patchType') ?? '');
  const kind = patchKind(mediaType, request.served.version);
  const options = parseWriteOptions(request.query, 'PatchOptions', kind === 'apply');
  if (kind === 'apply') return { options, change: applied(request, options) };
  const patch = decodePatch(kind, body, scaleVersion);
  return {
    options,
    change: (current) => {
      const before = current as unknown as JsonObject;
      const draft = shapePatched(patch.apply(before), before, patch, scaleType, scaleVersion, options, request.warn);
      checkUrl(request, draft);
      return tracked(draft as Scale, current, request, options);
    },
  };
}

function applied(request: ApiRequest, options: WriteOptions): ScaleChange {
  const { config } = decodeApplied(requireBody(request), request, options);
  return (current) => {
    const { object } = apply({
      ...trackedWrite(scaleType, scaleVersion, request.subresource, request.now),
      live: current,
      config,
      kind: 'Scale',
      manager: options.fieldManager,
      force: options.force ?? false,
    });
    const draft = structuredClone(object) as Scale;
    checkUrl(request, draft);
    return draft;
  };
}

function tracked(draft: Scale, current: Scale, request: ApiRequest, options: WriteOptions): Scale {
  const manager = managerName(options, request.userAgent);
  const write = trackedWrite(scaleType, scaleVersion, request.subresource, request.now);
  keepManagedFields(draft, trackUpdate({ ...write, manager, live: current, updated: draft }));
  return draft;
}

const scaleVersion: ResourceVersion = {
  name: 'v1',
  served: true,
  get schema() {
    return schemaOf(scaleName);
  },
  typeErrors: 'decoding',
  status: false,
  columns: scaleColumns,
  selectableFields: [],
};

/** What decoding and field tracking must know of Scale: nobody stores one. */
const scaleType: ResourceType = {
  group: 'autoscaling',
  names: { plural: 'scales', singular: 'scale', kind: 'Scale', listKind: 'ScaleList', shortNames: [], categories: [] },
  scope: 'Namespaced',
  storageVersion: 'v1',
  versions: [scaleVersion],
  verbs: [],
  strategy: { generation: false, allowCreateOnUpdate: false, allowUnconditionalUpdate: true },
  subresources: {},
};

const pathsOfType = new WeakMap<ResourceType, ReplicasPaths>();

/** Where each version of the resource keeps its replicas. */
function replicasPaths(type: ResourceType): ReplicasPaths {
  let paths = pathsOfType.get(type);
  if (paths === undefined) {
    paths = new Map(
      type.versions.map(({ name, scale }) => [
        groupVersion(type.group, name),
        scale === undefined ? null : fieldPath(...segments(scale.specReplicasPath)),
      ]),
    );
    pathsOfType.set(type, paths);
  }
  return paths;
}
