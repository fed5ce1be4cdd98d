import { duplicate, type FieldError, FieldPath, invalid, notSupported, required } from '../../machinery/field.ts';
import { deepEqual } from '../../machinery/json.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import type { CSIDriver } from '../types.ts';

const spec = 'io.k8s.api.storage.v1.CSIDriverSpec';
const path = FieldPath.of('spec');

const flagColumn = (name: string, field: 'attachRequired' | 'podInfoOnMount' | 'storageCapacity') =>
  column<CSIDriver>(name, 'boolean', (driver) => driver.spec[field] ?? field === 'attachRequired', {
    describedBy: [spec, field],
  });

export const csiDriverType = builtinType<CSIDriver>({
  group: 'storage.k8s.io',
  kind: 'CSIDriver',
  plural: 'csidrivers',
  scope: 'Cluster',
  columns: [
    nameColumn,
    flagColumn('AttachRequired', 'attachRequired'),
    flagColumn('PodInfoOnMount', 'podInfoOnMount'),
    flagColumn('StorageCapacity', 'storageCapacity'),
    column<CSIDriver>(
      'TokenRequests',
      'string',
      (driver) => (driver.spec.tokenRequests ?? []).map(({ audience }) => audience).join(',') || '<unset>',
      { describedBy: [spec, 'tokenRequests'] },
    ),
    column<CSIDriver>('RequiresRepublish', 'boolean', (driver) => driver.spec.requiresRepublish === true, {
      describedBy: [spec, 'requiresRepublish'],
    }),
    column<CSIDriver>('Modes', 'string', (driver) => (driver.spec.volumeLifecycleModes ?? []).join(',') || '<none>', {
      describedBy: [spec, 'volumeLifecycleModes'],
    }),
    ageColumn,
  ],
  strategy: {
    returnsDeletedObject: true,
    default({ spec: draft }) {
      draft.attachRequired ??= true;
      draft.podInfoOnMount ??= false;
      draft.storageCapacity ??= false;
      draft.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
      draft.volumeLifecycleModes ??= ['Persistent'];
      draft.requiresRepublish ??= false;
      draft.seLinuxMount ??= false;
    },
    prepareForUpdate(draft, old) {
      // The first change counts as the first generation.
      if (counted.every((field) => deepEqual(draft.spec[field] ?? null, old.spec[field] ?? null))) return;
      draft.metadata.generation = (old.metadata.generation ?? 0) + 1;
    },
    validate,
    validateUpdate(object, old) {
      const errors = validate(object);
      for (const field of ['attachRequired', 'volumeLifecycleModes'] as const) {
        if (!deepEqual(object.spec[field], old.spec[field])) {
          errors.push(
            invalid(
              path.child(field === 'attachRequired' ? 'attachedRequired' : field),
              object.spec[field],
              'field is immutable',
            ),
          );
        }
      }
      validateTokenRequests(object, errors); // Once more, as in Kubernetes.
      return errors;
    },
  },
});

const counted = ['tokenRequests', 'requiresRepublish', 'seLinuxMount', 'nodeAllocatableUpdatePeriodSeconds'] as const;

/** Source: Kubernetes `pkg/apis/storage/validation/validation.go`, ValidateCSIDriver. */
function validate(driver: CSIDriver): FieldError[] {
  const { fsGroupPolicy, volumeLifecycleModes, ...flags } = driver.spec;
  const errors: FieldError[] = [];
  for (const field of ['attachRequired', 'podInfoOnMount', 'storageCapacity'] as const) {
    if (flags[field] === undefined) errors.push(required(path.child(field)));
  }
  const policies = ['File', 'None', 'ReadWriteOnceWithFSType'];
  if (fsGroupPolicy !== undefined && !policies.includes(fsGroupPolicy)) {
    errors.push(notSupported(path.child('fsGroupPolicy'), fsGroupPolicy, policies));
  }
  validateTokenRequests(driver, errors);
  for (const mode of volumeLifecycleModes ?? []) {
    if (mode !== 'Persistent' && mode !== 'Ephemeral') {
      errors.push(notSupported(path.child('volumeLifecycleModes'), mode, ['Persistent', 'Ephemeral']));
    }
  }
  return errors;
}

function validateTokenRequests({ spec: { tokenRequests } }: CSIDriver, errors: FieldError[]): void {
  const audiences = new Set<string>();
  for (const [i, { audience, expirationSeconds }] of (tokenRequests ?? []).entries()) {
    const at = path.child('tokenRequests').index(i);
    if (audiences.has(audience)) errors.push(duplicate(at.child('audience'), audience));
    audiences.add(audience);
    if (expirationSeconds === undefined) continue;
    if (expirationSeconds < 600) {
      errors.push(
        invalid(at.child('expirationSeconds'), expirationSeconds, 'may not specify a duration less than 10 minutes'),
      );
    }
    if (expirationSeconds > 2 ** 32) {
      errors.push(
        invalid(
          at.child('expirationSeconds'),
          expirationSeconds,
          'may not specify a duration larger than 2^32 seconds',
        ),
      );
    }
  }
}
