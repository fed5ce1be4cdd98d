import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createPatch } from 'rfc6902';
import { cloneJson, deepFreeze, type JsonObject, type JsonValue } from '../../src/machinery/json.ts';
import { applyJsonPatch, decodeJsonPatch, JsonPatchError, jsonPatchRejected } from '../../src/machinery/json-patch.ts';
import { StatusError } from '../../src/machinery/status.ts';

const document = (): JsonValue => ({ a: { b: [1, 2, 3] }, 'x/y': { '~': 'z' }, none: null });

function apply(...operations: JsonObject[]): JsonValue {
  return applyJsonPatch(deepFreeze(document()), operations);
}

describe('JSON patch', () => {
  const applied: [string, JsonObject[], JsonValue][] = [
    ['adds a member', [{ op: 'add', path: '/c', value: 1 }], { ...(document() as JsonObject), c: 1 }],
    [
      'inserts an item',
      [{ op: 'add', path: '/a/b/1', value: 9 }],
      { ...(document() as JsonObject), a: { b: [1, 9, 2, 3] } },
    ],
    [
      'appends with -',
      [{ op: 'add', path: '/a/b/-', value: 9 }],
      { ...(document() as JsonObject), a: { b: [1, 2, 3, 9] } },
    ],
    [
      'counts a negative index from the place behind the end',
      [{ op: 'add', path: '/a/b/-1', value: 9 }],
      { ...(document() as JsonObject), a: { b: [1, 2, 3, 9] } },
    ],
    ['removes an item', [{ op: 'remove', path: '/a/b/0' }], { ...(document() as JsonObject), a: { b: [2, 3] } }],
    [
      'removes by negative index',
      [{ op: 'remove', path: '/a/b/-1' }],
      { ...(document() as JsonObject), a: { b: [1, 2] } },
    ],
    ['replaces what is absent', [{ op: 'replace', path: '/c', value: 1 }], { ...(document() as JsonObject), c: 1 }],
    ['replaces the whole document', [{ op: 'replace', path: '', value: { q: 1 } }], { q: 1 }],
    ['moves', [{ op: 'move', from: '/a/b/0', path: '/n' }], { ...(document() as JsonObject), a: { b: [2, 3] }, n: 1 }],
    [
      'unescapes pointers',
      [{ op: 'replace', path: '/x~1y/~0', value: 1 }],
      { ...(document() as JsonObject), 'x/y': { '~': 1 } },
    ],
    [
      'copies, so that neither place changes the other',
      [
        { op: 'copy', from: '/a', path: '/c' },
        { op: 'add', path: '/c/b/0', value: 0 },
        { op: 'remove', path: '/a/b/2' },
      ],
      { ...(document() as JsonObject), a: { b: [1, 2] }, c: { b: [0, 1, 2, 3] } },
    ],
    [
      'copies what is absent as null',
      [{ op: 'copy', from: '/q', path: '/c' }],
      { ...(document() as JsonObject), c: null },
    ],
    [
      'goes on when tests hold, an absent key being null',
      [
        { op: 'test', path: '/a', value: { b: [1, 2, 3] } },
        { op: 'test', path: '/q', value: null },
        { op: 'test', path: '/none' },
      ],
      document(),
    ],
    [
      'adds null for a value that is not given',
      [{ op: 'add', path: '/c' }],
      { ...(document() as JsonObject), c: null },
    ],
  ];
  for (const [what, operations, expected] of applied) {
    it(what, () => assert.deepEqual(apply(...operations), expected));
  }

  const refused: [JsonObject, string][] = [
    [{ op: 'add', path: '/q/r', value: 1 }, 'add operation does not apply: doc is missing path: "/q/r": missing value'],
    [{ op: 'add', path: 'a', value: 1 }, 'add operation does not apply: doc is missing path: "a": missing value'],
    [{ op: 'add', value: 1 }, 'add operation failed to decode path: missing value'],
    [
      { op: 'add', path: '/a/b/9', value: 1 },
      "error in add for path: '/a/b/9': Unable to access invalid index: 9: invalid index referenced",
    ],
    [
      { op: 'add', path: '/a/b/x', value: 1 },
      `error in add for path: '/a/b/x': value was not a proper array index: 'x': strconv.Atoi: parsing "x": invalid syntax`,
    ],
    [
      { op: 'remove', path: '/q' },
      "error in remove for path: '/q': Unable to remove nonexistent key: q: missing value",
    ],
    [
      { op: 'remove', path: '/a/b/3' },
      "error in remove for path: '/a/b/3': Unable to access invalid index: 3: invalid index referenced",
    ],
    [
      { op: 'replace', path: '/q/r', value: 1 },
      'replace operation does not apply: doc is missing path: /q/r: missing value',
    ],
    [
      { op: 'replace', path: '/a/b/3', value: 1 },
      'replace operation does not apply: doc is missing key: /a/b/3: missing value',
    ],
    [
      { op: 'replace', value: 1 },
      'replace operation failed to decode path: operation missing path field: missing value',
    ],
    [
      { op: 'replace', path: 1, value: 1 },
      'replace operation failed to decode path: json: cannot unmarshal number into Go value of type string',
    ],
    [
      { op: 'move', from: '/q', path: '/r' },
      "error in move for path: 'q': Unable to remove nonexistent key: q: missing value",
    ],
    [{ op: 'move', path: '/r' }, 'move operation failed to decode from: operation, missing from field: missing value'],
    [
      { op: 'copy', from: '/q/r', path: '/c' },
      'copy operation does not apply: doc is missing from path: /q/r: missing value',
    ],
    [
      { op: 'copy', from: '/a', path: '/q/c' },
      'copy operation does not apply: doc is missing destination path: /q/c: missing value',
    ],
    [{ op: 'test', path: '/a/b/0', value: 2 }, 'testing value /a/b/0 failed: test failed'],
    [{ op: 'test', path: '/q/r', value: 2 }, 'test operation does not apply: is missing path: /q/r: missing value'],
    [{ op: 'constructor', path: '/a' }, 'Unexpected kind: constructor'],
    [{ path: '/a' }, 'Unexpected kind: unknown'],
    [
      { op: 'remove', path: '/constructor' },
      "error in remove for path: '/constructor': Unable to remove nonexistent key: constructor: missing value",
    ],
  ];
  for (const [operation, message] of refused) {
    it(`refuses ${JSON.stringify(operation)}`, () => {
      assert.throws(() => apply(operation), new JsonPatchError(message));
    });
  }

  it('takes __proto__ for a key like others', () => {
    const patched = apply({ op: 'add', path: '/__proto__', value: { polluted: true } }) as JsonObject;
    assert.ok(Object.hasOwn(patched, '__proto__'));
    assert.equal(({} as JsonObject).polluted, undefined);
    assert.equal(patched.polluted, undefined);
  });

  it('gives clients the generic 422', () => {
    const { status } = jsonPatchRejected(new JsonPatchError('testing value /a failed: test failed'));
    assert.equal(status.code, 422);
    assert.equal(status.reason, 'Invalid');
    assert.equal(status.message, 'the server rejected our request due to an error in our request');
  });

  const key = fc.constantFrom('a', 'b', '~', '/', '__proto__x', '0');
  const json: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.integer(),
      fc.string({ maxLength: 3 }),
      fc.boolean(),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }) as fc.Arbitrary<JsonValue>,
    ),
  })).value;

  it('carries out the patches that another implementation makes, and leaves its input alone', () => {
    const object = fc.dictionary(key, json, { maxKeys: 4, noNullPrototype: true });
    fc.assert(
      fc.property(object, object, (from, to) => {
        const before = cloneJson(from);
        const patch = createPatch(from, to) as unknown as JsonObject[];
        assert.deepEqual(applyJsonPatch(deepFreeze(from), patch), to);
        assert.deepEqual(from, before);
      }),
    );
  });
});

