/** From text to syntax tree: the grammar of CEL (cel-go `parser/gen/CEL.g4`), its limits, and its errors in cel-go's words. */
import type { Ast, Expr, MapEntry, StructField } from './ast.ts';
import {
  additions,
  beginsExpression,
  binary,
  expressionTokens,
  fieldTokens,
  literalValue,
  mapTokens,
  multiplications,
  relations,
  reserved,
} from './grammar.ts';
import type { Token } from './lexer.ts';
import { bindMacro, type Macro, MacroError, macroKey, macroTable, optionalMacros, standardMacros } from './macros.ts';
import type { SourceIssue } from './source.ts';
import { Abort, TokenStream } from './token-stream.ts';
import { TreeBuilder } from './tree-builder.ts';

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

const defaultMacros = macroTable([...standardMacros, ...optionalMacros, bindMacro]);

class Parser {
  readonly #text: string;
  readonly #options: ParserOptions;
  readonly #macros: ReadonlyMap<string, Macro>;
  readonly #maxDepth: number;
  readonly #tokens: TokenStream;
  readonly #tree = new TreeBuilder();
  #depth = 0;

  constructor(text: string, options: ParserOptions) {
    this.#text = text;
    this.#options = options;
    this.#macros = options.macros ?? defaultMacros;
    this.#maxDepth = options.maxDepth ?? 250;
    this.#tokens = new TokenStream(text);
  }

