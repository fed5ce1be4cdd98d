/**
 * Who owns which fields, and what follows from it when someone writes (KEP-555;
 * `sigs.k8s.io/structured-merge-diff/merge`).
 */
import { deepEqual, type JsonObject } from '../json.ts';
import { setsAgain } from './again.ts';
import { type Comparison, compare, exclude, same } from './compare.ts';
import {
  difference,
  emptySet,
  type FieldSet,
  intersection,
  isEmptySet,
  pathsOf,
  recursiveDifference,
  union,
} from './field-set.ts';
import { merge } from './merge.ts';
import type { Path } from './path-element.ts';
import { reconcile } from './reconcile.ts';
import { removeFields } from './remove.ts';
import type { Type } from './type.ts';
import { toFieldSet, withDeclaredFields } from './typed.ts';
import { type TypeErrorAt, validate } from './validate.ts';

/** The fields that one manager owns, in the words of one version. */
export interface VersionedSet {
  readonly set: FieldSet;
  readonly apiVersion: string;
  /** Whether the manager applies its fields (and so gives up those it no longer mentions). */
  readonly applied: boolean;
}

/** By manager. */
export type Managers = ReadonlyMap<string, VersionedSet>;

/** The versions in which an object is known. */
export interface Versions {
  /** The type of the object in this version; undefined where there is no such version (any more). */
  type(apiVersion: string): Type | undefined;
  /** The object in another version, for which there is a type. Does not change `object`. */
  convert(object: JsonObject, from: string, to: string): JsonObject;
  /** Fields that a write in this version does not touch, whatever it says; nobody comes to own them by it. */
  ignored?(apiVersion: string): FieldSet | undefined;
}

export interface Conflict {
  readonly manager: string;
  readonly path: Path;
}

/** Others own fields that an apply would change. Sorted by manager, then as Kubernetes lists fields. */
export class Conflicts extends Error {
  readonly conflicts: readonly Conflict[];

  constructor(conflicts: readonly Conflict[]) {
    super('conflicts with other field managers');
    this.conflicts = conflicts;
  }
}

/** A configuration does not fit its type. */
export class Misfit extends Error {
  readonly errors: readonly TypeErrorAt[];

  constructor(errors: readonly TypeErrorAt[]) {
    super('the configuration does not fit its type');
    this.errors = errors;
  }
}

/** An object in one version. */
export interface Versioned {
  readonly object: JsonObject;
  readonly apiVersion: string;
}

/**
 * The managers after `live` was replaced with `updated` (both in `apiVersion`) by `manager`, which comes to own what it
 * changed and added. Nobody owns what is gone.
 */
export function update(
  live: JsonObject,
  updated: JsonObject,
  apiVersion: string,
  managers: Managers,
  manager: string,
  versions: Versions,
): Managers {
  const comparison = compare(live, updated, typeIn(versions, apiVersion));
  return updateWith(comparison, live, updated, apiVersion, managers, manager, versions);
}

/** As {@link update}, with the comparison of the two objects at hand. */
export function updateWith(
  comparison: Comparison,
  live: JsonObject,
  updated: JsonObject,
  apiVersion: string,
  managers: Managers,
  manager: string,
  versions: Versions,
): Managers {
  const ignored = versions.ignored?.(apiVersion);
  const change = new Change({ object: live, apiVersion }, { object: updated, apiVersion }, comparison, versions);
  const result = settle(reconciled(managers, versions), change, manager, true);
  const { added, modified, removed } = change.own;
  const before = result.get(manager)?.set ?? emptySet;
  const owned = union(union(difference(before, removed), modified), added);
  own(result, manager, { set: without(owned, ignored), apiVersion, applied: false });
  return result;
}

export interface Applied {
  /** The live object itself when applying changes nothing. */
  readonly object: JsonObject;
  readonly managers: Managers;
}

