/** The volumes of a pod. Source: Kubernetes `pkg/apis/core/validation/validation.go`, ValidateVolumes. */
import {
  duplicate,
  type FieldError,
  type FieldPath,
  forbidden,
  invalid,
  notSupported,
  required,
  tooLong,
} from '../../machinery/field.ts';
import { nameIsDnsSubdomain } from '../../machinery/names.ts';
import type { ObjectMeta } from '../../machinery/object.ts';
import { Quantity } from '../../machinery/quantity.ts';
import type { Volume } from '../types.ts';
import { validateFieldRef, validateResourceFieldRef, volumeFieldPaths } from './env-validation.ts';
import {
  checkAll,
  checkDescendingPath,
  checkDns1123Label,
  checkFileMode,
  checkFilePath,
  checkNoBacksteps,
} from './field-rules.ts';
import { validateClaimTemplate } from './persistent-volume-claim-validation.ts';

type Sources = Omit<Volume, 'name'>;
type SourceName = keyof Sources;
type Source<Name extends SourceName> = NonNullable<Sources[Name]>;

interface VolumeContext {
  readonly volumeName: string;
  readonly podName: string;
}

type SourceRules = {
  readonly [Name in SourceName]: (
    source: Source<Name>,
    path: FieldPath,
    errors: FieldError[],
    context: VolumeContext,
  ) => void;
};

/** The volumes that are as they should be, by name: what mounts may refer to. */
export type KnownVolumes = ReadonlyMap<string, Volume>;

export function validateVolumes(
  volumes: readonly Volume[] | undefined,
  metadata: ObjectMeta,
  path: FieldPath,
  errors: FieldError[],
): KnownVolumes {
  const known = new Map<string, Volume>();
  for (const [i, volume] of (volumes ?? []).entries()) {
    const at = path.index(i);
    const own: FieldError[] = [];
    validateSources(volume, { volumeName: volume.name, podName: metadata.name ?? '' }, at, own);
    if (volume.name === '') own.push(required(at.child('name')));
    else checkDns1123Label(volume.name, at.child('name'), own);
    if (known.has(volume.name)) own.push(duplicate(at.child('name'), volume.name));
    if (own.length === 0) known.set(volume.name, volume);
    else errors.push(...own);
  }
  return known;
}

function validateSources(volume: Volume, context: VolumeContext, path: FieldPath, errors: FieldError[]): void {
  let count = 0;
  for (const name of sourceNames) {
    const source = volume[name];
    if (source === undefined) continue;
    const at = path.child(name);
    if (count++ > 0) errors.push(forbidden(at, 'may not specify more than 1 volume type'));
    else
      (sourceRules[name] as (source: unknown, ...rest: [FieldPath, FieldError[], VolumeContext]) => void)(
        source,
        at,
        errors,
        context,
      );
  }
  if (count === 0) errors.push(required(path, 'must specify a volume type'));
}

function need<T>(source: T, fields: readonly (keyof T & string)[], path: FieldPath, errors: FieldError[]): void {
  for (const field of fields) {
    const value = source[field];
    if (value === undefined || value === null || value === '') errors.push(required(path.child(field)));
  }
}

const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

