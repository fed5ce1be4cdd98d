import assert from 'node:assert/strict';
import { errorText } from '../../src/machinery/field.ts';
import type { JsonObject } from '../../src/machinery/json.ts';
import type { Schema } from '../../src/machinery/schema.ts';
import { compileSchema } from '../../src/schema/compile.ts';

const problems = (schema: Schema, object: JsonObject, old?: JsonObject): string[] =>
  compileSchema(schema).validate(object, old).map(errorText);

/** The complaints about one value, in a field named `f`. */
const about = (schema: Schema, value: JsonObject[string]): string[] =>
  problems({ type: 'object', properties: { f: schema } }, { f: value });

describe('schema validation', () => {
  it('says nothing about a valid object', () => {
    const schema: Schema = {
      type: 'object',
      required: ['spec'],
      properties: {
        spec: {
          type: 'object',
          properties: {
            replicas: { type: 'integer', format: 'int32', minimum: 0 },
            names: { type: 'array', items: { type: 'string', pattern: '^[a-z]+$' }, maxItems: 3 },
            port: { 'x-kubernetes-int-or-string': true },
            big: { type: 'integer', format: 'int64' },
          },
        },
      },
    };
    assert.deepEqual(problems(schema, { spec: { replicas: 3, names: ['a'], port: '80%', big: 2n ** 62n } }), []);
  });

  const cases: [what: string, schema: Schema, value: JsonObject[string], expected: string[]][] = [
    [
      'a wrong type',
      { type: 'integer' },
      'x',
      ['f: Invalid value: "string": f in body must be of type integer: "string"'],
    ],
    [
      'null where it is not allowed',
      { type: 'string' },
      null,
      ['f: Invalid value: "null": f in body must be of type string: "null"'],
    ],
    ['null where it is', { type: 'string', nullable: true }, null, []],
    [
      'a list in place of an object',
      { type: 'object' },
      [],
      ['f: Invalid value: "array": f in body must be of type object: "array"'],
    ],
    [
      'a fraction in an integer',
      { type: 'integer' },
      1.5,
      [
        'f: Invalid value: "number": f in body must be of type integer: "number"',
        '<nil>: Invalid value: "": Checked value must be of type integer (default format) in f',
      ],
    ],
    ['a whole number in a number', { type: 'number' }, 2, []],
    [
      'an integer past 32 bits',
      { type: 'integer', format: 'int32' },
      2 ** 31,
      ['<nil>: Invalid value: "": Checked value must be of type integer with format int32 in f'],
    ],
    ['the greatest int64', { type: 'integer', format: 'int64' }, 2n ** 63n - 1n, []],
    [
      'an integer past 64 bits',
      { type: 'integer', format: 'int64' },
      2n ** 63n,
      [
        'f: Invalid value: "float64": f in body must be of type int64: "float64"',
        '<nil>: Invalid value: "": Checked value must be of type integer with format int64 in f',
      ],
    ],
    [
      'a maximum',
      { type: 'integer', maximum: 65535 },
      65536,
      ['f: Invalid value: 65536: f in body should be less than or equal to 65535'],
    ],
    [
      'an exclusive maximum',
      { type: 'integer', maximum: 10, exclusiveMaximum: true },
      10,
      ['f: Invalid value: 10: f in body should be less than 10'],
    ],
    [
      'a minimum',
      { type: 'number', minimum: 0.5 },
      0.25,
      ['f: Invalid value: 0.25: f in body should be greater than or equal to 0.5'],
    ],
    [
      'an exclusive minimum',
      { type: 'integer', minimum: 0, exclusiveMinimum: true },
      0,
      ['f: Invalid value: 0: f in body should be greater than 0'],
    ],
    ['a multiple', { type: 'integer', multipleOf: 3 }, 4, ['f: Invalid value: 4: f in body should be a multiple of 3']],
    ['tenths as multiples of a tenth', { type: 'number', multipleOf: 0.1 }, 0.3, []],
    ['a long string', { type: 'string', maxLength: 2 }, 'abc', ['f: Too long: may not be more than 2 bytes']],
    ['a string of two astral characters', { type: 'string', maxLength: 2 }, '😀😀', []],
    [
      'a short string',
      { type: 'string', minLength: 1 },
      '',
      ['f: Invalid value: "": f in body should be at least 1 chars long'],
    ],
    ['a pattern', { type: 'string', pattern: '^a+$' }, 'b', ['f: Invalid value: "b": f in body should match \'^a+$\'']],
    ['a pattern with Go syntax', { type: 'string', pattern: '^\\pL[[:digit:]]\\z' }, 'é1', []],
    [
      'a pattern that Go cannot parse',
      { type: 'string', pattern: '+' },
      'b',
      [
        'f: Invalid value: "b": f in body should match \'+, but pattern is invalid: error parsing regexp: missing argument to repetition operator: `+`\'',
      ],
    ],
    ['an enum', { type: 'string', enum: ['a', 'b'] }, 'c', ['f: Unsupported value: "c": supported values: "a", "b"']],
    [
      'an enum of numbers',
      { type: 'integer', enum: [1, 2] },
      3,
      ['f: Unsupported value: 3: supported values: "1", "2"'],
    ],
    ['few items', { type: 'array', minItems: 1 }, [], ['f: Invalid value: 0: f in body should have at least 1 items']],
    ['many items', { type: 'array', maxItems: 2 }, [1, 2, 3], ['f: Too many: 3: must have at most 2 items']],
    [
      'an item',
      { type: 'array', items: { type: 'object', properties: { name: { type: 'string' } } } },
      [{ name: 'a' }, { name: 1 }],
      ['f[1].name: Invalid value: "integer": f[1].name in body must be of type string: "integer"'],
    ],
    [
      'few properties',
      { type: 'object', minProperties: 1 },
      {},
      ['f: Invalid value: 0: f in body should have at least 1 properties'],
    ],
    [
      'many properties',
      { type: 'object', maxProperties: 1 },
      { a: 1, b: 2 },
      ['f: Too many: 2: must have at most 1 item'],
    ],
    ['a missing property', { type: 'object', required: ['a'] }, {}, ['f.a: Required value']],
    [
      'a value of a map',
      { type: 'object', additionalProperties: { type: 'string' } },
      { a: 1 },
      ['f.a: Invalid value: "integer": f.a in body must be of type string: "integer"'],
    ],
    [
      'a format',
      { type: 'string', format: 'ipv4' },
      '1.2.3',
      ['f: Invalid value: "1.2.3": f in body must be of type ipv4: "1.2.3"'],
    ],
    ['a format that Kubernetes does not know', { type: 'string', format: 'semver' }, 'x', []],
    [
      'neither of two alternatives',
      { type: 'object', anyOf: [{ required: ['a'] }, { required: ['b'] }] },
      {},
      ['<nil>: Invalid value: "": "f" must validate at least one schema (anyOf)', 'f.a: Required value'],
    ],
    [
      'both of two exclusive alternatives',
      { type: 'object', oneOf: [{ required: ['a'] }, { required: ['b'] }] },
      { a: 1, b: 1 },
      ['<nil>: Invalid value: "": "f" must validate one and only one schema (oneOf). Found 2 valid alternatives'],
    ],
    [
      'none of two exclusive alternatives',
      { type: 'object', oneOf: [{ required: ['a'] }, { required: ['b'] }] },
      {},
      [
        '<nil>: Invalid value: "": "f" must validate one and only one schema (oneOf). Found none valid',
        'f.a: Required value',
      ],
    ],
    [
      'a part of allOf',
      { type: 'integer', allOf: [{ minimum: 1 }, { maximum: 5 }] },
      6,
      [
        'f: Invalid value: 6: f in body should be less than or equal to 5',
        '<nil>: Invalid value: "": "f" must validate all the schemas (allOf)',
      ],
    ],
    [
      'what must not be',
      { not: { enum: ['x'] } },
      'x',
      ['<nil>: Invalid value: "": "f" must not validate the schema (not)'],
    ],
    [
      'duplicates in a set',
      { type: 'array', 'x-kubernetes-list-type': 'set' },
      ['a', 'b', 'a', 'a'],
      ['f[2]: Duplicate value: "a"'],
    ],
    [
      'duplicate keys in a map',
      { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['port', 'protocol'] },
      [
        { port: 1, protocol: 'TCP' },
        { port: 1, protocol: 'UDP' },
        { protocol: 'TCP', port: 1, name: 'x' },
      ],
      ['f[2]: Duplicate value: {"port":1,"protocol":"TCP"}'],
    ],
  ];
  for (const [what, schema, value, expected] of cases) {
    it(`judges ${what}`, () => assert.deepEqual(about(schema, value), expected));
  }

  it('takes great bounds as they come out of JSON', () => {
    const schema = { type: 'integer', format: 'int64', maximum: 2n ** 62n, minimum: 2n ** 60n } as unknown as Schema;
    assert.deepEqual(about(schema, 2n ** 61n), []);
    assert.deepEqual(about(schema, 2n ** 62n + 1024n), [
      'f: Invalid value: 4611686018427388928: f in body should be less than or equal to 4611686018427387904',
    ]);
  });

  it('stays linear on a pattern that would backtrack', () => {
    const value = `${'a'.repeat(50_000)}!`;
    assert.equal(about({ type: 'string', pattern: '^(a+)+$' }, value).length, 1);
  });

  it('stays linear on many complaints', () => {
    const item: Schema = { type: 'object', properties: { k: { type: 'integer' }, v: { type: 'integer' } } };
    const schema: Schema = {
      type: 'object',
      properties: {
        f: { type: 'array', items: item, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] },
      },
    };
    const list = (v: JsonObject[string]): JsonObject => ({ f: Array.from({ length: 30_000 }, (_, k) => ({ k, v })) });
    assert.equal(problems(schema, list('x')).length, 30_000);
    assert.equal(problems(schema, list('x'), list('y')).length, 30_000);
    assert.deepEqual(problems(schema, { ...list('x'), more: 1 }, list('x')), []);
  });

  it('names no inherited property', () => {
    assert.deepEqual(about({ type: 'object', properties: {}, required: ['constructor'] }, {}), [
      'f.constructor: Required value',
    ]);
  });
});