/**
 * Lays `config` over `live` (both in `apiVersion`) as `manager`, which from then on owns the fields of `config`. What it
 * owned before and no longer mentions is removed, unless others own it too.
 *
 * @throws Misfit where `config` does not fit its type.
 * @throws Conflicts without `force`, where others own fields that would change; with it, they lose them.
 */
export function apply(
  live: JsonObject,
  config: JsonObject,
  apiVersion: string,
  managers: Managers,
  manager: string,
  versions: Versions,
  force: boolean,
): Applied {
  const type = typeIn(versions, apiVersion);
  const current = new Map(reconciled(managers, versions));
  const last = current.get(manager);
  current.set(manager, ownedBy(config, apiVersion, type, versions.ignored?.(apiVersion), last));

  const merged = { object: merge(live, config, type) as JsonObject, apiVersion };
  const pruned = last === undefined ? merged.object : prune(merged, last, current, manager, versions);
  const object = deepEqual(live, pruned) ? live : pruned;

  const comparison = object === live ? same : compare(live, object, type);
  const change = new Change({ object: live, apiVersion }, { object, apiVersion }, comparison, versions);
  return { object, managers: settle(current, change, manager, force) };
}

/** The fields that whoever applies `config` owns: `last` itself when they are what they were the last time. */
function ownedBy(
  config: JsonObject,
  apiVersion: string,
  type: Type,
  ignored: FieldSet | undefined,
  last: VersionedSet | undefined,
): VersionedSet {
  const before = last?.applied === true && last.apiVersion === apiVersion ? last : undefined;
  if (before !== undefined && setsAgain(config, type, before.set) && without(before.set, ignored) === before.set) {
    return before;
  }
  const errors = validate(config, type);
  if (errors.length > 0) throw new Misfit(errors);
  const set = without(toFieldSet(config, type), ignored);
  return before !== undefined && deepEqual(set, before.set) ? before : { set, apiVersion, applied: true };
}

/** A change of an object, as every version sees it. */
class Change {
  readonly own: Comparison;
  readonly #before: Versioned;
  readonly #after: Versioned;
  readonly #versions: Versions;
  readonly #comparisons: Map<string, Comparison>;

  constructor(before: Versioned, after: Versioned, comparison: Comparison, versions: Versions) {
    this.#before = before;
    this.#after = after;
    this.#versions = versions;
    this.own = exclude(comparison, versions.ignored?.(before.apiVersion));
    this.#comparisons = new Map([[before.apiVersion, this.own]]);
  }

