import assert from 'node:assert/strict';
import fc from 'fast-check';
import { setsAgain } from '../../src/machinery/apply/again.ts';
import { compare, same } from '../../src/machinery/apply/compare.ts';
import {
  difference,
  type FieldSet,
  fieldSet,
  isEmptySet,
  parseFieldSet,
  union,
} from '../../src/machinery/apply/field-set.ts';
import { merge } from '../../src/machinery/apply/merge.ts';
import { fieldPath } from '../../src/machinery/apply/path-element.ts';
import { reconcile } from '../../src/machinery/apply/reconcile.ts';
import { extractOwned, removeFields } from '../../src/machinery/apply/remove.ts';
import { objectType } from '../../src/machinery/apply/type.ts';
import { toFieldSet } from '../../src/machinery/apply/typed.ts';
import { typeErrorText, validate } from '../../src/machinery/apply/validate.ts';
import { deepEqual, type JsonObject, type JsonValue } from '../../src/machinery/json.ts';
import type { Schema } from '../../src/machinery/schema.ts';

const item: Schema = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    protocol: { type: 'string', default: 'TCP' },
    value: { type: 'integer' },
    tags: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
  },
};
const spec: Schema = {
  type: 'object',
  properties: {
    size: { type: 'integer' },
    on: { type: 'boolean' },
    text: { type: 'string' },
    either: { 'x-kubernetes-int-or-string': true },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    whole: { type: 'object', 'x-kubernetes-map-type': 'atomic', properties: { a: { type: 'integer' } } },
    items: {
      type: 'array',
      items: item,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name', 'protocol'],
    },
    args: { type: 'array', items: { type: 'string' } },
    any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
};
const schema: Schema = { type: 'object', properties: { spec } };
const type = objectType(schema);
const object = (fields: JsonObject): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name: 'x' },
  spec: fields,
});
const set = (fields: JsonObject): string => JSON.stringify(toFieldSet(object(fields), type));
const json = (value: unknown): string => JSON.stringify(value);

describe('values and their fields', () => {
  it('own leaves, items and atomic parts', () => {
    assert.equal(
      set({
        size: 1,
        labels: { b: '1', a: '2' },
        whole: { a: 1 },
        args: ['x'],
        any: { deep: { er: [1] } },
        items: [
          { name: 'b', tags: ['t'] },
          { name: 'a', protocol: 'UDP' },
        ],
      }),
      json({
        'f:spec': {
          'f:any': { 'f:deep': { '.': {}, 'f:er': {} } },
          'f:args': {},
          'f:items': {
            'k:{"name":"a","protocol":"UDP"}': { '.': {}, 'f:name': {}, 'f:protocol': {} },
            'k:{"name":"b","protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:tags': { 'v:"t"': {} } },
          },
          'f:labels': { 'f:a': {}, 'f:b': {} },
          'f:size': {},
          'f:whole': {},
        },
      }),
    );
  });

  it('leave out what the server owns itself', () => {
    const owned = toFieldSet(
      { apiVersion: 'v1', kind: 'X', metadata: { name: 'n', uid: 'u', labels: { a: '1' }, finalizers: ['f'] } },
      type,
    );
    assert.equal(json(owned), '{"f:metadata":{"f:finalizers":{"v:\\"f\\"":{}},"f:labels":{"f:a":{}}}}');
  });

  it('own duplicates together', () => {
    assert.equal(
      set({ items: [{ name: 'a' }, { name: 'a', value: 1 }] }),
      '{"f:spec":{"f:items":{"k:{\\"name\\":\\"a\\",\\"protocol\\":\\"TCP\\"}":{}}}}',
    );
  });

  it('are checked against their type', () => {
    const errors = (fields: JsonObject): string => typeErrorText(validate(object(fields), type));
    assert.deepEqual(validate(object({ size: 1, either: 'x', any: { x: [1] }, labels: {}, items: null }), type), []);
    assert.equal(errors({ unknown: 1 }), '.spec.unknown: field not declared in schema');
    assert.equal(errors({ size: 'x' }), '.spec.size: expected numeric (int or float), got string');
    assert.equal(errors({ on: 1 }), '.spec.on: expected boolean, got &{1}');
    assert.equal(errors({ text: 1 }), '.spec.text: expected string, got &value.valueUnstructured{Value:1}');
    assert.equal(errors({ labels: [] }), '.spec.labels: expected map, got &{[]}');
    assert.equal(
      errors({ items: [{ name: 'a' }, { name: 'a' }] }),
      '.spec.items: duplicate entries for key [name="a",protocol="TCP"]',
    );
    assert.equal(
      errors({ items: [{ name: 'a', value: 'x' }], size: true }),
      'errors:\n  .spec.items[name="a",protocol="TCP"].value: expected numeric (int or float), got string\n' +
        '  .spec.size: expected numeric (int or float), got bool',
    );
    const twice = object({ items: [{ name: 'a' }, { name: 'a' }] });
    assert.deepEqual(validate(twice, type, { allowDuplicates: true }), []);
  });
});

