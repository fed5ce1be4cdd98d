/** From text to syntax tree: the grammar of CEL (cel-go `parser/gen/CEL.g4`), its limits, and its errors in cel-go's words. */
import type { Ast, Expr, MapEntry, StructField } from './ast.ts';
import { type Token, type TokenKind, tokenize } from './lexer.ts';
import {
  parseBytesLiteral,
  parseDoubleLiteral,
  parseIntLiteral,
  parseStringLiteral,
  parseUintLiteral,
} from './literals.ts';
import { bindMacro, type Fold, type Macro, MacroError, optionalMacros, standardMacros } from './macros.ts';
import type { SourceIssue } from './source.ts';
import type { Value } from './values.ts';

export interface ParserOptions {
  /** Macros by {@link macroKey}. Defaults to the standard ones, those of optional types, and `cel.bind`. */
  readonly macros?: ReadonlyMap<string, Macro>;
  /** `a.?b`, `a[?b]`, `{?k: v}`. Defaults to true. */
  readonly optionalSyntax?: boolean;
  /** Names in back quotes. Defaults to true. */
  readonly quotedFields?: boolean;
  /** How deep expressions nest. Defaults to 250. */
  readonly maxDepth?: number;
  /** The longest expression, in code points. Defaults to 100,000. */
  readonly maxCodePoints?: number;
}

export type ParseResult = { readonly ast: Ast; readonly issues: [] } | { readonly issues: readonly SourceIssue[] };

export function parse(text: string, options: ParserOptions = {}): ParseResult {
  const maxCodePoints = options.maxCodePoints ?? 100_000;
  if (text.length > maxCodePoints) {
    const size = [...text].length;
    if (size > maxCodePoints) {
      const message = `expression code point size exceeds limit: size: ${size}, limit ${maxCodePoints}`;
      return { issues: [{ offset: -1, message }] };
    }
  }
  return new Parser(text, options).parse();
}

export function macroKey(name: string, args: number, receiver: boolean): string {
  return `${name}:${args}:${receiver}`;
}

export function macroTable(macros: readonly Macro[]): Map<string, Macro> {
  return new Map(macros.map((macro) => [macroKey(macro.name, macro.args, macro.receiver), macro]));
}

const defaultMacros = macroTable([...standardMacros, ...optionalMacros, bindMacro]);

/** Words that no variable may have as its name; fields may. */
const reserved = new Set(
  'as break const continue else for function if import let loop package namespace return var void while'.split(' '),
);
const relations: ReadonlyMap<string, string> = new Map([
  ['<', '_<_'],
  ['<=', '_<=_'],
  ['>', '_>_'],
  ['>=', '_>=_'],
  ['==', '_==_'],
  ['!=', '_!=_'],
  ['in', '@in'],
]);
const multiplications: ReadonlyMap<string, string> = new Map([
  ['*', '_*_'],
  ['/', '_/_'],
  ['%', '_%_'],
]);
const additions: ReadonlyMap<string, string> = new Map([
  ['+', '_+_'],
  ['-', '_-_'],
]);

/** What may begin an expression, as the generated parser lists it. */
const expressionTokens =
  "'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER";
const mapTokens =
  "'[', '{', '}', '(', '.', ',', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER";
const fieldTokens = "'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER";

/** Ends the parse at the first error from which there is no going on. */
class Abort extends Error {}

class Parser {
  readonly #text: string;
  readonly #options: ParserOptions;
  readonly #macros: ReadonlyMap<string, Macro>;
  readonly #maxDepth: number;
  readonly #issues: SourceIssue[] = [];
  readonly #tokens: readonly Token[];
  readonly #positions: number[] = [-1];
  #at = 0;
  #token: Token;
  #depth = 0;

  constructor(text: string, options: ParserOptions) {
    this.#text = text;
    this.#options = options;
    this.#macros = options.macros ?? defaultMacros;
    this.#maxDepth = options.maxDepth ?? 250;
    this.#tokens = tokenize(text, this.#issues);
    this.#token = this.#tokens[0] as Token;
  }

