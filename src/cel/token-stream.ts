/** The tokens of an expression, read one after the other, and the errors found on the way. */
import { type Token, tokenize } from './lexer.ts';
import type { SourceIssue } from './source.ts';

/** Ends the parse at the first error from which there is no going on. */
export class Abort extends Error {}

export class TokenStream {
  readonly issues: SourceIssue[] = [];
  readonly #tokens: readonly Token[];
  #at = 0;
  /** The token that is read next; at the end one of kind EOF. */
  token: Token;

  constructor(text: string) {
    this.#tokens = tokenize(text, this.issues);
    this.token = this.#tokens[0] as Token;
  }

  next(): Token {
    const { token } = this;
    if (token.kind !== 'EOF') this.token = this.#tokens[++this.#at] as Token;
    return token;
  }

  peek(ahead: number): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)] as Token;
  }

  is(text: string): boolean {
    return this.token.kind === 'PUNCTUATION' && this.token.text === text;
  }

  accept(text: string): Token | undefined {
    return this.is(text) ? this.next() : undefined;
  }

  expect(text: string): Token {
    if (!this.is(text)) this.unexpected(`'${text}'`, (next) => next.kind === 'PUNCTUATION' && next.text === text);
    return this.next();
  }

  report(offset: number, message: string): void {
    this.issues.push({ offset, message });
  }

  /** Reports the current token. Goes on behind it when what follows fits, as the generated parser does; else stops. */
  unexpected(expecting: string, fits: (next: Token) => boolean): void {
    if (!this.skipExtraneous(expecting, fits)) throw new Abort();
  }

  /** Reports the current token, and skips it when what follows fits. */
  skipExtraneous(expecting: string, fits: (next: Token) => boolean): boolean {
    const { offset, text, kind } = this.token;
    const extraneous = kind !== 'EOF' && fits(this.peek(1));
    const what = extraneous ? 'extraneous' : 'mismatched';
    this.report(offset, `Syntax error: ${what} input '${text}' expecting ${expecting}`);
    if (extraneous) this.next();
    return extraneous;
  }

  noAlternative(): never {
    const { kind, text, offset } = this.token;
    this.report(offset, `Syntax error: no viable alternative at input '.${kind === 'EOF' ? '' : text}'`);
    throw new Abort();
  }
}