describe('the body of a JSON patch', () => {
  const status = (text: string, strict: boolean): [number, string] => {
    try {
      decodeJsonPatch(text, strict);
    } catch (error) {
      assert.ok(error instanceof StatusError);
      return [error.code, error.message];
    }
    return assert.fail('accepted');
  };

  it('is refused when it is no list of objects', () => {
    assert.deepEqual(status('{}', false), [400, 'json: cannot unmarshal object into Go value of type jsonpatch.Patch']);
    assert.deepEqual(status('{}', true), [
      400,
      'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
    ]);
    assert.deepEqual(status('["x"]', true), [
      400,
      'error decoding patch: json: cannot unmarshal string into Go value of type handlers.jsonPatchOp',
    ]);
    assert.deepEqual(status('[{"op":"add","path":1}]', true), [
      400,
      'error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.path of type string',
    ]);
    assert.deepEqual(status('[', true), [400, 'error decoding patch: unexpected end of JSON input']);
  });

  it('is refused when it holds too many operations', () => {
    const [code, message] = status(`[${'{},'.repeat(10_000)}{}]`, false);
    assert.equal(code, 413);
    assert.match(message, /The allowed maximum operations in a JSON patch is 10000, got 10001$/);
  });

  it('is checked strictly on demand', () => {
    const text = '[{"op":"test","op":"add","path":"/a","value":{"x":1},"foo":1}]';
    assert.deepEqual(decodeJsonPatch(text, true).strictErrors, [
      'json patch duplicate field "[0].op"',
      'json patch unknown field "[0].foo"',
    ]);
    assert.deepEqual(decodeJsonPatch(text, false).strictErrors, []);
  });
});
