import type * as k8s from '@kubernetes/client-node';
import { type FieldError, FieldPath, invalid, notSupported, required } from '../../machinery/field.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import type { Kind } from '../types.ts';
import { checkExpression, type ExpressionScope } from './expressions.ts';
import { defaultPolicy, paramKindColumn, validatePolicyFrame } from './policy-spec.ts';

/** Version v1 has the shape of v1beta1. */
export type MutatingAdmissionPolicy = Kind<k8s.V1beta1MutatingAdmissionPolicy>;
type Mutation = NonNullable<NonNullable<MutatingAdmissionPolicy['spec']>['mutations']>[number];

const path = FieldPath.of('spec');

export const mutatingAdmissionPolicyType = builtinType<MutatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  kind: 'MutatingAdmissionPolicy',
  plural: 'mutatingadmissionpolicies',
  categories: ['api-extensions'],
  scope: 'Cluster',
  columns: [
    nameColumn,
    column<MutatingAdmissionPolicy>('Mutations', 'integer', ({ spec }) => spec?.mutations?.length ?? 0, {
      description: 'Mutations indicates the number of mutations rules defined in this configuration',
    }),
    paramKindColumn,
    ageColumn,
  ],
  strategy: {
    generation: true,
    default: defaultPolicy,
    validate,
    validateUpdate: validate,
  },
});

/** What is deleted cannot be changed. */
export const mutatingOperations = ['*', 'CONNECT', 'CREATE', 'UPDATE'];
const patchTypes = ['ApplyConfiguration', 'JSONPatch'];
const reinvocationPolicies = ['Never', 'IfNeeded'];

/** Source: `pkg/apis/admissionregistration/validation`, validateMutatingAdmissionPolicySpec. */
function validate({ spec = {} }: MutatingAdmissionPolicy): FieldError[] {
  const errors: FieldError[] = [];
  const frame = validatePolicyFrame(spec, path, errors, mutatingOperations);
  const scope = { ...frame, variables: frame.variables ?? new Map() };
  const { mutations = [], reinvocationPolicy = '' } = spec;
  if (mutations.length === 0) {
    errors.push(required(path.child('mutations'), 'mutations must contain at least one item'));
  }
  for (const [i, mutation] of mutations.entries()) {
    validateMutation(mutation, scope, path.child('mutations').index(i), errors);
  }
  const at = path.child('reinvocationPolicy');
  if (reinvocationPolicy === '') errors.push(required(at));
  else if (!reinvocationPolicies.includes(reinvocationPolicy)) {
    errors.push(notSupported(at, reinvocationPolicy, reinvocationPolicies));
  }
  return errors;
}

function validateMutation(mutation: Mutation, scope: ExpressionScope, at: FieldPath, errors: FieldError[]): void {
  const { patchType = '', applyConfiguration, jsonPatch } = mutation;
  const forms = {
    ApplyConfiguration: { field: 'applyConfiguration', given: applyConfiguration, result: 'Object' },
    JSONPatch: { field: 'jsonPatch', given: jsonPatch, result: 'list(JSONPatch)' },
  };
  if (patchType === '') {
    errors.push(required(at.child('patchType')));
    return;
  }
  if (patchType !== 'ApplyConfiguration' && patchType !== 'JSONPatch') {
    errors.push(notSupported(at.child('patchType'), patchType, patchTypes));
    return;
  }
  const { field, given, result } = forms[patchType];
  if (given === undefined) errors.push(required(at.child(field), `must be specified when patchType is ${patchType}`));
  else {
    const expressionPath = at.child(field).child('expression');
    const expression = (given.expression ?? '').trim();
    if (expression === '') errors.push(required(expressionPath, 'expression is not specified'));
    else checkExpression(expression, { ...scope, patchTypes: true }, [result], expressionPath, errors);
  }
  const other = patchType === 'JSONPatch' ? forms.ApplyConfiguration : forms.JSONPatch;
  if (other.given !== undefined) {
    const why = `must not be specified when patchType is ${patchType}`;
    errors.push(invalid(at.child(other.field), `{${other.field}}`, why));
  }
}
