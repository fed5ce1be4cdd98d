/**
 * YAML bodies, read as Kubernetes reads them (sigs.k8s.io/yaml): YAML 1.1's booleans, nulls and octals, timestamps as
 * strings, every key a string, the first document only. What comes out is JSON.
 */
import { isMap, isScalar, isSeq, LineCounter, parseDocument, stringify, type Tags, type YAMLError } from 'yaml';
import { goQuote } from './go-text.ts';
import { type JsonObject, type JsonValue, jsonText, setField } from './json.ts';

/** Why a text is no YAML, or none that JSON can hold: `yaml: line 2: mapping values are not allowed in this context`. */
export class YamlError extends Error {
  override readonly name = 'YamlError';
}

export interface ParsedYaml {
  readonly value: JsonValue;
  /** What strict reading says of keys given twice: one text for all of them, or nothing. */
  readonly duplicates: string[];
}

/** @throws YamlError */
export function parseYaml(source: string | Uint8Array): ParsedYaml {
  const lines = new LineCounter();
  const document = parseDocument(jsonText(source), {
    version: '1.1',
    schema: 'yaml-1.1',
    customTags: kubernetesTags,
    intAsBigInt: true,
    uniqueKeys: false,
    logLevel: 'silent',
    prettyErrors: false,
    lineCounter: lines,
  });
  const error = document.errors.find(({ code }) => code !== 'MULTIPLE_DOCS');
  if (error !== undefined) {
    throw new YamlError(`yaml: ${place(error, document.errors, lines)}${problem(error)}`);
  }
  let native: unknown;
  try {
    // Aliases are expanded, but not into more than a body may hold.
    native = document.toJS({ mapAsMap: true, maxAliasCount: 1000 });
  } catch (cause) {
    if (!(cause instanceof ReferenceError)) throw cause;
    const unknown = /^Unresolved alias .*: (.*)$/.exec(cause.message)?.[1];
    throw new YamlError(
      unknown === undefined
        ? 'yaml: document contains excessive aliasing'
        : `yaml: unknown anchor '${unknown}' referenced`,
    );
  }
  const repeated: string[] = [];
  findRepeatedKeys(document.contents, lines, repeated);
  const duplicates = repeated.length === 0 ? [] : [`yaml: unmarshal errors:\n${repeated.join('\n')}`];
  return { value: toJson(native), duplicates };
}

/** YAML with sorted keys, as `kubectl get -o yaml` prints it. */
export function formatYaml(value: JsonValue): string {
  return stringify(value, {
    version: '1.1',
    sortMapEntries: true,
    indentSeq: false,
    lineWidth: 0,
    aliasDuplicateObjects: false,
  });
}

/** Numbers to base 60 and timestamps stay strings, as go-yaml reads them into an untyped value. */
const unread = new Set(['TIME']);
const timestamp = 'tag:yaml.org,2002:timestamp';

function kubernetesTags(tags: Tags): Tags {
  return tags.filter((tag) => typeof tag === 'string' || !(unread.has(tag.format ?? '') || tag.tag === timestamp));
}

function toJson(value: unknown): JsonValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'bigint': {
      const number = Number(value);
      return Number.isSafeInteger(number) || BigInt.asIntN(64, value) !== value ? number : value;
    }
    case 'number':
      if (!Number.isFinite(value)) throw new YamlError(`json: unsupported value: ${goInfinity(value)}`);
      return value;
    case 'undefined':
      return null;
  }
  if (value === null) return null;
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Map) {
    const object: JsonObject = {};
    for (const [key, member] of value) setField(object, keyText(key), toJson(member));
    return object;
  }
  if (value instanceof Set) return toJson(new Map([...value].map((key) => [key, null])));
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  throw new YamlError(`yaml: cannot convert ${Object.prototype.toString.call(value)} to JSON`);
}

function goInfinity(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

/** JSON's keys are strings: `on:` is the key "true", `1:` the key "1". */
function keyText(key: unknown): string {
  if (typeof key === 'string') return key;
  if (typeof key === 'bigint' || typeof key === 'number' || typeof key === 'boolean') return String(key);
  if (key === null) return 'null';
  throw new YamlError('yaml: invalid map key');
}

function findRepeatedKeys(node: unknown, lines: LineCounter, found: string[]): void {
  if (isSeq(node)) for (const item of node.items) findRepeatedKeys(item, lines, found);
  if (!isMap(node)) return;
  const seen = new Set<unknown>();
  for (const { key, value } of node.items) {
    if (isScalar(key) && key.value !== '<<') {
      if (seen.has(key.value)) {
        const at = (value as { range?: [number, number, number] } | null)?.range?.[0] ?? key.range?.[0] ?? 0;
        found.push(`  line ${lines.linePos(at).line}: key ${keyLiteral(key.value)} already set in map`);
      }
      seen.add(key.value);
    }
    findRepeatedKeys(value, lines, found);
  }
}

const keyLiteral = (key: unknown): string => (typeof key === 'string' ? goQuote(key) : String(key));

/** go-yaml's line of an error. It counts lines from zero, corrects that for its scanner only, and never tells line zero. */
function place({ code, pos }: YAMLError, errors: readonly YAMLError[], lines: LineCounter): string {
  // A value that runs on into the next line is only wrong where the line turns out to be a key.
  const runOn = errors.find((other) => other.code === 'MULTILINE_IMPLICIT_KEY' && other.pos[0] === pos[0]);
  const line = lines.linePos(runOn === undefined ? pos[0] : runOn.pos[1]).line - 1;
  if (line === 0) return '';
  return `line ${parserErrors.has(code) ? line : line + 1}: `;
}

const parserErrors = new Set(['BAD_INDENT', 'UNEXPECTED_TOKEN', 'BAD_COLLECTION_TYPE', 'BLOCK_IN_FLOW']);

/** go-yaml's words for what is wrong, where they can be told. */
function problem({ code, message }: YAMLError): string {
  switch (code) {
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'mapping values are not allowed in this context';
    case 'TAB_AS_INDENT':
    case 'BAD_SCALAR_START':
      return 'found character that cannot start any token';
    case 'MULTILINE_IMPLICIT_KEY':
      return "could not find expected ':'";
    case 'BAD_INDENT':
    case 'UNEXPECTED_TOKEN':
      return 'did not find expected key';
    case 'BAD_ALIAS':
      return 'did not find expected alphabetic or numeric character';
    case 'MISSING_CHAR':
      if (message.includes('quote')) return 'found unexpected end of stream';
      if (message.includes('flow sequence') || message.includes(']')) return "did not find expected ',' or ']'";
      if (message.includes('flow map') || message.includes('}')) return "did not find expected ',' or '}'";
      return "could not find expected ':'";
    default:
      return message;
  }
}