/** In Kubernetes' order: only the first source of a volume is looked into. */
const sourceRules: SourceRules = {
  emptyDir({ sizeLimit }, path, errors) {
    if (sizeLimit !== undefined && Quantity.parse(sizeLimit).sign < 0) {
      errors.push(forbidden(path.child('sizeLimit'), 'SizeLimit field must be a valid resource quantity'));
    }
  },
  hostPath(source, path, errors) {
    if ((source.path ?? '') === '') {
      errors.push(required(path.child('path')));
      return;
    }
    checkNoBacksteps(source.path, path.child('path'), errors);
    if (source.type !== undefined && !hostPathTypes.includes(source.type)) {
      errors.push(notSupported(path.child('type'), source.type, hostPathTypes));
    }
  },
  gitRepo(source, path, errors) {
    need(source, ['repository'], path, errors);
    checkDescendingPath(source.directory ?? '', path.child('directory'), errors);
  },
  gcePersistentDisk(source, path, errors) {
    need(source, ['pdName'], path, errors);
    checkPartition(source.partition, path, errors);
  },
  awsElasticBlockStore(source, path, errors) {
    need(source, ['volumeID'], path, errors);
    checkPartition(source.partition, path, errors);
  },
  secret(source, path, errors) {
    need(source, ['secretName'], path, errors);
    checkFileMode(source.defaultMode, path.child('defaultMode'), errors);
    validateItems(source.items, path.child('items'), errors);
  },
  nfs(source, path, errors) {
    need(source, ['server', 'path'], path, errors);
    if (!(source.path ?? '').startsWith('/'))
      errors.push(invalid(path.child('path'), source.path, 'must be an absolute path'));
  },
  iscsi(source, path, errors) {
    need(source, ['targetPortal', 'iqn'], path, errors);
    if (source.iqn !== '' && !/^(?:iqn|eui|naa)/.test(source.iqn)) {
      errors.push(invalid(path.child('iqn'), source.iqn, 'must be valid format starting with iqn, eui, or naa'));
    }
    if (source.lun < 0 || source.lun > 255) {
      errors.push(invalid(path.child('lun'), source.lun, 'must be between 0 and 255, inclusive'));
    }
  },
  glusterfs: (source, path, errors) => need(source, ['endpoints', 'path'], path, errors),
  flocker({ datasetName, datasetUUID }, path, errors) {
    const named = (datasetName ?? '') !== '';
    const identified = (datasetUUID ?? '') !== '';
    if (!named && !identified) errors.push(required(path, 'one of datasetName and datasetUUID is required'));
    if (named && identified)
      errors.push(invalid(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'));
    if (datasetName?.includes('/') === true)
      errors.push(invalid(path.child('datasetName'), datasetName, "must not contain '/'"));
  },
  persistentVolumeClaim: (source, path, errors) => need(source, ['claimName'], path, errors),
  rbd(source, path, errors) {
    if ((source.monitors?.length ?? 0) === 0) errors.push(required(path.child('monitors')));
    need(source, ['image'], path, errors);
  },
  cinder: (source, path, errors) => need(source, ['volumeID'], path, errors),
  cephfs(source, path, errors) {
    if ((source.monitors?.length ?? 0) === 0) errors.push(required(path.child('monitors')));
  },
  quobyte(source, path, errors) {
    if ((source.registry ?? '') === '') {
      errors.push(required(path.child('registry'), 'must be a host:port pair or multiple pairs separated by commas'));
    }
    need(source, ['volume'], path, errors);
  },
  downwardAPI(source, path, errors) {
    checkFileMode(source.defaultMode, path.child('defaultMode'), errors);
    for (const item of source.items ?? []) validateDownwardFile(item, path, errors);
  },
  fc(source, path, errors) {
    const named = (source.targetWWNs?.length ?? 0) > 0;
    const identified = (source.wwids?.length ?? 0) > 0;
    if (!named && !identified) {
      errors.push(required(path.child('targetWWNs'), 'must specify either targetWWNs or wwids, but not both'));
    }
    if (named && identified) {
      errors.push(
        invalid(
          path.child('targetWWNs'),
          source.targetWWNs,
          'targetWWNs and wwids can not be specified simultaneously',
        ),
      );
    }
    if (named) {
      if (source.lun === undefined)
        errors.push(required(path.child('lun'), 'lun is required if targetWWNs is specified'));
      else if (source.lun < 0 || source.lun > 255) {
        errors.push(invalid(path.child('lun'), source.lun, 'must be between 0 and 255, inclusive'));
      }
    }
  },
  flexVolume(source, path, errors) {
    need(source, ['driver'], path, errors);
    for (const key of Object.keys(source.options ?? {})) {
      const domain = key.split('/')[0]!;
      if (key.includes('/') && (`.${domain}`.endsWith('.kubernetes.io') || `.${domain}`.endsWith('.k8s.io'))) {
        const why = 'kubernetes.io and k8s.io namespaces are reserved';
        errors.push(invalid(path.child('options').key(key), key, why));
      }
    }
  },
  configMap(source, path, errors) {
    need(source, ['name'], path, errors);
    checkFileMode(source.defaultMode, path.child('defaultMode'), errors);
    validateItems(source.items, path.child('items'), errors);
  },
  azureFile: (source, path, errors) => need(source, ['secretName', 'shareName'], path, errors),
  vsphereVolume: (source, path, errors) => need(source, ['volumePath'], path, errors),
  photonPersistentDisk: (source, path, errors) => need(source, ['pdID'], path, errors),
  portworxVolume: (source, path, errors) => need(source, ['volumeID'], path, errors),
  azureDisk: validateAzureDisk,
  storageos(source, path, errors) {
    if ((source.volumeName ?? '') === '') errors.push(required(path.child('volumeName')));
    else checkDns1123Label(source.volumeName!, path.child('volumeName'), errors);
    if ((source.volumeNamespace ?? '') !== '')
      checkDns1123Label(source.volumeNamespace!, path.child('volumeNamespace'), errors);
    if (source.secretRef !== undefined && (source.secretRef.name ?? '') === '') {
      errors.push(required(path.child('secretRef').child('name')));
    }
  },
  projected(source, path, errors) {
    checkFileMode(source.defaultMode, path.child('defaultMode'), errors);
    validateProjections(source, path, errors);
  },
  scaleIO: (source, path, errors) => need(source, ['gateway', 'system', 'volumeName'], path, errors),
  csi(source, path, errors) {
    checkCsiDriver(source.driver, path.child('driver'), errors);
    if (source.nodePublishSecretRef !== undefined && (source.nodePublishSecretRef.name ?? '') === '') {
      errors.push(required(path.child('nodePublishSecretRef').child('name')));
    }
  },
  ephemeral(source, path, errors, { volumeName, podName }) {
    const template = source.volumeClaimTemplate;
    if (template === undefined) {
      errors.push(required(path.child('volumeClaimTemplate')));
      return;
    }
    validateClaimTemplate(template, path.child('volumeClaimTemplate'), errors);
    // The claim is named after both.
    if (podName !== '' && volumeName !== '') {
      const name = `${podName}-${volumeName}`;
      for (const problem of nameIsDnsSubdomain(name)) {
        errors.push(invalid(path.child('name'), volumeName, `PVC name ${JSON.stringify(name)}: ${problem}`));
      }
    }
  },
  image(source, path, errors) {
    need(source, ['reference'], path, errors);
    const { pullPolicy } = source;
    const supported = ['Always', 'IfNotPresent', 'Never'];
    if (pullPolicy !== undefined && !supported.includes(pullPolicy)) {
      errors.push(notSupported(path.child('pullPolicy'), pullPolicy, supported));
    }
  },
};

const sourceNames = Object.keys(sourceRules) as SourceName[];

function checkPartition(partition: number | undefined, path: FieldPath, errors: FieldError[]): void {
  if (partition !== undefined && (partition < 0 || partition > 255)) {
    errors.push(invalid(path.child('partition'), partition, 'must be between 0 and 255, inclusive'));
  }
}

const managedDiskUri =
  '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}';
const blobDiskUri = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd';

function validateAzureDisk(source: Source<'azureDisk'>, path: FieldPath, errors: FieldError[]): void {
  const { cachingMode, diskName, diskURI, kind } = source;
  if (diskName === '') errors.push(required(path.child('diskName')));
  if (diskURI === '') errors.push(required(path.child('diskURI')));
  const modes = ['None', 'ReadOnly', 'ReadWrite'];
  if (cachingMode !== undefined && !modes.includes(cachingMode)) {
    errors.push(notSupported(path.child('cachingMode'), cachingMode, modes));
  }
  const kinds = ['Dedicated', 'Managed', 'Shared'];
  if (kind !== undefined && !kinds.includes(kind)) errors.push(notSupported(path.child('kind'), kind, kinds));
  if (kind === 'Managed' && !diskURI.startsWith('/subscriptions')) {
    errors.push(notSupported(path.child('diskURI'), diskURI, [managedDiskUri]));
  }
  if (kind !== undefined && kind !== 'Managed' && !diskURI.startsWith('https://')) {
    errors.push(notSupported(path.child('diskURI'), diskURI, [blobDiskUri]));
  }
}

export function checkCsiDriver(driver: string, path: FieldPath, errors: FieldError[]): void {
  if (driver === '') errors.push(required(path));
  if (driver.length > 63) errors.push(tooLong(path, '', 63));
  checkAll(nameIsDnsSubdomain(driver.toLowerCase()), path, driver, errors);
}

type KeyToPath = { key: string; path: string; mode?: number };

function validateItems(items: readonly KeyToPath[] | undefined, path: FieldPath, errors: FieldError[]): void {
  for (const [i, item] of (items ?? []).entries()) validateItem(item, path.index(i), errors);
}

function validateItem({ key, path: file, mode }: KeyToPath, path: FieldPath, errors: FieldError[]): void {
  if (key === '') errors.push(required(path.child('key')));
  if (file === '') errors.push(required(path.child('path')));
  checkFilePath(file, path.child('path'), errors);
  checkFileMode(mode, path.child('mode'), errors);
}

type DownwardFile = NonNullable<Source<'downwardAPI'>['items']>[number];

function validateDownwardFile(item: DownwardFile, path: FieldPath, errors: FieldError[]): void {
  const { path: file, fieldRef, resourceFieldRef, mode } = item;
  if (file === '') errors.push(required(path.child('path')));
  checkFilePath(file, path.child('path'), errors);
  if (fieldRef !== undefined) {
    validateFieldRef(fieldRef, volumeFieldPaths, path.child('fieldRef'), errors);
    if (resourceFieldRef !== undefined) {
      errors.push(invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'));
    }
  } else if (resourceFieldRef !== undefined) {
    validateResourceFieldRef(resourceFieldRef, true, path.child('resourceFieldRef'), errors);
  } else errors.push(required(path, 'one of fieldRef and resourceFieldRef is required'));
  checkFileMode(mode, path.child('mode'), errors);
}

function validateProjections({ sources }: Source<'projected'>, path: FieldPath, errors: FieldError[]): void {
  const paths = new Set<string>();
  const claim = (file: string, owner: unknown): void => {
    if (file === '') return;
    if (paths.has(file)) errors.push(invalid(path, owner, 'conflicting duplicate paths'));
    paths.add(file);
  };
  for (const [i, source] of (sources ?? []).entries()) {
    const at = path.child('sources').index(i);
    let count = 0;
    const alone = (field: string): boolean => {
      if (count++ === 0) return true;
      errors.push(forbidden(at.child(field), 'may not specify more than 1 volume type per source'));
      return false;
    };
    const { secret, configMap, downwardAPI, serviceAccountToken } = source;
    for (const [field, projection] of [
      ['secret', secret],
      ['configMap', configMap],
    ] as const) {
      if (projection === undefined || !alone(field)) continue;
      if ((projection.name ?? '') === '') errors.push(required(at.child(field).child('name')));
      for (const [j, item] of (projection.items ?? []).entries()) {
        validateItem(item, at.child(field).child('items').index(j), errors);
        claim(item.path, projection.name);
      }
    }
    if (downwardAPI !== undefined && alone('downwardAPI')) {
      for (const item of downwardAPI.items ?? []) {
        validateDownwardFile(item, at.child('downwardAPI'), errors);
        claim(item.path, item.path);
      }
    }
    if (serviceAccountToken !== undefined && alone('serviceAccountToken')) {
      const { expirationSeconds, path: file } = serviceAccountToken;
      const inside = at.child('serviceAccountToken');
      if (expirationSeconds !== undefined && expirationSeconds < 600) {
        errors.push(
          invalid(
            inside.child('expirationSeconds'),
            expirationSeconds,
            'may not specify a duration less than 10 minutes',
          ),
        );
      } else if (expirationSeconds !== undefined && expirationSeconds > 2 ** 32) {
        errors.push(
          invalid(
            inside.child('expirationSeconds'),
            expirationSeconds,
            'may not specify a duration larger than 2^32 seconds',
          ),
        );
      }
      if (file === '') errors.push(required(inside.child('path')));
      else checkFilePath(file, inside.child('path'), errors);
      claim(file, file);
    }
  }
}
