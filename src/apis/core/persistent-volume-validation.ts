/** Source: Kubernetes `pkg/apis/core/validation/validation.go`, ValidatePersistentVolume and what it calls. */
import { posix } from 'node:path';
import type * as k8s from '@kubernetes/client-node';
import { type FieldError, FieldPath, forbidden, invalid, notSupported, required } from '../../machinery/field.ts';
import { deepEqual } from '../../machinery/json.ts';
import { nameIsDnsSubdomain } from '../../machinery/names.ts';
import { Quantity } from '../../machinery/quantity.ts';
import type { PersistentVolume, Wire } from '../types.ts';
import { renamedLabels } from './deprecated.ts';
import { checkAll, checkNoBacksteps } from './field-rules.ts';
import { accessModes, volumeModes } from './persistent-volume-claim-validation.ts';
import { validateNodeSelector } from './scheduling-validation.ts';
import { checkCsiDriver } from './volume-validation.ts';

type Spec = Wire<k8s.V1PersistentVolumeSpec>;

const path = FieldPath.of('spec');
const reclaimPolicies = ['Delete', 'Recycle', 'Retain'];
const sources = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'glusterfs',
  'flocker',
  'nfs',
  'rbd',
  'quobyte',
  'cephfs',
  'iscsi',
  'cinder',
  'fc',
  'flexVolume',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'scaleIO',
  'local',
  'storageos',
  'csi',
] as const;

export function validateVolume({ spec }: PersistentVolume): FieldError[] {
  const errors: FieldError[] = [];
  if (spec === undefined) return errors;
  const modes = spec.accessModes ?? [];
  if (modes.length === 0) errors.push(required(path.child('accessModes')));
  for (const mode of modes) {
    if (!accessModes.includes(mode)) errors.push(notSupported(path.child('accessModes'), mode, accessModes));
  }
  if (modes.includes('ReadWriteOncePod') && modes.length > 1) {
    errors.push(forbidden(path.child('accessModes'), 'may not use ReadWriteOncePod with other access modes'));
  }
  const capacity = spec.capacity ?? {};
  if (Object.keys(capacity).length === 0) errors.push(required(path.child('capacity')));
  if (capacity.storage === undefined || Object.keys(capacity).length > 1) {
    errors.push(notSupported(path.child('capacity'), capacity, ['storage']));
  }
  for (const [name, text] of Object.entries(capacity)) {
    if (Quantity.parse(text).sign <= 0)
      errors.push(invalid(path.child('capacity').key(name), text, 'must be greater than zero'));
  }
  const policy = spec.persistentVolumeReclaimPolicy;
  if (policy !== undefined && !reclaimPolicies.includes(policy)) {
    errors.push(notSupported(path.child('persistentVolumeReclaimPolicy'), policy, reclaimPolicies));
  }
  const required_ = spec.nodeAffinity?.required;
  if (spec.nodeAffinity !== undefined) {
    const at = path.child('nodeAffinity').child('required');
    if (required_ === undefined) errors.push(required(at, 'must specify required node constraints'));
    else validateNodeSelector(required_, at, errors);
  }
  validateSource(spec, errors);
  // As a path resolves: `/a/..` is the root too.
  if (spec.hostPath !== undefined && posix.normalize(spec.hostPath.path) === '/' && policy === 'Recycle') {
    const why = "may not be 'recycle' for a hostPath mount of '/'";
    errors.push(forbidden(path.child('persistentVolumeReclaimPolicy'), why));
  }
  const className = spec.storageClassName ?? '';
  if (className !== '') checkAll(nameIsDnsSubdomain(className), path.child('storageClassName'), className, errors);
  if (spec.volumeMode !== undefined && !volumeModes.includes(spec.volumeMode)) {
    errors.push(notSupported(path.child('volumeMode'), spec.volumeMode, volumeModes));
  }
  return errors;
}

