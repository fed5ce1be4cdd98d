/** Source: Kubernetes `pkg/apis/core/validation/validation.go`, ValidatePersistentVolumeClaimSpec. */
import type * as k8s from '@kubernetes/client-node';
import { type FieldError, FieldPath, forbidden, invalid, notSupported, required } from '../../machinery/field.ts';
import { deepEqual } from '../../machinery/json.ts';
import { nameIsDnsSubdomain } from '../../machinery/names.ts';
import { Quantity } from '../../machinery/quantity.ts';
import type { PersistentVolumeClaim, Wire } from '../types.ts';
import { oldClassAnnotation } from './deprecated.ts';
import { checkAll } from './field-rules.ts';
import { checkLabelSelector } from './scheduling-validation.ts';

export type ClaimSpec = Wire<k8s.V1PersistentVolumeClaimSpec>;

export const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
export const volumeModes = ['Block', 'Filesystem'];

export function validateClaimSpec(spec: ClaimSpec, path: FieldPath, errors: FieldError[]): void {
  const modes = spec.accessModes ?? [];
  if (modes.length === 0) errors.push(required(path.child('accessModes'), 'at least 1 access mode is required'));
  checkLabelSelector(spec.selector, path.child('selector'), errors);
  for (const mode of modes) {
    if (!accessModes.includes(mode)) errors.push(notSupported(path.child('accessModes'), mode, accessModes));
  }
  if (modes.includes('ReadWriteOncePod') && modes.length > 1) {
    errors.push(forbidden(path.child('accessModes'), 'may not use ReadWriteOncePod with other access modes'));
  }
  const storage = spec.resources?.requests?.storage;
  const at = path.child('resources').key('storage');
  if (storage === undefined) errors.push(required(at));
  else if (Quantity.parse(storage).sign <= 0) errors.push(invalid(at, storage, 'must be greater than zero'));
  const { storageClassName, volumeMode, dataSource } = spec;
  if (storageClassName !== undefined && storageClassName !== '') {
    checkAll(nameIsDnsSubdomain(storageClassName), path.child('storageClassName'), storageClassName, errors);
  }
  if (volumeMode !== undefined && !volumeModes.includes(volumeMode)) {
    errors.push(notSupported(path.child('volumeMode'), volumeMode, volumeModes));
  }
  if (dataSource !== undefined) validateDataSource(dataSource, path.child('dataSource'), errors);
}

function validateDataSource(
  { name, kind, apiGroup }: NonNullable<ClaimSpec['dataSource']>,
  path: FieldPath,
  errors: FieldError[],
): void {
  if (name === '') errors.push(required(path.child('name')));
  if (kind === '') errors.push(required(path.child('kind')));
  if ((apiGroup ?? '') === '' && kind !== 'PersistentVolumeClaim') {
    errors.push(invalid(path, kind, ''));
  }
}

/** The template of an ephemeral volume: a claim without a name of its own. */
export function validateClaimTemplate(
  { spec }: Wire<k8s.V1PersistentVolumeClaimTemplate>,
  path: FieldPath,
  errors: FieldError[],
): void {
  validateClaimSpec(spec, path.child('spec'), errors);
}

export function validateClaim({ spec }: PersistentVolumeClaim): FieldError[] {
  const errors: FieldError[] = [];
  validateClaimSpec(spec!, FieldPath.of('spec'), errors);
  return errors;
}

/** After creation only the size of a bound claim may grow, and the volume be filled in. */
export function validateClaimUpdate(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const errors = validateClaim(claim);
  const path = FieldPath.of('spec');
  const spec = claim.spec!;
  const was = old.spec!;
  const annotation = claim.metadata.annotations?.[oldClassAnnotation] ?? '';
  const before = old.metadata.annotations?.[oldClassAnnotation] ?? '';
  if (annotation !== before) {
    errors.push(invalid(`metadata.annotations.${oldClassAnnotation}`, annotation, 'field is immutable'));
  }
  const bound = old.status?.phase === 'Bound';
  // A claim that waits for a default class may be given one, or the one that its annotation names.
  const mayName = was.storageClassName === undefined && (before === '' || before === spec.storageClassName);
  const comparable = (value: ClaimSpec): object => ({
    ...value,
    ...(bound ? { resources: { ...value.resources, requests: { ...value.resources?.requests, storage: '' } } } : {}),
    ...((was.volumeName ?? '') === '' ? { volumeName: '' } : {}),
    volumeAttributesClassName: '',
    ...(mayName ? { storageClassName: '' } : {}),
  });
  if (!deepEqual(comparable(spec), comparable(was))) {
    const why =
      'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
    errors.push(forbidden(path, why));
  }
  const size = spec.resources?.requests?.storage;
  const sizeBefore = was.resources?.requests?.storage;
  if (size !== undefined && sizeBefore !== undefined && Quantity.parse(size).compare(Quantity.parse(sizeBefore)) < 0) {
    const at = path.child('resources').child('requests').child('storage');
    errors.push(forbidden(at, 'field can not be less than previous value'));
  }
  if (spec.volumeMode !== was.volumeMode) errors.push(invalid('volumeMode', spec.volumeMode, 'field is immutable'));
  return errors;
}
