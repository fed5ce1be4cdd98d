/** How Go prints values, where Kubernetes' messages show them. */
import type { JsonValue } from './json-value.ts';

const plain = /^[ !#-[\]-~]*$/;
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

const escapes: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

/** A string as Go's `%q` prints it. */
export function goQuote(text: string): string {
  if (plain.test(text)) return `"${text}"`;
  let quoted = '';
  for (const char of text) {
    const point = char.codePointAt(0)!;
    if (char in escapes) quoted += escapes[char];
    else if (point >= 0xd800 && point < 0xe000) quoted += '\ufffd';
    else if (printable.test(char)) quoted += char;
    else if (point < 0x80) quoted += `\\x${point.toString(16).padStart(2, '0')}`;
    else if (point < 0x10000) quoted += `\\u${point.toString(16).padStart(4, '0')}`;
    else quoted += `\\U${point.toString(16).padStart(8, '0')}`;
  }
  return `"${quoted}"`;
}

/** A number as Go's `%v` prints it: integers in full (they are int64 there), others as `%g` does. */
export function goNumber(value: number | bigint): string {
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return String(value);
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string];
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

/** A value as Go's `%v` prints it: `map[name:a value:1]`, `[1 2]`, `<nil>`. */
export function goValue(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goValue).join(' ')}]`;
  if (typeof value === 'number' || typeof value === 'bigint') return goNumber(value);
  if (typeof value !== 'object') return String(value);
  const names = Object.keys(value).sort();
  return `map[${names.map((name) => `${name}:${goValue(value[name])}`).join(' ')}]`;
}

const htmlEscapes = /[<>&\u2028\u2029]/g;

/** JSON text as Go's `json.Marshal` writes it, with what HTML would take for markup escaped. */
export function goJson(text: string): string {
  return text.replace(htmlEscapes, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
