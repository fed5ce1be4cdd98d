/**
 * Managed fields between a resource and its scale: whoever owns the replicas of one owns them in the other.
 * Source: `k8s.io/apimachinery/pkg/util/managedfields/scalehandler.go`.
 */
import type { ManagedFieldsEntry } from '../object.ts';
import { difference, emptySet, fieldSet, hasPath, isEmptySet } from './field-set.ts';
import { readManagedFields, writeManagedFields } from './managed-fields.ts';
import { fieldPath, type Path } from './path-element.ts';
import type { VersionedSet } from './updater.ts';

/** Where each version of the resource holds its replicas; null: it has no scale. */
export type ReplicasPaths = ReadonlyMap<string, Path | null>;

const scaleVersion = 'autoscaling/v1';
const scaleReplicas = fieldPath('spec', 'replicas');

/** The managers of the resource, as far as they own its replicas, as managers of its Scale. */
export function toScaleManagedFields(
  entries: readonly ManagedFieldsEntry[] | undefined,
  paths: ReplicasPaths,
): ManagedFieldsEntry[] {
  const managed = readManagedFields(entries);
  const managers = new Map<string, VersionedSet>();
  for (const [id, versioned] of managed.managers) {
    const path = paths.get(versioned.apiVersion) ?? null;
    if (path === null || !hasPath(versioned.set, path)) continue;
    managers.set(id, { set: fieldSet(scaleReplicas), apiVersion: scaleVersion, applied: versioned.applied });
  }
  return writeManagedFields({ ...managed, managers });
}

/**
 * The managers of the resource after its Scale was written: those that lost the replicas there lose them here, and those
 * that came to own them there own them here, in `apiVersion`.
 */
export function fromScaleManagedFields(
  entries: readonly ManagedFieldsEntry[] | undefined,
  scaleEntries: readonly ManagedFieldsEntry[] | undefined,
  apiVersion: string,
  paths: ReplicasPaths,
): ManagedFieldsEntry[] {
  const managed = readManagedFields(entries);
  const scale = new Map(readManagedFields(scaleEntries).managers);
  const managers = new Map<string, VersionedSet>();
  for (const [id, versioned] of managed.managers) {
    const path = paths.get(versioned.apiVersion);
    if (path === undefined) continue;
    if (path === null || !hasPath(versioned.set, path) || scale.delete(id)) {
      managers.set(id, versioned);
      continue;
    }
    const set = difference(versioned.set, fieldSet(path));
    if (!isEmptySet(set)) managers.set(id, { ...versioned, set });
  }
  const path = paths.get(apiVersion) ?? null;
  for (const [id, versioned] of scale) {
    if (!hasPath(versioned.set, scaleReplicas)) continue;
    managers.set(id, { set: path === null ? emptySet : fieldSet(path), apiVersion, applied: versioned.applied });
  }
  return writeManagedFields({ ...managed, managers });
}
