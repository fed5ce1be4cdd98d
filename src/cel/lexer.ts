/** Tokens of the CEL grammar (cel-go `parser/gen/CEL.g4`), and what its lexer says about text that is none. */
import type { SourceIssue } from './source.ts';

export type TokenKind =
  | 'IDENTIFIER'
  | 'ESC_IDENTIFIER'
  | 'NUM_INT'
  | 'NUM_UINT'
  | 'NUM_FLOAT'
  | 'STRING'
  | 'BYTES'
  | 'EOF'
  /** Keywords and punctuation: the kind says nothing, the text everything. */
  | 'PUNCTUATION';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly offset: number;
}

const keywords = new Set(['in', 'true', 'false', 'null']);
const blank = /[\t\n\f\r ]+|\/\/[^\n]*/y;
const escapedIdentifier = /`[_a-zA-Z0-9./ -]+`/y;
const number = /0x[0-9a-fA-F]+[uU]?|\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\d+[uU]?|\.\d+(?:[eE][+-]?\d+)?/y;
const punctuation = /\|\||&&|==|!=|<=|>=|[-+*/%<>!?:.,()[\]{}]/y;
const escaped = String.raw`\\(?:[abfnrtv"'\\?\x60]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2})`;
const string = new RegExp(
  [
    String.raw`[bB]?[rR](?:"""[\s\S]*?"""|'''[\s\S]*?'''|"[^"\n\r]*"|'[^'\n\r]*')`,
    String.raw`[bB]?(?:"""(?:${escaped}|[^\\])*?"""|'''(?:${escaped}|[^\\])*?'''|"(?:${escaped}|[^\\"\n\r])*"|'(?:${escaped}|[^\\'\n\r])*')`,
  ].join('|'),
  'y',
);
/** How far the lexer gets into a string before it gives up on it. */
const stringStart = new RegExp(
  `[bB]?[rR]?(?:"""(?:${escaped}|[^\\\\])*|'''(?:${escaped}|[^\\\\])*|"(?:${escaped}|[^\\\\"\\n\\r])*|'(?:${escaped}|[^\\\\'\\n\\r])*)`,
  'y',
);

/** All tokens of `text`, ending with one of kind EOF. Text that is no token is reported and left out. */
export function tokenize(text: string, issues: SourceIssue[]): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  const push = (kind: TokenKind, found: string): void => {
    tokens.push({ kind, text: found, offset: at });
    at += found.length;
  };
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === 32) {
      at++;
      continue;
    }
    if ((code >= 9 && code <= 13) || code === 47) {
      const skipped = match(blank);
      if (skipped !== undefined) {
        at += skipped.length;
        continue;
      }
    }
    if (beginsString(text, at)) {
      const found = match(string);
      if (found !== undefined) {
        push((code | 32) === 98 ? 'BYTES' : 'STRING', found);
        continue;
      }
    }
    if (isWord(code) && !isDigit(code)) {
      let end = at + 1;
      while (isWord(text.charCodeAt(end))) end++;
      const found = text.slice(at, end);
      push(keywords.has(found) ? 'PUNCTUATION' : 'IDENTIFIER', found);
      continue;
    }
    if (isDigit(code) || code === 46) {
      const found = match(number);
      if (found !== undefined) {
        push(numberKind(found), found);
        continue;
      }
    }
    const found = match(punctuation);
    if (found !== undefined) {
      push('PUNCTUATION', found);
      continue;
    }
    if (code === 96) {
      const name = match(escapedIdentifier);
      if (name !== undefined) {
        push('ESC_IDENTIFIER', name);
        continue;
      }
    }
    const bad = unrecognized(text, at, match);
    issues.push({ offset: at, message: `Syntax error: token recognition error at: '${bad}'` });
    at += bad.length;
  }
  tokens.push({ kind: 'EOF', text: '<EOF>', offset: text.length });
  return tokens;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** Letters, digits and the underscore; not what lies beyond the end of the text. */
function isWord(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95 || isDigit(code);
}

/** Whether a quote, maybe after the prefixes of bytes and raw strings, is at this position. */
function beginsString(text: string, at: number): boolean {
  for (let i = at; i < at + 3; i++) {
    const code = text.charCodeAt(i);
    if (code === 34 || code === 39) return true;
    if ((code | 32) !== 98 && (code | 32) !== 114) return false;
  }
  return false;
}

function numberKind(text: string): TokenKind {
  if (/[uU]$/.test(text)) return 'NUM_UINT';
  return text.startsWith('0x') || /^\d+$/.test(text) ? 'NUM_INT' : 'NUM_FLOAT';
}

/** The text that the generated lexer consumes before it finds that it is no token, one character longer than its prefix. */
function unrecognized(text: string, at: number, match: (pattern: RegExp) => string | undefined): string {
  const char = String.fromCodePoint(text.codePointAt(at) as number);
  const follow = (end: number): string => {
    const next = text.codePointAt(end);
    return text.slice(at, end) + (next === undefined || next === 10 || next === 13 ? '' : String.fromCodePoint(next));
  };
  if (char === '"' || char === "'") {
    const end = at + (match(stringStart) ?? char).length;
    if (text[end] !== '\\') return follow(end);
    // Inside an escape the lexer goes on while the escape may still become one.
    const partial = /\\(?:[xX][0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7}|[0-3][0-7]?)?/y;
    partial.lastIndex = end;
    return follow(end + (partial.exec(text)?.[0] ?? '').length);
  }
  if (char === '|' || char === '&' || char === '=') return follow(at + 1);
  if (char === '`') return follow(at + 1);
  return char;
}