  parse(): ParseResult {
    try {
      const expr = this.#expression();
      if (this.#tokens.token.kind !== 'EOF') this.#tokens.unexpected('<EOF>', (next) => next.kind === 'EOF');
      if (this.#tokens.issues.length === 0) {
        return { ast: { source: this.#text, expr, positions: this.#tree.positions }, issues: [] };
      }
    } catch (error) {
      if (!(error instanceof Abort)) throw error;
    }
    return { issues: this.#tokens.issues };
  }

  #limit(message: string): never {
    this.#tokens.report(-1, `${message} exceeded${message.startsWith('expression') ? `: ${this.#maxDepth}` : ''}`);
    throw new Abort();
  }

  // The grammar, from the loosest to the tightest binding.

  #expression(): Expr {
    if (++this.#depth > this.#maxDepth) this.#limit('expression recursion limit');
    const condition = this.#or();
    let expr = condition;
    const op = this.#tokens.accept('?');
    if (op !== undefined) {
      const whenTrue = this.#or();
      this.#tokens.expect(':');
      expr = this.#tree.call(op.offset, '_?_:_', condition, whenTrue, this.#expression());
    }
    this.#depth--;
    return expr;
  }

  #or(): Expr {
    const first = this.#and();
    if (!this.#tokens.is('||')) return first;
    const terms = [first];
    const offsets: number[] = [];
    while (this.#tokens.is('||')) {
      offsets.push(this.#tokens.next().offset);
      terms.push(this.#and());
    }
    return this.#balance('_||_', terms, offsets, 0, offsets.length - 1);
  }

  #and(): Expr {
    const first = this.#relation();
    if (!this.#tokens.is('&&')) return first;
    const terms = [first];
    const offsets: number[] = [];
    while (this.#tokens.is('&&')) {
      offsets.push(this.#tokens.next().offset);
      terms.push(this.#relation());
    }
    return this.#balance('_&&_', terms, offsets, 0, offsets.length - 1);
  }

  /** A chain of `&&` or `||` as a tree whose depth grows with the logarithm of its length. */
  #balance(name: string, terms: readonly Expr[], offsets: readonly number[], low: number, high: number): Expr {
    const middle = (low + high + 1) >> 1;
    const left = middle === low ? (terms[middle] as Expr) : this.#balance(name, terms, offsets, low, middle - 1);
    const right = middle === high ? (terms[middle + 1] as Expr) : this.#balance(name, terms, offsets, middle + 1, high);
    return this.#tree.call(offsets[middle] as number, name, left, right);
  }

  #relation(): Expr {
    let left = this.#sum();
    for (let depth = 1; ; depth++) {
      const name = this.#operator(relations, depth);
      if (name === undefined) return left;
      left = this.#tree.call(this.#tokens.next().offset, name, left, this.#sum());
    }
  }

  #sum(): Expr {
    let left = this.#product();
    for (let depth = 1; ; depth++) {
      const name = this.#operator(additions, depth);
      if (name === undefined) return left;
      left = this.#tree.call(this.#tokens.next().offset, name, left, this.#product());
    }
  }

  #product(): Expr {
    let left = this.#unary();
    for (let depth = 1; ; depth++) {
      const name = this.#operator(multiplications, depth);
      if (name === undefined) return left;
      left = this.#tree.call(this.#tokens.next().offset, name, left, this.#unary());
    }
  }

  /** The function of the operator at this token, if it is one of these. */
  #operator(operators: ReadonlyMap<string, string>, depth: number): string | undefined {
    if (this.#tokens.token.kind !== 'PUNCTUATION') return undefined;
    const name = operators.get(this.#tokens.token.text);
    if (name !== undefined && this.#depth + depth > this.#maxDepth) this.#limit('max recursion depth');
    return name;
  }

  #unary(): Expr {
    const op = this.#tokens.token;
    const signed = this.#tokens.peek(1).kind;
    if (this.#tokens.is('-') && (signed === 'NUM_INT' || signed === 'NUM_FLOAT')) return this.#member();
    if (!this.#tokens.is('!') && !this.#tokens.is('-')) return this.#member();
    let count = 0;
    while (this.#tokens.accept(op.text) !== undefined) count++;
    const operand = this.#member();
    if (count % 2 === 0) return operand;
    return this.#tree.call(op.offset, op.text === '!' ? '!_' : '-_', operand);
  }

  #member(): Expr {
    let expr = this.#primary();
    for (let depth = 1; ; depth++) {
      if (this.#depth + depth > this.#maxDepth + 1) this.#limit('max recursion depth');
      if (this.#tokens.is('.')) expr = this.#selection(expr);
      else if (this.#tokens.is('[')) expr = this.#index(expr);
      else return expr;
    }
  }

  #selection(operand: Expr): Expr {
    const dot = this.#tokens.next();
    const optional = this.#tokens.accept('?') !== undefined;
    const name = this.#tokens.token;
    if (name.kind !== 'IDENTIFIER' && name.kind !== 'ESC_IDENTIFIER') {
      if (this.#tokens.is('in')) {
        // The generated parser takes it for the operator, and goes on with what follows.
        this.#tokens.report(name.offset, "Syntax error: no viable alternative at input '.in'");
        return operand;
      }
      if (!isNameChain(operand)) this.#tokens.noAlternative();
      this.#tokens.report(name.offset, `Syntax error: mismatched input '${name.text}' expecting IDENTIFIER`);
      throw new Abort();
    }
    this.#tokens.next();
    if (name.kind === 'IDENTIFIER' && !optional && this.#tokens.is('(')) return this.#methodCall(operand, name.text);
    const field = name.kind === 'IDENTIFIER' ? name.text : this.#quotedField(name);
    if (optional) {
      if (this.#options.optionalSyntax === false) this.#tokens.report(dot.offset, "unsupported syntax '.?'");
      const literal: Expr = { kind: 'literal', id: this.#tree.id(name.offset), value: field };
      return this.#tree.call(dot.offset, '_?._', operand, literal);
    }
    return { kind: 'select', id: this.#tree.id(dot.offset), operand, field, testOnly: false };
  }

  #quotedField(token: Token): string {
    if (this.#options.quotedFields === false) this.#tokens.report(token.offset, "unsupported syntax: '`'");
    return token.text.slice(1, -1);
  }

  #methodCall(target: Expr, name: string): Expr {
    const open = this.#tokens.next();
    const args = this.#arguments();
    const expanded = this.#expand(name, target, args, open.offset);
    return expanded ?? { kind: 'call', id: this.#tree.id(open.offset), target, function: name, args };
  }

  #arguments(): Expr[] {
    const args: Expr[] = [];
    if (this.#tokens.accept(')') !== undefined) return args;
    do args.push(this.#expression());
    while (this.#tokens.accept(',') !== undefined);
    this.#tokens.expect(')');
    return args;
  }

  #index(operand: Expr): Expr {
    const open = this.#tokens.next();
    const optional = this.#tokens.accept('?') !== undefined;
    const index = this.#expression();
    this.#tokens.expect(']');
    if (optional && this.#options.optionalSyntax === false) this.#tokens.report(open.offset, "unsupported syntax '[?'");
    return this.#tree.call(open.offset, optional ? '_[?_]' : '_[_]', operand, index);
  }

  #primary(): Expr {
    const token = this.#tokens.token;
    switch (token.kind) {
      case 'IDENTIFIER':
        return this.#name('');
      case 'NUM_INT':
      case 'NUM_UINT':
      case 'NUM_FLOAT':
      case 'STRING':
      case 'BYTES':
        return this.#literal(this.#tokens.next());
      case 'PUNCTUATION':
        break;
      default:
        return this.#noExpression();
    }
    switch (token.text) {
      case '(': {
        this.#tokens.next();
        const expr = this.#expression();
        this.#tokens.expect(')');
        return expr;
      }
      case '[':
        return this.#list();
      case '{':
        return this.#map();
      case '.':
        this.#tokens.next();
        if (this.#tokens.token.kind === 'IDENTIFIER') return this.#name('.');
        return this.#tokens.noAlternative();
      case '-':
        this.#tokens.next();
        if (this.#tokens.token.kind === 'NUM_INT' || this.#tokens.token.kind === 'NUM_FLOAT') {
          const number = this.#tokens.next();
          return this.#literal({ ...number, text: `-${number.text}`, offset: token.offset });
        }
        this.#tokens.report(this.#tokens.token.offset, "Syntax error: no viable alternative at input '-'");
        return this.#noExpression();
      case 'true':
      case 'false':
        this.#tokens.next();
        return { kind: 'literal', id: this.#tree.id(token.offset), value: token.text === 'true' };
      case 'null':
        this.#tokens.next();
        return { kind: 'literal', id: this.#tree.id(token.offset), value: null };
      default:
        return this.#noExpression();
    }
  }

  #noExpression(): Expr {
    const { kind, text, offset } = this.#tokens.token;
    if (this.#tokens.skipExtraneous(`{${expressionTokens}}`, beginsExpression)) return this.#primary();
    // The generated parser goes on with an operator, as if there were an expression before it.
    if (kind !== 'PUNCTUATION' || !binary.has(text)) throw new Abort();
    return { kind: 'literal', id: this.#tree.id(offset), value: null };
  }

  /** A variable, a call of a function, or the construction of a message. */
  #name(dot: '' | '.'): Expr {
    const first = this.#tokens.next();
    const message = this.#messageName(first);
    if (message !== undefined) return this.#struct(dot + message);
    if (reserved.has(first.text)) {
      this.#tokens.report(first.offset - dot.length, `reserved identifier: ${first.text}`);
      if (!this.#tokens.is('(')) return { kind: 'literal', id: this.#tree.id(first.offset), value: null };
    }
    const name = dot + first.text;
    if (!this.#tokens.is('(')) return { kind: 'ident', id: this.#tree.id(first.offset - dot.length), name };
    const open = this.#tokens.next();
    const args = this.#arguments();
    return this.#expand(name, undefined, args, open.offset) ?? this.#tree.call(open.offset, name, ...args);
  }

  /** `a.b.C` when the tokens from here are `.b.C{`, which are then consumed up to the brace. */
  #messageName(first: Token): string | undefined {
    let ahead = 0;
    let name = first.text;
    while (this.#tokens.peek(ahead).text === '.' && this.#tokens.peek(ahead + 1).kind === 'IDENTIFIER') {
      name += `.${this.#tokens.peek(ahead + 1).text}`;
      ahead += 2;
    }
    const brace = this.#tokens.peek(ahead);
    if (brace.kind !== 'PUNCTUATION' || brace.text !== '{') return undefined;
    for (let i = 0; i < ahead; i++) this.#tokens.next();
    return name;
  }

  #literal(token: Token): Expr {
    const [value, problem] = literalValue(token.kind, token.text);
    if (value === undefined) this.#tokens.report(token.offset, problem);
    return { kind: 'literal', id: this.#tree.id(token.offset), value: value ?? null };
  }

  #optionalEntry(): boolean {
    const mark = this.#tokens.accept('?');
    if (mark !== undefined && this.#options.optionalSyntax === false)
      this.#tokens.report(mark.offset, "unsupported syntax '?'");
    return mark !== undefined;
  }

  #list(): Expr {
    const open = this.#tokens.next();
    const elements: Expr[] = [];
    const optionals: number[] = [];
    while (
      !this.#tokens.is(']') &&
      !(elements.length === 0 && this.#tokens.is(',') && this.#tokens.peek(1).text === ']')
    ) {
      if (this.#optionalEntry()) optionals.push(elements.length);
      elements.push(this.#expression());
      if (!this.#tokens.is(',')) break;
      this.#tokens.next();
    }
    if (elements.length === 0) this.#tokens.accept(',');
    this.#tokens.expect(']');
    return { kind: 'list', id: this.#tree.id(open.offset), elements, optionals };
  }

  #map(): Expr {
    const open = this.#tokens.next();
    const entries: MapEntry[] = [];
    while (!this.#endOfEntries(entries.length)) {
      if (entries.length === 0 && !this.#tokens.is('?') && !beginsExpression(this.#tokens.token)) {
        this.#tokens.unexpected(`{${mapTokens}}`, (next) => beginsExpression(next));
      }
      const optional = this.#optionalEntry();
      const key = this.#expression();
      const colon = this.#tokens.expect(':');
      const id = this.#tree.id(colon.offset);
      entries.push({ id, key, value: this.#expression(), optional });
      if (this.#tokens.accept(',') === undefined) break;
    }
    if (entries.length === 0) this.#tokens.accept(',');
    this.#tokens.expect('}');
    return { kind: 'map', id: this.#tree.id(open.offset), entries };
  }

  #struct(name: string): Expr {
    const open = this.#tokens.next();
    const fields: StructField[] = [];
    while (!this.#endOfEntries(fields.length)) {
      const isName = (token: Token): boolean => token.kind === 'IDENTIFIER' || token.kind === 'ESC_IDENTIFIER';
      if (!this.#tokens.is('?') && !isName(this.#tokens.token)) this.#tokens.unexpected(`{${fieldTokens}}`, isName);
      const optional = this.#optionalEntry();
      const field = this.#tokens.next();
      const text = field.kind === 'ESC_IDENTIFIER' ? this.#quotedField(field) : field.text;
      const colon = this.#tokens.expect(':');
      const id = this.#tree.id(colon.offset);
      fields.push({ id, name: text, value: this.#expression(), optional });
      if (this.#tokens.accept(',') === undefined) break;
    }
    if (fields.length === 0) this.#tokens.accept(',');
    this.#tokens.expect('}');
    return { kind: 'struct', id: this.#tree.id(open.offset), name, fields };
  }

  #endOfEntries(count: number): boolean {
    return this.#tokens.is('}') || (count === 0 && this.#tokens.is(',') && this.#tokens.peek(1).text === '}');
  }

  // Macros.

  #expand(name: string, target: Expr | undefined, args: readonly Expr[], offset: number): Expr | undefined {
    const macro = this.#macros.get(macroKey(name, args.length, target !== undefined));
    if (macro === undefined) return undefined;
    const nothing: Expr = { kind: 'literal', id: 0, value: null };
    const expanded = macro.expand(this.#tree.factory(offset), target ?? nothing, args);
    if (!(expanded instanceof MacroError)) return expanded;
    this.#tokens.report(this.#tree.positions[expanded.at.id] as number, expanded.message);
    return { kind: 'literal', id: this.#tree.id(offset), value: null };
  }
}

function isNameChain(expr: Expr): boolean {
  return expr.kind === 'ident' || (expr.kind === 'select' && isNameChain(expr.operand));
}
