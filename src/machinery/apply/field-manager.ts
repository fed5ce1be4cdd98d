/**
 * Field management as the API server does it: every write says who owns which fields, and server-side apply merges by
 * that (KEP-555; `k8s.io/apimachinery/pkg/util/managedfields`). Pure: time is given.
 */
import { deepEqual, isJsonObject, type JsonObject } from '../json.ts';
import { type ApiObject, type ManagedFieldsEntry, parseGroupVersion } from '../object.ts';
import type { Schema } from '../schema.ts';
import { badRequest, StatusError } from '../status.ts';
import { compare, exclude, same } from './compare.ts';
import { conflictError } from './conflict.ts';
import { difference, type FieldSet, fieldSet, hasPath, isEmptySet, union } from './field-set.ts';
import { lastAppliedFields, lastAppliedManager, withLastApplied } from './last-applied.ts';
import {
  capUpdateManagers,
  equalButForTimes,
  isReset,
  type ManagedFields,
  managerId,
  noManagedFields,
  parseManagedFields,
  readManagedFields,
  writeManagedFields,
} from './managed-fields.ts';
import { FieldSetError } from './path-element.ts';
import { objectType, type Type } from './type.ts';
import {
  type Applied,
  apply as applyTo,
  Conflicts,
  Misfit,
  updateWith,
  type VersionedSet,
  type Versions,
} from './updater.ts';
import { type TypeErrorAt, typeErrorText } from './validate.ts';

/** The versions of a resource besides the one of the request. */
export interface OtherVersions {
  /** The schema of a version; undefined where it does not exist (any more). */
  schema(apiVersion: string): Schema | undefined;
  /** The object in another version. Must not change the one given. Where that takes time, see `withConversions`. */
  convert(object: ApiObject, apiVersion: string): ApiObject;
}

interface Write {
  /** The object as it is stored, in the version of the request; undefined: it is created. */
  readonly live: ApiObject | undefined;
  /**
   * What an object of this kind holds before anyone has written to it: nobody comes to own that by creating the object.
   * Built-in kinds: what Go's types write of an empty object (`{"spec":{…},"status":{}}`). Custom resources: absent.
   */
  readonly initial?: ApiObject;
  /** Who writes, as the request says or, for updates, as its user agent does. */
  readonly manager: string;
  /** The version of the request, in which the objects are. */
  readonly apiVersion: string;
  readonly subresource?: string;
  /** Now, in RFC 3339 with whole seconds and `Z`. */
  readonly time: string;
  /** Of the version of the request; undefined: nothing is known but metadata. */
  readonly schema: Schema | undefined;
  /** Absent: all versions have this schema, and only `apiVersion` differs between them. */
  readonly versions?: OtherVersions;
  /** What a write to this endpoint does not touch whatever it says: `status`, for a resource with that subresource. */
  readonly resetFields?: FieldSet;
}

export interface UpdateRequest extends Write {
  /** What is going to be stored: patched, defaulted, admitted. */
  readonly updated: ApiObject;
}

/**
 * `metadata.managedFields` after a create, an update or a patch: the list of `live` itself when no owner changes. Empty:
 * the object is to have none, since it had none or the client has reset them.
 */
export function trackUpdate(request: UpdateRequest): ManagedFieldsEntry[] {
  const { live, updated, apiVersion, time } = request;
  const stored = live?.metadata.managedFields ?? [];
  const given = managersGiven(request);
  const unmanaged = given === undefined ? stored.length === 0 : given.managers.size === 0;
  // An object whose managers were reset is managed again from its next apply on.
  if (unmanaged && live?.metadata.uid) return [];

  const versions = versionsOf(request);
  const before = json(live ?? request.initial ?? empty);
  const comparison = compare(before, json(updated), versions.type(apiVersion) as Type);
  if (given === undefined && exclude(comparison, request.resetFields) === same) return stored;

  const managed = given ?? readManagedFields(stored);
  const managers = new Map(
    updateWith(comparison, before, json(updated), apiVersion, managed.managers, currentOperation, versions),
  );
  const claimed = claim(managers, managed, updater(request, request.manager), time);
  return unlessSame(writeManagedFields(capUpdateManagers(claimed)), stored);
}