describe('ratcheting', () => {
  const schema: Schema = {
    type: 'object',
    properties: {
      name: { type: 'string', maxLength: 1 },
      size: { type: 'integer', maximum: 1 },
      byKey: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k'],
        items: { type: 'object', properties: { k: { type: 'string' }, v: { type: 'integer', maximum: 1 } } },
      },
      atomic: { type: 'array', 'x-kubernetes-list-type': 'atomic', items: { type: 'integer', maximum: 1 } },
    },
  };

  it('lets what was wrong and has not changed pass', () => {
    assert.deepEqual(problems(schema, { name: 'long', size: 1 }, { name: 'long', size: 0 }), []);
  });

  it('refuses what becomes wrong, and what changes and stays wrong', () => {
    assert.deepEqual(problems(schema, { name: 'longer', size: 2 }, { name: 'long', size: 1 }), [
      'name: Too long: may not be more than 1 byte',
      'size: Invalid value: 2: size in body should be less than or equal to 1',
    ]);
  });

  it('finds the old item by key in a list of type map', () => {
    const old = { byKey: [{ k: 'a', v: 5 }] };
    assert.deepEqual(
      problems(
        schema,
        {
          byKey: [
            { k: 'b', v: 1 },
            { k: 'a', v: 5 },
          ],
        },
        old,
      ),
      [],
    );
    assert.equal(problems(schema, { byKey: [{ k: 'b', v: 5 }] }, old).length, 1);
  });

  it('sees an atomic list as one value', () => {
    assert.deepEqual(problems(schema, { atomic: [5] }, { atomic: [5] }), []);
    assert.equal(problems(schema, { atomic: [5, 1] }, { atomic: [5] }).length, 1);
  });

  it('lets a duplicate pass that was there before', () => {
    const set: Schema = { type: 'object', properties: { f: { type: 'array', 'x-kubernetes-list-type': 'set' } } };
    assert.deepEqual(problems(set, { f: ['a', 'a', 'b'] }, { f: ['a', 'a'] }), []);
    assert.equal(problems(set, { f: ['a', 'a'] }, { f: ['a'] }).length, 1);
  });
});
