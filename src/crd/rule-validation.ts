/**
 * The form of `x-kubernetes-validations`. What the expressions say is compiled by whoever hands in a {@link RuleCheck}.
 * Source: apiextensions-apiserver `pkg/apis/apiextensions/validation`; KEP-2876.
 */
import { type FieldError, type FieldPath, invalid, notSupported, required } from '../machinery/field.ts';
import type { JsonValue } from '../machinery/json.ts';
import type { Schema, ValidationRule } from '../machinery/schema.ts';
import { followFieldPath } from './field-path.ts';
import type { JsonSchemaProps } from './types.ts';

/** Where CEL joins the validation of definitions. Called only for schemas that are otherwise right. */
export interface RuleCheck {
  /**
   * Compiles the rules of `schema`, which stands at `path` in `root`. `uncorrelated` is the place on the way above which
   * there is no `oldSelf`, if there is one.
   */
  rules(root: Schema, schema: Schema, path: FieldPath, uncorrelated: FieldPath | undefined): FieldError[];
  /** Runs the rules of `schema` on a default; `path` is that of the default. */
  onDefault(schema: Schema, value: JsonValue, path: FieldPath): FieldError[];
  /** The cost of all rules of a definition together; `path` is that of `openAPIV3Schema`. */
  total(root: Schema, path: FieldPath): FieldError[];
}

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
  if (followFieldPath(fieldPath, schema, true).error !== undefined) {
    errors.push(invalid(where, fieldPath, 'must be a valid path'));
  }
}
