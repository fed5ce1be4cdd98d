/**
 * What a delete does to an object, decided without touching the store. Source: `k8s.io/apiserver/pkg/registry/rest`
 * (BeforeDelete) and `registry/generic/registry` (finalizers of the garbage collector).
 */
import type { ResourceType } from '../apis/resource-type.ts';
import { schemaOf } from '../apis/schemas.ts';
import { formatTime } from '../clock/clock.ts';
import { invalid } from '../machinery/field.ts';
import type { JsonObject } from '../machinery/json.ts';
import type { ApiObject } from '../machinery/object.ts';
import { badRequest, conflict, invalidObject } from '../machinery/status.ts';
import { compileSchema } from '../schema/compile.ts';
import { deleteOptionsName } from './openapi/definitions.ts';

/**
 * `metav1.DeleteOptions`. `ignoreStoreReadErrorWithClusterBreakingPotential` is read and dropped, as kube-apiserver does
 * while its feature AllowUnsafeMalformedObjectDeletion is off, which is the default.
 */
export interface DeleteOptions {
  gracePeriodSeconds?: number;
  preconditions?: { uid?: string; resourceVersion?: string };
  propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  orphanDependents?: boolean;
  dryRun?: boolean;
}

export const orphanFinalizer = 'orphan';
export const foregroundFinalizer = 'foregroundDeletion';

/** DeleteOptions as they come in a body or a query, checked. */
export function parseDeleteOptions(raw: JsonObject): DeleteOptions {
  const wrongType = compileSchema(schemaOf(deleteOptionsName)).decodeError(raw);
  if (wrongType !== undefined) throw badRequest(wrongType);
  const options: DeleteOptions = {};
  const { gracePeriodSeconds, preconditions, propagationPolicy, orphanDependents, dryRun } = raw;
  if (gracePeriodSeconds !== undefined && gracePeriodSeconds !== null) {
    options.gracePeriodSeconds = Math.max(0, Number(gracePeriodSeconds));
    // Kubernetes: a negative grace period means "at once, but ask": 1 second.
    if (Number(gracePeriodSeconds) < 0) options.gracePeriodSeconds = 1;
  }
  if (typeof preconditions === 'object' && preconditions !== null) {
    const { uid, resourceVersion } = preconditions as { uid?: string; resourceVersion?: string };
    options.preconditions = {
      ...(uid === undefined || uid === null ? {} : { uid }),
      ...(resourceVersion === undefined || resourceVersion === null ? {} : { resourceVersion }),
    };
  }
  if (typeof orphanDependents === 'boolean') options.orphanDependents = orphanDependents;
  if (propagationPolicy !== undefined && propagationPolicy !== null) {
    if (options.orphanDependents !== undefined) {
      throw invalidDeleteOptions(
        'propagationPolicy',
        propagationPolicy,
        'orphanDependents and deletionPropagation cannot be both set',
      );
    }
    if (propagationPolicy !== 'Orphan' && propagationPolicy !== 'Background' && propagationPolicy !== 'Foreground') {
      throw invalidDeleteOptions(
        'propagationPolicy',
        propagationPolicy,
        'needs to be one of: "Background", "Foreground", "Orphan"',
        true,
      );
    }
    options.propagationPolicy = propagationPolicy;
  }
  if (Array.isArray(dryRun) && dryRun.length > 0) options.dryRun = true;
  return options;
}

function invalidDeleteOptions(field: string, value: unknown, detail: string, supported = false): Error {
  return invalidObject({ group: 'meta.k8s.io', name: 'DeleteOptions' }, '', [
    supported
      ? {
          type: 'NotSupported',
          field,
          badValue: value,
          detail: 'supported values: "Background", "Foreground", "Orphan"',
        }
      : invalid(field, value, detail),
  ]);
}

