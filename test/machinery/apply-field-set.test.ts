import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  difference,
  emptySet,
  type FieldSet,
  fieldSet,
  hasPath,
  intersection,
  isEmptySet,
  leaves,
  parseFieldSet,
  pathsOf,
  recursiveDifference,
  union,
} from '../../src/machinery/apply/field-set.ts';
import {
  canonicalElement,
  compareElements,
  FieldSetError,
  fieldPath,
  indexElement,
  keyElement,
  type Path,
  pathText,
  valueElement,
} from '../../src/machinery/apply/path-element.ts';
import type { JsonObject, JsonValue } from '../../src/machinery/json.ts';

const key = (fields: Record<string, JsonValue>): string =>
  keyElement(Object.keys(fields).sort(), (name) => fields[name]);

const element = fc.oneof(
  fc.constantFrom('f:a', 'f:b', 'f:c', 'f:.'),
  fc.constantFrom(key({ name: 'x' }), key({ name: 'y' }), key({ port: 80 }), key({ port: 9, protocol: 'TCP' })),
  fc.constantFrom('v:1', 'v:"1"', 'v:true', 'i:0', 'i:10'),
);
const path: fc.Arbitrary<Path> = fc.array(element, { minLength: 1, maxLength: 4 });
const set: fc.Arbitrary<FieldSet> = fc.array(path, { maxLength: 8 }).map((paths) => fieldSet(...paths));
const texts = (of: FieldSet): Set<string> => new Set(pathsOf(of).map((p) => p.join('\n')));
const equal = (left: FieldSet, right: FieldSet): void => assert.equal(JSON.stringify(left), JSON.stringify(right));

describe('field sets', () => {
  it('are written as fieldsV1, fields before keys before values before indexes', () => {
    const built = fieldSet(
      ['f:list', 'i:2'],
      ['f:list', 'v:"b"'],
      ['f:list', 'v:7'],
      ['f:list', 'v:10'],
      ['f:list', key({ port: 443 })],
      ['f:list', key({ port: 80 })],
      ['f:list', key({ port: 80 }), 'f:port'],
      ['f:list', 'f:x'],
      ['f:list'],
    );
    assert.equal(
      JSON.stringify(built),
      '{"f:list":{".":{},"f:x":{},"k:{\\"port\\":80}":{".":{},"f:port":{}},"k:{\\"port\\":443}":{},"v:7":{},"v:10":{},"v:\\"b\\"":{},"i:2":{}}}',
    );
  });

  it('render paths as messages show them', () => {
    assert.equal(pathText(fieldPath('spec', 'replicas')), '.spec.replicas');
    assert.equal(
      pathText(['f:spec', 'f:ports', key({ port: 80, protocol: 'TCP' }), 'f:name']),
      '.spec.ports[port=80,protocol="TCP"].name',
    );
    assert.equal(pathText(['f:finalizers', valueElement('a"b'), indexElement(3)]), '.finalizers[="a\\"b"][3]');
  });

  it('escape in values what HTML would read', () => {
    assert.equal(valueElement('<a&b>'), 'v:"\\u003ca\\u0026b\\u003e"');
    assert.equal(key({ name: 'a"b' }), 'k:{"name":"a\\"b"}');
  });

  it('read what others wrote: keys sorted, unknown steps left out', () => {
    const written: JsonObject = { 'k:{ "b":1, "a":"x"}': {}, 'z:future': { 'f:a': {} }, 'f:m': { '.': {} } };
    assert.equal(JSON.stringify(parseFieldSet(written)), '{"f:m":{},"k:{\\"a\\":\\"x\\",\\"b\\":1}":{}}');
  });

  it('refuse what is no set of fields', () => {
    for (const wrong of ['f', 'fa', 'k:[1]', 'k:{', 'v:', 'i:x']) {
      assert.throws(() => parseFieldSet({ [wrong]: {} }), FieldSetError, wrong);
    }
    assert.throws(() => parseFieldSet({ 'f:a': 'x' }), FieldSetError);
    assert.equal(canonicalElement('q:x'), undefined);
  });

  it('tell a field from the fields below it', () => {
    const built = fieldSet(fieldPath('a', 'b'));
    assert.equal(hasPath(built, fieldPath('a')), false);
    assert.equal(hasPath(built, fieldPath('a', 'b')), true);
    assert.equal(hasPath(built, []), false);
    equal(difference(fieldSet(fieldPath('a'), fieldPath('a', 'b')), fieldSet(fieldPath('a'))), built);
    equal(recursiveDifference(fieldSet(fieldPath('a', 'b'), fieldPath('c')), fieldSet(fieldPath('a'))), {
      'f:c': {},
    });
    equal(
      leaves(fieldSet(fieldPath('a'), fieldPath('a', 'b'), fieldPath('c'))),
      fieldSet(fieldPath('a', 'b'), ['f:c']),
    );
  });

  it('order elements totally', () => {
    fc.assert(
      fc.property(element, element, element, (a, b, c) => {
        assert.equal(Math.sign(compareElements(a, b)), -Math.sign(compareElements(b, a)) || 0);
        assert.equal(compareElements(a, b) === 0, a === b);
        if (compareElements(a, b) < 0 && compareElements(b, c) < 0) assert.ok(compareElements(a, c) < 0);
      }),
    );
  });

  it('hold exactly the paths they are made of', () => {
    fc.assert(
      fc.property(fc.array(path), (paths) => {
        const built = fieldSet(...paths);
        assert.deepEqual(texts(built), new Set(paths.map((p) => p.join('\n'))));
        for (const p of paths) assert.ok(hasPath(built, p));
      }),
    );
  });

  it('survive being written and read', () => {
    fc.assert(fc.property(set, (s) => equal(parseFieldSet(JSON.parse(JSON.stringify(s)) as JsonObject), s)));
  });

  it('obey the laws of sets', () => {
    fc.assert(
      fc.property(set, set, set, (a, b, c) => {
        equal(union(a, b), union(b, a));
        equal(union(union(a, b), c), union(a, union(b, c)));
        equal(intersection(a, b), intersection(b, a));
        equal(intersection(a, union(b, c)), union(intersection(a, b), intersection(a, c)));
        equal(difference(a, union(b, c)), difference(difference(a, b), c));
        equal(union(difference(a, b), intersection(a, b)), a);
        assert.ok(isEmptySet(intersection(difference(a, b), b)));
        assert.deepEqual(texts(difference(a, b)), new Set([...texts(a)].filter((p) => !texts(b).has(p))));
      }),
    );
  });

  it('take away a field with all below it', () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        const gone = pathsOf(b).map((p) => p.join('\n'));
        const kept = [...texts(a)].filter((p) => !gone.some((g) => p === g || p.startsWith(`${g}\n`)));
        assert.deepEqual(texts(recursiveDifference(a, b)), new Set(kept));
      }),
    );
  });

  it('are shared where nothing changes', () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        const both = union(a, b);
        assert.equal(union(both, a), both);
        assert.equal(union(a, emptySet), a);
        const rest = difference(a, b);
        assert.equal(difference(rest, b), rest);
      }),
    );
  });
});
