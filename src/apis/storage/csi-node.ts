import { duplicate, type FieldError, FieldPath, invalid, required } from '../../machinery/field.ts';
import { deepEqual } from '../../machinery/json.ts';
import { validateLabelName } from '../../machinery/label-selector.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { checkNonNegative } from '../core/field-rules.ts';
import { checkCsiDriver } from '../core/volume-validation.ts';
import type { CSINode } from '../types.ts';

type Driver = CSINode['spec']['drivers'][number];

const path = FieldPath.of('spec', 'drivers');
const maxNodeIdLength = 192;

export const csiNodeType = builtinType<CSINode>({
  group: 'storage.k8s.io',
  kind: 'CSINode',
  plural: 'csinodes',
  scope: 'Cluster',
  columns: [
    nameColumn,
    column<CSINode>('Drivers', 'integer', ({ spec }) => spec.drivers?.length ?? 0, {
      describedBy: ['io.k8s.api.storage.v1.CSINodeSpec', 'drivers'],
    }),
    ageColumn,
  ],
  strategy: {
    validate,
    validateUpdate(object, old) {
      const errors: FieldError[] = [];
      // A driver's entry is replaced as a whole: it goes and comes back.
      for (const driver of object.spec.drivers ?? []) {
        const before = old.spec.drivers?.find(({ name }) => name === driver.name);
        if (before !== undefined && !deepEqual(driver, before)) {
          errors.push(invalid(FieldPath.of('CSINodeDriver'), driver, 'field is immutable'));
        }
      }
      return [...errors, ...validate(object)];
    },
  },
});

/** Source: Kubernetes `pkg/apis/storage/validation/validation.go`, ValidateCSINode. */
function validate({ spec }: CSINode): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [i, driver] of (spec.drivers ?? []).entries()) {
    const at = path.index(i);
    validateDriver(driver, at, errors);
    if (names.has(driver.name)) errors.push(duplicate(at.child('name'), driver.name));
    names.add(driver.name);
  }
  return errors;
}

function validateDriver(
  { name, nodeID, topologyKeys, allocatable }: Driver,
  at: FieldPath,
  errors: FieldError[],
): void {
  checkCsiDriver(name, at.child('name'), errors);
  if (nodeID === '') errors.push(required(at.child('nodeID')));
  if (nodeID.length > maxNodeIdLength) {
    errors.push(invalid(at.child('nodeID'), nodeID, `must be ${maxNodeIdLength} characters or less`));
  }
  if (allocatable?.count !== undefined)
    checkNonNegative(allocatable.count, at.child('allocatable').child('count'), errors);
  const seen = new Set<string>();
  for (const key of topologyKeys ?? []) {
    if (key === '') errors.push(required(at));
    if (seen.has(key)) errors.push(duplicate(at, key));
    seen.add(key);
    if (key !== '') errors.push(...validateLabelName(key, at));
  }
}
