import assert from 'node:assert/strict';
import type { ObjectOf } from '../../src/client/index.ts';
import { ageColumn, conditionsSchema, defineResource, rule, Type } from '../../src/runtime/index.ts';
import { structuralSchema } from '../../src/runtime/structural.ts';

const Memcached = defineResource({
  group: 'cache.example.com',
  version: 'v1',
  kind: 'Memcached',
  shortNames: ['mc'],
  categories: ['all'],
  spec: Type.Object({
    size: Type.Integer({ minimum: 1, default: 1 }),
    policy: Type.Optional(Type.Union([Type.Literal('Keep'), Type.Literal('Drop')])),
  }),
  status: Type.Object({ ready: Type.Integer() }),
  rules: [rule('self.spec.size <= 5', 'at most five')],
  columns: [{ name: 'Ready', type: 'integer', jsonPath: '.status.ready' }, ageColumn],
  scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.ready' },
  selectableFields: ['.spec.policy'],
});

describe('defineResource', () => {
  it('makes the definition of the client', () => {
    const { group, version, kind, plural, namespaced } = Memcached;
    assert.deepEqual(
      { group, version, kind, plural, namespaced },
      { group: 'cache.example.com', version: 'v1', kind: 'Memcached', plural: 'memcacheds', namespaced: true },
    );
    const object: ObjectOf<typeof Memcached> = {
      apiVersion: 'cache.example.com/v1',
      kind: 'Memcached',
      metadata: { name: 'one' },
      spec: { size: 1, policy: 'Keep' },
      status: { conditions: [] },
    };
    // @ts-expect-error the type of the objects comes from the schema
    object.spec.size = 'big';
    assert.equal(object.status?.ready, undefined);
  });

  it('makes the CustomResourceDefinition', () => {
    const crd = Memcached.crd();
    assert.equal(crd.metadata.name, 'memcacheds.cache.example.com');
    assert.deepEqual(crd.spec.names, {
      plural: 'memcacheds',
      singular: 'memcached',
      kind: 'Memcached',
      listKind: 'MemcachedList',
      shortNames: ['mc'],
      categories: ['all'],
    });
    const [version] = crd.spec.versions;
    const { schema, ...rest } = version!;
    assert.deepEqual(rest, {
      name: 'v1',
      served: true,
      storage: true,
      subresources: {
        status: {},
        scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.ready' },
      },
      additionalPrinterColumns: [
        { name: 'Ready', type: 'integer', jsonPath: '.status.ready' },
        { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
      ],
      selectableFields: [{ jsonPath: '.spec.policy' }],
    });
    const root = JSON.parse(JSON.stringify(schema?.openAPIV3Schema));
    assert.deepEqual(root['x-kubernetes-validations'], [{ rule: 'self.spec.size <= 5', message: 'at most five' }]);
    assert.deepEqual(root.properties.spec, {
      type: 'object',
      default: {},
      properties: {
        size: { type: 'integer', minimum: 1, default: 1 },
        policy: { type: 'string', enum: ['Keep', 'Drop'] },
      },
    });
    assert.equal(root.required, undefined);
    assert.deepEqual(Object.keys(root.properties.status.properties), ['observedGeneration', 'conditions', 'ready']);
    assert.equal(root.properties.status.required, undefined);
  });

  it('serves older versions beside the stored one', () => {
    const declaration = { group: 'cache.example.com', kind: 'Memcached', spec: Type.Object({}) };
    const old = defineResource({ ...declaration, version: 'v1alpha1' });
    assert.deepEqual(
      Memcached.crd(old).spec.versions.map(({ name, served, storage }) => [name, served, storage]),
      [
        ['v1', true, true],
        ['v1alpha1', true, false],
      ],
    );
    const other = defineResource({ ...declaration, version: 'v1', kind: 'Redis' });
    assert.throws(() => Memcached.crd(other), /redises\.cache\.example\.com \(Redis\) is no version of memcacheds/);
  });

  it('makes plurals, and takes others', () => {
    const plural = (kind: string, plural?: string) =>
      defineResource({ group: 'g.io', version: 'v1', kind, spec: Type.Object({}), ...(plural ? { plural } : {}) })
        .plural;
    assert.deepEqual(
      ['Policy', 'Gateway', 'Class', 'Box', 'Mesh', 'Pod'].map((kind) => plural(kind)),
      ['policies', 'gateways', 'classes', 'boxes', 'meshes', 'pods'],
    );
    assert.equal(plural('Kubernetes', 'kubernetes'), 'kubernetes');
    assert.throws(
      () => defineResource({ group: '', version: 'v1', kind: 'X', spec: Type.Object({}) }),
      /needs a group/,
    );
  });

  it('requires spec when something in it is required', () => {
    const { schema } = defineResource({
      group: 'g.io',
      version: 'v1',
      kind: 'X',
      scope: 'Cluster',
      spec: Type.Object({ image: Type.String() }),
    });
    assert.deepEqual(schema.required, ['spec']);
    assert.equal(schema.properties?.spec?.default, undefined);
  });
});

describe('structural schemas from TypeBox', () => {
  const cases: [string, object, object][] = [
    ['strings', Type.String({ minLength: 1, pattern: '^a' }), { type: 'string', minLength: 1, pattern: '^a' }],
    [
      'bounds',
      Type.Number({ exclusiveMinimum: 0, maximum: 9 }),
      { type: 'number', minimum: 0, exclusiveMinimum: true, maximum: 9 },
    ],
    ['constants', Type.Literal('a'), { type: 'string', enum: ['a'] }],
    ['enums', Type.Enum(['a', 'b']), { type: 'string', enum: ['a', 'b'] }],
    ['choices of constants', Type.Union([Type.Literal(1), Type.Literal(2)]), { type: 'integer', enum: [1, 2] }],
    ['or null', Type.Union([Type.String(), Type.Null()]), { type: 'string', nullable: true }],
    ['IntOrString', Type.Union([Type.Integer(), Type.String()]), { 'x-kubernetes-int-or-string': true }],
    ['anything', Type.Unknown(), { 'x-kubernetes-preserve-unknown-fields': true }],
    ['maps', Type.Record(Type.String(), Type.Integer()), { type: 'object', additionalProperties: { type: 'integer' } }],
    ['lists', Type.Array(Type.Boolean(), { maxItems: 3 }), { type: 'array', items: { type: 'boolean' }, maxItems: 3 }],
    [
      'open objects',
      Type.Object({}, { additionalProperties: true }),
      { type: 'object', properties: {}, 'x-kubernetes-preserve-unknown-fields': true },
    ],
    ['closed objects', Type.Object({}, { additionalProperties: false }), { type: 'object', properties: {} }],
    [
      'required fields, without those that have a default',
      Type.Object({ a: Type.String(), b: Type.String({ default: 'x' }), c: Type.Optional(Type.String()) }),
      {
        type: 'object',
        properties: { a: { type: 'string' }, b: { type: 'string', default: 'x' }, c: { type: 'string' } },
        required: ['a'],
      },
    ],
    [
      'intersections of objects',
      Type.Intersect([Type.Object({ a: Type.String() }), Type.Object({ b: Type.Optional(Type.Integer()) })]),
      { type: 'object', properties: { a: { type: 'string' }, b: { type: 'integer' } }, required: ['a'] },
    ],
    [
      'Kubernetes’ own words and rules',
      Type.Array(Type.String(), {
        'x-kubernetes-list-type': 'set',
        'x-kubernetes-validations': [rule('size(self) > 0')],
      }),
      {
        type: 'array',
        items: { type: 'string' },
        'x-kubernetes-list-type': 'set',
        'x-kubernetes-validations': [{ rule: 'size(self) > 0' }],
      },
    ],
  ];
  for (const [name, schema, expected] of cases) {
    it(`translates ${name}`, () => assert.deepEqual(structuralSchema(schema, 'spec'), expected));
  }

  const refused: [string, object, RegExp][] = [
    [
      'choices between schemas',
      Type.Object({ a: Type.Union([Type.String(), Type.Object({})]) }),
      /spec\.a: .* a choice between schemas/,
    ],
    ['tuples', Type.Array(Type.Object({ t: Type.Tuple([Type.String(), Type.String()]) })), /spec\[\]\.t: .* a tuple/],
    ['null', Type.Null(), /spec: .* always null/],
    ['patterns for keys', Type.Record(Type.String({ pattern: '^a' }), Type.String()), /spec: .* a pattern for keys/],
    ['enums of several types', Type.Union([Type.Literal('a'), Type.Literal(1)]), /spec: .* several types/],
    ['references', Type.Ref('Other'), /spec: .* a reference/],
    ['unique items', Type.Array(Type.String(), { uniqueItems: true }), /spec: .* unique items/],
  ];
  for (const [name, schema, expected] of refused) {
    it(`refuses ${name}, saying where`, () => assert.throws(() => structuralSchema(schema, 'spec'), expected));
  }

  it('has the conditions of the API conventions', () => {
    const schema = structuralSchema(conditionsSchema, 'status.conditions');
    assert.equal(schema['x-kubernetes-list-type'], 'map');
    assert.deepEqual(schema.items?.required, ['type', 'status', 'lastTransitionTime', 'reason', 'message']);
  });
});
