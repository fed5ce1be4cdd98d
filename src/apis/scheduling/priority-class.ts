import { type FieldError, FieldPath, forbidden, invalid, notSupported } from '../../machinery/field.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import type { PriorityClass } from '../types.ts';

const definition = 'io.k8s.api.scheduling.v1.PriorityClass';

/** What users may give; above it are the system's classes. */
const highestUserPriority = 1_000_000_000;
const systemClasses: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
};

export const priorityClassType = builtinType<PriorityClass>({
  group: 'scheduling.k8s.io',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  shortNames: ['pc'],
  scope: 'Cluster',
  columns: [
    nameColumn,
    column<PriorityClass>('Value', 'integer', ({ value }) => value, { describedBy: [definition, 'value'] }),
    column<PriorityClass>('Global-Default', 'boolean', ({ globalDefault }) => globalDefault === true, {
      describedBy: [definition, 'globalDefault'],
    }),
    ageColumn,
    column<PriorityClass>('PreemptionPolicy', 'string', ({ preemptionPolicy }) => preemptionPolicy ?? '', {
      describedBy: [definition, 'preemptionPolicy'],
    }),
  ],
  strategy: {
    prepareForCreate({ metadata }) {
      // It never counts further.
      metadata.generation = 1;
    },
    default(draft) {
      draft.preemptionPolicy ??= 'PreemptLowerPriority';
    },
    validate,
    validateUpdate(object, old) {
      const errors: FieldError[] = [];
      if (object.value !== old.value) {
        errors.push(forbidden('value', 'may not be changed in an update.'));
      }
      if (object.preemptionPolicy !== old.preemptionPolicy) {
        errors.push(invalid('preemptionPolicy', object.preemptionPolicy, 'field is immutable'));
      }
      return errors;
    },
  },
});

/** Source: Kubernetes `pkg/apis/scheduling/validation/validation.go`, ValidatePriorityClass. */
function validate({ metadata: { name = '' }, value, globalDefault, preemptionPolicy }: PriorityClass): FieldError[] {
  const errors: FieldError[] = [];
  if (name.startsWith('system-')) {
    const known = systemClasses[name];
    let why: string | undefined;
    if (known === undefined) why = `${name} is not a known system priority class`;
    else if (known !== value) why = `value of ${name} PriorityClass must be ${known}`;
    else if (globalDefault === true) why = `globalDefault of ${name} PriorityClass must be false`;
    if (why !== undefined) {
      const path = FieldPath.of('metadata', 'name');
      errors.push(
        forbidden(path, `priority class names with 'system-' prefix are reserved for system use only. error: ${why}`),
      );
    }
  } else if (value > highestUserPriority) {
    errors.push(forbidden('value', `maximum allowed value of a user defined priority is ${highestUserPriority}`));
  }
  const policies = ['PreemptLowerPriority', 'Never'];
  if (preemptionPolicy !== undefined && !policies.includes(preemptionPolicy)) {
    errors.push(notSupported('preemptionPolicy', preemptionPolicy, policies));
  }
  return errors;
}
