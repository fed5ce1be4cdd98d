import { type FieldError, FieldPath, invalid, notSupported } from '../../machinery/field.ts';
import { checkAtMost100Percent, checkIntOrPercent } from '../apps/workload-validation.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { checkLabelSelector } from '../core/scheduling-validation.ts';
import { zeroOf } from '../normal-form.ts';
import type { PodDisruptionBudget } from '../types.ts';

const status = 'io.k8s.api.policy.v1.PodDisruptionBudgetStatus';

export const podDisruptionBudgetType = builtinType<PodDisruptionBudget>({
  group: 'policy',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  shortNames: ['pdb'],
  status: true,
  columns: [
    nameColumn,
    column<PodDisruptionBudget>('Min Available', 'string', ({ spec }) => orNotSet(spec?.minAvailable), {
      description: 'The minimum number of pods that must be available.',
    }),
    column<PodDisruptionBudget>('Max Unavailable', 'string', ({ spec }) => orNotSet(spec?.maxUnavailable), {
      description: 'The maximum number of pods that may be unavailable.',
    }),
    column<PodDisruptionBudget>('Allowed Disruptions', 'integer', (budget) => budget.status?.disruptionsAllowed ?? 0, {
      description: 'Calculated number of pods that may be disrupted at this time.',
    }),
    ageColumn,
  ],
  strategy: {
    generation: true,
    prepareForCreate(draft) {
      draft.status = zeroOf(status);
    },
    prepareForUpdate(draft, old) {
      draft.status = old.status ?? zeroOf(status);
    },
    validate,
    validateUpdate: validate,
  },
});

const orNotSet = (value: number | string | undefined): string => (value === undefined ? 'N/A' : String(value));

/** Source: Kubernetes `pkg/apis/policy/validation/validation.go`, ValidatePodDisruptionBudgetSpec. */
function validate({ spec }: PodDisruptionBudget): FieldError[] {
  const errors: FieldError[] = [];
  if (spec === undefined) return errors;
  const path = FieldPath.of('spec');
  const { minAvailable, maxUnavailable, unhealthyPodEvictionPolicy } = spec;
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    errors.push(invalid(path, spec, 'minAvailable and maxUnavailable cannot be both set'));
  }
  for (const [field, value] of Object.entries({ minAvailable, maxUnavailable })) {
    if (value === undefined) continue;
    checkIntOrPercent(value, path.child(field), errors);
    checkAtMost100Percent(value, path.child(field), errors);
  }
  checkLabelSelector(spec.selector, path.child('selector'), errors);
  const policies = ['AlwaysAllow', 'IfHealthyBudget'];
  if (unhealthyPodEvictionPolicy !== undefined && !policies.includes(unhealthyPodEvictionPolicy)) {
    errors.push(notSupported(path.child('unhealthyPodEvictionPolicy'), unhealthyPodEvictionPolicy, policies));
  }
  return errors;
}