describe('comparing', () => {
  const differ = (before: JsonObject, after: JsonObject): string[] => {
    const { added, modified, removed } = compare(object(before), object(after), type);
    return [added, modified, removed].map((side) => json((side as { 'f:spec'?: FieldSet })['f:spec']));
  };

  it('says what was added, modified and removed', () => {
    assert.deepEqual(differ({ size: 1, on: true }, { size: 2, text: 'x' }), [
      '{"f:text":{}}',
      '{"f:size":{}}',
      '{"f:on":{}}',
    ]);
    assert.deepEqual(differ({}, { labels: { a: '1' } })[0], '{"f:labels":{".":{},"f:a":{}}}');
    assert.deepEqual(differ({ whole: { a: 1 } }, { whole: { a: 2 } })[1], '{"f:whole":{}}');
    assert.deepEqual(
      differ({ items: [{ name: 'a', value: 1 }] }, { items: [{ name: 'a', value: 2 }] })[1],
      json({
        'f:items': { 'k:{"name":"a","protocol":"TCP"}': { 'f:value': {} } },
      }),
    );
  });

  it('does not see the order of items, but of atomic lists', () => {
    const [a, b] = [{ name: 'a' }, { name: 'b' }];
    assert.equal(compare(object({ items: [a, b] }), object({ items: [b, a] }), type), same);
    assert.deepEqual(differ({ args: ['x', 'y'] }, { args: ['y', 'x'] })[1], '{"f:args":{}}');
  });

  it('takes any key as data', () => {
    const odd = JSON.parse('{"labels":{"__proto__":"1","constructor":"2"}}') as JsonObject;
    assert.equal(differ({ labels: {} }, odd)[0], '{"f:labels":{"f:__proto__":{},"f:constructor":{}}}');
    assert.equal(json(merge(object({ labels: {} }), object(odd), type)), json(object(odd)));
  });
});

