import assert from 'node:assert/strict';
import { Ajv, type AnySchemaObject } from 'ajv';
import fc from 'fast-check';
import type { JsonValue } from '../../src/machinery/json.ts';
import type { Schema } from '../../src/machinery/schema.ts';
import { accepts } from '../../src/schema/accept.ts';
import { explain } from '../../src/schema/validate.ts';

const names = fc.constantFrom('a', 'b', 'c', 'isPrototypeOf');
const small = fc.integer({ min: 0, max: 3 });

const values = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.integer({ min: -3, max: 12 }),
      fc.constantFrom(0.5, 2.5, -1.25),
      fc.constantFrom('', 'a', 'ab', 'abc', '😀', '1.2.3.4', 'x y'),
    ),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(names, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

/** One schema in three says anything under `key`. */
const optional = <T>(key: keyof Schema, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<Schema> =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant<Schema>({}) },
    { weight: 1, arbitrary: arbitrary.map((value): Schema => ({ [key]: value })) },
  );

const merged = (...parts: fc.Arbitrary<Schema>[]): fc.Arbitrary<Schema> =>
  fc.tuple(...parts).map((all) => Object.assign({}, ...all) as Schema);

const scalars: fc.Arbitrary<Schema> = fc.oneof(
  merged(
    fc.constant<Schema>({ type: 'string' }),
    optional('minLength', small),
    optional('maxLength', small),
    optional('pattern', fc.constantFrom('^a', 'b$', '^[a-c]*$')),
    optional('enum', fc.subarray(['a', 'ab', 'abc'], { minLength: 1 })),
  ),
  merged(
    fc.constantFrom<Schema>({ type: 'integer' }, { type: 'number' }),
    optional('minimum', fc.integer({ min: -2, max: 5 })),
    optional('maximum', fc.integer({ min: 0, max: 10 })),
    optional('exclusiveMinimum', fc.boolean()),
    optional('exclusiveMaximum', fc.boolean()),
    optional('multipleOf', fc.constantFrom(1, 2, 3)),
  ),
  fc.constantFrom<Schema>({ type: 'boolean' }, { 'x-kubernetes-int-or-string': true }, {}),
);

const schemas = fc.letrec<{ schema: Schema; structure: Schema }>((tie) => ({
  structure: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    scalars,
    merged(
      fc.constant<Schema>({ type: 'array' }),
      optional('items', tie('schema')),
      optional('minItems', small),
      optional('maxItems', small),
      optional('uniqueItems', fc.boolean()),
    ),
    merged(
      fc.constant<Schema>({ type: 'object' }),
      optional('properties', fc.dictionary(names, tie('schema'), { maxKeys: 3, noNullPrototype: true })),
      optional('additionalProperties', fc.oneof(fc.boolean(), tie('schema'))),
      optional('required', fc.uniqueArray(names, { maxLength: 2 })),
      optional('minProperties', small),
      optional('maxProperties', small),
    ),
  ),
  schema: merged(
    tie('structure'),
    optional('nullable', fc.boolean()),
    optional('anyOf', fc.array(tie('structure'), { minLength: 1, maxLength: 2 })),
    optional('oneOf', fc.array(tie('structure'), { minLength: 1, maxLength: 2 })),
    optional('allOf', fc.array(tie('structure'), { minLength: 1, maxLength: 2 })),
    optional('not', tie('structure')),
  ),
})).schema;

/** The same schema in the words of JSON Schema. Go's validator asks of a null only whether it may be there. */
function jsonSchema(schema: Schema): AnySchemaObject {
  const { nullable, minimum, maximum, exclusiveMinimum, exclusiveMaximum, ...rest } = schema;
  const types = schema['x-kubernetes-int-or-string'] === true ? ['integer', 'string'] : schema.type;
  const known: AnySchemaObject = { ...rest };
  if (types !== undefined) known.type = types;
  if (minimum !== undefined) known[exclusiveMinimum === true ? 'exclusiveMinimum' : 'minimum'] = minimum;
  if (maximum !== undefined) known[exclusiveMaximum === true ? 'exclusiveMaximum' : 'maximum'] = maximum;
  for (const junctor of ['anyOf', 'oneOf', 'allOf'] as const) {
    if (schema[junctor] !== undefined) known[junctor] = schema[junctor].map(jsonSchema);
  }
  if (schema.not !== undefined) known.not = jsonSchema(schema.not);
  if (schema.items !== undefined) known.items = jsonSchema(schema.items);
  if (typeof schema.additionalProperties === 'object') {
    known.additionalProperties = jsonSchema(schema.additionalProperties);
  }
  if (schema.properties !== undefined) {
    known.properties = Object.fromEntries(Object.entries(schema.properties).map(([k, v]) => [k, jsonSchema(v)]));
  }
  const present = { allOf: [{ not: { type: 'null' } }, known] };
  const takesNull = (nullable === true || types === undefined) && schema.enum === undefined;
  return takesNull ? { anyOf: [{ type: 'null' }, present] } : present;
}

describe('the two walks of validation', () => {
  it('agree on what is valid, as Ajv does', () => {
    const ajv = new Ajv({ strict: false, ownProperties: true, unicodeRegExp: false, validateSchema: false });
    fc.assert(
      fc.property(schemas, fc.array(values, { minLength: 4, maxLength: 12 }), (schema, candidates) => {
        const compiled = ajv.compile(jsonSchema(schema));
        for (const value of candidates) {
          const verdict = accepts(value, schema);
          assert.equal(explain(value, schema).length === 0, verdict, `explained: ${JSON.stringify(value)}`);
          assert.equal(compiled(value), verdict, `Ajv: ${JSON.stringify(value)}`);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('agree on formats, great numbers and fractional bounds', () => {
    const edges: Schema[] = [
      { type: 'integer', format: 'int32' },
      { type: 'integer', format: 'int64' },
      { type: 'integer', format: 'int32', maximum: 2 ** 40 },
      { type: 'number', format: 'float' },
      { type: 'number', minimum: 0.5, maximum: 1.5, exclusiveMaximum: true },
      { type: 'number', multipleOf: 0.1 },
      { type: 'integer', maximum: 2.5, minimum: 1.5 },
      { type: 'string', format: 'ipv4' },
      { type: 'string', format: 'date-time', nullable: true },
      { type: 'string', format: 'semver' },
      { format: 'date' },
      { type: 'object', format: 'date' },
      { 'x-kubernetes-int-or-string': true, format: 'ipv4' },
      { enum: [1, 'a', null, { a: 1 }], nullable: true },
    ];
    const candidates: JsonValue[] = [
      ...[0, 1, 1.5, 2, 2.5, 0.3, 0.35, -1, 2 ** 31, 2 ** 53, 1e20, 1e39, 2n ** 62n, 2n ** 63n, 1n],
      ...['1.2.3.4', 'x', '', '2026-02-28', '2026-02-28T10:00:00Z', 'a'],
      ...[null, true, [], ['2026-02-28'], {}, { a: 1 }],
    ];
    for (const schema of edges) {
      for (const value of candidates) {
        assert.equal(
          explain(value, schema).length === 0,
          accepts(value, schema),
          `${JSON.stringify(schema)} ${String(value)}`,
        );
      }
    }
  });
});
