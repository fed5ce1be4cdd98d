/**
 * The default roles and bindings of a cluster, brought up to date at every start: what is missing is added, what was added
 * by others stays, and an object with the annotation `autoupdate: "false"` is left alone.
 * Source: Kubernetes RBAC, "Auto-reconciliation"; `pkg/registry/rbac/reconciliation`.
 */

import { uncovered } from '../apis/rbac/rule-cover.ts';
import type { ApiServer } from '../apiserver/server.ts';
import { autoUpdate, type BootstrapPolicy, bootstrapPolicy } from '../auth/rbac/bootstrap/index.ts';
import type { AnyRole, Binding, Subject } from '../auth/rbac/types.ts';
import type { Client, ResourceClient } from '../client/client.ts';
import { keyOf } from '../client/definition.ts';
import { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../client/kinds.ts';
import { formatTime } from '../clock/clock.ts';
import { deepEqual, type JsonObject } from '../machinery/json.ts';
import type { ApiObject, ManagedFieldsEntry } from '../machinery/object.ts';

export async function bootstrapRoles(
  server: ApiServer,
  client: Client,
  policy: BootstrapPolicy = bootstrapPolicy(),
): Promise<void> {
  const missing = await Promise.all([
    reconcile(client.resource(ClusterRole), policy.clusterRoles, reconciledRole),
    reconcile(client.resource(Role), policy.roles, reconciledRole),
    reconcile(
      client.resource(ClusterRoleBinding),
      policy.clusterRoleBindings as ClusterRoleBinding[],
      reconciledBinding,
    ),
    reconcile(client.resource(RoleBinding), policy.roleBindings as RoleBinding[], reconciledBinding),
  ]);
  const objects: ApiObject[] = missing.flat();
  const now = formatTime(server.clock.now());
  for (const object of objects) object.metadata.managedFields = [ownedBy(object, now)];
  await server.seed(objects);
}

/** Updates what is there; answers what has to be made. */
async function reconcile<T extends AnyRole | Binding>(
  resource: ResourceClient<T>,
  wanted: readonly T[],
  merge: (existing: T, wanted: T) => T | 'recreate' | undefined,
): Promise<T[]> {
  const { items } = await resource.list();
  const existing = new Map(items.map((object) => [keyText(object), object as unknown as T]));
  const missing: T[] = [];
  await Promise.all(
    wanted.map(async (object) => {
      const present = existing.get(keyText(object));
      if (present === undefined) {
        missing.push(object);
        return;
      }
      const merged = merge(present, object);
      if (merged === 'recreate') {
        await resource.delete(keyOf(present));
        missing.push(object);
      } else if (merged !== undefined) await resource.update(merged);
    }),
  );
  return missing;
}

function keyText({ metadata }: AnyRole | Binding): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

/** The entry in managedFields that a create by kube-apiserver would leave. Rules, subjects and references are atomic. */
function ownedBy(object: ApiObject, time: string): ManagedFieldsEntry {
  const fields: JsonObject = { 'f:metadata': {} };
  for (const part of ['annotations', 'labels'] as const) {
    const names = Object.keys(object.metadata[part] ?? {}).sort();
    (fields['f:metadata'] as JsonObject)[`f:${part}`] = { '.': {}, ...owned(names) };
  }
  for (const name of Object.keys(object).sort()) {
    if (name === 'aggregationRule') fields['f:aggregationRule'] = { '.': {}, 'f:clusterRoleSelectors': {} };
    else if (object[name] !== null && !['apiVersion', 'kind', 'metadata'].includes(name)) fields[`f:${name}`] = {};
  }
  return {
    manager: 'kube-apiserver',
    operation: 'Update',
    apiVersion: object.apiVersion,
    time,
    fieldsType: 'FieldsV1',
    fieldsV1: fields,
  };
}

const owned = (names: readonly string[]): JsonObject => Object.fromEntries(names.map((name) => [`f:${name}`, {}]));

/** `undefined`: it is as it should be, or not ours to change. */
export function reconciledRole<T extends AnyRole>(existing: T, wanted: T): T | undefined {
  if (existing.metadata.annotations?.[autoUpdate] === 'false') return undefined;
  const { rules, aggregationRule } = existing as AnyRole & ClusterRole;
  const { rules: expected, aggregationRule: aggregation } = wanted as AnyRole & ClusterRole;
  const metadata = mergedMetadata(existing, wanted);
  const changed: Record<string, unknown> = {};
  if (metadata !== undefined) changed.metadata = metadata;
  if (aggregation == null) {
    const missing = deepEqual(rules, expected) ? [] : uncovered(rules ?? [], expected ?? []);
    if (missing.length > 0) changed.rules = [...(rules ?? []), ...missing];
  } else {
    const present = aggregationRule?.clusterRoleSelectors ?? [];
    const missing = (aggregation.clusterRoleSelectors ?? []).filter(
      (selector) => !present.some((other) => deepEqual(other, selector)),
    );
    if (missing.length > 0) changed.aggregationRule = { clusterRoleSelectors: [...present, ...missing] };
  }
  return Object.keys(changed).length === 0 ? undefined : { ...existing, ...changed };
}

/** A role reference cannot change: a binding to another role is made anew. */
export function reconciledBinding<T extends Binding>(existing: T, wanted: T): T | 'recreate' | undefined {
  if (existing.metadata.annotations?.[autoUpdate] === 'false') return undefined;
  if (!deepEqual(existing.roleRef, wanted.roleRef)) return 'recreate';
  const metadata = mergedMetadata(existing, wanted);
  const present: readonly Subject[] = existing.subjects ?? [];
  const missing = (wanted.subjects ?? []).filter((subject) => !present.some((other) => deepEqual(other, subject)));
  if (metadata === undefined && missing.length === 0) return undefined;
  return {
    ...existing,
    ...(metadata === undefined ? {} : { metadata }),
    ...(missing.length === 0 ? {} : { subjects: [...present, ...missing] }),
  };
}

/** With the labels and annotations that are missing; those that are there win. `undefined`: none is missing. */
function mergedMetadata<T extends AnyRole | Binding>({ metadata }: T, wanted: T): T['metadata'] | undefined {
  const labels = { ...wanted.metadata.labels, ...metadata.labels };
  const annotations = { ...wanted.metadata.annotations, ...metadata.annotations };
  const same = deepEqual(labels, metadata.labels ?? {}) && deepEqual(annotations, metadata.annotations ?? {});
  return same ? undefined : { ...metadata, labels, annotations };
}
