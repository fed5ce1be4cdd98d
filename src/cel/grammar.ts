/** The words and operators of CEL, its literals, and the lists of what may stand somewhere that errors show. Source: cel-go `parser/gen/CEL.g4`. */
import type { Token, TokenKind } from './lexer.ts';
import {
  parseBytesLiteral,
  parseDoubleLiteral,
  parseIntLiteral,
  parseStringLiteral,
  parseUintLiteral,
} from './literals.ts';
import type { Value } from './values.ts';

/** Words that no variable may have as its name; fields may. */
export const reserved = new Set(
  'as break const continue else for function if import let loop package namespace return var void while'.split(' '),
);
export const relations: ReadonlyMap<string, string> = new Map([
  ['<', '_<_'],
  ['<=', '_<=_'],
  ['>', '_>_'],
  ['>=', '_>=_'],
  ['==', '_==_'],
  ['!=', '_!=_'],
  ['in', '@in'],
]);
export const multiplications: ReadonlyMap<string, string> = new Map([
  ['*', '_*_'],
  ['/', '_/_'],
  ['%', '_%_'],
]);
export const additions: ReadonlyMap<string, string> = new Map([
  ['+', '_+_'],
  ['-', '_-_'],
]);

export const binary: ReadonlySet<string> = new Set([
  ...relations.keys(),
  ...multiplications.keys(),
  ...additions.keys(),
]);

/** What may begin an expression, as the generated parser lists it. */
export const expressionTokens =
  "'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER";
export const mapTokens =
  "'[', '{', '}', '(', '.', ',', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER";
export const fieldTokens = "'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER";

export function beginsExpression(token: Token): boolean {
  if (token.kind === 'EOF' || token.kind === 'ESC_IDENTIFIER') return false;
  return token.kind !== 'PUNCTUATION' || ['[', '{', '(', '.', '-', '!', 'true', 'false', 'null'].includes(token.text);
}

export function literalValue(kind: TokenKind, text: string): [Value | undefined, string] {
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
