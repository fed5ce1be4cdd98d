/**
 * What is wrong with a rule before its expression is looked at.
 * Source: apiextensions-apiserver `pkg/apis/apiextensions/validation`; KEP-2876.
 */
import { type FieldError, type FieldPath, invalid, notSupported, required } from '../machinery/field.ts';
import type { Schema, ValidationRule } from '../machinery/schema.ts';
import { parseRuleFieldPath } from './rule-path.ts';

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];
const lineBreak = /[\n\r]/;

/** `schema`: what the rule's `fieldPath` leads through; undefined when it is no schema that has paths to follow. */
export function ruleFormErrors(rule: ValidationRule, path: FieldPath, schema: Schema | undefined): FieldError[] {
  const { message = '', messageExpression = '', fieldPath = '', reason } = rule;
  const errors: FieldError[] = [];
  const expression = (rule.rule ?? '').trim();
  const text = message.trim();
  const at = path.child('message');
  if (expression === '') errors.push(required(path.child('rule'), 'rule is not specified'));
  else if (message !== '' && text === '') errors.push(invalid(at, message, 'must be non-empty if specified'));
  else if (lineBreak.test(text)) errors.push(invalid(at, message, 'must not contain line breaks'));
  else if (lineBreak.test(expression) && text === '') {
    errors.push(required(at, 'message must be specified if rule contains line breaks'));
  }
  if (messageExpression !== '' && messageExpression.trim() === '') {
    errors.push(required(path.child('messageExpression'), 'messageExpression must be non-empty if specified'));
  }
  if (reason !== undefined && !reasons.includes(reason)) {
    errors.push(notSupported(path.child('reason'), reason, reasons));
  }
  if (fieldPath === '') return errors;
  const where = path.child('fieldPath');
  if (fieldPath.trim() === '') errors.push(invalid(where, fieldPath, 'must be non-empty if specified'));
  if (lineBreak.test(fieldPath)) errors.push(invalid(where, fieldPath, 'must not contain line breaks'));
  if (schema !== undefined && typeof parseRuleFieldPath(fieldPath, schema) === 'string') {
    errors.push(invalid(where, fieldPath, 'must be a valid path'));
  }
  return errors;
}
