/**
 * `metadata.managedFields` read and written (KEP-555; `k8s.io/apimachinery/pkg/util/managedfields`).
 */
import { deepEqual, isJsonObject } from '../json.ts';
import type { ManagedFieldsEntry } from '../object.ts';
import { type FieldSet, isEmptySet, parseFieldSet, union } from './field-set.ts';
import { FieldSetError } from './path-element.ts';
import type { Managers, VersionedSet } from './updater.ts';

/** Who manages: the part of an entry that tells entries apart. */
export interface ManagerInfo {
  readonly manager: string;
  readonly operation: ManagedFieldsEntry['operation'];
  /** For updates only: an applier is the same in all versions. */
  readonly apiVersion?: string;
  readonly subresource?: string;
}

/** The managers of an object, with when each of them last changed something. */
export interface ManagedFields {
  readonly managers: Managers;
  readonly times: ReadonlyMap<string, string>;
  /** What was read, so that what did not change need not be made again. */
  readonly entries: ReadonlyMap<string, ManagedFieldsEntry>;
}

export const noManagedFields: ManagedFields = { managers: new Map(), times: new Map(), entries: new Map() };

/** How managers are known inside: JSON, for which it counts how managers sort. */
export function managerId({ manager, operation, apiVersion, subresource }: ManagerInfo): string {
  let id = manager === '' ? '{' : `{"manager":${JSON.stringify(manager)},`;
  id += `"operation":"${operation}"`;
  if (operation !== 'Apply' && apiVersion !== undefined) id += `,"apiVersion":${JSON.stringify(apiVersion)}`;
  if (subresource !== undefined && subresource !== '') id += `,"subresource":${JSON.stringify(subresource)}`;
  return `${id}}`;
}

export function managerInfo(id: string): ManagerInfo {
  return { manager: '', ...(JSON.parse(id) as Partial<ManagerInfo>) } as ManagerInfo;
}

/** Reads entries that this server wrote. */
export function readManagedFields(entries: readonly ManagedFieldsEntry[] | undefined): ManagedFields {
  return collect(entries ?? [], (entry) => (entry.fieldsV1 ?? {}) as FieldSet);
}

/**
 * Reads entries as a client may have written them.
 * @throws FieldSetError where they are not what the API takes
 */
export function parseManagedFields(entries: readonly unknown[]): ManagedFields {
  for (const [index, entry] of entries.entries()) {
    if (!isJsonObject(entry) || !isJsonObject(entry.fieldsV1 ?? {}) || typeof (entry.manager ?? '') !== 'string')
      throw new FieldSetError(`invalid managed fields entry ${index}`);
    if (entry.operation !== 'Apply' && entry.operation !== 'Update') {
      throw new FieldSetError('operation must be `Apply` or `Update`');
    }
    if (typeof entry.apiVersion !== 'string' || entry.apiVersion === '')
      throw new FieldSetError('apiVersion must not be empty');
    const { fieldsType } = entry;
    if (fieldsType === undefined || fieldsType === '') {
      throw new FieldSetError(`missing fieldsType in managed fields entry ${index}`);
    }
    if (fieldsType !== 'FieldsV1') {
      throw new FieldSetError(`invalid fieldsType ${JSON.stringify(fieldsType)} in managed fields entry ${index}`);
    }
  }
  return collect(entries as readonly ManagedFieldsEntry[], (entry) => parseFieldSet(entry.fieldsV1 ?? {}));
}

function collect(list: readonly ManagedFieldsEntry[], setOf: (entry: ManagedFieldsEntry) => FieldSet): ManagedFields {
  if (list.length === 0) return noManagedFields;
  const managers = new Map<string, VersionedSet>();
  const times = new Map<string, string>();
  const entries = new Map<string, ManagedFieldsEntry>();
  for (const entry of list) {
    const id = managerId(entry);
    managers.set(id, { set: setOf(entry), apiVersion: entry.apiVersion, applied: entry.operation === 'Apply' });
    entries.set(id, entry);
    if (typeof entry.time === 'string') times.set(id, entry.time);
    else times.delete(id);
  }
  return { managers, times, entries };
}

