/**
 * JSONPath as client-go reads it: `.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`, `.items[*].name`.
 * A path is compiled once. Source: `k8s.io/client-go/util/jsonpath`.
 */
import { goJson, goNumber, goQuote } from './go-text.ts';
import { isJsonObject, type JsonObject, type JsonValue, setField, stringifyJson } from './json.ts';

export class JsonPathError extends Error {
  override readonly name = 'JsonPathError';
}

/** Answers what the path finds in a value; nothing when a key on the way is missing. */
export interface JsonPath {
  readonly text: string;
  /** @throws JsonPathError where client-go fails: an index out of bounds, a filter on what is no list */
  find(value: JsonValue | undefined): JsonValue[];
}

/** A path without braces, as columns and `scale` hold it. @throws JsonPathError for a path that cannot be read */
export function compileJsonPath(text: string): JsonPath {
  const steps = new Parser(text).parse();
  return { text, find: (value) => (value === undefined ? [] : evaluate(steps, [value])) };
}

/**
 * The fields of a path that is nothing but fields, as `scale` and selectable fields need: `.spec.replicas` is
 * `['spec', 'replicas']`. Undefined for anything else.
 */
export function simplePath(text: string): string[] | undefined {
  let steps: Step[];
  try {
    steps = new Parser(text).parse();
  } catch (error) {
    if (error instanceof JsonPathError) return undefined;
    throw error;
  }
  const names: string[] = [];
  for (const step of steps) {
    if (step.kind !== 'field') return undefined;
    names.push(step.name);
  }
  return names.length === 0 ? undefined : names;
}

/** A found value as a column of type string prints it: lists and maps are JSON with sorted keys. */
export function printJsonPathValue(value: JsonValue): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return goNumber(value);
  if (value === null) return '<no value>';
  return typeof value === 'boolean' ? String(value) : goJson(stringifyJson(sorted(value)));
}

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  const object: JsonObject = {};
  for (const key of Object.keys(value).sort()) setField(object, key, sorted(value[key] ?? null));
  return object;
}

// ---------------------------------------------------------------------------------------------- evaluation

type Comparison = '<' | '>' | '==' | '!=' | '<=' | '>=';

type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'wildcard' | 'recursive' }
  | {
      readonly kind: 'slice';
      readonly from: number | undefined;
      readonly to: number | undefined;
      readonly only: boolean;
      readonly step: number | undefined;
    }
  | { readonly kind: 'union'; readonly branches: readonly (readonly Step[])[] }
  | { readonly kind: 'literal'; readonly value: JsonValue }
  | { readonly kind: 'identifier'; readonly name: string }
  | { readonly kind: 'exists'; readonly left: readonly Step[] }
  | {
      readonly kind: 'compare';
      readonly left: readonly Step[];
      readonly operator: string;
      readonly right: readonly Step[];
    };

function evaluate(steps: readonly Step[], input: JsonValue[]): JsonValue[] {
  let values = input;
  for (const step of steps) values = take(step, values);
  return values;
}

function take(step: Step, input: JsonValue[]): JsonValue[] {
  switch (step.kind) {
    case 'field': {
      const found: JsonValue[] = [];
      for (const value of input) {
        if (!isJsonObject(value) || !Object.hasOwn(value, step.name)) continue;
        const member = value[step.name];
        if (member !== undefined) found.push(member);
      }
      return found;
    }
    case 'wildcard':
      return input.flatMap(children);
    case 'recursive':
      return input.flatMap(descendants);
    case 'slice':
      return input.flatMap((value) => (value === null ? [] : slice(value, step)));
    case 'union':
      return step.branches.flatMap((branch) => evaluate(branch, input));
    case 'literal':
      return input.length === 0 ? [step.value] : input.map(() => step.value);
    case 'identifier':
      throw new JsonPathError(`unrecognized identifier ${step.name}`);
    default:
      return input.flatMap((value) => {
        if (!Array.isArray(value)) {
          throw new JsonPathError(`${printJsonPathValue(value)} is not array or slice and cannot be filtered`);
        }
        return value.filter((item) => passes(step, item));
      });
  }
}

function children(value: JsonValue): JsonValue[] {
  if (Array.isArray(value)) return value;
  if (isJsonObject(value)) return Object.values(value).filter((member) => member !== undefined);
  return typeof value === 'string' ? [...value] : [];
}

/** A container, then what it holds, each with what that holds; scalars are not among them. */
function descendants(value: JsonValue): JsonValue[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = children(value);
  return inner.length === 0 ? [] : [value, ...inner.flatMap(descendants)];
}

