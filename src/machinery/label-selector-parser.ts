/**
 * The query syntax of label selectors: `app=web,tier in (a,b),!legacy`. Errors are those of
 * `k8s.io/apimachinery/pkg/labels`.
 */
import { errorText, invalid } from './field.ts';
import {
  binaryOperators,
  checkedRequirement,
  compareText,
  type LabelOperator,
  type LabelRequirement,
  SelectorError,
} from './label-requirement.ts';
import { isLabelKey } from './names.ts';

/** @throws SelectorError */
export function parseRequirements(text: string): LabelRequirement[] {
  return new Parser(text).parse();
}

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
