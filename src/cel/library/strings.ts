/** Functions on strings. Source: cel-go `ext/strings.go`; Kubernetes enables version 2 of it. */
import { codePoints } from '../equality.ts';
import { declare, type FunctionDeclaration, type Library } from '../functions.ts';
import type { Int } from '../numbers.ts';
import { CelError, ListValue, type Value } from '../values.ts';
import { elementWork, entryWork, textElementWork, work } from '../work.ts';
import { type FormatStyle, format } from './string-format.ts';

/** The functions of version 2: all but `reverse`, with the formatting that came before version 4. */
export const stringsLibrary: Library = { functions: stringFunctions('localized') };

/** The functions of the newest version. */
export const latestStringsLibrary: Library = {
  functions: [
    ...stringFunctions('plain'),
    declare('reverse', { string_reverse: ['string.() -> string', (text: string) => [...text].reverse().join('')] }),
  ],
};

function stringFunctions(style: FormatStyle): readonly FunctionDeclaration[] {
  return [
    declare('charAt', { string_char_at_int: ['string.(int) -> string', charAt] }),
    declare('indexOf', {
      string_index_of_string: ['string.(string) -> int', (text: string, part: string) => indexOf(text, part, 0)],
      string_index_of_string_int: ['string.(string, int) -> int', indexOf],
    }),
    declare('lastIndexOf', {
      string_last_index_of_string: ['string.(string) -> int', (text: string, part: string) => lastIndexOf(text, part)],
      string_last_index_of_string_int: ['string.(string, int) -> int', lastIndexOf],
    }),
    declare('lowerAscii', {
      string_lower_ascii: ['string.() -> string', lowerAscii],
    }),
    declare('upperAscii', {
      string_upper_ascii: ['string.() -> string', upperAscii],
    }),
    declare('replace', {
      string_replace_string_string: ['string.(string, string) -> string', replace],
      string_replace_string_string_int: ['string.(string, string, int) -> string', replace],
    }),
    declare('split', {
      string_split_string: ['string.(string) -> list(string)', split],
      string_split_string_int: ['string.(string, int) -> list(string)', split],
    }),
    declare('substring', {
      string_substring_int: ['string.(int) -> string', substring],
      string_substring_int_int: ['string.(int, int) -> string', substring],
    }),
    declare('trim', { string_trim: ['string.() -> string', trim] }),
    declare('join', {
      list_join: ['list(string).() -> string', (list: ListValue) => join(list, '')],
      list_join_string: ['list(string).(string) -> string', join],
    }),
    declare('format', {
      string_format: ['string.(list(dyn)) -> string', (text: string, args: ListValue) => format(text, args, style)],
    }),
    declare('strings.quote', { strings_quote: ['(string) -> string', quote] }),
  ];
}

const onlyAscii = /^[\0-\x7f]*$/;

function lowerAscii(text: string): Value {
  return onlyAscii.test(text) ? text.toLowerCase() : inOtherCase(text, capitalA);
}

function upperAscii(text: string): Value {
  return onlyAscii.test(text) ? text.toUpperCase() : inOtherCase(text, smallA);
}

const capitalA = 0x41;
const smallA = 0x61;

/** The text with the 26 letters from `first` on in the other case, which ASCII tells by one bit. */
function inOtherCase(text: string, first: number): string {
  work(text.length * 2 * elementWork);
  const units = Buffer.from(text, 'utf16le');
  for (let i = 0; i < units.length; i += 2) {
    const low = units[i] as number;
    if (units[i + 1] === 0 && low >= first && low < first + 26) units[i] = low ^ 0x20;
  }
  return units.toString('utf16le');
}

/** What Unicode calls white space; none of it is outside the basic plane. */
const space = /\p{White_Space}/u;

function trim(text: string): Value {
  let start = 0;
  let end = text.length;
  while (start < end && space.test(text[start] as string)) start++;
  while (end > start && space.test(text[end - 1] as string)) end--;
  work((text.length - (end - start)) * elementWork);
  return text.slice(start, end);
}

/** The text as characters that can be indexed: itself while it has none outside the basic plane. */
function characters(text: string): ArrayLike<string> {
  if (codePoints(text) === text.length) return text;
  work(text.length * textElementWork);
  return [...text];
}

function outOfRange(index: Int): CelError {
  return new CelError(`index out of range: ${index}`);
}

function charAt(text: string, index: Int): Value {
  const chars = characters(text);
  if (index < 0 || index > chars.length) return outOfRange(index);
  return chars[Number(index)] ?? '';
}