export interface ApplyRequest extends Write {
  /** The configuration, as decoded from the request. */
  readonly config: ApiObject;
  readonly kind: string;
  /** Take fields from others. Without it, that is a conflict. */
  readonly force: boolean;
}

export interface ApplyResult {
  /** The merged object with its `metadata.managedFields`: `live` itself when nothing changed. Not defaulted. */
  readonly object: ApiObject;
  readonly changed: boolean;
}

/**
 * Server-side apply.
 * @throws StatusError 409 for conflicts; 400 or 500 (as Kubernetes answers) where the configuration does not fit.
 */
export function apply(request: ApplyRequest): ApplyResult {
  const { live, config, apiVersion, manager, time } = request;
  checkConfig(request);
  const versions = versionsOf(request);
  const type = versions.type(apiVersion) as Type;
  const before = json(live ?? request.initial ?? { ...empty, apiVersion, kind: request.kind });
  const managed = managedBeforeApply(request, before, versions);
  const id = managerId({ manager, operation: 'Apply', ...subresourceOf(request) });
  const applied = applyUpgrading(request, before, managed, id, versions, type);

  const times = new Map(managed.times);
  if (applied.object !== before || live === undefined) times.set(id, time);
  const stored = live?.metadata.managedFields ?? [];
  const entries = unlessSame(writeManagedFields({ ...managed, managers: applied.managers, times }), stored);
  const object = manager === lastAppliedManager ? withLastApplied(applied.object, json(config)) : applied.object;
  if (live !== undefined && entries === stored && deepEqual(object, before)) {
    return { object: live, changed: false };
  }
  return { object: withManagedFields(object, entries), changed: true };
}

/**
 * The times of a write that, all told, changed nothing: those of `live`, so that the write is seen to be none. Otherwise
 * the entries of `updated`.
 */
export function withoutIdleTimes(updated: ApiObject, live: ApiObject): ManagedFieldsEntry[] | undefined {
  const after = updated.metadata.managedFields;
  const before = live.metadata.managedFields;
  if (after === before || before === undefined || !equalButForTimes(after, before)) return after;
  const { managedFields: _, ...mine } = updated.metadata;
  const { managedFields: __, ...theirs } = live.metadata;
  return deepEqual({ ...updated, metadata: mine }, { ...live, metadata: theirs }) ? before : after;
}

/** Under this name a write claims its fields, until it is known whether it claims any. */
const currentOperation = 'current-operation';
const beforeFirstApply = 'before-first-apply';
const empty: ApiObject = { apiVersion: '', kind: '', metadata: {} };

/**
 * The managers that a client has set; undefined: those of the stored object stand. That is so for writes to subresources,
 * for clients that know nothing of managers, and for those who write nonsense.
 */
function managersGiven({ live, updated, subresource }: UpdateRequest): ManagedFields | undefined {
  const stored = live?.metadata.managedFields;
  const given = updated.metadata.managedFields as unknown;
  if (!Array.isArray(given) || given === stored || (subresource !== undefined && subresource !== '')) return undefined;
  if (isReset(given)) return noManagedFields;
  if (deepEqual(given, stored)) return undefined;
  try {
    return parseManagedFields(given);
  } catch (error) {
    if (error instanceof FieldSetError) return undefined;
    throw error;
  }
}

/** An object that nobody manages yet: all that it has is owned by one manager, so that applying is no free-for-all. */
function managedBeforeApply(request: ApplyRequest, before: JsonObject, versions: Versions): ManagedFields {
  const managed = readManagedFields(request.live?.metadata.managedFields);
  if (managed.managers.size > 0 || request.live === undefined) return managed;
  const { apiVersion, time } = request;
  const nothing = json(request.initial ?? empty);
  const comparison = compare(nothing, before, versions.type(apiVersion) as Type);
  const managers = updateWith(comparison, nothing, before, apiVersion, new Map(), currentOperation, versions);
  return claim(new Map(managers), managed, updater(request, beforeFirstApply), time);
}

