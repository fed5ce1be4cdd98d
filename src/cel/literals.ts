/** From the text of a literal token to its value. Source: CEL language definition, "Values"; cel-go `parser/unescape.go`. */
import { Double, Uint } from './values.ts';

const maxInt64 = 2n ** 63n - 1n;
const minInt64 = -(2n ** 63n);
const maxUint64 = 2n ** 64n - 1n;

/** The value of `text` (with its sign), or undefined when it is out of the range of int. */
export function parseIntLiteral(text: string): number | bigint | undefined {
  const negative = text.startsWith('-');
  const magnitude = BigInt(negative ? text.slice(1) : text);
  const value = negative ? -magnitude : magnitude;
  return value < minInt64 || value > maxInt64 ? undefined : normalInt(value);
}

export function parseUintLiteral(text: string): Uint | undefined {
  const value = BigInt(text.slice(0, -1));
  return value > maxUint64 ? undefined : new Uint(normalInt(value));
}

export function parseDoubleLiteral(text: string): Double | undefined {
  const value = Number(text);
  return Number.isFinite(value) ? new Double(value) : undefined;
}

/** A bigint as the value type int holds it: a number as long as that is exact. */
export function normalInt(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/** The text between the quotes with escapes replaced, or undefined when an escape names no character. */
export function parseStringLiteral(text: string): string | undefined {
  const raw = text[0] === 'r' || text[0] === 'R';
  const body = unquote(raw ? text.slice(1) : text);
  if (raw || !body.includes('\\')) return body;
  let valid = true;
  const value = body.replace(escapes, (_, spelled: string) => {
    const code = escapeCode(spelled);
    if (typeof code === 'string') return code;
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) valid = false;
    return valid ? String.fromCodePoint(code) : '';
  });
  return valid ? value : undefined;
}

/** As {@link parseStringLiteral}, but octal and `\x` escapes name bytes; `\u` is not one of the escapes. */
export function parseBytesLiteral(text: string): Uint8Array | undefined {
  const raw = text[1] === 'r' || text[1] === 'R';
  const body = unquote(text.slice(raw ? 2 : 1));
  const encoder = new TextEncoder();
  if (raw || !body.includes('\\')) return encoder.encode(body);
  const bytes: number[] = [];
  let end = 0;
  for (const match of body.matchAll(escapes)) {
    bytes.push(...encoder.encode(body.slice(end, match.index)));
    end = match.index + match[0].length;
    const spelled = match[1] as string;
    if (/^[uU]/.test(spelled)) return undefined;
    const code = escapeCode(spelled);
    if (typeof code === 'string') bytes.push(...encoder.encode(code));
    else bytes.push(code);
  }
  bytes.push(...encoder.encode(body.slice(end)));
  return Uint8Array.from(bytes);
}

const escapes = /\\([xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|[\s\S])/g;
const simple: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** A character, or the number that the escape spells. */
function escapeCode(spelled: string): string | number {
  if (spelled.length === 1) return simple[spelled] ?? spelled;
  return /^[0-7]/.test(spelled) ? Number.parseInt(spelled, 8) : Number.parseInt(spelled.slice(1), 16);
}

/** The text between the quotes, with line ends as `\n`. */
function unquote(text: string): string {
  const quotes = text.length >= 6 && (text.startsWith('"""') || text.startsWith("'''")) ? 3 : 1;
  const body = text.slice(quotes, -quotes);
  return body.includes('\r') ? body.replace(/\r\n?/g, '\n') : body;
}