/** The entries, in Kubernetes' order. An entry that did not change is the one that was read. */
export function writeManagedFields({ managers, times, entries }: ManagedFields): ManagedFieldsEntry[] {
  const written: ManagedFieldsEntry[] = [];
  for (const [id, versioned] of managers) {
    const time = times.get(id);
    const before = entries.get(id);
    const same =
      before !== undefined &&
      before.fieldsV1 === versioned.set &&
      before.apiVersion === versioned.apiVersion &&
      before.time === time;
    written.push(same ? before : entryOf(managerInfo(id), versioned, time));
  }
  return written.sort(compareEntries);
}

function entryOf(info: ManagerInfo, { set, apiVersion, applied }: VersionedSet, time?: string): ManagedFieldsEntry {
  return {
    manager: info.manager,
    operation: applied ? 'Apply' : info.operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: set,
    ...(info.subresource === undefined ? {} : { subresource: info.subresource }),
  };
}

function compareEntries(left: ManagedFieldsEntry, right: ManagedFieldsEntry): number {
  return (
    compareText(left.operation, right.operation) ||
    compareTimes(left.time, right.time) ||
    compareText(left.manager, right.manager) ||
    compareText(left.apiVersion, right.apiVersion) ||
    compareText(left.subresource ?? '', right.subresource ?? '')
  );
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** By whole seconds; no time comes first. */
export function compareTimes(left: string | undefined, right: string | undefined): number {
  if (left === right) return 0;
  if (left !== undefined && right !== undefined && usual.test(left) && usual.test(right))
    return compareText(left, right);
  return seconds(left) - seconds(right);
}

/** As this server writes times, so that they sort as text. */
const usual = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

function seconds(time: string | undefined): number {
  return time === undefined ? 0 : Math.floor(Date.parse(time) / 1000);
}

/** How many entries of updates an object keeps. */
const maxUpdateManagers = 10;

/**
 * Merges the oldest entries of updates, version by version, into one of `ancient-changes`, until there are no more than
 * ten entries of updates (or no two of a version left).
 */
export function capUpdateManagers(managed: ManagedFields): ManagedFields {
  if (managed.managers.size <= maxUpdateManagers) return managed;
  const updaters = [...managed.managers].filter(([, { applied }]) => !applied).map(([id]) => id);
  if (updaters.length <= maxUpdateManagers) return managed;
  updaters.sort((l, r) => compareTimes(managed.times.get(l), managed.times.get(r)) || compareText(l, r));

  const managers = new Map(managed.managers);
  const times = new Map(managed.times);
  const firstOf = new Map<string, string>();
  let count = updaters.length;
  for (const id of updaters) {
    if (count <= maxUpdateManagers) break;
    const versioned = managers.get(id) as VersionedSet;
    const { apiVersion } = versioned;
    const first = firstOf.get(apiVersion);
    if (first === undefined) {
      firstOf.set(apiVersion, id);
      continue;
    }
    const bucket = managerId({ manager: 'ancient-changes', operation: 'Update', apiVersion });
    const before = managers.get(bucket) ?? (managers.get(first) as VersionedSet);
    if (!managers.has(bucket)) managers.delete(first);
    managers.delete(id);
    managers.set(bucket, { ...versioned, set: union(versioned.set, before.set) });
    setTime(times, bucket, managed.times.get(id));
    count--;
  }
  return { ...managed, managers, times };
}

function setTime(times: Map<string, string>, id: string, time: string | undefined): void {
  if (time === undefined) times.delete(id);
  else times.set(id, time);
}

/** Whether a client asks to forget all managers: an empty list, or one empty entry. */
export function isReset(entries: unknown): boolean {
  if (!Array.isArray(entries)) return false;
  return (
    entries.length === 0 || (entries.length === 1 && isJsonObject(entries[0]) && isEmptySet(entries[0] as FieldSet))
  );
}

/** Whether two lists of entries differ in nothing but their times. */
export function equalButForTimes(
  left: readonly ManagedFieldsEntry[] | undefined,
  right: readonly ManagedFieldsEntry[] | undefined,
): boolean {
  if (left === right) return true;
  if (left === undefined || right === undefined || left.length !== right.length) return false;
  return left.every((entry, index) => {
    const { time: _, ...mine } = entry;
    const { time: __, ...theirs } = right[index] as ManagedFieldsEntry;
    return deepEqual(mine, theirs);
  });
}