/** Whether `part` is in `text` from position `at`. */
function isAt(text: ArrayLike<string>, part: ArrayLike<string>, at: number): boolean {
  for (let i = 0; i < part.length; i++) if (text[at + i] !== part[i]) return false;
  return true;
}

/** A search may compare nearly all of the part at nearly every position. */
function countSearch(length: number, part: number): void {
  work(length + Math.ceil((length * part) / 4));
}

function indexOf(text: string, part: string, from: Int): Value {
  if (part === '') return from;
  const chars = characters(text);
  const wanted = characters(part);
  countSearch(chars.length, wanted.length);
  if (from < 0 || (from >= chars.length && from !== 0)) return outOfRange(from);
  if (typeof chars === 'string') return chars.indexOf(part, Number(from));
  for (let i = Number(from); i <= chars.length - wanted.length; i++) if (isAt(chars, wanted, i)) return i;
  return -1;
}

function lastIndexOf(text: string, part: string, from?: Int): Value {
  const chars = characters(text);
  if (part === '') return from ?? chars.length;
  if (from === undefined && chars.length < codePoints(part)) return -1;
  const last = from ?? chars.length - 1;
  if (last < 0 || last >= chars.length) return outOfRange(last);
  const wanted = characters(part);
  countSearch(chars.length, wanted.length);
  if (typeof chars === 'string') return chars.lastIndexOf(part, Number(last));
  for (let i = Math.min(Number(last), chars.length - wanted.length); i >= 0; i--) if (isAt(chars, wanted, i)) return i;
  return -1;
}

/** Replaces the first `limit` occurrences; a negative limit means all. An empty `old` is found between all characters. */
function replace(text: string, old: string, replacement: string, limit: Int = -1): Value {
  countSearch(text.length, old.length);
  if (!text.includes(old)) return text;
  if (limit < 0 && old !== '') {
    const parts = text.split(old);
    work(parts.length * (textElementWork + replacement.length));
    return parts.join(replacement);
  }
  let left = limit < 0 ? Number.POSITIVE_INFINITY : Number(limit);
  if (old === '') {
    work(text.length * textElementWork + Math.min(left, text.length + 1) * (entryWork + replacement.length));
    const chars = [...text];
    let out = left-- > 0 ? replacement : '';
    for (const char of chars) out += char + (left-- > 0 ? replacement : '');
    return out;
  }
  let out = '';
  let start = 0;
  for (; left > 0; left--) {
    const at = text.indexOf(old, start);
    if (at < 0) break;
    work(entryWork + replacement.length);
    out += text.slice(start, at) + replacement;
    start = at + old.length;
  }
  return out + text.slice(start);
}

/** At most `limit` parts, the last of which is the rest; a negative limit means all of them. */
function split(text: string, separator: string, limit: Int = -1): Value {
  if (limit === 0) return new ListValue([]);
  countSearch(text.length, separator.length);
  const parts = separator === '' ? [...text] : text.split(separator);
  work(parts.length * textElementWork);
  if (limit < 0 || parts.length <= limit) return new ListValue(parts);
  const kept = Number(limit) - 1;
  return new ListValue([...parts.slice(0, kept), parts.slice(kept).join(separator)]);
}

function substring(text: string, start: Int, end?: Int): Value {
  const chars = characters(text);
  if (end !== undefined && start > end) {
    return new CelError(`invalid substring range. start: ${start}, end: ${end}`);
  }
  if (start < 0 || start > chars.length) return outOfRange(start);
  if (end !== undefined && (end < 0 || end > chars.length)) return outOfRange(end);
  const range = [Number(start), Number(end ?? chars.length)] as const;
  return typeof chars === 'string' ? chars.slice(...range) : (chars as string[]).slice(...range).join('');
}

function join(list: ListValue, separator: string): Value {
  work(list.length * (elementWork + separator.length));
  const texts = list.values();
  const wrong = texts.find((text) => typeof text !== 'string');
  if (wrong instanceof CelError) return wrong;
  for (const text of texts) work(typeof text === 'string' ? elementWork + text.length : 0);
  return wrong === undefined ? texts.join(separator) : new CelError('unsupported type conversion to string in join');
}

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

/** In double quotes, with escapes for control characters; unpaired surrogates become the replacement character. */
function quote(text: string): Value {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that have escapes.
  const escaped = text.replace(/\p{Surrogate}/gu, '\ufffd').replace(/[\x07-\r\\"]/g, (char) => escapes[char] as string);
  return `"${escaped}"`;
}