function validateSource(spec: Spec, errors: FieldError[]): void {
  const given = sources.filter((source) => spec[source] !== undefined);
  if (given.length === 0) errors.push(required(path, 'must specify a volume type'));
  for (const source of given.slice(1))
    errors.push(forbidden(path.child(source), 'may not specify more than 1 volume type'));
  const [first] = given;
  if (first === undefined) return;
  const at = path.child(first);
  const need = (source: object, ...fields: string[]): void => {
    for (const field of fields) {
      const value = (source as Record<string, unknown>)[field];
      if (value === undefined || value === '') errors.push(required(at.child(field)));
    }
  };
  switch (first) {
    case 'hostPath':
      need(spec.hostPath!, 'path');
      checkNoBacksteps(spec.hostPath!.path, at.child('path'), errors);
      break;
    case 'nfs':
      need(spec.nfs!, 'server', 'path');
      if (!(spec.nfs!.path ?? '').startsWith('/'))
        errors.push(invalid(at.child('path'), spec.nfs!.path, 'must be an absolute path'));
      break;
    case 'local':
      need(spec.local!, 'path');
      checkNoBacksteps(spec.local!.path, at.child('path'), errors);
      if (spec.nodeAffinity?.required === undefined) {
        errors.push(required(path.child('nodeAffinity'), 'Local volume requires node affinity'));
      }
      break;
    case 'csi':
      checkCsiDriver(spec.csi!.driver, at.child('driver'), errors);
      need(spec.csi!, 'volumeHandle');
      break;
    case 'glusterfs':
      need(spec.glusterfs!, 'endpoints', 'path');
      break;
    case 'gcePersistentDisk':
      need(spec.gcePersistentDisk!, 'pdName');
      break;
    case 'awsElasticBlockStore':
      need(spec.awsElasticBlockStore!, 'volumeID');
      break;
    case 'iscsi':
      need(spec.iscsi!, 'targetPortal', 'iqn');
      break;
    case 'azureFile':
      need(spec.azureFile!, 'secretName', 'shareName');
      break;
    case 'vsphereVolume':
      need(spec.vsphereVolume!, 'volumePath');
      break;
    case 'flexVolume':
      need(spec.flexVolume!, 'driver');
      break;
    case 'cinder':
      need(spec.cinder!, 'volumeID');
  }
}

export function validateVolumeUpdate(volume: PersistentVolume, old: PersistentVolume): FieldError[] {
  const errors = validateVolume(volume);
  const source = (spec: Spec | undefined): object => Object.fromEntries(sources.map((name) => [name, spec?.[name]]));
  if (!deepEqual(source(volume.spec), source(old.spec))) {
    errors.push(
      forbidden(path.child('persistentvolumesource'), 'spec.persistentvolumesource is immutable after creation'),
    );
  }
  if (!deepEqual(volume.spec?.volumeMode, old.spec?.volumeMode)) {
    errors.push(invalid('volumeMode', volume.spec?.volumeMode, 'field is immutable'));
  }
  const affinity = old.spec?.nodeAffinity;
  if (affinity !== undefined && !deepEqual(volume.spec?.nodeAffinity, withPresentLabels(volume, affinity))) {
    const why = 'field is immutable, except for updating from beta label to GA';
    errors.push(invalid('nodeAffinity', volume.spec?.nodeAffinity, why));
  }
  return errors;
}

type NodeAffinity = NonNullable<Spec['nodeAffinity']>;

/** The affinity with those labels renamed that the volume now calls by their present names. */
function withPresentLabels({ spec: now }: PersistentVolume, affinity: NodeAffinity): NodeAffinity {
  const terms = affinity.required?.nodeSelectorTerms;
  if (terms === undefined) return affinity;
  const nodeSelectorTerms = terms.map((term, i) => ({
    ...term,
    ...(term.matchExpressions && {
      matchExpressions: term.matchExpressions.map((expression, j) => {
        const key = now?.nodeAffinity?.required?.nodeSelectorTerms[i]?.matchExpressions?.[j]?.key;
        return key !== undefined && key === renamedLabels[expression.key]?.now ? { ...expression, key } : expression;
      }),
    }),
  }));
  return { ...affinity, required: { ...affinity.required, nodeSelectorTerms } };
}
