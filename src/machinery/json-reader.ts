/**
 * A JSON reader for what `JSON.parse` cannot do: Go's error texts, exact 64-bit integers, Go's limit of depth, and the
 * keys that were given twice. It is iterative, so that no depth of text can overflow the stack.
 */
import { goQuote } from './go-text.ts';
import { type JsonArray, type JsonObject, type JsonValue, setField } from './json-value.ts';

/** What Go's `encoding/json` says of malformed text: `invalid character '}' looking for beginning of value`. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
}

/** Deeper nesting is refused (Go's limit). */
export const maxJsonDepth = 10_000;

/** Strict decoding reports no more than this (sigs.k8s.io/json). */
const maxStrictErrors = 100;

const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;

/** The value of a JSON text. @throws JsonSyntaxError */
export function readJson(text: string): JsonValue {
  return new Reader(text, undefined).read();
}

/** The texts `duplicate field "a.b[0].c"` for a JSON text that is known to be well formed. */
export function findDuplicateFields(text: string): string[] {
  const found = new Set<string>();
  new Reader(text, found).read();
  return [...found];
}

/** An object or array whose end has not been read. */
interface Open {
  readonly container: JsonObject | JsonArray;
  /** The key that the next value belongs to; unused in an array. */
  key: string;
}

class Reader {
  readonly #text: string;
  readonly #duplicates: Set<string> | undefined;
  #at = 0;

  constructor(text: string, duplicates: Set<string> | undefined) {
    this.#text = text;
    this.#duplicates = duplicates;
  }

  read(): JsonValue {
    const stack: Open[] = [];
    for (;;) {
      let value = this.#valueOrOpening(stack);
      if (value === undefined) continue;
      // The value is complete: give it to what it stands in, and close whatever ends here.
      for (;;) {
        const open = stack.at(-1);
        if (open === undefined) {
          this.#skipSpace();
          if (this.#at < this.#text.length) this.#refuse('after top-level value');
          return value;
        }
        const { container } = open;
        if (Array.isArray(container)) container.push(value);
        else setField(container, open.key, value);
        this.#skipSpace();
        const unit = this.#text.charCodeAt(this.#at);
        if (Array.isArray(container)) {
          if (unit === 0x2c) {
            this.#at++;
            break;
          }
          if (unit !== 0x5d) this.#refuse('after array element');
        } else {
          if (unit === 0x2c) {
            this.#at++;
            this.#skipSpace();
            this.#readKey(open);
            this.#noteDuplicate(stack, open);
            break;
          }
          if (unit !== 0x7d) this.#refuse('after object key:value pair');
        }
        this.#at++;
        stack.pop();
        value = container;
      }
    }
  }

  /** A scalar or an empty container is answered; a container with members is pushed. */
  #valueOrOpening(stack: Open[]): JsonValue | undefined {
    this.#skipSpace();
    const unit = this.#text.charCodeAt(this.#at);
    switch (unit) {
      case 0x22:
        return this.#string();
      case 0x74:
        return this.#literal('true', true);
      case 0x66:
        return this.#literal('false', false);
      case 0x6e:
        return this.#literal('null', null);
      case 0x7b:
      case 0x5b: {
        if (stack.length >= maxJsonDepth) throw new JsonSyntaxError('exceeded max depth');
        this.#at++;
        this.#skipSpace();
        const isArray = unit === 0x5b;
        const open: Open = { container: isArray ? [] : {}, key: '' };
        if (this.#text.charCodeAt(this.#at) === (isArray ? 0x5d : 0x7d)) {
          this.#at++;
          return open.container;
        }
        if (!isArray) this.#readKey(open);
        stack.push(open);
        return undefined;
      }
      default:
        if (unit === 0x2d || (unit >= 0x30 && unit <= 0x39)) return this.#number();
        return this.#refuse('looking for beginning of value');
    }
  }

  #readKey(open: Open): void {
    if (this.#text.charCodeAt(this.#at) !== 0x22) this.#refuse('looking for beginning of object key string');
    open.key = this.#string();
    this.#skipSpace();
    if (this.#text.charCodeAt(this.#at) !== 0x3a) this.#refuse('after object key');
    this.#at++;
  }

  #noteDuplicate(stack: readonly Open[], { container, key }: Open): void {
    const duplicates = this.#duplicates;
    if (duplicates === undefined || duplicates.size >= maxStrictErrors || !Object.hasOwn(container, key)) return;
    duplicates.add(`duplicate field ${goQuote(pathOf(stack))}`);
  }

