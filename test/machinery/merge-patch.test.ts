import assert from 'node:assert/strict';
import fc from 'fast-check';
import { deepEqual, deepFreeze, type JsonObject, type JsonValue } from '../../src/machinery/json.ts';
import { applyMergePatch, createMergePatch, decodeMergePatch } from '../../src/machinery/merge-patch.ts';

describe('JSON merge patch', () => {
  // The vectors of RFC 7386, appendix A, except that a null inside an array's object is a deletion too.
  const vectors: [JsonValue, JsonValue, JsonValue][] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    [{ a: null }, { a: { b: null, c: 1 } }, { a: { c: 1 } }],
    [{}, { a: [null, { b: null, c: 1 }] }, { a: [null, { c: 1 }] }],
  ];
  for (const [target, patch, expected] of vectors) {
    it(`${JSON.stringify(target)} + ${JSON.stringify(patch)}`, () => {
      assert.deepEqual(applyMergePatch(deepFreeze(target), deepFreeze(patch)), expected);
    });
  }

  it('takes __proto__ for a key like others', () => {
    const merged = applyMergePatch({}, JSON.parse('{"__proto__":{"polluted":true}}')) as JsonObject;
    assert.deepEqual(Object.keys(merged), ['__proto__']);
    assert.equal(merged.polluted, undefined);
  });

  const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonValue>;

  it('is idempotent', () => {
    fc.assert(
      fc.property(json, json, (target, patch) => {
        const once = applyMergePatch(target, patch);
        assert.ok(deepEqual(applyMergePatch(once, patch), once));
      }),
    );
  });

  it('is made from two objects without nulls, and leads from one to the other', () => {
    const object = fc.dictionary(
      fc.constantFrom('a', 'b', 'c'),
      fc.oneof(fc.integer(), fc.dictionary(fc.constantFrom('x', 'y'), fc.array(fc.integer()))),
    );
    fc.assert(
      fc.property(object, object, (from, to) => {
        const patch = createMergePatch(from as JsonObject, to as JsonObject);
        assert.equal(patch === undefined, deepEqual(from, to));
        assert.ok(deepEqual(applyMergePatch(from as JsonObject, patch ?? {}), to));
      }),
    );
  });

  it('refuses bodies that are no object', () => {
    assert.throws(() => decodeMergePatch('[]', true), {
      message: 'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}',
    });
    assert.throws(() => decodeMergePatch('[]'), { message: 'Invalid JSON Patch' });
    assert.throws(() => decodeMergePatch('{"a":}', true), {
      message: "error decoding patch: invalid character '}' looking for beginning of value",
    });
    assert.throws(() => decodeMergePatch('{"a":}'), { message: 'Invalid JSON Patch' });
  });

  it('finds fields given twice when it is strict', () => {
    assert.deepEqual(decodeMergePatch('{"spec":{"a":1,"a":2}}', true), {
      patch: { spec: { a: 2 } },
      strictErrors: ['duplicate field "spec.a"'],
    });
  });
});
