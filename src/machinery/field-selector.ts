/**
 * Field selectors: `status.phase!=Failed,spec.nodeName=n1`. Source of the grammar, the escapes and the errors:
 * `k8s.io/apimachinery/pkg/fields`.
 */
import { SelectorError } from './label-selector.ts';

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/** The selectable fields of an object; an absent one is the empty string. */
export type FieldSet = Readonly<Record<string, string | undefined>>;

/** All requirements must hold. Immutable. */
export class FieldSelector {
  static readonly everything = new FieldSelector([]);

  readonly requirements: readonly FieldRequirement[];

  constructor(requirements: readonly FieldRequirement[]) {
    this.requirements = requirements;
  }

  /** @throws SelectorError */
  static parse(text: string): FieldSelector {
    const terms = splitTerms(text).sort();
    const requirements: FieldRequirement[] = [];
    for (const term of terms) {
      if (term === '') continue;
      const found = /!=|==|=/.exec(term);
      if (found === null) throw new SelectorError(`invalid selector: '${text}'; can't understand '${term}'`);
      const value = unescapeFieldValue(term.slice(found.index + found[0].length));
      requirements.push({ field: term.slice(0, found.index), operator: found[0] === '!=' ? '!=' : '=', value });
    }
    return requirements.length === 0 ? FieldSelector.everything : new FieldSelector(requirements);
  }

  matches(fields: FieldSet): boolean {
    for (const { field, operator, value } of this.requirements) {
      const actual = Object.hasOwn(fields, field) ? (fields[field] ?? '') : '';
      if ((actual === value) !== (operator === '=')) return false;
    }
    return true;
  }

  get empty(): boolean {
    return this.requirements.length === 0;
  }

  /** The only value that the field may have, when the selector leaves one. */
  exactValue(field: string): string | undefined {
    return this.requirements.find((requirement) => requirement.field === field && requirement.operator === '=')?.value;
  }

  toString(): string {
    return this.requirements
      .map(({ field, operator, value }) => `${field}${operator}${escapeFieldValue(value)}`)
      .join(',');
  }
}

export function escapeFieldValue(value: string): string {
  return value.replace(/[\\,=]/g, '\\$&');
}

/** @throws SelectorError for an escape that is none and for a special character that is not escaped. */
export function unescapeFieldValue(text: string): string {
  if (!/[\\,=]/.test(text)) return text;
  let value = '';
  let escaped = false;
  for (const char of text) {
    const special = char === '\\' || char === ',' || char === '=';
    if (escaped && !special) {
      throw new SelectorError(`invalid field selector: invalid escape sequence: \\${char}`);
    }
    if (!escaped && char === '\\') {
      escaped = true;
      continue;
    }
    if (!escaped && special) {
      throw new SelectorError(`invalid field selector: unescaped character in value: ${char.codePointAt(0)}`);
    }
    value += char;
    escaped = false;
  }
  if (escaped) throw new SelectorError('invalid field selector: invalid escape sequence: \\');
  return value;
}

/** Terms stand between commas that no backslash escapes; their escapes are kept. */
function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === ',') {
      terms.push(text.slice(start, i));
      start = i + 1;
    }
  }
  terms.push(text.slice(start));
  return terms;
}
