import type * as k8s from '@kubernetes/client-node';
import { type FieldError, FieldPath } from '../../machinery/field.ts';
import { builtinType } from '../builtin.ts';
import type { Kind } from '../types.ts';
import { validateMatchResources } from './match-resources.ts';
import { mutatingOperations } from './mutating-admission-policy.ts';
import { bindingColumns, defaultBinding, validateParamRef, validatePolicyName } from './policy-spec.ts';

/** Version v1 has the shape of v1beta1. */
export type MutatingAdmissionPolicyBinding = Kind<k8s.V1beta1MutatingAdmissionPolicyBinding>;

const path = FieldPath.of('spec');

export const mutatingAdmissionPolicyBindingType = builtinType<MutatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  kind: 'MutatingAdmissionPolicyBinding',
  plural: 'mutatingadmissionpolicybindings',
  categories: ['api-extensions'],
  scope: 'Cluster',
  columns: bindingColumns,
  strategy: {
    generation: true,
    default: defaultBinding,
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
