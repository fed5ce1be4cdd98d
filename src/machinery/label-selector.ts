/**
 * Label selectors: the query syntax (`app=web,tier in (a,b),!legacy`) and `metav1.LabelSelector`, both compiled into one
 * matcher. Parse errors are those of `k8s.io/apimachinery/pkg/labels`.
 */
import { errorText, type FieldError, type FieldPath, forbidden, invalid, notSupported, required } from './field.ts';
import { isLabelKey, isLabelValue } from './names.ts';

export type Labels = Readonly<Record<string, string>>;

export type LabelOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

/** `metav1.LabelSelectorRequirement`. */
export interface LabelSelectorRequirement {
  key: string;
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  values?: string[];
}

/** `metav1.LabelSelector`, as objects hold it. */
export interface LabelSelectorSpec {
  matchLabels?: Record<string, string>;
  matchExpressions?: LabelSelectorRequirement[];
}

/** A selector text that cannot be read; the API answers it as 400 with this message. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError';
}

/** All requirements must hold. Immutable; made once and matched against many objects. */
export class LabelSelector {
  static readonly everything = new LabelSelector([]);
  /** What an absent `metav1.LabelSelector` selects. */
  static readonly nothing = new LabelSelector([], false);

  readonly requirements: readonly LabelRequirement[];
  readonly #tests: readonly LabelTest[];
  readonly #selectable: boolean;

  private constructor(requirements: readonly LabelRequirement[], selectable = true) {
    this.requirements = requirements;
    this.#tests = requirements.map(compile);
    this.#selectable = selectable;
  }

  /** @throws SelectorError */
  static parse(text: string): LabelSelector {
    return LabelSelector.of(new Parser(text).parse());
  }

  static of(requirements: readonly LabelRequirement[]): LabelSelector {
    if (requirements.length === 0) return LabelSelector.everything;
    return new LabelSelector([...requirements].sort((a, b) => compareText(a.key, b.key)));
  }

  /** The selector that wants exactly these labels, unvalidated; none or no labels select everything. */
  static fromLabels(labels: Labels | undefined): LabelSelector {
    const entries = Object.entries(labels ?? {});
    return LabelSelector.of(entries.map(([key, value]) => ({ key, operator: '=', values: [value] })));
  }

  /** As controllers read a `metav1.LabelSelector`: absent selects nothing, empty selects everything. @throws SelectorError */
  static fromSpec(spec: LabelSelectorSpec | undefined | null): LabelSelector {
    if (spec === undefined || spec === null) return LabelSelector.nothing;
    const requirements: LabelRequirement[] = [];
    for (const [key, value] of Object.entries(spec.matchLabels ?? {})) {
      requirements.push(checkedRequirement(key, '=', [value]));
    }
    for (const { key, operator, values = [] } of spec.matchExpressions ?? []) {
      const compact = specOperators[operator];
      if (compact === undefined) {
        throw new SelectorError(`${JSON.stringify(operator)} is not a valid label selector operator`);
      }
      requirements.push(checkedRequirement(key, compact, values));
    }
    return LabelSelector.of(requirements);
  }

  matches(labels: Labels | undefined): boolean {
    if (!this.#selectable) return false;
    for (const test of this.#tests) if (!test(labels ?? noLabels)) return false;
    return true;
  }

  /** Whether it selects every object. */
  get empty(): boolean {
    return this.#selectable && this.requirements.length === 0;
  }

  /** Whether it can select no object at all. */
  get selectsNothing(): boolean {
    return !this.#selectable;
  }

  /** The only value that the label may have, when the selector leaves one; an index can then be asked. */
  exactValue(key: string): string | undefined {
    const found = this.requirements.find((requirement) => requirement.key === key);
    if (found === undefined || found.values.length !== 1) return undefined;
    return found.operator === '=' || found.operator === '==' || found.operator === 'in' ? found.values[0] : undefined;
  }

  and(...more: LabelRequirement[]): LabelSelector {
    return this.#selectable ? LabelSelector.of([...this.requirements, ...more]) : this;
  }

  /** The canonical text, sorted by key. */
  toString(): string {
    return this.requirements.map(requirementText).join(',');
  }
}

const specOperators: Readonly<Record<string, LabelOperator | undefined>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

/** What is wrong with a `metav1.LabelSelector` in an object. */
export function validateLabelSelector(
  spec: LabelSelectorSpec | undefined | null,
  path: FieldPath,
  options: { allowInvalidValues?: boolean } = {},
): FieldError[] {
  if (spec === undefined || spec === null) return [];
  const errors = validateLabels(spec.matchLabels, path.child('matchLabels'));
  spec.matchExpressions?.forEach(({ key, operator, values = [] }, i) => {
    const at = path.child('matchExpressions').index(i);
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) {
        errors.push(required(at.child('values'), "must be specified when `operator` is 'In' or 'NotIn'"));
      }
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0) {
        errors.push(
          forbidden(at.child('values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
        );
      }
    } else errors.push(invalid(at.child('operator'), operator ?? '', 'not a valid selector operator'));
    errors.push(...validateLabelName(key ?? '', at.child('key')));
    if (options.allowInvalidValues) return;
    values.forEach((value, j) => {
      for (const message of isLabelValue(value)) errors.push(invalid(at.child('values').index(j), value, message));
    });
  });
  return errors;
}

export function validateLabelName(name: string, path: FieldPath): FieldError[] {
  return isLabelKey(name).map((message) => invalid(path, name, message));
}

export function validateLabels(labels: Labels | undefined, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    errors.push(...validateLabelName(key, path));
    for (const message of isLabelValue(value)) errors.push(invalid(path, value, message));
  }
  return errors;
}

// ---------------------------------------------------------------------------------------------- matching

