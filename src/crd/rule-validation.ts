/**
 * The form of `x-kubernetes-validations`; their expressions are compiled when it is right.
 * Source: apiextensions-apiserver `pkg/apis/apiextensions/validation`; KEP-2876.
 */
import { parseRuleFieldPath } from '../cel/rule-path.ts';
import { type FieldError, type FieldPath, invalid, notSupported, required } from '../machinery/field.ts';
import type { Schema, ValidationRule } from '../machinery/schema.ts';
import { unsupportedField } from './structural.ts';
import type { JsonSchemaProps } from './types.ts';

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];
const lineBreak = /[\n\r]/;

export function validateRules(
  schema: JsonSchemaProps,
  rules: readonly ValidationRule[],
  path: FieldPath,
  errors: FieldError[],
): void {
  for (const [i, rule] of rules.entries())
    validateRule(schema, rule, path.child('x-kubernetes-validations').index(i), errors);
}

function validateRule(schema: JsonSchemaProps, rule: ValidationRule, path: FieldPath, errors: FieldError[]): void {
  const { message = '', messageExpression = '', fieldPath = '', reason } = rule;
  const trimmed = (rule.rule ?? '').trim();
  if (trimmed === '') errors.push(required(path.child('rule'), 'rule is not specified'));
  else if (message !== '' && message.trim() === '') {
    errors.push(invalid(path.child('message'), message, 'must be non-empty if specified'));
  } else if (lineBreak.test(message.trim())) {
    errors.push(invalid(path.child('message'), message, 'must not contain line breaks'));
  } else if (lineBreak.test(trimmed) && message.trim() === '') {
    errors.push(required(path.child('message'), 'message must be specified if rule contains line breaks'));
  }
  if (messageExpression !== '' && messageExpression.trim() === '') {
    errors.push(required(path.child('messageExpression'), 'messageExpression must be non-empty if specified'));
  }
  if (reason !== undefined && !reasons.includes(reason)) {
    errors.push(notSupported(path.child('reason'), reason, reasons));
  }
  if (fieldPath === '') return;
  const where = path.child('fieldPath');
  if (fieldPath.trim() === '') errors.push(invalid(where, fieldPath, 'must be non-empty if specified'));
  if (lineBreak.test(fieldPath)) errors.push(invalid(where, fieldPath, 'must not contain line breaks'));
  // A schema that is not even structural is judged elsewhere: it has no paths to follow.
  if (unsupportedField(schema) === undefined && typeof parseRuleFieldPath(fieldPath, schema as Schema) === 'string') {
    errors.push(invalid(where, fieldPath, 'must be a valid path'));
  }
}
