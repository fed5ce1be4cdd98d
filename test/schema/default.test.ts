import assert from 'node:assert/strict';
import type { JsonObject } from '../../src/machinery/json.ts';
import type { Schema } from '../../src/machinery/schema.ts';
import { compileSchema } from '../../src/schema/compile.ts';

function defaulted(schema: Schema, object: JsonObject): JsonObject {
  const draft = structuredClone(object);
  compileSchema(schema).applyDefaults(draft);
  return draft;
}

const inner: Schema = { type: 'object', properties: { size: { type: 'integer', default: 1 } } };

describe('defaulting', () => {
  const cases: [what: string, schema: Schema, before: JsonObject, after: JsonObject][] = [
    ['fills in what is absent', inner, {}, { size: 1 }],
    ['leaves what is there', inner, { size: 0 }, { size: 0 }],
    ['takes a null for absence', inner, { size: null }, { size: 1 }],
    [
      'leaves a null that the schema allows',
      { type: 'object', properties: { a: { type: 'integer', default: 1, nullable: true } } },
      { a: null },
      { a: null },
    ],
    ['drops a null without a default', { type: 'object', properties: { a: { type: 'string' } } }, { a: null }, {}],
    [
      'drops a null of a map, and fills in its default',
      {
        type: 'object',
        properties: {
          plain: { type: 'object', additionalProperties: { type: 'string' } },
          rich: { type: 'object', additionalProperties: { ...inner, default: {} } },
        },
      },
      { plain: { a: null, b: 'x' }, rich: { a: null } },
      { plain: { b: 'x' }, rich: { a: { size: 1 } } },
    ],
    ['makes no object for the sake of its fields', { type: 'object', properties: { inner } }, {}, {}],
    [
      'fills in defaults inside defaults',
      { type: 'object', properties: { inner: { ...inner, default: {} } } },
      {},
      { inner: { size: 1 } },
    ],
    [
      'goes into lists',
      { type: 'object', properties: { list: { type: 'array', items: { ...inner, default: { size: 5 } } } } },
      { list: [{}, { size: 2 }, null] },
      { list: [{ size: 1 }, { size: 2 }, { size: 5 }] },
    ],
  ];
  for (const [what, schema, before, after] of cases) {
    it(what, () => assert.deepEqual(defaulted(schema, before), after));
  }

  it('leaves it to Go types what a null means, unless there is a default', () => {
    const schema: Schema = {
      definition: 'io.k8s.api.core.v1.Thing',
      type: 'object',
      properties: {
        size: { type: 'integer', default: 1 },
        data: { type: 'object', additionalProperties: { type: 'string' } },
      },
    };
    assert.deepEqual(defaulted(schema, { size: null, data: { a: null } }), { size: 1, data: { a: null } });
  });

  it('gives every object a default of its own', () => {
    const schema: Schema = { type: 'object', properties: { list: { type: 'array', default: [{ a: 1 }] } } };
    const one = defaulted(schema, {});
    ((one.list as JsonObject[])[0] as JsonObject).a = 2;
    assert.deepEqual(defaulted(schema, {}), { list: [{ a: 1 }] });
  });
});
