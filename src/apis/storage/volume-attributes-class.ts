import { type FieldError, FieldPath, required, tooLong } from '../../machinery/field.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { checkImmutable } from '../core/field-rules.ts';
import { checkCsiDriver } from '../core/volume-validation.ts';
import type { VolumeAttributesClass } from '../types.ts';

const maxParameters = 512;
const maxParameterBytes = 256 * 1024;

export const volumeAttributesClassType = builtinType<VolumeAttributesClass>({
  group: 'storage.k8s.io',
  kind: 'VolumeAttributesClass',
  plural: 'volumeattributesclasses',
  shortNames: ['vac'],
  scope: 'Cluster',
  columns: [
    nameColumn,
    column<VolumeAttributesClass>('DriverName', 'string', ({ driverName }) => driverName, {
      describedBy: ['io.k8s.api.storage.v1.VolumeAttributesClass', 'driverName'],
    }),
    ageColumn,
  ],
  strategy: {
    validate,
    validateUpdate(object, old) {
      const errors: FieldError[] = [];
      checkImmutable(object.driverName, old.driverName, FieldPath.of('driverName'), errors);
      checkImmutable(object.parameters, old.parameters, FieldPath.of('parameters'), errors);
      return errors;
    },
  },
});

/** Source: Kubernetes `pkg/apis/storage/validation/validation.go`, ValidateVolumeAttributesClass. */
function validate({ driverName, parameters = {} }: VolumeAttributesClass): FieldError[] {
  const errors: FieldError[] = [];
  checkCsiDriver(driverName, FieldPath.of('driverName'), errors);
  const entries = Object.entries(parameters);
  const path = FieldPath.of('parameters');
  if (entries.length === 0) errors.push(required(path, 'must contain at least one key/value pair'));
  if (entries.length > maxParameters) errors.push(tooLong(path, '', maxParameters));
  let bytes = 0;
  for (const [key, value] of entries) {
    if (key === '') errors.push(required(path, 'field can not be empty.'));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > maxParameterBytes) errors.push(tooLong(path, '', maxParameterBytes));
  return errors;
}