  /** undefined: the version is no more. */
  in(apiVersion: string): Comparison | undefined {
    const known = this.#comparisons.get(apiVersion);
    if (known !== undefined) return known;
    const type = this.#versions.type(apiVersion);
    if (type === undefined) return undefined;
    const before = inVersion(this.#before, apiVersion, this.#versions);
    const after =
      this.#after.object === this.#before.object ? before : inVersion(this.#after, apiVersion, this.#versions);
    const comparison = exclude(compare(before, after, type), this.#versions.ignored?.(apiVersion));
    this.#comparisons.set(apiVersion, comparison);
    return comparison;
  }
}

/** Takes from all others what `manager`'s change took, and from everyone what is gone. */
function settle(managers: Managers, change: Change, manager: string, force: boolean): Map<string, VersionedSet> {
  const result = new Map<string, VersionedSet>();
  const conflicts: Conflict[] = [];
  for (const [name, versioned] of managers) {
    if (name === manager) {
      own(result, name, versioned);
      continue;
    }
    const comparison = change.in(versioned.apiVersion);
    if (comparison === undefined) continue;
    const { added, modified, removed } = comparison;
    const taken = intersection(versioned.set, union(modified, added));
    for (const path of pathsOf(taken)) conflicts.push({ manager: name, path });
    const set = difference(difference(versioned.set, taken), removed);
    own(result, name, set === versioned.set ? versioned : { ...versioned, set });
  }
  if (conflicts.length > 0 && !force) {
    throw new Conflicts(conflicts.sort((l, r) => (l.manager < r.manager ? -1 : l.manager > r.manager ? 1 : 0)));
  }
  return result;
}

function own(managers: Map<string, VersionedSet>, manager: string, versioned: VersionedSet): void {
  if (isEmptySet(versioned.set)) managers.delete(manager);
  else managers.set(manager, versioned);
}

function reconciled(managers: Managers, versions: Versions): Managers {
  const result = new Map<string, VersionedSet>();
  for (const [name, versioned] of managers) {
    const type = versions.type(versioned.apiVersion);
    if (type === undefined) continue;
    const set = reconcile(versioned.set, type);
    result.set(name, set === versioned.set ? versioned : { ...versioned, set });
  }
  return result;
}

/**
 * `merged` without what `manager` owned last time and owns no more, as far as nobody else owns it. What nobody owns and
 * was not given up stays, even inside of what was.
 */
function prune(
  merged: Versioned,
  last: VersionedSet,
  managers: Managers,
  manager: string,
  versions: Versions,
): JsonObject {
  const now = managers.get(manager) as VersionedSet;
  if (now === last) return merged.object;
  if (now.apiVersion === last.apiVersion && isEmptySet(difference(last.set, now.set))) return merged.object;

  const lastType = versions.type(last.apiVersion);
  if (lastType === undefined) return merged.object;
  const lastMerged = inVersion(merged, last.apiVersion, versions);
  const lastSet = withDeclaredFields(last.set, lastType);
  let pruned: Versioned = { object: takeOut(lastMerged, lastSet, lastType), apiVersion: last.apiVersion };

  // The version in which fields were given up first: there, the conversions of all others have what they need.
  for (const [apiVersion, owned] of ownedByVersion(managers, last.apiVersion)) {
    const type = versions.type(apiVersion);
    if (type === undefined) continue;
    const everything = inVersion(merged, apiVersion, versions);
    const rest = inVersion(pruned, apiVersion, versions);
    const gone = difference(declaredFieldSet(everything, type), declaredFieldSet(rest, type));
    const unowned = difference(gone, withDeclaredFields(owned, type));
    pruned = { object: takeOut(everything, unowned, type), apiVersion };
  }

  const rest = inVersion(pruned, last.apiVersion, versions);
  const gone = difference(declaredFieldSet(lastMerged, lastType), declaredFieldSet(rest, lastType));
  const object = takeOut(lastMerged, intersection(gone, lastSet), lastType);
  return inVersion({ object, apiVersion: last.apiVersion }, merged.apiVersion, versions);
}

/** All that anyone owns, by version, `first` first. */
function ownedByVersion(managers: Managers, first: string): Map<string, FieldSet> {
  const owned = new Map<string, FieldSet>();
  if ([...managers.values()].some(({ apiVersion }) => apiVersion === first)) owned.set(first, emptySet);
  for (const { apiVersion, set } of managers.values()) {
    owned.set(apiVersion, union(owned.get(apiVersion) ?? emptySet, set));
  }
  return owned;
}

function declaredFieldSet(object: JsonObject, type: Type): FieldSet {
  return withDeclaredFields(toFieldSet(object, type), type);
}

function takeOut(object: JsonObject, fields: FieldSet, type: Type): JsonObject {
  return (removeFields(object, fields, type) ?? {}) as JsonObject;
}

function without(set: FieldSet, ignored: FieldSet | undefined): FieldSet {
  return ignored === undefined ? set : recursiveDifference(set, ignored);
}

function inVersion(versioned: Versioned, apiVersion: string, versions: Versions): JsonObject {
  return versioned.apiVersion === apiVersion
    ? versioned.object
    : versions.convert(versioned.object, versioned.apiVersion, apiVersion);
}

function typeIn(versions: Versions, apiVersion: string): Type {
  const type = versions.type(apiVersion);
  if (type === undefined) throw new Error(`no type for ${apiVersion}`);
  return type;
}
