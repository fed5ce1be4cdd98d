/**
 * JSON Patch (RFC 6902) as kube-apiserver applies it, which is as evanphx/json-patch v4 does. It is laxer than the RFC:
 * `replace` and `copy` do not mind that a map lacks the key, a negative index counts from the end, and `test` takes an
 * absent key for null.
 *
 * Inputs are never changed: what a patch touches is copied on the way to it.
 */

import { goQuote } from './go-text.ts';
import {
  deepEqual,
  duplicateFields,
  isJsonObject,
  type JsonArray,
  type JsonObject,
  JsonSyntaxError,
  type JsonValue,
  jsonKind,
  jsonText,
  parseJson,
  setField,
} from './json.ts';
import { badRequest, requestEntityTooLarge, StatusError } from './status.ts';

export type JsonPatch = readonly JsonObject[];

/** A request may carry no more operations than this. */
export const maxJsonPatchOperations = 10_000;

/** Why a patch cannot be applied to a document. Clients do not see the text: the API answers {@link jsonPatchRejected}. */
export class JsonPatchError extends Error {
  override readonly name = 'JsonPatchError';
}

/** The 422 for a patch that does not apply. */
export function jsonPatchRejected(cause: JsonPatchError): StatusError {
  const error = new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
  error.cause = cause;
  return error;
}

/**
 * Reads the body of a JSON patch. With `strict` (field validation Warn or Strict) the problems which strict decoding
 * finds are answered too: `json patch unknown field "[0].foo"`.
 * @throws StatusError 400 for malformed patches, 413 for more operations than allowed
 */
export function decodeJsonPatch(
  source: string | Uint8Array,
  strict = false,
): { operations: JsonPatch; strictErrors: string[] } {
  const text = jsonText(source);
  const patch = parsePatchBody(text, strict);
  const problem = strict ? strictTypeProblem(patch) : typeProblem(patch);
  if (problem !== undefined) throw badRequest(strict ? `error decoding patch: ${problem}` : problem);
  const operations = (patch ?? []) as JsonObject[];
  if (operations.length > maxJsonPatchOperations) {
    throw requestEntityTooLarge(
      `The allowed maximum operations in a JSON patch is ${maxJsonPatchOperations}, got ${operations.length}`,
    );
  }
  return { operations, strictErrors: strict ? strictProblems(text, patch, operations) : [] };
}

/** The JSON of a patch's body. @throws StatusError 400 */
export function parsePatchBody(text: string, strict: boolean): JsonValue {
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw badRequest(strict ? `error decoding patch: ${error.message}` : error.message);
  }
}

/**
 * The document with the operations applied one after the other.
 * @throws JsonPatchError with the words of evanphx/json-patch
 */
export function applyJsonPatch(document: JsonValue, patch: JsonPatch): JsonValue {
  const draft = new Draft(document);
  for (const operation of patch) {
    const kind = typeof operation.op === 'string' ? operation.op : 'unknown';
    const apply = Object.hasOwn(operations, kind) ? operations[kind as keyof typeof operations] : undefined;
    if (apply === undefined) throw new JsonPatchError(`Unexpected kind: ${kind}`);
    apply(draft, operation);
  }
  return draft.root;
}

// ---------------------------------------------------------------------------------------------- operations