/** Hands what the current operation claimed to its manager, who thereby has changed something now. */
function claim(
  managers: Map<string, VersionedSet>,
  managed: ManagedFields,
  manager: string,
  time: string,
): ManagedFields {
  const claimed = managers.get(currentOperation);
  if (claimed === undefined) return { ...managed, managers };
  managers.delete(currentOperation);
  const before = managers.get(manager);
  managers.set(manager, before === undefined ? claimed : { ...claimed, set: union(claimed.set, before.set) });
  return { ...managed, managers, times: new Map(managed.times).set(manager, time) };
}

/** Applies; for kubectl, what was applied on the client's side counts as its own. */
function applyUpgrading(
  request: ApplyRequest,
  before: JsonObject,
  managed: ManagedFields,
  id: string,
  versions: Versions,
  type: Type,
): Applied {
  const config = json(request.config);
  const run = (force: boolean): Applied =>
    applyTo(before, config, request.apiVersion, managed.managers, id, versions, force);
  try {
    return run(request.force);
  } catch (error) {
    if (error instanceof Misfit) throw misfitError(request.config, error.errors);
    if (!(error instanceof Conflicts)) throw error;
    const noted =
      request.manager === lastAppliedManager ? lastAppliedFields(before, request.apiVersion, type) : undefined;
    if (noted === undefined) throw conflictError(error.conflicts);
    const fields = fieldSet(...error.conflicts.map(({ path }) => path));
    if (!isEmptySet(difference(fields, noted))) {
      throw conflictError(error.conflicts.filter(({ path }) => !hasPath(noted, path)));
    }
    return run(true);
  }
}

function checkConfig({ config, apiVersion, kind }: ApplyRequest): void {
  if (config.apiVersion !== apiVersion || config.kind !== kind) {
    throw badRequest(`invalid object type: ${kindText(config)}`);
  }
  if (Array.isArray(config.metadata?.managedFields)) throw badRequest('metadata.managedFields must be nil');
}

function misfitError(config: ApiObject, errors: readonly TypeErrorAt[]): StatusError {
  const { namespace = '', name = '' } = config.metadata ?? {};
  const object = `${namespace}/${name}; ${kindText(config)}`;
  return new StatusError(500, '', `failed to create typed patch object (${object}): ${typeErrorText(errors)}`);
}

function kindText({ apiVersion, kind }: ApiObject): string {
  const { group, version } = parseGroupVersion(textOf(apiVersion));
  return `${group}/${version}, Kind=${textOf(kind)}`;
}

/** What is no text counts as none, in what a client sends. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function updater(request: Write, manager: string): string {
  return managerId({ manager, operation: 'Update', apiVersion: request.apiVersion, ...subresourceOf(request) });
}

function subresourceOf({ subresource }: Write): { subresource?: string } {
  return subresource === undefined || subresource === '' ? {} : { subresource };
}

function versionsOf({ apiVersion, schema, versions, resetFields }: Write): Versions {
  const type = objectType(schema);
  return {
    type(other) {
      if (other === apiVersion || versions === undefined) return type;
      const otherSchema = versions.schema(other);
      return otherSchema === undefined ? undefined : objectType(otherSchema);
    },
    convert(object, _from, to) {
      if (versions === undefined) return { ...object, apiVersion: to };
      return json(versions.convert(object as unknown as ApiObject, to));
    },
    ignored: () => resetFields,
  };
}

/** `before` itself if it has the same entries: a write that changes no owners changes no list. */
function unlessSame(entries: ManagedFieldsEntry[], before: ManagedFieldsEntry[] | undefined): ManagedFieldsEntry[] {
  const unchanged =
    before !== undefined && before.length === entries.length && entries.every((entry, at) => entry === before[at]);
  return unchanged ? before : entries;
}

function withManagedFields(object: JsonObject, entries: readonly ManagedFieldsEntry[]): ApiObject {
  const { managedFields: _, ...metadata } = isJsonObject(object.metadata) ? object.metadata : {};
  return {
    ...object,
    metadata: entries.length === 0 ? metadata : { ...metadata, managedFields: entries },
  } as unknown as ApiObject;
}

/** API objects are JSON, of which their type knows a part. */
function json(object: ApiObject): JsonObject {
  return object as unknown as JsonObject;
}
