/**
 * One requirement of a label selector: checked, matched, written. Source: `k8s.io/apimachinery/pkg/labels`.
 */
import { errorText, type FieldError, invalid, notSupported } from './field.ts';
import { isLabelKey, isLabelValue } from './names.ts';

export type Labels = Readonly<Record<string, string>>;

export type LabelOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

/** A selector text that cannot be read; the API answers it as 400 with this message. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError';
}

const allOperators: readonly LabelOperator[] = ['in', 'notin', '=', '==', '!=', 'gt', 'lt', 'exists', '!'];
export const binaryOperators = allOperators.slice(0, 7);

/** A requirement from parts, refused as `labels.NewRequirement` refuses it. @throws SelectorError */
export function checkedRequirement(key: string, operator: LabelOperator, values: readonly string[]): LabelRequirement {
  const errors: FieldError[] = [];
  const keyErrors = isLabelKey(key);
  if (keyErrors.length > 0) errors.push(invalid('key', key, keyErrors.join('; ')));
  switch (operator) {
    case 'in':
    case 'notin':
      if (values.length === 0) {
        errors.push(invalid('values', values, "for 'in', 'notin' operators, values set can't be empty"));
      }
      break;
    case '=':
    case '==':
    case '!=':
      if (values.length !== 1) {
        errors.push(invalid('values', values, 'exact-match compatibility requires one single value'));
      }
      break;
    case 'exists':
    case '!':
      if (values.length > 0) {
        errors.push(invalid('values', values, 'values set must be empty for exists and does not exist'));
      }
      break;
    case 'gt':
    case 'lt':
      if (values.length !== 1) {
        errors.push(invalid('values', values, "for 'Gt', 'Lt' operators, exactly one value is required"));
      }
      values.forEach((value, i) => {
        if (parseInt64(value) === undefined) {
          errors.push(invalid(`values[${i}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer"));
        }
      });
      break;
    default:
      errors.push(notSupported('operator', operator, allOperators));
  }
  values.forEach((value, i) => {
    const valueErrors = isLabelValue(value);
    if (valueErrors.length > 0) errors.push(invalid(`values[${i}][${key}]`, value, valueErrors.join('; ')));
  });
  if (errors.length > 0) {
    const texts = [...new Set(errors.map(errorText))];
    throw new SelectorError(texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`);
  }
  return { key, operator, values };
}

// ---------------------------------------------------------------------------------------------- matching

export type LabelTest = (labels: Labels) => boolean;

export const noLabels: Labels = {};

// A label's value is a string; anything else that a key finds (`constructor`) is inherited and no label.
export function compileRequirement({ key, operator, values }: LabelRequirement): LabelTest {
  const only = values.length === 1 ? values[0] : undefined;
  switch (operator) {
    case '=':
    case '==':
    case 'in':
      if (only !== undefined) return (labels) => labels[key] === only;
      return (labels) => {
        const value = labels[key];
        return typeof value === 'string' && values.includes(value);
      };
    case '!=':
    case 'notin':
      if (only !== undefined) return (labels) => labels[key] !== only;
      return (labels) => {
        const value = labels[key];
        return typeof value !== 'string' || !values.includes(value);
      };
    case 'exists':
      return (labels) => typeof labels[key] === 'string';
    case '!':
      return (labels) => typeof labels[key] !== 'string';
    case 'gt':
    case 'lt': {
      const bound = only === undefined ? undefined : parseInt64(only);
      if (bound === undefined) return () => false;
      return (labels) => {
        const text = labels[key];
        const value = typeof text === 'string' ? parseInt64(text) : undefined;
        return value !== undefined && (operator === 'gt' ? value > bound : value < bound);
      };
    }
  }
}

function parseInt64(text: string): bigint | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

export function requirementText({ key, operator, values }: LabelRequirement): string {
  const value = values.length === 1 ? values[0] : [...values].sort(compareText).join(',');
  switch (operator) {
    case '!':
      return `!${key}`;
    case 'exists':
      return key;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${value})`;
    case 'gt':
      return `${key}>${value}`;
    case 'lt':
      return `${key}<${value}`;
    default:
      return `${key}${operator}${value}`;
  }
}

/** The order of texts by their UTF-16 units. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