const operations = {
  add(draft: Draft, operation: JsonObject): void {
    const path = member(operation, 'path', () => 'add operation failed to decode path: missing value');
    const at = draft.locate(path);
    if (at === undefined) {
      throw new JsonPatchError(`add operation does not apply: doc is missing path: "${path}": missing value`);
    }
    wrap(`error in add for path: '${path}'`, () => insert(at, operation.value ?? null));
  },

  remove(draft: Draft, operation: JsonObject): void {
    const path = member(operation, 'path', () => 'remove operation failed to decode path: missing value');
    const at = draft.locate(path);
    if (at === undefined) {
      throw new JsonPatchError(`remove operation does not apply: doc is missing path: "${path}": missing value`);
    }
    wrap(`error in remove for path: '${path}'`, () => remove(at));
  },

  replace(draft: Draft, operation: JsonObject): void {
    const path = member(operation, 'path', (why) => `replace operation failed to decode path: ${why}`);
    const value = operation.value ?? null;
    if (path === '') {
      if (typeof value !== 'object' || value === null) {
        throw new JsonPatchError('replace operation value must be object or array: %!w(<nil>)');
      }
      draft.root = value;
      return;
    }
    const at = draft.locate(path);
    if (at === undefined) {
      throw new JsonPatchError(`replace operation does not apply: doc is missing path: ${path}: missing value`);
    }
    if (!canRead(at)) {
      throw new JsonPatchError(`replace operation does not apply: doc is missing key: ${path}: missing value`);
    }
    write(at, value);
  },

  move(draft: Draft, operation: JsonObject): void {
    const from = member(operation, 'from', (why) => `move operation failed to decode from: ${why}`);
    const source = draft.locate(from);
    if (source === undefined) {
      throw new JsonPatchError(`move operation does not apply: doc is missing from path: ${from}: missing value`);
    }
    const value = wrap(`error in move for path: '${source.key}'`, () => {
      const found = read(source);
      remove(source);
      return found;
    });
    const path = member(operation, 'path', (why) => `move operation failed to decode path: ${why}`);
    const at = draft.locate(path);
    if (at === undefined) {
      throw new JsonPatchError(
        `move operation does not apply: doc is missing destination path: ${path}: missing value`,
      );
    }
    wrap(`error in move for path: '${path}'`, () => insert(at, value ?? null));
  },

  copy(draft: Draft, operation: JsonObject): void {
    const from = member(operation, 'from', (why) => `copy operation failed to decode from: ${why}`);
    const source = draft.locate(from);
    if (source === undefined) {
      throw new JsonPatchError(`copy operation does not apply: doc is missing from path: ${from}: missing value`);
    }
    const value = wrap(`error in copy for from: '${from}'`, () => read(source));
    const path = member(operation, 'path', () => 'copy operation failed to decode path: missing value');
    const at = draft.locate(path);
    if (at === undefined) {
      throw new JsonPatchError(
        `copy operation does not apply: doc is missing destination path: ${path}: missing value`,
      );
    }
    // Both places now hold the same value, so neither is the draft's own to change any more.
    draft.share(value);
    wrap('error while adding value during copy', () => insert(at, value ?? null));
  },

  test(draft: Draft, operation: JsonObject): void {
    const path = member(operation, 'path', (why) => `test operation failed to decode path: ${why}`);
    let actual: JsonValue | undefined;
    if (path === '') actual = draft.root;
    else {
      const at = draft.locate(path);
      if (at === undefined) {
        throw new JsonPatchError(`test operation does not apply: is missing path: ${path}: missing value`);
      }
      actual = wrap(`error in test for path: '${path}'`, () => read(at));
    }
    if (!deepEqual(actual ?? null, operation.value ?? null)) {
      throw new JsonPatchError(`testing value ${path} failed: test failed`);
    }
  },
};

/** A member that must be a string; `message` makes the error of the reason why it is not. */
function member(operation: JsonObject, name: 'path' | 'from', message: (why: string) => string): string {
  const value = operation[name];
  if (typeof value === 'string') return value;
  if (value !== undefined && value !== null) {
    throw new JsonPatchError(message(`json: cannot unmarshal ${jsonKind(value)} into Go value of type string`));
  }
  const missing = name === 'path' ? 'operation missing path field' : 'operation, missing from field';
  throw new JsonPatchError(message(`${missing}: missing value`));
}

function wrap<T>(context: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof JsonPatchError) throw new JsonPatchError(`${context}: ${error.message}`);
    throw error;
  }
}

// ---------------------------------------------------------------------------------------------- places in a document

/** A member of a map or an item of an array; the container is the draft's own and may be changed. */
interface Place {
  readonly container: JsonObject | JsonArray;
  readonly key: string;
}

/** A document that is being patched. Containers are copied the first time that something in them may change. */
class Draft {
  root: JsonValue;
  readonly #owned = new Set<JsonObject | JsonArray>();

  constructor(root: JsonValue) {
    this.root = root;
  }

  /** The place that a pointer names, or undefined when a container on the way is missing. */
  locate(pointer: string): Place | undefined {
    const tokens = pointer.split('/');
    if (tokens.length < 2 || typeof this.root !== 'object' || this.root === null) return undefined;
    let container = this.#own(this.root);
    this.root = container;
    for (let i = 1; i < tokens.length - 1; i++) {
      const place = { container, key: decodeToken(tokens[i]!) };
      if (!canRead(place)) return undefined;
      const next = read(place);
      if (typeof next !== 'object' || next === null) return undefined;
      container = this.#own(next);
      if (container !== next) write(place, container);
    }
    return { container, key: decodeToken(tokens.at(-1)!) };
  }