function slice(value: JsonValue, { from, to, only, step }: Extract<Step, { kind: 'slice' }>): JsonValue[] {
  if (!Array.isArray(value)) throw new JsonPathError(`${goType(value)} is not array or slice`);
  const { length } = value;
  let start = from ?? 0;
  if (start < 0) start += length;
  // `[n]` is the slice from n to n + 1, also where n counts from the end and n + 1 would be the start.
  let end = only ? start + 1 : (to ?? length);
  if (end < 0) end += length;
  if (start !== end) {
    if (start >= length || start < 0) throw outOfBounds(start, length);
    if (end > length) throw outOfBounds(end - 1, length);
    if (start > end) {
      throw new JsonPathError(`starting index ${start} is greater than ending index ${end}`);
    }
  }
  if (step !== undefined && step <= 0) throw new JsonPathError('step must be > 0');
  const found = value.slice(start, end);
  return step === undefined || step === 1 ? found : found.filter((_, i) => i % step === 0);
}

const outOfBounds = (index: number, length: number): JsonPathError =>
  new JsonPathError(`array index out of bounds: index ${index}, length ${length}`);

function passes(step: Extract<Step, { kind: 'exists' | 'compare' }>, item: JsonValue): boolean {
  if (step.kind === 'exists') return existing(step.left, item);
  const left = single(evaluate(step.left, [item]));
  const right = single(evaluate(step.right, [item]));
  return compare(left, step.operator, right);
}

function existing(steps: readonly Step[], item: JsonValue): boolean {
  try {
    return evaluate(steps, [item]).length > 0;
  } catch (error) {
    if (error instanceof JsonPathError) return false;
    throw error;
  }
}

function single(values: JsonValue[]): JsonValue {
  if (values.length !== 1) throw new JsonPathError('can only compare one element at a time');
  return values[0]!;
}

const comparisons: Readonly<Record<Comparison, (order: number) => boolean>> = {
  '<': (order) => order < 0,
  '>': (order) => order > 0,
  '==': (order) => order === 0,
  '!=': (order) => order !== 0,
  '<=': (order) => order <= 0,
  '>=': (order) => order >= 0,
};

function compare(left: JsonValue, operator: string, right: JsonValue): boolean {
  if (!Object.hasOwn(comparisons, operator)) throw new JsonPathError(`unrecognized filter operator ${operator}`);
  const kind = basicKind(left);
  if (kind !== basicKind(right)) throw new JsonPathError('incompatible types for comparison');
  if (kind === 'boolean' && operator !== '==' && operator !== '!=') {
    throw new JsonPathError('invalid type for comparison');
  }
  const a = left as string | number;
  const b = right as string | number;
  return comparisons[operator as Comparison](a < b ? -1 : a > b ? 1 : 0);
}

function basicKind(value: JsonValue): 'string' | 'number' | 'boolean' {
  if (typeof value === 'bigint') return 'number';
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return typeof value as 'string';
  throw new JsonPathError('invalid type for comparison');
}

function goType(value: JsonValue): string {
  if (isJsonObject(value)) return 'map[string]interface {}';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  return Number.isInteger(Number(value)) ? 'int64' : 'float64';
}

// ---------------------------------------------------------------------------------------------- parsing

const terminators = new Set([' ', '\t', '\r', '\n', '.', ',', '[', ']', '$', '@', '{', '}']);
const wordStart = /^[_\p{L}\p{Nd}]/u;
const sliceSyntax = /^(-?\d*)(:-?\d*)?(:-?\d*)?$/;

class Parser {
  readonly #text: string;
  readonly #steps: Step[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Step[] {
    while (this.#at < this.#text.length) this.#step();
    return this.#steps;
  }

