import assert from 'node:assert/strict';
import { compileRules, type ValidateOptions } from '../../src/cel/index.ts';
import { errorReason, errorText, type FieldError, FieldPath } from '../../src/machinery/field.ts';
import type { Schema } from '../../src/machinery/schema.ts';

function validate(schema: Schema, object: unknown, old?: unknown, options?: ValidateOptions): string[] {
  const rules = compileRules(schema, { isResourceRoot: false });
  assert.ok(rules !== undefined);
  return rules.validate(object, old, undefined, options).errors.map(errorText);
}

function errorsOf(schema: Schema, object: unknown, old?: unknown): readonly FieldError[] {
  return compileRules(schema, { isResourceRoot: false })?.validate(object, old).errors ?? [];
}

const integer: Schema = { type: 'integer' };
const text: Schema = { type: 'string' };

function object(properties: Record<string, Schema>, more: Partial<Schema> = {}): Schema {
  return { type: 'object', properties, ...more };
}

function ruled(schema: Schema, ...rules: (string | NonNullable<Schema['x-kubernetes-validations']>[number])[]): Schema {
  return { ...schema, 'x-kubernetes-validations': rules.map((rule) => (typeof rule === 'string' ? { rule } : rule)) };
}

describe('x-kubernetes-validations', () => {
  it('has nothing to check where there are no rules', () => {
    assert.equal(compileRules(object({ a: integer })), undefined);
  });

  it('checks rules, and says which one failed', () => {
    const schema = ruled(object({ min: integer, max: integer }), 'self.min <= self.max', 'self.min >= 0');
    assert.deepEqual(validate(schema, { min: 1, max: 2 }), []);
    assert.deepEqual(validate(schema, { min: 3, max: 2 }), ['<nil>: Invalid value: failed rule: self.min <= self.max']);
    assert.equal(validate(schema, { min: -3, max: -4 }).length, 2);
  });

  it('reports messages, message expressions, reasons and field paths', () => {
    const at = (rule: object) => errorsOf(ruled(object({ a: integer }), { rule: 'self.a > 0', ...rule }), { a: 0 })[0];
    assert.match(errorText(at({ message: 'a must be positive' }) as FieldError), /: a must be positive$/);
    assert.match(errorText(at({ messageExpression: '"a is " + string(self.a)' }) as FieldError), /: a is 0$/);
    assert.match(errorText(at({ message: 'm', messageExpression: '"a" + string(self.a / 0)' }) as FieldError), /: m$/);
    assert.match(errorText(at({ messageExpression: '" "' }) as FieldError), /: failed rule: self\.a > 0$/);
    assert.match(errorText(at({ messageExpression: '"a\\nb"' }) as FieldError), /: failed rule: self\.a > 0$/);
    assert.equal(at({ fieldPath: '.a' })?.field, 'a');
    const reasons = {
      FieldValueInvalid: 'Invalid',
      FieldValueForbidden: 'Forbidden',
      FieldValueRequired: 'Required',
      FieldValueDuplicate: 'Duplicate',
    };
    for (const [reason, name] of Object.entries(reasons)) {
      assert.match(errorReason(at({ reason }) as FieldError), new RegExp(name));
    }
  });

  it('walks properties, items, values and allOf', () => {
    const positive = ruled(integer, 'self > 0');
    const schema = object({
      list: { type: 'array', items: object({ n: positive }) },
      map: { type: 'object', additionalProperties: positive },
      'odd-name': positive,
      all: { type: 'integer', allOf: [ruled({}, 'self != 3')] } as Schema,
    });
    const errors = errorsOf(schema, { list: [{ n: 1 }, { n: 0 }], map: { 'a.b': 0, b: 1 }, 'odd-name': -1, all: 3 });
    assert.deepEqual(errors.map((error) => error.field).sort(), ['all', 'list[1].n', 'map[a.b]', 'odd-name']);
    assert.deepEqual(errorsOf(schema, { list: [{}], map: {} }), []);
  });

  it('begins at the path that it is given', () => {
    const schema = ruled(object({ a: integer }), { rule: 'self.a > 0', fieldPath: '.a' });
    assert.deepEqual(validate(schema, { a: 0 }, undefined, { path: FieldPath.of('spec', 'x') }), [
      'spec.x.a: Invalid value: failed rule: self.a > 0',
    ]);
  });

  it('reports errors of evaluation', () => {
    const schema = ruled(object({ a: integer, b: integer }), 'self.a / self.b > 0');
    assert.match(
      validate(schema, { a: 1, b: 0 })[0] as string,
      /rule evaluation failed: .*division by zero|division by zero/,
    );
    assert.match(validate(schema, { a: 1 })[0] as string, /no such key: b/);
  });

  it('fails every object by a rule that does not compile', () => {
    assert.match(
      validate(ruled(object({}), 'self.nothing == 1'), {})[0] as string,
      /rule compile error: compilation failed: ERROR: <input>:1:5: undefined field 'nothing'/,
    );
    assert.match(validate(ruled(integer, 'self + 1'), 1)[0] as string, /must evaluate to a bool/);
  });

  describe('types', () => {
    const holds = (name: string, schema: Schema, rule: string, value: unknown) =>
      it(name, () => assert.deepEqual(validate(ruled(object({ v: schema }), rule), { v: value }), []));

    holds(
      'int-or-string is either',
      { 'x-kubernetes-int-or-string': true },
      'type(self.v) == string && self.v == "50%"',
      '50%',
    );
    holds(
      'int-or-string compares with both',
      { 'x-kubernetes-int-or-string': true },
      'self.v == 5 && self.v != "5"',
      5,
    );
    holds(
      'date-time is a timestamp',
      { type: 'string', format: 'date-time' },
      'self.v.getFullYear() == 2024',
      '2024-01-01T00:00:00Z',
    );
    holds(
      'date is a timestamp',
      { type: 'string', format: 'date' },
      'self.v == timestamp("2024-01-01T00:00:00Z")',
      '2024-01-01',
    );
    holds('duration is a duration', { type: 'string', format: 'duration' }, 'self.v > duration("59s")', '1m');
    holds('byte is bytes', { type: 'string', format: 'byte' }, 'self.v == b"abc"', 'YWJj');
    holds(
      'number is a double, also when written as an integer',
      { type: 'number' },
      'type(self.v) == double && self.v / 2.0 == 0.5',
      1,
    );
    holds(
      'large integers are exact',
      { type: 'integer', format: 'int64' },
      'self.v - 1 == 9007199254740992',
      9007199254740993n,
    );
    holds('nullable may be null', { type: 'string', nullable: true }, '!has(self.v)', null);
    holds(
      'sets are equal in any order',
      { type: 'array', items: text, 'x-kubernetes-list-type': 'set' },
      'self.v == ["b", "a"] && self.v + ["a", "c"] == ["a", "b", "c"]',
      ['a', 'b'],
    );
    holds(
      'list maps are equal in any order, and merge by key',
      {
        type: 'array',
        items: object({ k: text, v: integer }),
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k'],
      },
      'self.v == self.v.filter(e, e.k == "b") + self.v.filter(e, e.k == "a") && (self.v + self.v).size() == 2',
      [
        { k: 'a', v: 1 },
        { k: 'b', v: 2 },
      ],
    );
    holds(
      'names are escaped',
      object({ 'a-b.c/d': integer, __e: integer, if: integer }),
      'self.v.a__dash__b__dot__c__slash__d == 1 && self.v.__underscores__e == 2 && self.v.__if__ == 3 && self.v.if == 3',
      { 'a-b.c/d': 1, __e: 2, if: 3 },
    );
    holds(
      'embedded resources have their metadata',
      { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
      'self.v.kind == "Pod" && self.v.metadata.name == "p"',
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } },
    );

    it('resources have their kind and name, but no other metadata', () => {
      const rules = compileRules(ruled(object({}), 'self.metadata.name.startsWith("a") && self.kind == "A"'));
      assert.deepEqual(rules?.validate({ kind: 'A', metadata: { name: 'abc' } }).errors, []);
      const labels = compileRules(ruled(object({}), 'has(self.metadata.labels)'));
      assert.match(errorText(labels?.validate({ metadata: {} }).errors[0] as FieldError), /undefined field 'labels'/);
    });

    it('fields that the schema does not know are not seen', () => {
      const schema = ruled(object({ a: integer }, { 'x-kubernetes-preserve-unknown-fields': true }), 'self.b == 1');
      assert.match(validate(schema, { a: 1, b: 1 })[0] as string, /undefined field 'b'/);
    });
  });

  describe('transition rules', () => {
    const immutable = ruled(text, 'self == oldSelf');
    const schema = object({ a: immutable });

    it('are checked on updates of values that were there', () => {
      assert.deepEqual(validate(schema, { a: 'x' }), []);
      assert.deepEqual(validate(schema, { a: 'x' }, {}), []);
      assert.deepEqual(validate(schema, {}, { a: 'x' }), []);
      assert.deepEqual(validate(schema, { a: 'x' }, { a: 'x' }), []);
      assert.deepEqual(validate(schema, { a: 'y' }, { a: 'x' }), [
        'a: Invalid value: "y": failed rule: self == oldSelf',
      ]);
    });

    it('are checked always when the old value is optional', () => {
      const optional = object({ a: ruled(text, { rule: 'oldSelf.orValue("x") == self', optionalOldSelf: true }) });
      assert.deepEqual(validate(optional, { a: 'x' }), []);
      assert.equal(validate(optional, { a: 'y' }).length, 1);
      assert.equal(validate(optional, { a: 'z' }, { a: 'y' }).length, 1);
      assert.deepEqual(validate(optional, { a: 'y' }, { a: 'y' }), []);
    });

    it('match items of list maps by their keys, and no others', () => {
      const items = object({ k: text, v: immutable });
      const map = object({
        l: { type: 'array', items, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] },
      });
      const old = {
        l: [
          { k: 'a', v: '1' },
          { k: 'b', v: '2' },
        ],
      };
      assert.deepEqual(
        validate(
          map,
          {
            l: [
              { k: 'b', v: '2' },
              { k: 'a', v: '1' },
              { k: 'c', v: '3' },
            ],
          },
          old,
        ),
        [],
      );
      assert.deepEqual(
        errorsOf(map, { l: [{ k: 'b', v: '1' }] }, old).map((e) => e.field),
        ['l[0].v'],
      );
      const atomic = object({ l: { type: 'array', items } });
      assert.deepEqual(validate(atomic, { l: [{ k: 'a', v: '2' }] }, old), []);
    });

    it('match values of maps by their keys', () => {
      const map = object({ m: { type: 'object', additionalProperties: immutable } });
      assert.deepEqual(
        errorsOf(map, { m: { a: '1', b: '3' } }, { m: { a: '2' } }).map((e) => e.field),
        ['m[a]'],
      );
    });
  });

  describe('ratcheting', () => {
    const schema = object({ a: ruled(object({ n: integer }), 'self.n > 0'), b: integer });

    it('forgives what has not changed, with a warning', () => {
      const rules = compileRules(schema, { isResourceRoot: false });
      const update = rules?.validate({ a: { n: 0 }, b: 2 }, { a: { n: 0 }, b: 1 }, undefined, { ratchet: true });
      assert.deepEqual(update?.errors, []);
      assert.deepEqual(
        update?.warnings.map((e) => e.field),
        ['a'],
      );
    });

    it('does not forgive what has, nor transition rules', () => {
      const rules = compileRules(schema, { isResourceRoot: false });
      assert.equal(rules?.validate({ a: { n: -1 } }, { a: { n: 0 } }, undefined, { ratchet: true }).errors.length, 1);
      assert.equal(rules?.validate({ a: { n: 0 } }, undefined, undefined, { ratchet: true }).errors.length, 1);
      assert.equal(rules?.validate({ a: { n: 0 } }, { a: { n: 0 } }).errors.length, 1);
      const never = compileRules(object({ a: ruled(text, 'self != oldSelf') }), { isResourceRoot: false });
      assert.equal(never?.validate({ a: 'x' }, { a: 'x' }, undefined, { ratchet: true }).errors.length, 1);
    });
  });

  describe('budget', () => {
    const list: Schema = { type: 'array', items: integer };
    const schema = object({ l: ruled(list, 'self.all(a, self.all(b, a != b || a == b))') });
    const large = { l: Array.from({ length: 400 }, (_, i) => i) };

    it('is spent by what rules cost', () => {
      const small = compileRules(ruled(integer, 'self > 0'), { isResourceRoot: false });
      assert.equal(small?.validate(1, undefined, 100).remainingBudget, 98);
    });

    it('stops a rule that costs too much for one call', () => {
      const errors =
        compileRules(schema, { isResourceRoot: false, perCallLimit: 10_000 })?.validate(large).errors ?? [];
      assert.match(errorText(errors[0] as FieldError), /call cost exceeds limit for rule: self\.all/);
    });

    it('stops validation when it is used up', () => {
      const result = compileRules(schema, { isResourceRoot: false })?.validate(large, undefined, 10_000);
      assert.equal(result?.remainingBudget, -1);
      assert.match(
        errorText(result?.errors[0] as FieldError),
        /validation failed due to running out of cost budget, no further validation rules will be run/,
      );
    });
  });
});
