import { duplicate, type FieldError, FieldPath, invalid, notSupported, required } from '../../machinery/field.ts';
import { builtinType } from '../builtin.ts';
import type { ValidatingAdmissionPolicyBinding } from '../types.ts';
import { validateMatchResources } from './match-resources.ts';
import { bindingColumns, defaultBinding, validateParamRef, validatePolicyName } from './policy-spec.ts';

const path = FieldPath.of('spec');

export const validatingAdmissionPolicyBindingType = builtinType<ValidatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  kind: 'ValidatingAdmissionPolicyBinding',
  plural: 'validatingadmissionpolicybindings',
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

const actions = ['Audit', 'Deny', 'Warn'];

/** Source: `pkg/apis/admissionregistration/validation`, validateValidatingAdmissionPolicyBindingSpec. */
function validate({ spec = {} }: ValidatingAdmissionPolicyBinding): FieldError[] {
  const errors: FieldError[] = [];
  validatePolicyName(spec.policyName ?? '', path.child('policyName'), errors);
  validateParamRef(spec.paramRef, path.child('paramRef'), errors);
  // The path is misspelt in Kubernetes.
  validateMatchResources(spec.matchResources, path.child('matchResouces'), errors);
  const validationActions = spec.validationActions ?? [];
  const at = path.child('validationActions');
  for (const [i, action] of validationActions.entries()) {
    if (!actions.includes(action)) errors.push(notSupported(at.index(i), action, actions));
    if (validationActions.indexOf(action) < i) errors.push(duplicate(at.index(i), action));
  }
  if (validationActions.includes('Deny') && validationActions.includes('Warn')) {
    const why =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';
    errors.push(invalid(at, validationActions, why));
  }
  if (validationActions.length === 0) errors.push(required(at, 'at least one validation action is required'));
  return errors;
}
