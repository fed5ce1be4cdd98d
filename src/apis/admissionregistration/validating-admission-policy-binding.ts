import {
  duplicate,
  type FieldError,
  FieldPath,
  forbidden,
  invalid,
  notSupported,
  required,
} from '../../machinery/field.ts';
import { isPathSegmentName, nameIsDnsSubdomain } from '../../machinery/names.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { checkAll } from '../core/field-rules.ts';
import { checkLabelSelector } from '../core/scheduling-validation.ts';
import type { ValidatingAdmissionPolicyBinding } from '../types.ts';
import { defaultMatchResources, validateMatchResources } from './match-resources.ts';

type ParamRef = NonNullable<NonNullable<ValidatingAdmissionPolicyBinding['spec']>['paramRef']>;

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
    column<ValidatingAdmissionPolicyBinding>('ParamRef', 'string', ({ spec }) => paramText(spec?.paramRef), {
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

function paramText(ref: ParamRef | undefined): string {
  if (ref === undefined) return '<unset>';
  const name = ref.name ?? '*';
  return ref.namespace === undefined ? name : `${ref.namespace}/${name}`;
}

const actions = ['Audit', 'Deny', 'Warn'];

/** Source: `pkg/apis/admissionregistration/validation`, validateValidatingAdmissionPolicyBindingSpec. */
function validate({ spec = {} }: ValidatingAdmissionPolicyBinding): FieldError[] {
  const errors: FieldError[] = [];
  const { policyName = '', paramRef, matchResources } = spec;
  const validationActions = spec.validationActions ?? [];
  if (policyName === '') errors.push(required(path.child('policyName')));
  else checkAll(nameIsDnsSubdomain(policyName), path.child('policyName'), policyName, errors);
  if (paramRef !== undefined) validateParamRef(paramRef, path.child('paramRef'), errors);
  validateMatchResources(matchResources, path.child('matchResources'), errors);
  const at = path.child('validationActions');
  if (validationActions.length === 0) errors.push(required(at, 'at least one validation action is required'));
  for (const [i, action] of validationActions.entries()) {
    if (!actions.includes(action)) errors.push(notSupported(at.index(i), action, actions));
    if (validationActions.indexOf(action) < i) errors.push(duplicate(at.index(i), action));
  }
  if (validationActions.includes('Deny') && validationActions.includes('Warn')) {
    const why =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';
    errors.push(invalid(at, validationActions, why));
  }
  return errors;
}

function validateParamRef(
  { name = '', selector, parameterNotFoundAction }: ParamRef,
  at: FieldPath,
  errors: FieldError[],
): void {
  if (name !== '') {
    checkAll(isPathSegmentName(name), at.child('name'), name, errors);
    if (selector !== undefined) errors.push(forbidden(at.child('name'), 'name and selector are mutually exclusive'));
  }
  checkLabelSelector(selector, at.child('selector'), errors);
  if (name === '' && selector === undefined) errors.push(required(at, 'one of name or selector must be specified'));
  const choices = ['Allow', 'Deny'];
  if (parameterNotFoundAction === undefined) errors.push(required(at.child('parameterNotFoundAction')));
  else if (!choices.includes(parameterNotFoundAction)) {
    errors.push(notSupported(at.child('parameterNotFoundAction'), parameterNotFoundAction, ['Deny', 'Allow']));
  }
}