/** Throws Conflict when the object is not the one that the caller means. */
export function checkPreconditions(type: ResourceType, object: ApiObject, options: DeleteOptions): void {
  const { uid, resourceVersion } = options.preconditions ?? {};
  const { metadata } = object;
  const named = { group: type.group, name: type.names.kind };
  if (uid !== undefined && uid !== metadata.uid) {
    throw conflict(
      named,
      metadata.name ?? '',
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw conflict(
      named,
      metadata.name ?? '',
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    );
  }
}

export type DeletionPlan =
  /** The object goes now. */
  | { readonly step: 'remove' }
  /** The object stays, changed as `draft` says (deletionTimestamp, finalizers). */
  | { readonly step: 'mark'; readonly draft: ApiObject }
  /** The object is on its way already and there is nothing to change. */
  | { readonly step: 'wait' };

/** `draft` is the current object, the caller's to change; `now` in milliseconds since the epoch. */
export function planDeletion(type: ResourceType, draft: ApiObject, options: DeleteOptions, now: number): DeletionPlan {
  const { metadata } = draft;
  const { strategy } = type;
  const before = metadata.finalizers ?? [];
  const first = metadata.deletionTimestamp === undefined;

  let graceful = false;
  if (!first) {
    const current = metadata.deletionGracePeriodSeconds ?? 0;
    if (current > 0) {
      const requested = options.gracePeriodSeconds;
      if (requested === undefined || requested >= current) return { step: 'wait' };
      const began = Date.parse(metadata.deletionTimestamp!) - current * 1000;
      metadata.deletionTimestamp = formatTime(began + requested * 1000);
      metadata.deletionGracePeriodSeconds = requested;
      graceful = true;
    }
  } else if (strategy.gracePeriodSeconds !== undefined) {
    const seconds = strategy.gracePeriodSeconds(draft, options.gracePeriodSeconds);
    if (!Number.isSafeInteger(seconds)) throw badRequest('gracePeriodSeconds must be an integer');
    metadata.deletionTimestamp = formatTime(now + seconds * 1000);
    metadata.deletionGracePeriodSeconds = seconds;
    if ((metadata.generation ?? 0) > 0) metadata.generation! += 1;
    graceful = true;
  }

  const finalizers = withCollectorFinalizers(type, before, options);
  if (finalizers.length > 0) metadata.finalizers = finalizers;
  else delete metadata.finalizers;
  const held = finalizers.length > 0 || strategy.pendingFinalizers?.(draft) === true;

  if (!graceful) {
    if (!held) return { step: 'remove' };
    if (first) {
      metadata.deletionTimestamp = formatTime(now);
      if ((metadata.generation ?? 0) > 0) metadata.generation! += 1;
    }
    metadata.deletionGracePeriodSeconds = 0;
  } else if (!held && metadata.deletionGracePeriodSeconds === 0) {
    return { step: 'remove' };
  }
  strategy.prepareForDelete?.(draft);
  return { step: 'mark', draft };
}

/** Whether an update has taken away the last thing that held a deletion back. */
export function deletionFinished(type: ResourceType, object: ApiObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  return (
    deletionTimestamp !== undefined &&
    (deletionGracePeriodSeconds ?? 0) === 0 &&
    (finalizers ?? []).length === 0 &&
    type.strategy.pendingFinalizers?.(object) !== true
  );
}

function withCollectorFinalizers(type: ResourceType, current: readonly string[], options: DeleteOptions): string[] {
  const policy = options.propagationPolicy;
  const orphan =
    options.orphanDependents ??
    (policy !== undefined
      ? policy === 'Orphan'
      : current.includes(orphanFinalizer) ||
        (!current.includes(foregroundFinalizer) && type.strategy.defaultPropagation === 'orphan'));
  const foreground =
    options.orphanDependents === undefined &&
    (policy !== undefined ? policy === 'Foreground' : current.includes(foregroundFinalizer));
  const kept = current.filter((finalizer) => finalizer !== orphanFinalizer && finalizer !== foregroundFinalizer);
  if (orphan) kept.push(orphanFinalizer);
  if (foreground) kept.push(foregroundFinalizer);
  return kept;
}