type LabelTest = (labels: Labels) => boolean;

const noLabels: Labels = {};

// A label's value is a string; anything else that a key finds (`constructor`) is inherited and no label.
function compile({ key, operator, values }: LabelRequirement): LabelTest {
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

function requirementText({ key, operator, values }: LabelRequirement): string {
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

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

// ---------------------------------------------------------------------------------------------- requirements

const allOperators: readonly LabelOperator[] = ['in', 'notin', '=', '==', '!=', 'gt', 'lt', 'exists', '!'];
const binaryOperators = allOperators.slice(0, 7);

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

// ---------------------------------------------------------------------------------------------- parsing

type TokenKind =
  | 'error'
  | 'end'
  | 'identifier'
  | ')'
  | ','
  | '!'
  | '=='
  | '='
  | '>'
  | 'in'
  | '<'
  | '!='
  | 'notin'
  | '(';

interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

const longOperators = new Set<string>(['==', '!=']);
const endToken: Token = { kind: 'end', text: '' };

const isSpace = (char: string): boolean => char === ' ' || char === '\t' || char === '\r' || char === '\n';
const isSymbol = (char: string): boolean => '=!(),><'.includes(char);

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const start = at;
    const char = text[at]!;
    if (isSpace(char)) at++;
    else if (isSymbol(char)) {
      // Every symbol is an operator; two may spell a longer one.
      at += longOperators.has(text.slice(at, at + 2)) ? 2 : 1;
      const symbol = text.slice(start, at);
      tokens.push({ kind: symbol as TokenKind, text: symbol });
    } else {
      while (at < text.length && !isSymbol(text[at]!) && !isSpace(text[at]!)) at++;
      const word = text.slice(start, at);
      tokens.push({ kind: word === 'in' || word === 'notin' ? word : 'identifier', text: word });
    }
  }
  tokens.push(endToken);
  return tokens;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  parse(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    for (;;) {
      const token = this.#peek();
      if (token.kind === 'end') return requirements;
      if (token.kind !== 'identifier' && token.kind !== '!') {
        throw new SelectorError(`found '${token.text}', expected: !, identifier, or 'end of string'`);
      }
      requirements.push(this.#requirement());
      const after = this.#take();
      if (after.kind === 'end') return requirements;
      if (after.kind !== ',') throw new SelectorError(`found '${after.text}', expected: ',' or 'end of string'`);
      const next = this.#peek();
      if (next.kind !== 'identifier' && next.kind !== '!') {
        throw new SelectorError(`found '${next.text}', expected: identifier after ','`);
      }
    }
  }

  #requirement(): LabelRequirement {
    try {
      return this.#parseRequirement();
    } catch (error) {
      if (error instanceof SelectorError) throw new SelectorError(`unable to parse requirement: ${error.message}`);
      throw error;
    }
  }

  #parseRequirement(): LabelRequirement {
    let token = this.#take();
    const negated = token.kind === '!';
    if (negated) token = this.#take();
    if (token.kind !== 'identifier') throw new SelectorError(`found '${token.text}', expected: identifier`);
    const key = token.text;
    const keyErrors = isLabelKey(key);
    // No path leads to the key of a query, and Go prints the missing path as <nil>.
    if (keyErrors.length > 0) throw new SelectorError(errorText(invalid('<nil>', key, keyErrors.join('; '))));
    const next = this.#peek().kind;
    if (negated) return checkedRequirement(key, '!', []);
    if (next === 'end' || next === ',') return checkedRequirement(key, 'exists', []);
    const operator = this.#operator();
    const values = operator === 'in' || operator === 'notin' ? this.#valueList() : [this.#exactValue()];
    return checkedRequirement(key, operator, [...new Set(values)].sort(compareText));
  }

  #operator(): LabelOperator {
    const token = this.#tokens[this.#at++]!;
    switch (token.kind) {
      case '=':
      case '==':
      case '!=':
      case 'in':
      case 'notin':
        return token.kind;
      case '>':
        return 'gt';
      case '<':
        return 'lt';
      default:
        throw new SelectorError(`found '${token.text}', expected: ${binaryOperators.join(', ')}`);
    }
  }

  #valueList(): string[] {
    const open = this.#take();
    if (open.kind !== '(') throw new SelectorError(`found '${open.text}' expected: '('`);
    const first = this.#peek();
    if (first.kind === ')') {
      this.#take();
      return [''];
    }
    if (first.kind !== 'identifier' && first.kind !== ',') {
      throw new SelectorError(`found '${first.text}', expected: ',', ')' or identifier`);
    }
    const values: string[] = [];
    for (;;) {
      const token = this.#take();
      const next = this.#peek();
      if (token.kind === 'identifier') {
        values.push(token.text);
        if (next.kind !== ',' && next.kind !== ')') {
          throw new SelectorError(`found '${next.text}', expected: ',' or ')'`);
        }
      } else if (token.kind === ',') {
        // An empty value stands before the first comma, after the last, and between two.
        if (values.length === 0 || next.kind === ')' || next.kind === ',') values.push('');
      } else throw new SelectorError(`found '${token.text}', expected: ',', or identifier`);
      if (next.kind === ')') {
        this.#take();
        return values;
      }
    }
  }

  #exactValue(): string {
    const token = this.#peek();
    if (token.kind === 'end' || token.kind === ',') return '';
    this.#take();
    if (token.kind === 'identifier') return token.text;
    throw new SelectorError(`found '${token.text}', expected: identifier`);
  }

  /** The next token where `in` and `notin` are words like others. */
  #peek(): Token {
    const token = this.#tokens[this.#at] ?? endToken;
    return token.kind === 'in' || token.kind === 'notin' ? { kind: 'identifier', text: token.text } : token;
  }

  #take(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }
}