  #skipSpace(): void {
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
      this.#at++;
    }
  }

  #string(): string {
    const start = this.#at++;
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit === 0x22) {
        this.#at++;
        return JSON.parse(this.#text.slice(start, this.#at));
      }
      if (unit === 0x5c) this.#escape();
      else if (unit >= 0x20) this.#at++;
      else if (this.#at < this.#text.length) this.#refuse('in string literal');
      else throw unexpectedEnd();
    }
  }

  #escape(): void {
    this.#at++;
    const kind = this.#text[this.#at] ?? ' ';
    if (!'"\\/bfnrtu'.includes(kind)) this.#refuse('in string escape code');
    this.#at++;
    if (kind !== 'u') return;
    for (let i = 0; i < 4; i++, this.#at++) {
      if (!/[0-9a-fA-F]/.test(this.#text[this.#at] ?? ' ')) this.#refuse('in \\u hexadecimal character escape', true);
    }
  }

  #literal<T>(word: string, value: T): T {
    for (let i = 1; i < word.length; i++) {
      this.#at++;
      if (this.#text[this.#at] !== word[i]) this.#refuse(`in literal ${word} (expecting '${word[i]}')`, true);
    }
    this.#at++;
    return value;
  }

  #number(): number | bigint {
    const start = this.#at;
    if (this.#text[this.#at] === '-') this.#at++;
    if (this.#text[this.#at] === '0') this.#at++;
    else this.#digits('in numeric literal');
    const integerEnd = this.#at;
    if (this.#text[this.#at] === '.') {
      this.#at++;
      this.#digits('after decimal point in numeric literal');
    }
    if (this.#text[this.#at] === 'e' || this.#text[this.#at] === 'E') {
      this.#at++;
      if (this.#text[this.#at] === '+' || this.#text[this.#at] === '-') this.#at++;
      this.#digits('in exponent of numeric literal');
    }
    const token = this.#text.slice(start, this.#at);
    const number = Number(token);
    if (this.#at !== integerEnd || Number.isSafeInteger(number)) return number;
    const exact = BigInt(token);
    return exact >= minInt64 && exact <= maxInt64 ? exact : number;
  }

  #digits(where: string): void {
    const start = this.#at;
    while (isDigit(this.#text.charCodeAt(this.#at))) this.#at++;
    if (this.#at === start) this.#refuse(where, true);
  }

  /**
   * Go's scanner reads one more space at the end of the text: where a token is unfinished (`inToken`) that space is the
   * invalid character, anywhere else the input has ended too early.
   */
  #refuse(where: string, inToken = false): never {
    if (this.#at >= this.#text.length && !inToken && where !== 'in string escape code') throw unexpectedEnd();
    const found = this.#at < this.#text.length ? this.#text.codePointAt(this.#at)! : 0x20;
    throw new JsonSyntaxError(`invalid character ${quoteByte(firstByte(found))} ${where}`);
  }
}

const unexpectedEnd = (): JsonSyntaxError => new JsonSyntaxError('unexpected end of JSON input');

const isDigit = (unit: number): boolean => unit >= 0x30 && unit <= 0x39;

function pathOf(stack: readonly Open[]): string {
  let path = '';
  for (const { container, key } of stack) {
    if (Array.isArray(container)) path += `[${container.length}]`;
    else path += path === '' ? key : `.${key}`;
  }
  return path;
}

/** The first byte of a code point in UTF-8: Go's scanner sees bytes. */
function firstByte(point: number): number {
  if (point < 0x80) return point;
  if (point < 0x800) return 0xc0 | (point >> 6);
  if (point < 0x10000) return 0xe0 | (point >> 12);
  return 0xf0 | (point >> 18);
}

const escapes: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  39: "\\'",
  92: '\\\\',
};

/** A byte as Go's scanner quotes it: as the Latin-1 character of that number, escaped where it does not print. */
function quoteByte(byte: number): string {
  if (byte in escapes) return `'${escapes[byte]}'`;
  const hex = byte.toString(16).padStart(2, '0');
  if (byte < 0x20 || byte === 0x7f) return `'\\x${hex}'`;
  if ((byte >= 0x80 && byte <= 0xa0) || byte === 0xad) return `'\\u00${hex}'`;
  return `'${String.fromCharCode(byte)}'`;
}
