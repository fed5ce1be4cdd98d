import { type FieldError, FieldPath, invalid, notSupported, required } from '../../machinery/field.ts';
import { deepEqual } from '../../machinery/json.ts';
import { isQualifiedName } from '../../machinery/names.ts';
import { Quantity } from '../../machinery/quantity.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import type { ResourceQuota } from '../types.ts';
import { checkAll } from './field-rules.ts';
import { validateQuantity } from './resource-validation.ts';

export const resourceQuotaType = builtinType<ResourceQuota>({
  group: '',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  shortNames: ['quota'],
  status: true,
  columns: [
    nameColumn,
    column<ResourceQuota>('Request', 'string', (quota) => usageText(quota, false), {
      description: 'Request represents a minimum amount of cpu/memory that a container may consume.',
    }),
    column<ResourceQuota>('Limit', 'string', (quota) => usageText(quota, true), {
      description:
        'Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.',
    }),
    ageColumn,
  ],
  strategy: {
    prepareForCreate(draft) {
      draft.status = {};
    },
    prepareForUpdate(draft, old) {
      draft.status = old.status ?? {};
    },
    returnsDeletedObject: true,
    validate,
    validateUpdate(object, old) {
      const errors = validate(object);
      const scopes = (quota: ResourceQuota): string[] => [...(quota.spec?.scopes ?? [])].sort();
      if (!deepEqual(scopes(object), scopes(old))) {
        errors.push(invalid(FieldPath.of('spec', 'scopes'), object.spec?.scopes ?? [], 'field is immutable'));
      }
      return errors;
    },
  },
});

function usageText({ status: { hard = {}, used = {} } = {} }: ResourceQuota, limits: boolean): string {
  return Object.keys(hard)
    .sort()
    .filter((name) => /^limits\.(cpu|memory)$/.test(name) === limits)
    .map((name) => `${name}: ${used[name] ?? '0'}/${hard[name]}`)
    .join(', ');
}

const scopes = [
  'BestEffort',
  'CrossNamespacePodAffinity',
  'NotBestEffort',
  'NotTerminating',
  'PriorityClass',
  'Terminating',
];

const existScopes = scopes.filter((scope) => scope !== 'PriorityClass');
const mustExist =
  "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";

/** Source: Kubernetes `pkg/apis/core/validation/validation.go`, ValidateResourceQuotaSpec. */
function validate({ spec = {} }: ResourceQuota): FieldError[] {
  const errors: FieldError[] = [];
  const path = FieldPath.of('spec');
  for (const [name, text] of Object.entries(spec.hard ?? {})) {
    const at = path.child('hard').key(name);
    checkAll(isQualifiedName(name), at, name, errors);
    validateQuantity(name, Quantity.parse(text), at, errors);
  }
  const given = spec.scopes ?? [];
  const scopesPath = path.child('scopes');
  for (const scope of given) {
    if (!scopes.includes(scope)) errors.push(invalid(scopesPath, given, 'unsupported scope'));
  }
  for (const [one, other] of [
    ['BestEffort', 'NotBestEffort'],
    ['Terminating', 'NotTerminating'],
  ] as const) {
    if (given.includes(one) && given.includes(other)) errors.push(invalid(scopesPath, given, 'conflicting scopes'));
  }
  for (const { operator, values = [], scopeName } of spec.scopeSelector?.matchExpressions ?? []) {
    const at = path.child('scopeSelector').child('matchExpressions');
    if (!scopes.includes(scopeName)) errors.push(invalid(at.child('scopeName'), scopeName, 'unsupported scope'));
    if (existScopes.includes(scopeName) && operator !== 'Exists') {
      errors.push(invalid(at.child('operator'), operator, mustExist));
    }
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0)
        errors.push(
          required(
            at.child('values'),
            "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
          ),
        );
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0)
        errors.push(
          invalid(
            at.child('values'),
            values,
            "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
          ),
        );
    } else errors.push(notSupported(at.child('operator'), operator, ['DoesNotExist', 'Exists', 'In', 'NotIn']));
  }
  return errors;
}