  /** Gives up what was the draft's own inside `value`. */
  share(value: JsonValue | undefined): void {
    if (typeof value !== 'object' || value === null || this.#owned.size === 0) return;
    this.#owned.delete(value);
    for (const part of Object.values(value)) this.share(part);
  }

  #own<T extends JsonObject | JsonArray>(container: T): T {
    if (this.#owned.has(container)) return container;
    const copy = (Array.isArray(container) ? container.slice() : { ...container }) as T;
    this.#owned.add(copy);
    return copy;
  }
}

const decodeToken = (token: string): string =>
  token.includes('~') ? token.replaceAll('~1', '/').replaceAll('~0', '~') : token;

/** An existing index; negative ones count from the end. @throws JsonPatchError */
function indexOf(key: string, length: number): number {
  const index = parseIndex(key);
  if (index >= length || index < -length) throw invalidIndex(index);
  return index < 0 ? index + length : index;
}

function parseIndex(key: string): number {
  if (!/^[+-]?\d+$/.test(key)) {
    throw new JsonPatchError(`strconv.Atoi: parsing ${goQuote(key)}: invalid syntax`);
  }
  const index = BigInt(key.startsWith('+') ? key.slice(1) : key);
  if (BigInt.asIntN(64, index) !== index) {
    throw new JsonPatchError(`strconv.Atoi: parsing ${goQuote(key)}: value out of range`);
  }
  return Number(index);
}

const invalidIndex = (index: number): JsonPatchError =>
  new JsonPatchError(`Unable to access invalid index: ${index}: invalid index referenced`);

function canRead({ container, key }: Place): boolean {
  if (!Array.isArray(container)) return true;
  if (!/^[+-]?\d+$/.test(key)) return false;
  const index = Number(key);
  return index < container.length && index >= -container.length;
}

/** What stands at the place: undefined for an absent key. @throws JsonPatchError for an index that is none */
function read({ container, key }: Place): JsonValue | undefined {
  if (Array.isArray(container)) return container[indexOf(key, container.length)];
  return Object.hasOwn(container, key) ? container[key] : undefined;
}

function write({ container, key }: Place, value: JsonValue): void {
  if (Array.isArray(container)) container[indexOf(key, container.length)] = value;
  else setField(container, key, value);
}

function insert(place: Place, value: JsonValue): void {
  const { container, key } = place;
  if (!Array.isArray(container)) write(place, value);
  else if (key === '-') container.push(value);
  else {
    const index = wrap(`value was not a proper array index: '${key}'`, () => parseIndex(key));
    // One past the end is a place to insert at, and the place that -1 counts from.
    const places = container.length + 1;
    if (index >= places || index < -places) throw invalidIndex(index);
    container.splice(index < 0 ? index + places : index, 0, value);
  }
}

function remove({ container, key }: Place): void {
  if (Array.isArray(container)) container.splice(indexOf(key, container.length), 1);
  else if (Object.hasOwn(container, key)) delete container[key];
  else throw new JsonPatchError(`Unable to remove nonexistent key: ${key}: missing value`);
}

// ---------------------------------------------------------------------------------------------- decoding

const cannotUnmarshal = (value: JsonValue, into: string): string =>
  `json: cannot unmarshal ${jsonKind(value)} into Go ${into}`;

function typeProblem(patch: JsonValue): string | undefined {
  if (patch === null) return undefined;
  if (!Array.isArray(patch)) return cannotUnmarshal(patch, 'value of type jsonpatch.Patch');
  const wrong = patch.find((operation) => operation !== null && !isJsonObject(operation));
  return wrong === undefined ? undefined : cannotUnmarshal(wrong, 'value of type jsonpatch.Operation');
}

function strictTypeProblem(patch: JsonValue): string | undefined {
  if (patch === null) return undefined;
  if (!Array.isArray(patch)) return cannotUnmarshal(patch, 'value of type []handlers.jsonPatchOp');
  for (const operation of patch) {
    if (operation === null) continue;
    if (!isJsonObject(operation)) return cannotUnmarshal(operation, 'value of type handlers.jsonPatchOp');
    for (const name of ['op', 'path', 'from']) {
      const value = operation[name] ?? null;
      if (value !== null && typeof value !== 'string') {
        return cannotUnmarshal(value, `struct field jsonPatchOp.${name} of type string`);
      }
    }
  }
  return undefined;
}

const operationMembers = new Set(['op', 'path', 'from', 'value']);

function strictProblems(text: string, patch: JsonValue, operations: JsonPatch): string[] {
  const problems = duplicateFields(text, patch);
  operations.forEach((operation, i) => {
    for (const name of Object.keys(operation ?? {})) {
      if (!operationMembers.has(name)) problems.push(`unknown field ${goQuote(`[${i}].${name}`)}`);
    }
  });
  return problems.map((problem) => `json patch ${problem}`);
}
