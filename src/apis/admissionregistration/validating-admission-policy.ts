import { duplicate, type FieldError, FieldPath, invalid, notSupported, required } from '../../machinery/field.ts';
import { isQualifiedName } from '../../machinery/names.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { checkAll } from '../core/field-rules.ts';
import type { ValidatingAdmissionPolicy } from '../types.ts';
import { checkExpression, type ExpressionScope } from './expressions.ts';
import { defaultPolicy, paramKindColumn, validatePolicyFrame } from './policy-spec.ts';

type Spec = NonNullable<ValidatingAdmissionPolicy['spec']>;
type Validation = NonNullable<Spec['validations']>[number];
type AuditAnnotation = NonNullable<Spec['auditAnnotations']>[number];

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
    paramKindColumn,
    ageColumn,
  ],
  strategy: {
    generation: true,
    default: defaultPolicy,
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

const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge'];
const maxAuditAnnotations = 20;
const maxValueExpressionBytes = 5 * 1024;

/** Source: `pkg/apis/admissionregistration/validation`, validateValidatingAdmissionPolicySpec. */
function validate({ metadata, spec = {} }: ValidatingAdmissionPolicy): FieldError[] {
  const errors: FieldError[] = [];
  const scope = validatePolicyFrame(spec, path, errors);
  const { validations = [], auditAnnotations = [] } = spec;
  const annotationsPath = path.child('auditAnnotations');
  if (validations.length === 0 && auditAnnotations.length === 0) {
    const why = 'validations or auditAnnotations must contain at least one item';
    errors.push(required(path.child('validations'), why), required(annotationsPath, why));
    return errors;
  }
  for (const [i, validation] of validations.entries()) {
    validateValidation(validation, scope, path.child('validations').index(i), errors);
  }
  if (auditAnnotations.length > maxAuditAnnotations) {
    const why = `must not have more than ${maxAuditAnnotations} auditAnnotations`;
    errors.push(invalid(annotationsPath, auditAnnotations, why));
  }
  const keys = new Set<string>();
  for (const [i, annotation] of auditAnnotations.entries()) {
    const at = annotationsPath.index(i);
    validateAuditAnnotation(annotation, metadata.name ?? '', scope, at, errors);
    if (keys.has(annotation.key)) errors.push(duplicate(at.child('key'), annotation.key));
    keys.add(annotation.key);
  }
  return errors;
}

function validateValidation(
  { expression, message = '', messageExpression = '', reason }: Validation,
  scope: ExpressionScope,
  at: FieldPath,
  errors: FieldError[],
): void {
  if (expression.trim() === '') errors.push(required(at.child('expression'), 'expression is not specified'));
  else checkExpression(expression, scope, ['bool'], at.child('expression'), errors);
  const messagePath = at.child('messageExpression');
  if (messageExpression.trim() !== '') {
    checkExpression(messageExpression, { ...scope, authorizer: false }, ['string'], messagePath, errors);
  } else if (messageExpression !== '') {
    errors.push(invalid(messagePath, messageExpression, 'must be non-empty if specified'));
  }
  if (message !== '' && message.trim() === '') {
    errors.push(invalid(at.child('message'), message, 'message must be non-empty if specified'));
  } else if (/[\n\r]/.test(message.trim())) {
    errors.push(invalid(at.child('message'), message, 'message must not contain line breaks'));
  }
  if (reason !== undefined && !reasons.includes(reason)) {
    errors.push(notSupported(at.child('reason'), reason, reasons));
  }
}

function validateAuditAnnotation(
  { key, valueExpression }: AuditAnnotation,
  policyName: string,
  scope: ExpressionScope,
  at: FieldPath,
  errors: FieldError[],
): void {
  if (policyName === '') errors.push(invalid(at.child('key'), key, 'requires metadata.name be non-empty'));
  else checkAll(isQualifiedName(`${policyName}/${key}`), at.child('key'), `${policyName}/${key}`, errors);
  const valuePath = at.child('valueExpression');
  const expression = valueExpression.trim();
  if (expression === '') errors.push(required(valuePath, 'valueExpression is not specified'));
  else if (Buffer.byteLength(expression) > maxValueExpressionBytes) {
    errors.push(required(valuePath, `must not exceed ${maxValueExpressionBytes} bytes in length`));
  } else checkExpression(expression, scope, ['string', 'null_type'], valuePath, errors);
}
