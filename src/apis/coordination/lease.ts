import { type FieldError, FieldPath, forbidden, invalid, required } from '../../machinery/field.ts';
import { isFullyQualifiedName } from '../../machinery/names.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import type { Lease } from '../types.ts';

export const leaseType = builtinType<Lease>({
  group: 'coordination.k8s.io',
  kind: 'Lease',
  plural: 'leases',
  columns: [
    nameColumn,
    column<Lease>('Holder', 'string', ({ spec }) => spec?.holderIdentity ?? '', {
      describedBy: ['io.k8s.api.coordination.v1.LeaseSpec', 'holderIdentity'],
    }),
    ageColumn,
  ],
  strategy: {
    allowCreateOnUpdate: true,
    allowUnconditionalUpdate: false,
    validate: validateLease,
    validateUpdate: validateLease,
  },
});

const strategies = ['OldestEmulationVersion'];

/** Source: Kubernetes `pkg/apis/coordination/validation/validation.go`. */
function validateLease(object: Lease): FieldError[] {
  const spec = object.spec;
  const path = FieldPath.of('spec');
  const errors: FieldError[] = [];
  if (spec === undefined) return errors;
  const { leaseDurationSeconds, leaseTransitions, strategy, preferredHolder } = spec;
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) {
    errors.push(invalid(path.child('leaseDurationSeconds'), leaseDurationSeconds, 'must be greater than 0'));
  }
  if (leaseTransitions !== undefined && leaseTransitions < 0) {
    errors.push(invalid(path.child('leaseTransitions'), leaseTransitions, 'must be greater than or equal to 0'));
  }
  if (strategy !== undefined) errors.push(...validateStrategy(strategy, path.child('strategy')));
  if ((preferredHolder ?? '') !== '' && (strategy ?? '') === '') {
    errors.push(forbidden(path.child('preferredHolder'), 'may only be specified when `strategy` is defined'));
  }
  return errors;
}

function validateStrategy(strategy: string, path: FieldPath): FieldError[] {
  if (strategy === '') return [required(path)];
  if (strategies.includes(strategy)) return [];
  const problems = isFullyQualifiedName(path, strategy);
  return problems.length === 0
    ? []
    : [invalid(path, strategy, `must be one of ${strategies.join(', ')} or a qualified name`)];
}
