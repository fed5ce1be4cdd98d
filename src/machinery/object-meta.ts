/**
 * What `metadata` may say. Source: `k8s.io/apimachinery/pkg/api/validation/objectmeta.go` and
 * `pkg/apis/meta/v1/validation`, whose order of errors this file keeps.
 */
import { duplicate, type FieldError, FieldPath, forbidden, invalid, notSupported, required, tooLong } from './field.ts';
import { goQuote } from './go-text.ts';
import { deepEqual } from './json.ts';
import { validateLabelName, validateLabels } from './label-selector.ts';
import {
  byteLength,
  isConditionReason,
  isQualifiedName,
  type NameValidator,
  nameIsDnsSubdomain,
  validateNamespaceName,
} from './names.ts';
import { type ManagedFieldsEntry, type ObjectMeta, type OwnerReference, parseGroupVersion } from './object.ts';

export { coerceObjectMeta } from './object-meta-coercion.ts';

export interface ObjectMetaRules {
  readonly namespaced: boolean;
  /** Subdomain names when absent. */
  readonly validateName?: NameValidator | ((name: string, prefix: boolean) => string[]);
  /** Built-in kinds take only Kubernetes' own finalizers and names with a domain; custom resources take any name. */
  readonly qualifiedFinalizers?: boolean;
}

/** The sum of the bytes of all annotations' keys and values. */
export const totalAnnotationSizeLimit = 256 * 1024;

export const immutableMessage = 'field is immutable';

const metadataPath = FieldPath.of('metadata');

/** Of an object that is being created; its name has been generated already. */
export function validateObjectMeta(
  object: { readonly metadata: ObjectMeta },
  { namespaced, validateName = nameIsDnsSubdomain, qualifiedFinalizers = false }: ObjectMetaRules,
  path: FieldPath = metadataPath,
): FieldError[] {
  const { metadata } = object;
  const { name = '', generateName = '', namespace = '', generation = 0 } = metadata;
  const errors: FieldError[] = [];
  if (generateName !== '') {
    for (const message of validateName(generateName, true)) {
      errors.push(invalid(path.child('generateName'), generateName, message));
    }
  }
  if (name === '') errors.push(required(path.child('name'), 'name or generateName is required'));
  else {
    for (const message of validateName(name, false)) errors.push(invalid(path.child('name'), name, message));
  }
  if (namespaced) {
    if (namespace === '') errors.push(required(path.child('namespace')));
    else {
      for (const message of validateNamespaceName(namespace)) {
        errors.push(invalid(path.child('namespace'), namespace, message));
      }
    }
  } else if (namespace !== '') errors.push(forbidden(path.child('namespace'), 'not allowed on this type'));
  if (generation < 0) {
    errors.push(invalid(path.child('generation'), generation, 'must be greater than or equal to 0'));
  }
  if (metadata.labels) errors.push(...validateLabels(metadata.labels, path.child('labels')));
  if (metadata.annotations) errors.push(...validateAnnotations(metadata.annotations, path.child('annotations')));
  if (metadata.ownerReferences) {
    errors.push(...validateOwnerReferences(metadata.ownerReferences, path.child('ownerReferences')));
  }
  if (metadata.finalizers) errors.push(...validateFinalizers(metadata.finalizers, path.child('finalizers')));
  if (metadata.managedFields) {
    errors.push(...validateManagedFields(metadata.managedFields, path.child('managedFields')));
  }
  if (qualifiedFinalizers) errors.push(...validateKubeFinalizers(metadata.finalizers, path.child('finalizers')));
  return errors;
}

