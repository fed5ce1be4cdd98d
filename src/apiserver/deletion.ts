/**
 * What a delete does to an object, decided without touching the store. Source: `k8s.io/apiserver/pkg/registry/rest`
 * (BeforeDelete) and `registry/generic/registry` (finalizers of the garbage collector).
 */
import type { ResourceType } from '../apis/resource-type.ts';
import { schemaOf } from '../apis/schemas.ts';
import { formatTime } from '../clock/clock.ts';
import { type FieldError, invalid } from '../machinery/field.ts';
import type { JsonObject } from '../machinery/json.ts';
import type { ApiObject } from '../machinery/object.ts';
import { badRequest, conflict, invalidObject } from '../machinery/status.ts';
import { compileSchema } from '../schema/compile.ts';
import { deleteOptionsName } from './openapi/definitions.ts';
import { checkDryRun, flag, integer } from './options.ts';

/**
 * `metav1.DeleteOptions`. `ignoreStoreReadErrorWithClusterBreakingPotential` is read and dropped, as kube-apiserver does
 * while its feature AllowUnsafeMalformedObjectDeletion is off, which is the default.
 */
export interface DeleteOptions {
  gracePeriodSeconds?: number;
  preconditions?: { uid?: string; resourceVersion?: string };
  propagationPolicy?: PropagationPolicy;
  orphanDependents?: boolean;
  dryRun?: boolean;
}

type PropagationPolicy = 'Orphan' | 'Background' | 'Foreground';

export const orphanFinalizer = 'orphan';
export const foregroundFinalizer = 'foregroundDeletion';

/** DeleteOptions as they come in a body, checked. */
export function parseDeleteOptions(raw: JsonObject): DeleteOptions {
  const wrongType = compileSchema(schemaOf(deleteOptionsName)).decodeError(raw);
  if (wrongType !== undefined) throw badRequest(wrongType);
  const { gracePeriodSeconds, preconditions, propagationPolicy, orphanDependents, dryRun } = raw;
  const { uid, resourceVersion } = (preconditions ?? {}) as { uid?: string | null; resourceVersion?: string | null };
  return checkedDeleteOptions({
    ...(typeof gracePeriodSeconds === 'number' ? { gracePeriodSeconds } : {}),
    ...(typeof orphanDependents === 'boolean' ? { orphanDependents } : {}),
    ...(typeof propagationPolicy === 'string' ? { propagationPolicy } : {}),
    preconditions: {
      ...(typeof uid === 'string' ? { uid } : {}),
      ...(typeof resourceVersion === 'string' ? { resourceVersion } : {}),
    },
    dryRun: (dryRun ?? []) as string[],
  });
}

/** DeleteOptions as they come in a query, checked. Preconditions have no form there. */
export function parseDeleteQuery(query: URLSearchParams): DeleteOptions {
  const gracePeriodSeconds = integer(query, 'gracePeriodSeconds');
  const orphanDependents = flag(query, 'orphanDependents');
  const propagationPolicy = query.get('propagationPolicy');
  return checkedDeleteOptions({
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(orphanDependents === undefined ? {} : { orphanDependents }),
    ...(propagationPolicy === null ? {} : { propagationPolicy }),
    dryRun: query.getAll('dryRun'),
  });
}

interface WrittenDeleteOptions extends Omit<DeleteOptions, 'propagationPolicy' | 'dryRun'> {
  propagationPolicy?: string;
  dryRun: readonly string[];
}

const policies = ['Foreground', 'Background', 'Orphan'];

/** Source: `ValidateDeleteOptions` of `k8s.io/apimachinery/pkg/apis/meta/v1/validation`. */
function checkedDeleteOptions({ propagationPolicy, dryRun, ...options }: WrittenDeleteOptions): DeleteOptions {
  const errors: FieldError[] = [];
  if (propagationPolicy !== undefined) {
    if (options.orphanDependents !== undefined) {
      const why = 'orphanDependents and deletionPropagation cannot be both set';
      errors.push(invalid('propagationPolicy', propagationPolicy, why));
    }
    if (!policies.includes(propagationPolicy)) {
      const detail = 'supported values: "Foreground", "Background", "Orphan", "nil"';
      errors.push({ type: 'NotSupported', field: 'propagationPolicy', badValue: propagationPolicy, detail });
    }
  }
  errors.push(...checkDryRun(dryRun));
  if (errors.length > 0) throw invalidObject({ group: 'meta.k8s.io', name: 'DeleteOptions' }, '', errors);
  // Kubernetes: a negative grace period means "at once, but ask": 1 second.
  if ((options.gracePeriodSeconds ?? 0) < 0) options.gracePeriodSeconds = 1;
  return {
    ...options,
    ...(propagationPolicy === undefined ? {} : { propagationPolicy: propagationPolicy as PropagationPolicy }),
    dryRun: dryRun.length > 0,
  };
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
