import { duplicate, type FieldError, FieldPath, invalid, notSupported, required } from '../../machinery/field.ts';
import { isCIdentifier, isQualifiedName } from '../../machinery/names.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { checkAll } from '../core/field-rules.ts';
import type { ValidatingAdmissionPolicy } from '../types.ts';
import { checkExpression, type ExpressionScope } from './expressions.ts';
import { defaultMatchResources, validateMatchResources } from './match-resources.ts';

type Spec = NonNullable<ValidatingAdmissionPolicy['spec']>;

const path = FieldPath.of('spec');

export const validatingAdmissionPolicyType = builtinType<ValidatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies',
  categories: ['api-extensions'],
  scope: 'Cluster',
  status: true,
  columns: [
    nameColumn,
    column<ValidatingAdmissionPolicy>('Validations', 'integer', ({ spec }) => spec?.validations?.length ?? 0, {
      description: 'Validations indicates the number of validation rules defined in this configuration',
    }),
    column<ValidatingAdmissionPolicy>(
      'ParamKind',
      'string',
      ({ spec: { paramKind } = {} }) =>
        paramKind === undefined ? '<unset>' : `${paramKind.apiVersion ?? ''}/${paramKind.kind ?? ''}`,
      { description: 'ParamKind specifies the kind of resources used to parameterize this policy' },
    ),
    ageColumn,
  ],
  strategy: {
    generation: true,
    default({ spec }) {
      if (spec === undefined) return;
      spec.failurePolicy ??= 'Fail';
      if (spec.matchConstraints !== undefined) defaultMatchResources(spec.matchConstraints);
    },
    prepareForCreate(draft) {
      draft.status = {};
    },
    prepareForUpdate(draft, old) {
      draft.status = old.status ?? {};
    },
    validate,
    validateUpdate: validate,
  },
});

const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized'];

/** Source: `pkg/apis/admissionregistration/validation`, validateValidatingAdmissionPolicySpec. */
function validate({ spec = {} }: ValidatingAdmissionPolicy): FieldError[] {
  const errors: FieldError[] = [];
  const { failurePolicy, paramKind, matchConstraints, validations = [], auditAnnotations = [] } = spec;
  const policies = ['Fail', 'Ignore'];
  if (failurePolicy === undefined) errors.push(required(path.child('failurePolicy')));
  else if (!policies.includes(failurePolicy))
    errors.push(notSupported(path.child('failurePolicy'), failurePolicy, policies));
  if (paramKind !== undefined) {
    const at = path.child('paramKind');
    if ((paramKind.apiVersion ?? '') === '') errors.push(required(at.child('apiVersion')));
    if ((paramKind.kind ?? '') === '') errors.push(required(at.child('kind')));
  }
  const constraints = path.child('matchConstraints');
  if (matchConstraints === undefined) errors.push(required(constraints));
  else {
    validateMatchResources(matchConstraints, constraints, errors);
    if ((matchConstraints.resourceRules?.length ?? 0) === 0) errors.push(required(constraints.child('resourceRules')));
  }
  validateVariables(spec, errors);
  const scope = { params: paramKind !== undefined, variables: (spec.variables ?? []).map(({ name }) => name) };
  if (validations.length === 0 && auditAnnotations.length === 0) {
    errors.push(required(path.child('validations'), 'validations or auditAnnotations must contain at least one item'));
    errors.push(
      required(path.child('auditAnnotations'), 'validations or auditAnnotations must contain at least one item'),
    );
  }
  for (const [i, { expression, message, messageExpression, reason }] of validations.entries()) {
    const at = path.child('validations').index(i);
    if (expression.trim() === '') errors.push(required(at.child('expression'), 'expression is not specified'));
    else checkExpression(expression, scope, ['bool'], at.child('expression'), errors);
    if ((messageExpression ?? '').trim() !== '') {
      checkExpression(messageExpression!, scope, ['string'], at.child('messageExpression'), errors);
    }
    if (message !== undefined && message !== '' && message.trim() === '') {
      errors.push(invalid(at.child('message'), message, 'message must be non-empty if specified'));
    } else if (message?.includes('\n') === true) {
      errors.push(invalid(at.child('message'), message, 'message must not contain line breaks'));
    } else if (message === undefined && expression.includes('\n')) {
      errors.push(required(at.child('message'), 'message must be specified if expression contains line breaks'));
    }
    if (reason !== undefined && !reasons.includes(reason))
      errors.push(notSupported(at.child('reason'), reason, reasons));
  }
  const keys = new Set<string>();
  for (const [i, { key, valueExpression }] of auditAnnotations.entries()) {
    const at = path.child('auditAnnotations').index(i);
    if (key.trim() === '') errors.push(required(at.child('key'), 'key is not specified'));
    else checkAll(isQualifiedName(key), at.child('key'), key, errors);
    const valuePath = at.child('valueExpression');
    if (valueExpression.trim() === '') errors.push(required(valuePath, 'valueExpression is not specified'));
    else checkExpression(valueExpression, scope, ['string', 'null_type'], valuePath, errors);
    if (keys.has(key)) errors.push(duplicate(at.child('key'), key));
    keys.add(key);
  }
  return errors;
}

function validateVariables({ variables = [], matchConditions = [], paramKind }: Spec, errors: FieldError[]): void {
  const params = paramKind !== undefined;
  const names = new Set<string>();
  for (const [i, { name, expression }] of matchConditions.entries()) {
    const at = path.child('matchConditions').index(i);
    checkExpression(expression, { params }, ['bool'], at.child('expression'), errors);
    if (name === '') errors.push(required(at.child('name')));
    else checkAll(isQualifiedName(name), at.child('name'), name, errors);
    if (name !== '' && names.has(name)) errors.push(duplicate(at.child('name'), name));
    names.add(name);
  }
  const variableNames = new Set<string>();
  for (const [i, { name, expression }] of variables.entries()) {
    const at = path.child('variables').index(i);
    if (name === '') errors.push(required(at.child('name'), 'name is not specified'));
    else if (isCIdentifier(name).length > 0)
      errors.push(invalid(at.child('name'), name, 'name is not a valid CEL identifier'));
    checkVariable(expression, { params, variables: [...variableNames] }, at.child('expression'), errors);
    if (variableNames.has(name)) errors.push(duplicate(at.child('name'), name));
    variableNames.add(name);
  }
}

function checkVariable(expression: string, scope: ExpressionScope, at: FieldPath, errors: FieldError[]): void {
  if (expression.trim() === '') errors.push(required(at, 'expression is not specified'));
  else checkExpression(expression, scope, undefined, at, errors);
}