  #step(): void {
    const text = this.#text;
    const char = text[this.#at]!;
    // A space parts, and @ and $ are the current object.
    if (char === ' ' || char === '@' || char === '$') this.#at++;
    else if (char === '\r' || char === '\n') throw new JsonPathError('unclosed action');
    else if (text.startsWith('[?(', this.#at)) this.#filter();
    else if (text.startsWith('..', this.#at)) this.#recursive();
    else if (char === '[') this.#array();
    else if (char === '"' || char === "'") this.#quoted(char);
    else if (char === '.') {
      this.#at++;
      this.#field();
    } else if (/[-+\d]/.test(char)) this.#number();
    else if (wordStart.test(char)) this.#word();
    else throw new JsonPathError(`unrecognized character in action: ${unicodeName(text.codePointAt(this.#at)!)}`);
  }

  #field(): void {
    const start = this.#at;
    while (this.#at < this.#text.length && !terminators.has(this.#text[this.#at]!)) {
      this.#at += this.#text[this.#at] === '\\' ? 2 : 1;
    }
    const written = this.#text.slice(start, this.#at);
    if (written === '*') this.#steps.push({ kind: 'wildcard' });
    else this.#steps.push({ kind: 'field', name: written.replaceAll('\\', '') });
  }

  #recursive(): void {
    if (this.#steps.at(-1)?.kind === 'recursive') throw new JsonPathError('invalid multiple recursive descent');
    this.#at += 2;
    this.#steps.push({ kind: 'recursive' });
    if (wordStart.test(this.#text[this.#at] ?? '')) this.#field();
  }

  #word(): void {
    const start = this.#at;
    while (this.#at < this.#text.length && !terminators.has(this.#text[this.#at]!)) this.#at++;
    const word = this.#text.slice(start, this.#at);
    if (word === 'true' || word === 'false') this.#steps.push({ kind: 'literal', value: word === 'true' });
    else this.#steps.push({ kind: 'identifier', name: word });
  }

  #number(): void {
    const [written = ''] = /^[-+]?[.\d]*/.exec(this.#text.slice(this.#at)) ?? [];
    this.#at += written.length;
    const value = Number(written);
    if (!/\d/.test(written) || Number.isNaN(value)) throw new JsonPathError(`cannot parse number ${written}`);
    this.#steps.push({ kind: 'literal', value });
  }

  #quoted(quote: string): void {
    const start = this.#at + 1;
    let end = start;
    while (this.#text[end] !== quote || this.#text[end - 1] === '\\') {
      if (end >= this.#text.length || this.#text[end] === '\n') throw new JsonPathError('unterminated quoted string');
      end++;
    }
    this.#at = end + 1;
    this.#steps.push({ kind: 'literal', value: unquote(this.#text.slice(start, end), quote) });
  }

  #array(): void {
    const end = this.#text.indexOf(']', this.#at);
    const inside = this.#text.slice(this.#at + 1, end);
    if (end < 0 || inside.includes('\n')) throw new JsonPathError('unterminated array');
    this.#at = end + 1;
    const branches = inside.split(',');
    if (branches.length > 1) {
      const union = branches.map((branch) => new Parser(`[${branch.trim()}]`).parse());
      this.#steps.push({ kind: 'union', branches: union });
      return;
    }
    const key = /^'([^']*)'$/.exec(inside)?.[1];
    if (key !== undefined) {
      this.#steps.push(...new Parser(`.${key}`).parse());
      return;
    }
    const parts = sliceSyntax.exec(inside === '*' ? ':' : inside);
    if (parts === null) throw new JsonPathError(`invalid array index ${inside}`);
    const [from, to, step] = [parts[1], parts[2]?.slice(1), parts[3]?.slice(1)].map(wholeNumber);
    this.#steps.push({ kind: 'slice', from, to, only: parts[2] === undefined, step });
  }

  #filter(): void {
    const start = this.#at + 3;
    const end = filterEnd(this.#text, start);
    if (this.#text[end + 1] !== ']') throw new JsonPathError('unclosed array expect ]');
    this.#at = end + 2;
    const inside = this.#text.slice(start, end);
    const parts = /^([^!<>=]+)([!<>=]+)(.+?)$/.exec(inside);
    if (parts === null) {
      this.#steps.push({ kind: 'exists', left: new Parser(inside).parse() });
      return;
    }
    const [, left = '', operator = '', right = ''] = parts;
    this.#steps.push({ kind: 'compare', left: new Parser(left).parse(), operator, right: new Parser(right).parse() });
  }
}

/** Where the bracket stands that closes a filter: not inside its one quoted string. */
function filterEnd(text: string, start: number): number {
  let quote: string | undefined;
  let closed = false;
  for (let i = start; i < text.length && text[i] !== '\n'; i++) {
    const char = text[i]!;
    if (char === '"' || char === "'") {
      if (quote === undefined) quote = char;
      else if (char === quote && text[i - 1] !== '\\') closed = true;
    } else if (char === ')' && (quote === undefined || closed)) return i;
  }
  throw new JsonPathError('unterminated filter');
}

function wholeNumber(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (text === '-') throw new JsonPathError(`array index ${text} is not a number`);
  return Number(text);
}

function unquote(text: string, quote: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\(.)/gs, (whole, char: string) => {
    if (char === quote || char === '\\') return char;
    const plain: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', v: '\v', a: '\x07' };
    const found = plain[char];
    if (found === undefined) {
      throw new JsonPathError(`unquote string ${quote}${text}${quote} error invalid syntax: ${goQuote(whole)}`);
    }
    return found;
  });
}

const unicodeName = (point: number): string =>
  `U+${point.toString(16).toUpperCase().padStart(4, '0')} '${String.fromCodePoint(point)}'`;
