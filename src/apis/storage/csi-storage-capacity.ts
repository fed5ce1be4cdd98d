import { type FieldError, FieldPath, invalid } from '../../machinery/field.ts';
import { nameIsDnsSubdomain } from '../../machinery/names.ts';
import { validateImmutableField } from '../../machinery/object-meta.ts';
import { Quantity } from '../../machinery/quantity.ts';
import { builtinType } from '../builtin.ts';
import { column, nameColumn } from '../columns.ts';
import { checkAll, negative } from '../core/field-rules.ts';
import { checkLabelSelector } from '../core/scheduling-validation.ts';
import type { CSIStorageCapacity } from '../types.ts';

const definition = 'io.k8s.api.storage.v1.CSIStorageCapacity';

export const csiStorageCapacityType = builtinType<CSIStorageCapacity>({
  group: 'storage.k8s.io',
  kind: 'CSIStorageCapacity',
  plural: 'csistoragecapacities',
  listKind: 'CSIStorageCapacityList',
  columns: [
    nameColumn,
    column<CSIStorageCapacity>('StorageClassName', 'string', ({ storageClassName }) => storageClassName, {
      describedBy: [definition, 'storageClassName'],
    }),
    column<CSIStorageCapacity>('Capacity', 'string', ({ capacity }) => capacity ?? '<unset>', {
      describedBy: [definition, 'capacity'],
    }),
  ],
  strategy: {
    validate,
    validateUpdate: (object, old) => [
      ...validate(object),
      ...validateImmutableField(object.nodeTopology, old.nodeTopology, FieldPath.of('nodeTopology')),
      ...validateImmutableField(object.storageClassName, old.storageClassName, FieldPath.of('storageClassName')),
    ],
  },
});

/** Source: Kubernetes `pkg/apis/storage/validation/validation.go`, ValidateCSIStorageCapacity. */
function validate({ storageClassName, nodeTopology, capacity, maximumVolumeSize }: CSIStorageCapacity): FieldError[] {
  const errors: FieldError[] = [];
  checkAll(nameIsDnsSubdomain(storageClassName), FieldPath.of('storageClassName'), storageClassName, errors);
  checkLabelSelector(nodeTopology, FieldPath.of('nodeTopology'), errors);
  for (const [field, text] of Object.entries({ capacity, maximumVolumeSize })) {
    if (text !== undefined && Quantity.parse(text).sign < 0) errors.push(invalid(field, text, negative));
  }
  return errors;
}
