import { duplicate, type FieldError, FieldPath, invalid, notSupported, required } from '../../machinery/field.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import type { ValidatingAdmissionPolicyBinding } from '../types.ts';
import { defaultMatchResources, validateMatchResources } from './match-resources.ts';
import { paramRefText, validateParamRef, validatePolicyName } from './policy-spec.ts';

const path = FieldPath.of('spec');

export const validatingAdmissionPolicyBindingType = builtinType<ValidatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  kind: 'ValidatingAdmissionPolicyBinding',
  plural: 'validatingadmissionpolicybindings',
  categories: ['api-extensions'],
  scope: 'Cluster',
  columns: [
    nameColumn,
    column<ValidatingAdmissionPolicyBinding>('PolicyName', 'string', ({ spec }) => spec?.policyName ?? '', {
      description: 'PolicyName indicates the policy definition which the policy binding binded to',
    }),
    column<ValidatingAdmissionPolicyBinding>('ParamRef', 'string', ({ spec }) => paramRefText(spec?.paramRef), {
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