const name = fc.constantFrom('a', 'b', 'c', 'd');
const items = fc.uniqueArray(
  fc.record({ name, value: fc.nat(3), tags: fc.uniqueArray(name) }, { requiredKeys: ['name'], noNullPrototype: true }),
  { selector: (element) => element.name },
);
const fields = fc.record(
  {
    size: fc.nat(3),
    text: name,
    either: fc.oneof(fc.nat(3), name),
    labels: fc.dictionary(name, name, { noNullPrototype: true }),
    whole: fc.record({ a: fc.nat(3) }, { noNullPrototype: true }),
    items,
    args: fc.array(name, { maxLength: 3 }),
    any: fc.dictionary(name, fc.oneof(fc.nat(3), fc.dictionary(name, fc.nat(3), { noNullPrototype: true })), {
      noNullPrototype: true,
    }),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const thing: fc.Arbitrary<JsonObject> = fields.map((f) => object(f as JsonObject));

describe('the fields of a value', () => {
  it('are known without being gathered', () => {
    fc.assert(
      fc.property(thing, thing, (a, b) => {
        const [mine, theirs] = [toFieldSet(a, type), toFieldSet(b, type)];
        assert.ok(setsAgain(a, type, mine) || isEmptySet(mine));
        assert.equal(setsAgain(a, type, theirs), deepEqual(mine, theirs) && !isEmptySet(mine));
      }),
    );
  });

  it('are not those of a set with more, with less, or with other members', () => {
    const value = object({ size: 1, items: [{ name: 'a', value: 1 }], whole: {} });
    const fields = toFieldSet(value, type);
    assert.ok(setsAgain(value, type, fields));
    for (const path of ['size', 'whole', 'items'].map((field) => fieldPath('spec', field))) {
      assert.equal(setsAgain(value, type, difference(fields, fieldSet(path))), path.includes('f:items'));
    }
    for (const path of [fieldPath('spec'), fieldPath('spec', 'items'), fieldPath('spec', 'on')]) {
      assert.equal(setsAgain(value, type, union(fields, fieldSet(path))), false);
    }
  });
});

describe('a configuration that sets what was set before', () => {
  const fields = { size: 1, text: 'a', items: [{ name: 'a', value: 1 }], args: ['x'], whole: { a: 1 } };
  const before = toFieldSet(object(fields), type);
  const again = (change: JsonObject): boolean => setsAgain(object({ ...fields, ...change }), type, before);

  it('may have other values', () => {
    assert.ok(again({ size: 2, items: [{ name: 'a', value: 2 }], args: ['y', 'z'], whole: { a: 2 } }));
  });

  it('must fit its type', () => {
    for (const wrong of [{ size: 'one' }, { items: 'a' }, { items: [{ name: 'a', value: true }] }, { args: [1] }]) {
      assert.equal(again(wrong), false, JSON.stringify(wrong));
      assert.notDeepEqual(validate(object({ ...fields, ...wrong }), type), []);
    }
    for (const items of [[{ name: 'a' }, { name: 'a' }], [null], [{ value: 1 }], ['a']]) {
      assert.equal(again({ items } as JsonObject), false, JSON.stringify(items));
    }
    const two = toFieldSet(object({ items: [{ name: 'a' }, { name: 'b' }] }), type);
    assert.equal(setsAgain(object({ items: [{ name: 'a' }, { name: 'a' }] }), type, two), false);
    assert.equal(setsAgain({ ...object(fields), kind: 1 } as JsonObject, type, before), false);
  });
});

describe('merging', () => {
  const merged = (live: JsonObject, config: JsonObject): JsonValue =>
    (merge(object(live), object(config), type) as JsonObject).spec as JsonValue;

  it('sets what the configuration sets and keeps the rest', () => {
    assert.deepEqual(merged({ size: 1, labels: { a: '1' } }, { size: 2, labels: { b: '2' } }), {
      size: 2,
      labels: { a: '1', b: '2' },
    });
    assert.deepEqual(merged({ whole: { a: 1 }, args: ['x'] }, { whole: {}, args: ['y'] }), { whole: {}, args: ['y'] });
  });

  it('orders items as the configuration does, others in between', () => {
    const names = (list: string): JsonObject => ({ items: [...list].map((n) => ({ name: n })) });
    const order = (live: string, config: string): string =>
      ((merged(names(live), names(config)) as JsonObject).items as { name: string }[]).map((i) => i.name).join('');
    assert.equal(order('abc', 'cb'), 'acb');
    assert.equal(order('abcd', 'dx'), 'abcdx');
    assert.equal(order('', 'ba'), 'ba');
    assert.equal(order('ab', ''), 'ab');
  });

  it('is idempotent, and shares what does not change', () => {
    fc.assert(
      fc.property(thing, thing, (live, config) => {
        const once = merge(live, config, type);
        assert.equal(merge(once, config, type), once);
        assert.equal(merge(live, live, type), live);
      }),
    );
  });

  it('leaves everything that the configuration owns as it says', () => {
    fc.assert(
      fc.property(thing, thing, (live, config) => {
        const once = merge(live, config, type);
        const { added, modified, removed } = compare(once, config, type);
        const owned = toFieldSet(config, type);
        assert.ok(isEmptySet(added), json(added));
        assert.ok(isEmptySet(modified), json(modified));
        assert.equal(json(difference(owned, removed)), json(owned));
      }),
    );
  });
});

describe('comparing, as a law', () => {
  it('is empty for equal objects, and turns round', () => {
    fc.assert(
      fc.property(thing, thing, (a, b) => {
        assert.equal(compare(a, structuredClone(a), type), same);
        const there = compare(a, b, type);
        const back = compare(b, a, type);
        assert.equal(json(there.added), json(back.removed));
        assert.equal(json(there.modified), json(back.modified));
      }),
    );
  });

  it('finds everything that an object has when there was nothing', () => {
    fc.assert(
      fc.property(thing, (a) => {
        const { added } = compare({ metadata: {} }, a, type);
        const owned = toFieldSet(a, type);
        assert.equal(json(union(added, owned)), json(added));
      }),
    );
  });
});

describe('removing and extracting', () => {
  it('takes fields and items out', () => {
    const from = object({ size: 1, labels: { a: '1', b: '2' }, items: [{ name: 'a' }, { name: 'b', value: 1 }] });
    const fieldsToRemove = parseFieldSet({
      'f:spec': {
        'f:size': {},
        'f:labels': { 'f:a': {} },
        'f:items': { 'k:{"name":"a","protocol":"TCP"}': {}, 'k:{"name":"b","protocol":"TCP"}': { 'f:value': {} } },
      },
    });
    assert.deepEqual((removeFields(from, fieldsToRemove, type) as JsonObject).spec, {
      labels: { b: '2' },
      items: [{ name: 'b' }],
    });
  });

  it('extracts what someone owns, keys included', () => {
    const from = object({ size: 1, items: [{ name: 'a', value: 1 }, { name: 'b' }] });
    const owned = parseFieldSet({ 'f:spec': { 'f:items': { 'k:{"name":"a","protocol":"TCP"}': { 'f:value': {} } } } });
    assert.deepEqual(extractOwned(from, owned, type), { spec: { items: [{ name: 'a', value: 1 }] } });
  });

  it('extracts from an object what was applied to it', () => {
    fc.assert(
      fc.property(thing, (config) => {
        const owned = toFieldSet(config, type);
        const extracted = (extractOwned(merge(object({}), config, type) as JsonObject, owned, type) ??
          {}) as JsonObject;
        assert.equal(json(toFieldSet(extracted, type)), json(owned));
      }),
    );
  });
});

describe('reconciling with a changed schema', () => {
  const retyped = (changes: Record<string, Schema>) =>
    objectType({ type: 'object', properties: { spec: { ...spec, properties: { ...spec.properties, ...changes } } } });

  it('makes one of the parts of what became atomic', () => {
    const owned = fieldSet(
      fieldPath('spec', 'labels', 'a'),
      fieldPath('spec', 'labels', 'b'),
      fieldPath('spec', 'size'),
    );
    const atomic = retyped({
      labels: { type: 'object', 'x-kubernetes-map-type': 'atomic', additionalProperties: { type: 'string' } },
    });
    assert.equal(json(reconcile(owned, atomic)), '{"f:spec":{"f:labels":{},"f:size":{}}}');
    const list = fieldSet(['f:spec', 'f:items', 'k:{"name":"a","protocol":"TCP"}', 'f:name']);
    assert.equal(
      json(reconcile(list, retyped({ items: { type: 'array', items: item } }))),
      '{"f:spec":{"f:items":{}}}',
    );
  });

  it('leaves alone what fits, and what became granular', () => {
    const owned = fieldSet(fieldPath('spec', 'whole'), fieldPath('spec', 'labels', 'a'));
    assert.equal(reconcile(owned, type), owned);
    assert.equal(reconcile(owned, retyped({ whole: { type: 'object', additionalProperties: true } })), owned);
  });
});
