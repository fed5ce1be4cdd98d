import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  cloneJson,
  deepEqual,
  deepFreeze,
  duplicateFields,
  type JsonObject,
  JsonSyntaxError,
  type JsonValue,
  parseJson,
  stringifyJson,
} from '../../src/machinery/json.ts';

const integer = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
});

/** What is a double in memory: whole numbers of 64 bits that a double cannot tell apart are bigints there. */
const double = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .filter((value) => !Number.isInteger(value) || Number.isSafeInteger(value) || Math.abs(value) >= 2 ** 63)
  .map((value) => (Object.is(value, -0) ? 0 : value));

/** Any JSON value, with exact integers among the numbers and awkward keys. */
const json: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    integer,
    double,
    fc.string({ unit: 'grapheme', maxLength: 5 }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .array(
        fc.tuple(fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom('__proto__', 'constructor')), tie('value')),
        {
          maxLength: 4,
        },
      )
      .map((members) =>
        parseJson(`{${members.map((m) => `${JSON.stringify(m[0])}:${stringifyJson(m[1])}`).join(',')}}`),
      ),
  ),
})).value;

describe('reading JSON', () => {
  const refused: [string, string][] = [
    ['', 'unexpected end of JSON input'],
    ['{', 'unexpected end of JSON input'],
    ['{"a":1', 'unexpected end of JSON input'],
    ['"abc', 'unexpected end of JSON input'],
    ['{"a":}', "invalid character '}' looking for beginning of value"],
    ['[1,]', "invalid character ']' looking for beginning of value"],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ['{a:1}', "invalid character 'a' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b":2}', `invalid character '"' after object key:value pair`],
    ['[1 2]', "invalid character '2' after array element"],
    ['{} x', "invalid character 'x' after top-level value"],
    ['01', "invalid character '1' after top-level value"],
    ['"a\nb"', "invalid character '\\n' in string literal"],
    ['"\u0000"', "invalid character '\\x00' in string literal"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
    ['-x', "invalid character 'x' in numeric literal"],
    ['1.x', "invalid character 'x' after decimal point in numeric literal"],
    ['1e', "invalid character ' ' in exponent of numeric literal"],
    ['trux', "invalid character 'x' in literal true (expecting 'e')"],
    ['nul', "invalid character ' ' in literal null (expecting 'l')"],
    ["'a'", "invalid character '\\'' looking for beginning of value"],
    ['\ufeff{}', "invalid character 'ï' looking for beginning of value"],
    ['metadata: {}', "invalid character 'm' looking for beginning of value"],
    ['['.repeat(10_001) + ']'.repeat(10_001), 'exceeded max depth'],
  ];
  for (const [text, message] of refused) {
    it(`refuses ${JSON.stringify(text.slice(0, 20))}: ${message}`, () => {
      assert.throws(() => parseJson(text), new JsonSyntaxError(message));
      assert.throws(() => parseJson(Buffer.from(text)), new JsonSyntaxError(message));
    });
  }

  it('reads ten thousand levels', () => {
    assert.ok(Array.isArray(parseJson('['.repeat(10_000) + ']'.repeat(10_000))));
  });

  it('keeps integers of 64 bits and rounds what is wider', () => {
    assert.deepEqual(parseJson('[9223372036854775807, -9223372036854775808, 9007199254740991, 9007199254740993]'), [
      9223372036854775807n,
      -9223372036854775808n,
      9007199254740991,
      9007199254740993n,
    ]);
    assert.deepEqual(parseJson('[9223372036854775808, 1e20, 12345678901234567.5]'), [
      2 ** 63,
      1e20,
      Number('12345678901234567.5'),
    ]);
    assert.equal(stringifyJson({ a: [9223372036854775807n] }), '{"a":[9223372036854775807]}');
  });

  it('takes __proto__ for a key like others', () => {
    for (const text of ['{"__proto__":{"x":1}}', '{"__proto__":{"x":1},"wide":9007199254740993}']) {
      const value = parseJson(text) as JsonObject;
      assert.ok(Object.hasOwn(value, '__proto__'));
      assert.equal(value.x, undefined);
      assert.equal((cloneJson(value) as JsonObject).x, undefined);
      assert.equal(stringifyJson(cloneJson(value)), text);
    }
  });

  it('gives back what was written', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = stringifyJson(value);
        assert.ok(deepEqual(parseJson(text), value));
        assert.equal(stringifyJson(parseJson(text)), text);
      }),
    );
  });

  it('accepts and refuses what JSON.parse does', () => {
    const mutated = fc.tuple(json, fc.nat(), fc.string({ maxLength: 2 })).map(([value, at, text]) => {
      const whole = stringifyJson(value);
      const cut = at % (whole.length + 1);
      return whole.slice(0, cut) + text + whole.slice(cut + 1);
    });
    const accepts = (read: (text: string) => unknown, text: string): boolean => {
      try {
        read(text);
        return true;
      } catch (error) {
        assert.ok(error instanceof SyntaxError || error instanceof JsonSyntaxError);
        return false;
      }
    };
    fc.assert(
      fc.property(mutated, (text) => {
        assert.equal(accepts(parseJson, text), accepts(JSON.parse, text));
        // With a wide integer before it, the text goes through the exact reader.
        const exact = `[9007199254740993,${text}]`;
        assert.equal(accepts(parseJson, exact), accepts(JSON.parse, exact));
      }),
      { numRuns: 300 },
    );
  });
});

