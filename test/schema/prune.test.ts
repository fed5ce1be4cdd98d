import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { JsonObject } from '../../src/machinery/json.ts';
import type { Schema } from '../../src/machinery/schema.ts';
import { compileSchema } from '../../src/schema/compile.ts';

function pruned(schema: Schema, object: JsonObject): { object: JsonObject; unknown: string[] } {
  const draft = structuredClone(object);
  const unknown = compileSchema(schema).prune(draft);
  return { object: draft, unknown };
}

const known: Schema = { type: 'object', properties: { a: { type: 'integer' } } };

describe('pruning', () => {
  const cases: [what: string, schema: Schema, before: JsonObject, after: JsonObject, unknown: string[]][] = [
    ['removes what is unknown, sorted by path', known, { z: 1, a: 1, b: { c: 1 } }, { a: 1 }, ['b', 'z']],
    [
      'goes into lists and maps',
      {
        type: 'object',
        properties: {
          list: { type: 'array', items: known },
          map: { type: 'object', additionalProperties: known },
          nested: { type: 'array', items: { type: 'array', items: known } },
        },
      },
      { list: [{ a: 1, b: 2 }, { b: 3 }], map: { 'k.1': { a: 1, b: 2 } }, nested: [[{ c: 1 }]] },
      { list: [{ a: 1 }, {}], map: { 'k.1': { a: 1 } }, nested: [[{}]] },
      ['list[0].b', 'list[1].b', 'map.k.1.b', 'nested[0][0].c'],
    ],
    [
      'keeps everything that is to be preserved, and prunes again below',
      {
        type: 'object',
        properties: {
          open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { closed: known } },
        },
      },
      { open: { x: { y: 1 }, closed: { a: 1, b: 2 } } },
      { open: { x: { y: 1 }, closed: { a: 1 } } },
      ['open.closed.b'],
    ],
    [
      'keeps the items of a list that preserves',
      {
        type: 'object',
        properties: { list: { type: 'array', 'x-kubernetes-preserve-unknown-fields': true, items: known } },
      },
      { list: [{ a: 1, b: 2 }] },
      { list: [{ a: 1, b: 2 }] },
      [],
    ],
    [
      'knows nothing below additionalProperties: true',
      { type: 'object', properties: { any: { type: 'object', additionalProperties: true } } },
      { any: { text: 'x', object: { y: 1 } } },
      { any: { text: 'x', object: {} } },
      ['any.object.y'],
    ],
    [
      'leaves scalars alone, whatever their schema',
      { type: 'object', properties: { port: { 'x-kubernetes-int-or-string': true }, a: known } },
      { port: '80', a: 5 },
      { port: '80', a: 5 },
      [],
    ],
    [
      'keeps what every embedded resource has',
      {
        type: 'object',
        properties: {
          template: { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { spec: known } },
        },
      },
      { template: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', what: 1 }, spec: { b: 1 }, data: 1 } },
      { template: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: {} } },
      ['template.data', 'template.metadata.what', 'template.spec.b'],
    ],
    ['takes inherited names for unknown ones', known, { constructor: 1, toString: 1 }, {}, ['constructor', 'toString']],
  ];
  for (const [what, schema, before, after, unknown] of cases) {
    it(what, () => assert.deepEqual(pruned(schema, before), { object: after, unknown }));
  }

  it('names the fields of Go types in the order of the document', () => {
    const typed: Schema = { ...known, definition: 'io.k8s.api.core.v1.Thing' };
    assert.deepEqual(pruned(typed, { z: 1, a: 1, b: 2 }).unknown, ['z', 'b']);
  });

  it('follows schemas that refer to themselves', () => {
    const tree: Schema = { definition: 'example.v1.Tree', type: 'object', properties: { name: { type: 'string' } } };
    tree.properties!.children = { type: 'array', items: tree };
    const object = { name: 'a', children: [{ name: 'b', x: 1, children: [{ y: 1 }] }] };
    assert.deepEqual(pruned(tree, object).unknown, ['children[0].x', 'children[0].children[0].y']);
  });

  it('prunes nothing the second time', () => {
    const schema: Schema = { type: 'object', properties: { a: known, b: { type: 'array', items: known } } };
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.jsonValue()), (object) => {
        const once = pruned(schema, object as JsonObject);
        assert.deepEqual(pruned(schema, once.object), { object: once.object, unknown: [] });
      }),
    );
  });
});
