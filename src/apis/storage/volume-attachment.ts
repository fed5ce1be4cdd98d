import { type FieldError, FieldPath, forbidden, invalid, required } from '../../machinery/field.ts';
import { deepEqual } from '../../machinery/json.ts';
import { nameIsDnsSubdomain } from '../../machinery/names.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { checkAll } from '../core/field-rules.ts';
import { checkCsiDriver } from '../core/volume-validation.ts';
import { zeroOf } from '../normal-form.ts';
import type { VolumeAttachment } from '../types.ts';

const spec = 'io.k8s.api.storage.v1.VolumeAttachmentSpec';
const status = 'io.k8s.api.storage.v1.VolumeAttachmentStatus';

export const volumeAttachmentType = builtinType<VolumeAttachment>({
  group: 'storage.k8s.io',
  kind: 'VolumeAttachment',
  plural: 'volumeattachments',
  scope: 'Cluster',
  status: true,
  columns: [
    nameColumn,
    column<VolumeAttachment>('Attacher', 'string', (a) => a.spec.attacher, {
      format: 'name',
      describedBy: [spec, 'attacher'],
    }),
    column<VolumeAttachment>('PV', 'string', (a) => a.spec.source.persistentVolumeName ?? '', {
      describedBy: ['io.k8s.api.storage.v1.VolumeAttachmentSource', 'persistentVolumeName'],
    }),
    column<VolumeAttachment>('Node', 'string', (a) => a.spec.nodeName, { describedBy: [spec, 'nodeName'] }),
    column<VolumeAttachment>('Attached', 'boolean', (a) => a.status?.attached ?? false, {
      describedBy: [status, 'attached'],
    }),
    ageColumn,
  ],
  strategy: {
    returnsDeletedObject: true,
    resetFields: { object: ['status'], status: ['metadata', 'spec'] },
    prepareForCreate(draft) {
      draft.status = zeroOf(status);
    },
    prepareForUpdate(draft, old) {
      if (old.status !== undefined) draft.status = old.status;
    },
    validate,
    validateUpdate(object, old) {
      const errors = validate(object);
      if (!deepEqual(object.spec, old.spec)) {
        errors.push(invalid('spec', object.spec, 'field is immutable'));
      }
      return errors;
    },
  },
});

/** Source: Kubernetes `pkg/apis/storage/validation/validation.go`, ValidateVolumeAttachment. */
function validate({ spec: { attacher, source, nodeName } }: VolumeAttachment): FieldError[] {
  const errors: FieldError[] = [];
  const path = FieldPath.of('spec');
  if (attacher === '') errors.push(required(path.child('attacher')));
  const { inlineVolumeSpec: inline, persistentVolumeName: name } = source;
  const at = path.child('source');
  if (inline === undefined && name === undefined)
    errors.push(required(at, 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'));
  if (inline !== undefined && name !== undefined) {
    errors.push(forbidden(at, 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'));
  }
  if (name !== undefined) {
    if (name === '')
      errors.push(required(at.child('persistentVolumeName'), 'must specify non empty persistentVolumeName'));
    else checkAll(nameIsDnsSubdomain(name), at.child('persistentVolumeName'), name, errors);
  }
  checkAll(nameIsDnsSubdomain(nodeName), path.child('nodeName'), nodeName, errors);
  checkCsiDriver(attacher, path.child('attacher'), errors);
  return errors;
}
