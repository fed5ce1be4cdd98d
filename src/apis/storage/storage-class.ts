import {
  duplicate,
  type FieldError,
  FieldPath,
  forbidden,
  invalid,
  notSupported,
  required,
  tooLong,
} from '../../machinery/field.ts';
import { deepEqual } from '../../machinery/json.ts';
import { isQualifiedName } from '../../machinery/names.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column } from '../columns.ts';
import type { StorageClass } from '../types.ts';

const definition = 'io.k8s.api.storage.v1.StorageClass';
const defaultAnnotations = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

export const storageClassType = builtinType<StorageClass>({
  group: 'storage.k8s.io',
  kind: 'StorageClass',
  plural: 'storageclasses',
  shortNames: ['sc'],
  scope: 'Cluster',
  columns: [
    column<StorageClass>('Name', 'string', nameText, {
      format: 'name',
      describedBy: ['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', 'name'],
    }),
    column<StorageClass>('Provisioner', 'string', ({ provisioner }) => provisioner, {
      describedBy: [definition, 'provisioner'],
    }),
    column<StorageClass>('ReclaimPolicy', 'string', ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete', {
      describedBy: [definition, 'reclaimPolicy'],
    }),
    column<StorageClass>('VolumeBindingMode', 'string', ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate', {
      describedBy: [definition, 'volumeBindingMode'],
    }),
    column<StorageClass>('AllowVolumeExpansion', 'string', (c) => String(c.allowVolumeExpansion === true), {
      describedBy: [definition, 'allowVolumeExpansion'],
    }),
    ageColumn,
  ],
  strategy: {
    returnsDeletedObject: true,
    default(draft) {
      draft.reclaimPolicy ??= 'Delete';
      draft.volumeBindingMode ??= 'Immediate';
    },
    validate,
    validateUpdate(object, old) {
      const errors = validate(object);
      const fixed: readonly [field: keyof StorageClass & string, why: string][] = [
        ['parameters', 'updates to parameters are forbidden.'],
        ['provisioner', 'updates to provisioner are forbidden.'],
      ];
      for (const [field, why] of fixed) {
        if (!deepEqual(object[field] ?? null, old[field] ?? null)) errors.push(forbidden(field, why));
      }
      for (const field of ['reclaimPolicy', 'volumeBindingMode'] as const) {
        if (object[field] !== old[field]) errors.push(invalid(field, object[field], 'field is immutable'));
      }
      return errors;
    },
  },
});

function nameText({ metadata }: StorageClass): string {
  const isDefault = defaultAnnotations.some((annotation) => metadata.annotations?.[annotation] === 'true');
  return `${metadata.name ?? ''}${isDefault ? ' (default)' : ''}`;
}

const maxParameters = 512;
const maxParametersSize = 256 * 1024;

/** Source: Kubernetes `pkg/apis/storage/validation/validation.go`, ValidateStorageClass. */
function validate({
  provisioner,
  parameters,
  reclaimPolicy,
  volumeBindingMode,
  allowedTopologies,
}: StorageClass): FieldError[] {
  const errors: FieldError[] = [];
  if (provisioner === '') errors.push(required('provisioner'));
  else
    for (const problem of isQualifiedName(provisioner.toLowerCase()))
      errors.push(invalid('provisioner', provisioner, problem));
  const entries = Object.entries(parameters ?? {});
  if (entries.length > maxParameters) {
    errors.push(tooLong('parameters', '', maxParameters));
  } else {
    for (const [key] of entries) if (key === '') errors.push(invalid('parameters', key, 'field can not be empty.'));
    const size = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
    if (size > maxParametersSize) {
      errors.push(tooLong('parameters', '', maxParametersSize));
    }
  }
  if (reclaimPolicy !== 'Delete' && reclaimPolicy !== 'Retain') {
    errors.push(notSupported('reclaimPolicy', reclaimPolicy, ['Delete', 'Retain']));
  }
  if (volumeBindingMode === undefined) errors.push(required('volumeBindingMode'));
  else if (volumeBindingMode !== 'Immediate' && volumeBindingMode !== 'WaitForFirstConsumer') {
    errors.push(notSupported('volumeBindingMode', volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']));
  }
  const path = FieldPath.of('allowedTopologies');
  for (const [i, { matchLabelExpressions }] of (allowedTopologies ?? []).entries()) {
    for (const [j, { values }] of (matchLabelExpressions ?? []).entries()) {
      const at = path.index(i).child('matchLabelExpressions').index(j).child('values');
      if ((values?.length ?? 0) === 0) errors.push(required(at));
      for (const [k, value] of (values ?? []).entries())
        if (values.indexOf(value) < k) errors.push(duplicate(at.index(k), value));
    }
  }
  return errors;
}
