import type * as k8s from '@kubernetes/client-node';
import { type FieldError, FieldPath } from '../../machinery/field.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import type { Kind } from '../types.ts';
import { defaultMatchResources, validateMatchResources } from './match-resources.ts';
import { mutatingOperations } from './mutating-admission-policy.ts';
import { paramRefText, validateParamRef, validatePolicyName } from './policy-spec.ts';

/** Version v1 has the shape of v1beta1. */
export type MutatingAdmissionPolicyBinding = Kind<k8s.V1beta1MutatingAdmissionPolicyBinding>;

const path = FieldPath.of('spec');

export const mutatingAdmissionPolicyBindingType = builtinType<MutatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  kind: 'MutatingAdmissionPolicyBinding',
  plural: 'mutatingadmissionpolicybindings',
  categories: ['api-extensions'],
  scope: 'Cluster',
  columns: [
    nameColumn,
    column<MutatingAdmissionPolicyBinding>('PolicyName', 'string', ({ spec }) => spec?.policyName ?? '', {
      description: 'PolicyName indicates the policy definition which the policy binding binded to',
    }),
    column<MutatingAdmissionPolicyBinding>('ParamRef', 'string', ({ spec }) => paramRefText(spec?.paramRef), {
      description: 'ParamRef indicates the param resource which sets the configration param',
    }),
    ageColumn,
  ],
  strategy: {
    generation: true,
    default({ spec }) {
      if (spec?.matchResources !== undefined) defaultMatchResources(spec.matchResources);
    },
    validate,
    validateUpdate: validate,
  },
});

/** Source: `pkg/apis/admissionregistration/validation`, validateMutatingAdmissionPolicyBindingSpec. */
function validate({ spec = {} }: MutatingAdmissionPolicyBinding): FieldError[] {
  const errors: FieldError[] = [];
  validatePolicyName(spec.policyName ?? '', path.child('policyName'), errors);
  validateParamRef(spec.paramRef, path.child('paramRef'), errors);
  validateMatchResources(spec.matchResources, path.child('matchResources'), errors, mutatingOperations);
  return errors;
}