  parse(): ParseResult {
    try {
      const expr = this.#expression();
      if (this.#token.kind !== 'EOF') this.#unexpected('<EOF>', (next) => next.kind === 'EOF');
      if (this.#issues.length === 0) {
        return { ast: { source: this.#text, expr, positions: this.#positions }, issues: [] };
      }
    } catch (error) {
      if (!(error instanceof Abort)) throw error;
    }
    return { issues: this.#issues };
  }

  // Tokens.

  #next(): Token {
    const token = this.#token;
    if (token.kind !== 'EOF') this.#token = this.#tokens[++this.#at] as Token;
    return token;
  }

  #peek(ahead: number): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)] as Token;
  }

  #is(text: string): boolean {
    return this.#token.kind === 'PUNCTUATION' && this.#token.text === text;
  }

  #accept(text: string): Token | undefined {
    return this.#is(text) ? this.#next() : undefined;
  }

  #expect(text: string): Token {
    if (!this.#is(text)) this.#unexpected(`'${text}'`, (next) => next.kind === 'PUNCTUATION' && next.text === text);
    return this.#next();
  }

  // Errors.

  #report(offset: number, message: string): void {
    this.#issues.push({ offset, message });
  }

  /** Reports the current token. Goes on behind it when what follows fits, as the generated parser does; else stops. */
  #unexpected(expecting: string, fits: (next: Token) => boolean): void {
    const { offset, text, kind } = this.#token;
    const extraneous = kind !== 'EOF' && fits(this.#peek(1));
    this.#report(
      offset,
      `Syntax error: ${extraneous ? 'extraneous' : 'mismatched'} input '${text}' expecting ${expecting}`,
    );
    if (!extraneous) throw new Abort();
    this.#next();
  }

  #noAlternative(): never {
    const { kind, text, offset } = this.#token;
    this.#report(offset, `Syntax error: no viable alternative at input '.${kind === 'EOF' ? '' : text}'`);
    throw new Abort();
  }

  #limit(message: string): never {
    this.#report(-1, `${message} exceeded${message.startsWith('expression') ? `: ${this.#maxDepth}` : ''}`);
    throw new Abort();
  }

  // Nodes.

  #id(offset: number): number {
    return this.#positions.push(offset) - 1;
  }

  #call(offset: number, name: string, ...args: Expr[]): Expr {
    return { kind: 'call', id: this.#id(offset), target: undefined, function: name, args };
  }

  // The grammar, from the loosest to the tightest binding.

  #expression(): Expr {
    if (++this.#depth > this.#maxDepth) this.#limit('expression recursion limit');
    const condition = this.#or();
    let expr = condition;
    const op = this.#accept('?');
    if (op !== undefined) {
      const whenTrue = this.#or();
      this.#expect(':');
      expr = this.#call(op.offset, '_?_:_', condition, whenTrue, this.#expression());
    }
    this.#depth--;
    return expr;
  }

  #or(): Expr {
    const first = this.#and();
    if (!this.#is('||')) return first;
    const terms = [first];
    const offsets: number[] = [];
    while (this.#is('||')) {
      offsets.push(this.#next().offset);
      terms.push(this.#and());
    }
    return this.#balance('_||_', terms, offsets, 0, offsets.length - 1);
  }

  #and(): Expr {
    const first = this.#relation();
    if (!this.#is('&&')) return first;
    const terms = [first];
    const offsets: number[] = [];
    while (this.#is('&&')) {
      offsets.push(this.#next().offset);
      terms.push(this.#relation());
    }
    return this.#balance('_&&_', terms, offsets, 0, offsets.length - 1);
  }

  /** A chain of `&&` or `||` as a tree whose depth grows with the logarithm of its length. */
  #balance(name: string, terms: readonly Expr[], offsets: readonly number[], low: number, high: number): Expr {
    const middle = (low + high + 1) >> 1;
    const left = middle === low ? (terms[middle] as Expr) : this.#balance(name, terms, offsets, low, middle - 1);
    const right = middle === high ? (terms[middle + 1] as Expr) : this.#balance(name, terms, offsets, middle + 1, high);
    return this.#call(offsets[middle] as number, name, left, right);
  }

  #relation(): Expr {
    let left = this.#sum();
    for (let depth = 1; ; depth++) {
      const name = this.#operator(relations, depth);
      if (name === undefined) return left;
      left = this.#call(this.#next().offset, name, left, this.#sum());
    }
  }

  #sum(): Expr {
    let left = this.#product();
    for (let depth = 1; ; depth++) {
      const name = this.#operator(additions, depth);
      if (name === undefined) return left;
      left = this.#call(this.#next().offset, name, left, this.#product());
    }
  }

  #product(): Expr {
    let left = this.#unary();
    for (let depth = 1; ; depth++) {
      const name = this.#operator(multiplications, depth);
      if (name === undefined) return left;
      left = this.#call(this.#next().offset, name, left, this.#unary());
    }
  }

  /** The function of the operator at this token, if it is one of these. */
  #operator(operators: ReadonlyMap<string, string>, depth: number): string | undefined {
    if (this.#token.kind !== 'PUNCTUATION') return undefined;
    const name = operators.get(this.#token.text);
    if (name !== undefined && this.#depth + depth > this.#maxDepth) this.#limit('max recursion depth');
    return name;
  }

  #unary(): Expr {
    const op = this.#token;
    const signed = this.#peek(1).kind;
    if (this.#is('-') && (signed === 'NUM_INT' || signed === 'NUM_FLOAT')) return this.#member();
    if (!this.#is('!') && !this.#is('-')) return this.#member();
    let count = 0;
    while (this.#accept(op.text) !== undefined) count++;
    const operand = this.#member();
    if (count % 2 === 0) return operand;
    return this.#call(op.offset, op.text === '!' ? '!_' : '-_', operand);
  }

  #member(): Expr {
    let expr = this.#primary();
    for (let depth = 1; ; depth++) {
      if (this.#depth + depth > this.#maxDepth + 1) this.#limit('max recursion depth');
      if (this.#is('.')) expr = this.#selection(expr);
      else if (this.#is('[')) expr = this.#index(expr);
      else return expr;
    }
  }

  #selection(operand: Expr): Expr {
    const dot = this.#next();
    const optional = this.#accept('?') !== undefined;
    const name = this.#token;
    if (name.kind !== 'IDENTIFIER' && name.kind !== 'ESC_IDENTIFIER') {
      if (this.#is('in')) {
        // The generated parser takes it for the operator, and goes on with what follows.
        this.#report(name.offset, "Syntax error: no viable alternative at input '.in'");
        return operand;
      }
      if (!isNameChain(operand)) this.#noAlternative();
      this.#report(name.offset, `Syntax error: mismatched input '${name.text}' expecting IDENTIFIER`);
      throw new Abort();
    }
    this.#next();
    if (name.kind === 'IDENTIFIER' && !optional && this.#is('(')) return this.#methodCall(operand, name.text);
    const field = name.kind === 'IDENTIFIER' ? name.text : this.#quotedField(name);
    if (optional) {
      if (this.#options.optionalSyntax === false) this.#report(dot.offset, "unsupported syntax '.?'");
      const literal: Expr = { kind: 'literal', id: this.#id(name.offset), value: field };
      return this.#call(dot.offset, '_?._', operand, literal);
    }
    return { kind: 'select', id: this.#id(dot.offset), operand, field, testOnly: false };
  }

  #quotedField(token: Token): string {
    if (this.#options.quotedFields === false) this.#report(token.offset, "unsupported syntax: '`'");
    return token.text.slice(1, -1);
  }

  #methodCall(target: Expr, name: string): Expr {
    const open = this.#next();
    const args = this.#arguments();
    const expanded = this.#expand(name, target, args, open.offset);
    return expanded ?? { kind: 'call', id: this.#id(open.offset), target, function: name, args };
  }

  #arguments(): Expr[] {
    const args: Expr[] = [];
    if (this.#accept(')') !== undefined) return args;
    do args.push(this.#expression());
    while (this.#accept(',') !== undefined);
    this.#expect(')');
    return args;
  }

  #index(operand: Expr): Expr {
    const open = this.#next();
    const optional = this.#accept('?') !== undefined;
    const index = this.#expression();
    this.#expect(']');
    if (optional && this.#options.optionalSyntax === false) this.#report(open.offset, "unsupported syntax '[?'");
    return this.#call(open.offset, optional ? '_[?_]' : '_[_]', operand, index);
  }

  #primary(): Expr {
    const token = this.#token;
    switch (token.kind) {
      case 'IDENTIFIER':
        return this.#name('');
      case 'NUM_INT':
      case 'NUM_UINT':
      case 'NUM_FLOAT':
      case 'STRING':
      case 'BYTES':
        return this.#literal(this.#next());
      case 'PUNCTUATION':
        break;
      default:
        return this.#noExpression();
    }
    switch (token.text) {
      case '(': {
        this.#next();
        const expr = this.#expression();
        this.#expect(')');
        return expr;
      }
      case '[':
        return this.#list();
      case '{':
        return this.#map();
      case '.':
        this.#next();
        if (this.#token.kind === 'IDENTIFIER') return this.#name('.');
        return this.#noAlternative();
      case '-':
        this.#next();
        if (this.#token.kind === 'NUM_INT' || this.#token.kind === 'NUM_FLOAT') {
          const number = this.#next();
          return this.#literal({ ...number, text: `-${number.text}`, offset: token.offset });
        }
        this.#report(this.#token.offset, "Syntax error: no viable alternative at input '-'");
        return this.#noExpression();
      case 'true':
      case 'false':
        this.#next();
        return { kind: 'literal', id: this.#id(token.offset), value: token.text === 'true' };
      case 'null':
        this.#next();
        return { kind: 'literal', id: this.#id(token.offset), value: null };
      default:
        return this.#noExpression();
    }
  }

  #noExpression(): Expr {
    this.#unexpected(`{${expressionTokens}}`, (next) => beginsExpression(next));
    return this.#primary();
  }

  /** A variable, a call of a function, or the construction of a message. */
  #name(dot: '' | '.'): Expr {
    const first = this.#next();
    const message = this.#messageName(first);
    if (message !== undefined) return this.#struct(dot + message);
    if (reserved.has(first.text)) {
      this.#report(first.offset - dot.length, `reserved identifier: ${first.text}`);
      if (!this.#is('(')) return { kind: 'literal', id: this.#id(first.offset), value: null };
    }
    const name = dot + first.text;
    if (!this.#is('(')) return { kind: 'ident', id: this.#id(first.offset - dot.length), name };
    const open = this.#next();
    const args = this.#arguments();
    return this.#expand(name, undefined, args, open.offset) ?? this.#call(open.offset, name, ...args);
  }

  /** `a.b.C` when the tokens from here are `.b.C{`, which are then consumed up to the brace. */
  #messageName(first: Token): string | undefined {
    let ahead = 0;
    let name = first.text;
    while (this.#peek(ahead).text === '.' && this.#peek(ahead + 1).kind === 'IDENTIFIER') {
      name += `.${this.#peek(ahead + 1).text}`;
      ahead += 2;
    }
    const brace = this.#peek(ahead);
    if (brace.kind !== 'PUNCTUATION' || brace.text !== '{') return undefined;
    for (let i = 0; i < ahead; i++) this.#next();
    return name;
  }

  #literal(token: Token): Expr {
    const [value, problem] = literalValue(token.kind, token.text);
    if (value === undefined) this.#report(token.offset, problem);
    return { kind: 'literal', id: this.#id(token.offset), value: value ?? null };
  }

  #optionalEntry(): boolean {
    const mark = this.#accept('?');
    if (mark !== undefined && this.#options.optionalSyntax === false)
      this.#report(mark.offset, "unsupported syntax '?'");
    return mark !== undefined;
  }

  #list(): Expr {
    const open = this.#next();
    const elements: Expr[] = [];
    const optionals: number[] = [];
    while (!this.#is(']') && !(elements.length === 0 && this.#is(',') && this.#peek(1).text === ']')) {
      if (this.#optionalEntry()) optionals.push(elements.length);
      elements.push(this.#expression());
      if (!this.#is(',')) break;
      this.#next();
    }
    if (elements.length === 0) this.#accept(',');
    this.#expect(']');
    return { kind: 'list', id: this.#id(open.offset), elements, optionals };
  }

  #map(): Expr {
    const open = this.#next();
    const entries: MapEntry[] = [];
    while (!this.#endOfEntries(entries.length)) {
      if (entries.length === 0 && !this.#is('?') && !beginsExpression(this.#token)) {
        this.#unexpected(`{${mapTokens}}`, (next) => beginsExpression(next));
      }
      const optional = this.#optionalEntry();
      const key = this.#expression();
      const colon = this.#expect(':');
      const id = this.#id(colon.offset);
      entries.push({ id, key, value: this.#expression(), optional });
      if (this.#accept(',') === undefined) break;
    }
    if (entries.length === 0) this.#accept(',');
    this.#expect('}');
    return { kind: 'map', id: this.#id(open.offset), entries };
  }

  #struct(name: string): Expr {
    const open = this.#next();
    const fields: StructField[] = [];
    while (!this.#endOfEntries(fields.length)) {
      const isName = (token: Token): boolean => token.kind === 'IDENTIFIER' || token.kind === 'ESC_IDENTIFIER';
      if (!this.#is('?') && !isName(this.#token)) this.#unexpected(`{${fieldTokens}}`, isName);
      const optional = this.#optionalEntry();
      const field = this.#next();
      const text = field.kind === 'ESC_IDENTIFIER' ? this.#quotedField(field) : field.text;
      const colon = this.#expect(':');
      const id = this.#id(colon.offset);
      fields.push({ id, name: text, value: this.#expression(), optional });
      if (this.#accept(',') === undefined) break;
    }
    if (fields.length === 0) this.#accept(',');
    this.#expect('}');
    return { kind: 'struct', id: this.#id(open.offset), name, fields };
  }

  #endOfEntries(count: number): boolean {
    return this.#is('}') || (count === 0 && this.#is(',') && this.#peek(1).text === '}');
  }

  // Macros.

  #expand(name: string, target: Expr | undefined, args: readonly Expr[], offset: number): Expr | undefined {
    const macro = this.#macros.get(macroKey(name, args.length, target !== undefined));
    if (macro === undefined) return undefined;
    const nothing: Expr = { kind: 'literal', id: 0, value: null };
    const expanded = macro.expand(this.#factory(offset), target ?? nothing, args);
    if (!(expanded instanceof MacroError)) return expanded;
    this.#report(this.#positions[expanded.at.id] as number, expanded.message);
    return { kind: 'literal', id: this.#id(offset), value: null };
  }

  #factory(offset: number) {
    const id = (): number => this.#id(offset);
    const factory = {
      literal: (value: boolean | number): Expr => ({ kind: 'literal', id: id(), value }),
      ident: (name: string): Expr => ({ kind: 'ident', id: id(), name }),
      presence: (operand: Expr, field: string): Expr => ({ kind: 'select', id: id(), operand, field, testOnly: true }),
      call: (name: string, ...args: Expr[]): Expr => this.#call(offset, name, ...args),
      method: (name: string, target: Expr, ...args: Expr[]): Expr => ({
        kind: 'call',
        id: id(),
        target,
        function: name,
        args,
      }),
      list: (...elements: Expr[]): Expr => ({ kind: 'list', id: id(), elements, optionals: [] }),
      map: (): Expr => ({ kind: 'map', id: id(), entries: [] }),
      fold: (fold: Fold): Expr => ({
        kind: 'comprehension',
        id: id(),
        iterRange: fold.range,
        iterVar: fold.variable,
        iterVar2: fold.variable2 ?? '',
        accuVar: fold.accumulator,
        accuInit: fold.init,
        loopCondition: fold.condition,
        loopStep: fold.step,
        result: fold.result,
      }),
    };
    return factory;
  }
}

function isNameChain(expr: Expr): boolean {
  return expr.kind === 'ident' || (expr.kind === 'select' && isNameChain(expr.operand));
}

function beginsExpression(token: Token): boolean {
  if (token.kind === 'EOF' || token.kind === 'ESC_IDENTIFIER') return false;
  return token.kind !== 'PUNCTUATION' || ['[', '{', '(', '.', '-', '!', 'true', 'false', 'null'].includes(token.text);
}

function literalValue(kind: TokenKind, text: string): [Value | undefined, string] {
  switch (kind) {
    case 'NUM_INT':
      return [parseIntLiteral(text), 'invalid int literal'];
    case 'NUM_UINT':
      return [parseUintLiteral(text), 'invalid uint literal'];
    case 'NUM_FLOAT':
      return [parseDoubleLiteral(text), 'invalid double literal'];
    case 'STRING':
      return [parseStringLiteral(text), 'invalid unicode code point'];
    default:
      return [parseBytesLiteral(text), 'unable to unescape string'];
  }
}