describe('fields given twice', () => {
  const duplicates = (text: string): string[] => duplicateFields(text, parseJson(text));

  it('are named by their paths', () => {
    assert.deepEqual(
      duplicates('{"spec":{"replicas":1,"replicas":2},"a":[{"x":1},{"x":1,"x":2}],"spec":{"x y":1, "x y" :2}}'),
      [
        'duplicate field "spec.replicas"',
        'duplicate field "a[1].x"',
        'duplicate field "spec"',
        'duplicate field "spec.x y"',
      ],
    );
  });

  it('are reported once, and a hundred at most', () => {
    assert.deepEqual(duplicates('{"a":1,"a":2,"a":3}'), ['duplicate field "a"']);
    const many = Array.from({ length: 150 }, (_, i) => `"k${i}":1,"k${i}":2`).join(',');
    assert.equal(duplicates(`{${many}}`).length, 100);
  });

  it('are not seen in strings', () => {
    assert.deepEqual(duplicates('{"a":"\\"b\\":1,\\"b\\":2","c":"x\\":"}'), []);
    assert.deepEqual(duplicates('{"a\\\\":1,"a\\\\":2,"k:{\\"n\\":1}":{}}'), ['duplicate field "a\\\\"']);
  });

  it('are found as a naive reader finds them', () => {
    type Node = { text: string; found: string[] };
    const key = fc.constantFrom('a', 'b', 'c:', '__proto__');
    const node = (path: string): fc.Arbitrary<Node> =>
      path.length > 12
        ? fc.constant({ text: '1', found: [] })
        : fc.array(fc.tuple(key, fc.boolean()), { maxLength: 4 }).chain((members) =>
            fc
              .tuple(
                ...members.map(([name, nested]) =>
                  nested ? node(path === '' ? name : `${path}.${name}`) : fc.constant({ text: '"x"', found: [] }),
                ),
              )
              .map((values) => {
                const seen = new Set<string>();
                const found: string[] = [];
                members.forEach(([name], i) => {
                  found.push(...(values[i] as Node).found);
                  if (seen.has(name)) found.push(`duplicate field "${path === '' ? name : `${path}.${name}`}"`);
                  seen.add(name);
                });
                const text = `{${members.map(([name], i) => `"${name}" : ${(values[i] as Node).text}`).join(', ')}}`;
                return { text, found };
              }),
          );
    fc.assert(
      fc.property(node(''), ({ text, found }) => {
        assert.deepEqual(new Set(duplicates(text)), new Set(found));
      }),
    );
  });
});

describe('whole JSON values', () => {
  it('are frozen throughout', () => {
    const value = deepFreeze({ a: [{ b: 1 }] });
    assert.ok(Object.isFrozen(value.a[0]));
    assert.throws(() => {
      value.a[0]!.b = 2;
    }, TypeError);
  });

  it('are copied without sharing', () => {
    fc.assert(
      fc.property(json, (value) => {
        const copy = cloneJson(deepFreeze(value));
        assert.ok(deepEqual(copy, value));
        assert.ok(typeof copy !== 'object' || copy === null || !Object.isFrozen(copy));
      }),
    );
  });

  it('are equal whatever the order of keys, and not otherwise', () => {
    assert.ok(deepEqual({ a: 1, b: [1n] }, { b: [1], a: 1n }));
    assert.ok(deepEqual({ a: 1, b: undefined }, { a: 1 }));
    assert.ok(!deepEqual({ a: 1 }, { a: 1, b: null }));
    assert.ok(!deepEqual({ a: undefined, b: 1 }, { a: 1 }));
    assert.ok(!deepEqual([1], { 0: 1 }));
    assert.ok(!deepEqual(1n, '1'));
    assert.ok(!deepEqual(0, null));
    assert.ok(!deepEqual(1n, true));
    assert.ok(!deepEqual({ constructor: 1 }, { other: 1 }));
  });
});