/** Of an object that is being updated. */
export function validateObjectMetaUpdate(
  object: { readonly metadata: ObjectMeta },
  old: { readonly metadata: ObjectMeta },
  path: FieldPath = metadataPath,
  { qualifiedFinalizers = false }: Pick<ObjectMetaRules, 'qualifiedFinalizers'> = {},
): FieldError[] {
  const now = object.metadata;
  const before = old.metadata;
  const errors: FieldError[] = [];
  if (before.deletionTimestamp !== undefined && before.deletionTimestamp !== null) {
    errors.push(...validateNoNewFinalizers(now.finalizers, before.finalizers, path.child('finalizers')));
  }
  if ((now.resourceVersion ?? '') === '') {
    errors.push(invalid(path.child('resourceVersion'), '', 'must be specified for an update'));
  }
  if ((now.generation ?? 0) < (before.generation ?? 0)) {
    errors.push(invalid(path.child('generation'), now.generation ?? 0, 'must not be decremented'));
  }
  for (const field of ['name', 'namespace', 'uid'] as const) {
    errors.push(...validateImmutableField(now[field] ?? '', before[field] ?? '', path.child(field)));
  }
  for (const field of ['creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const) {
    errors.push(...validateImmutableField(now[field] ?? null, before[field] ?? null, path.child(field)));
  }
  if (now.labels) errors.push(...validateLabels(now.labels, path.child('labels')));
  if (now.annotations) errors.push(...validateAnnotations(now.annotations, path.child('annotations')));
  if (now.ownerReferences) {
    errors.push(...validateOwnerReferences(now.ownerReferences, path.child('ownerReferences')));
  }
  if (now.managedFields) errors.push(...validateManagedFields(now.managedFields, path.child('managedFields')));
  if (qualifiedFinalizers) errors.push(...validateKubeFinalizers(now.finalizers, path.child('finalizers')));
  return errors;
}

/** Equality is that of JSON; the new value is the one shown. */
export function validateImmutableField(now: unknown, before: unknown, path: FieldPath): FieldError[] {
  return deepEqual(now, before) ? [] : [invalid(path, now, immutableMessage)];
}

// ---------------------------------------------------------------------------------------------- parts of metadata

export function validateAnnotations(annotations: Readonly<Record<string, string>>, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  let size = 0;
  for (const key of Object.keys(annotations)) {
    // A qualified name, except that case does not matter.
    for (const message of isQualifiedName(key.toLowerCase())) errors.push(invalid(path, key, message));
    size += byteLength(key) + byteLength(annotations[key] ?? '');
  }
  if (size > totalAnnotationSizeLimit) errors.push(tooLong(path, '', totalAnnotationSizeLimit));
  return errors;
}

export function validateOwnerReferences(owners: readonly OwnerReference[], path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  let controller: string | undefined;
  for (const owner of owners) {
    errors.push(...validateOwnerReference(owner, path));
    if (owner.controller !== true) continue;
    const named = `${owner.kind}/${owner.name}`;
    if (controller === undefined) controller = named;
    else {
      errors.push(
        invalid(
          path,
          owners.map(asDeclared),
          `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${named}`,
        ),
      );
    }
  }
  return errors;
}

function validateOwnerReference(owner: OwnerReference, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const { apiVersion = '', kind = '', name = '', uid = '' } = owner;
  const malformed = apiVersion.indexOf('/') !== apiVersion.lastIndexOf('/');
  const { group, version } = malformed ? { group: '', version: '' } : parseGroupVersion(apiVersion);
  if (version === '') errors.push(invalid(path.child('apiVersion'), apiVersion, 'version must not be empty'));
  if (kind === '') errors.push(invalid(path.child('kind'), kind, 'kind must not be empty'));
  if (name === '') errors.push(invalid(path.child('name'), name, 'name must not be empty'));
  if (uid === '') errors.push(invalid(path.child('uid'), uid, 'uid must not be empty'));
  if (group === '' && version === 'v1' && kind === 'Event') {
    errors.push(invalid(path, asDeclared(owner), '/v1, Kind=Event is disallowed from being an owner'));
  }
  return errors;
}

/** The fields in the order in which the type declares them, and in which messages show them. */
function asDeclared({ apiVersion, kind, name, uid, controller, blockOwnerDeletion }: OwnerReference): OwnerReference {
  return {
    apiVersion,
    kind,
    name,
    uid,
    ...(controller === undefined ? {} : { controller }),
    ...(blockOwnerDeletion === undefined ? {} : { blockOwnerDeletion }),
  };
}

const orphanFinalizer = 'orphan';
const foregroundFinalizer = 'foregroundDeletion';

export function validateFinalizers(finalizers: readonly string[], path: FieldPath): FieldError[] {
  const errors = finalizers.flatMap((finalizer) => validateFinalizerName(finalizer, path));
  if (finalizers.includes(orphanFinalizer) && finalizers.includes(foregroundFinalizer)) {
    errors.push(
      invalid(path, finalizers, `finalizer ${orphanFinalizer} and ${foregroundFinalizer} cannot be both set`),
    );
  }
  return errors;
}

export function validateFinalizerName(name: string, path: FieldPath): FieldError[] {
  return isQualifiedName(name).map((message) => invalid(path, name, message));
}

const standardFinalizers = new Set(['kubernetes', orphanFinalizer, foregroundFinalizer]);

/** The rule of built-in kinds. Source: `k8s.io/kubernetes/pkg/apis/core/validation`. */
export function validateKubeFinalizers(finalizers: readonly string[] | undefined, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  finalizers?.forEach((finalizer, i) => {
    if (finalizer.includes('/') || standardFinalizers.has(finalizer)) return;
    errors.push(
      invalid(path.index(i), finalizer, 'name is neither a standard finalizer name nor is it fully qualified'),
    );
  });
  return errors;
}

/** An object that is being deleted gets no more finalizers. */
export function validateNoNewFinalizers(
  now: readonly string[] = [],
  before: readonly string[] = [],
  path: FieldPath,
): FieldError[] {
  const added = [...new Set(now)].filter((finalizer) => !before.includes(finalizer)).sort();
  if (added.length === 0) return [];
  const list = `[]string{${added.map(goQuote).join(', ')}}`;
  return [
    forbidden(path, `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`),
  ];
}

const fieldManagerMaxLength = 128;
const subresourceMaxLength = 256;

export function validateManagedFields(entries: readonly ManagedFieldsEntry[], path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  entries.forEach(({ operation, manager = '', subresource = '', ...entry }, i) => {
    const fieldsType: string | undefined = entry.fieldsType;
    const at = path.index(i);
    if (operation !== 'Apply' && operation !== 'Update') {
      errors.push(invalid(at.child('operation'), operation ?? '', 'must be `Apply` or `Update`'));
    }
    if (fieldsType !== undefined && fieldsType !== 'FieldsV1' && fieldsType !== '') {
      errors.push(invalid(at.child('fieldsType'), fieldsType, 'must be `FieldsV1`'));
    }
    errors.push(...validateFieldManager(manager, at.child('manager')));
    if (byteLength(subresource) > subresourceMaxLength) {
      errors.push(tooLong(at.child('subresource'), subresource, subresourceMaxLength));
    }
  });
  return errors;
}

const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

/** The name of who writes: at most 128 bytes, and printable. */
export function validateFieldManager(manager: string, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (byteLength(manager) > fieldManagerMaxLength) errors.push(tooLong(path, manager, fieldManagerMaxLength));
  for (const { 0: char, index } of manager.matchAll(unprintable)) {
    const point = char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
    const position = byteLength(manager.slice(0, index));
    errors.push(invalid(path, manager, `invalid character U+${point} (at position ${position})`));
  }
  return errors;
}

// ---------------------------------------------------------------------------------------------- options and conditions

export interface DeletionChoices {
  orphanDependents?: boolean;
  propagationPolicy?: string;
  dryRun?: readonly string[];
}

/** What is wrong with `metav1.DeleteOptions`. */
export function validateDeleteOptions(options: DeletionChoices): FieldError[] {
  const { orphanDependents, propagationPolicy, dryRun } = options;
  const errors: FieldError[] = [];
  const path = FieldPath.of('propagationPolicy');
  if (orphanDependents !== undefined && propagationPolicy !== undefined) {
    errors.push(invalid(path, propagationPolicy, 'orphanDependents and deletionPropagation cannot be both set'));
  }
  const policies = ['Foreground', 'Background', 'Orphan'];
  if (propagationPolicy !== undefined && !policies.includes(propagationPolicy)) {
    errors.push(notSupported(path, propagationPolicy, [...policies, 'nil']));
  }
  return [...errors, ...validateDryRun(dryRun ?? [], FieldPath.of('dryRun'))];
}

export function validateDryRun(dryRun: readonly string[], path: FieldPath): FieldError[] {
  return dryRun.every((value) => value === 'All') ? [] : [notSupported(path, dryRun, ['All'])];
}

/** `metav1.Condition`, as it may come from a client. */
export interface ConditionLike {
  type?: string;
  status?: string;
  observedGeneration?: number;
  lastTransitionTime?: string | null;
  reason?: string;
  message?: string;
}

export function validateConditions(conditions: readonly ConditionLike[], path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const types = new Set<string>();
  conditions.forEach((condition, i) => {
    const at = path.index(i);
    const { type = '', status = '', reason = '', message = '' } = condition;
    if (types.has(type)) errors.push(duplicate(at.child('type'), type));
    types.add(type);
    errors.push(...validateLabelName(type, at.child('type')));
    if (!['True', 'False', 'Unknown'].includes(status)) {
      errors.push(notSupported(at.child('status'), status, ['False', 'True', 'Unknown']));
    }
    if ((condition.observedGeneration ?? 0) < 0) {
      errors.push(
        invalid(at.child('observedGeneration'), condition.observedGeneration, 'must be greater than or equal to zero'),
      );
    }
    if ((condition.lastTransitionTime ?? '') === '') {
      errors.push(required(at.child('lastTransitionTime'), 'must be set'));
    }
    if (reason === '') errors.push(required(at.child('reason'), 'must be set'));
    else {
      for (const text of isConditionReason(reason)) errors.push(invalid(at.child('reason'), reason, text));
      if (byteLength(reason) > 1024) errors.push(tooLong(at.child('reason'), reason, 1024));
    }
    if (byteLength(message) > 32 * 1024) errors.push(tooLong(at.child('message'), message, 32 * 1024));
  });
  return errors;
}

/** Everything of the old metadata but managed fields, in place. Source: `metav1.ResetObjectMetaForStatus`. */
export function restoreObjectMeta(draft: { metadata: ObjectMeta }, old: { readonly metadata: ObjectMeta }): void {
  const { managedFields, resourceVersion } = draft.metadata;
  draft.metadata = { ...old.metadata };
  if (managedFields !== undefined) draft.metadata.managedFields = managedFields;
  if (resourceVersion !== undefined) draft.metadata.resourceVersion = resourceVersion;
}
