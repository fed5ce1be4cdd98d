import assert from 'node:assert/strict';
import { checkRules, maxRuleCost, parseRuleFieldPath } from '../../src/cel/index.ts';
import { errorText, FieldPath } from '../../src/machinery/field.ts';
import type { Schema, ValidationRule } from '../../src/machinery/schema.ts';

const integer: Schema = { type: 'integer' };
const text: Schema = { type: 'string' };

function object(properties: Record<string, Schema>, more: Partial<Schema> = {}): Schema {
  return { type: 'object', properties, ...more };
}

function ruled(schema: Schema, ...rules: (string | ValidationRule)[]): Schema {
  return { ...schema, 'x-kubernetes-validations': rules.map((rule) => (typeof rule === 'string' ? { rule } : rule)) };
}

function problems(schema: Schema): string[] {
  const report = checkRules(schema, { path: FieldPath.of('schema') });
  return [...report.formErrors, ...report.celErrors].map(errorText);
}

/** The problems of one rule on an object with an integer `a`, without the path and the rule that they show. */
function problemsOf(rule: Partial<ValidationRule>): string[] {
  const schema = ruled(object({ a: integer }), { rule: 'self.a > 0', ...rule } as ValidationRule);
  return problems(schema).map((problem) =>
    problem.replace('schema.x-kubernetes-validations[0].', '').replace(/: \{"Rule".*?\}: /, ': … '),
  );
}

describe('checks of rules in schemas', () => {
  it('find nothing wrong with rules that are right', () => {
    assert.deepEqual(
      problemsOf({ message: 'm', messageExpression: '"m"', reason: 'FieldValueRequired', fieldPath: '.a' }),
      [],
    );
    assert.deepEqual(problems(ruled(object({ a: text }), 'self.a == oldSelf.a')), []);
  });

  const forms: [string, Partial<ValidationRule>, string][] = [
    ['an empty rule', { rule: ' ' }, 'rule: Required value: rule is not specified'],
    ['an empty message', { message: ' ' }, 'message: Invalid value: " ": must be non-empty if specified'],
    ['a message of two lines', { message: 'a\nb' }, 'message: Invalid value: "a\\nb": must not contain line breaks'],
    [
      'a rule of two lines without a message',
      { rule: 'self.a > 0 &&\nself.a < 2' },
      'message: Required value: message must be specified if rule contains line breaks',
    ],
    [
      'an empty message expression',
      { messageExpression: ' ' },
      'messageExpression: Required value: messageExpression must be non-empty if specified',
    ],
    [
      'an unknown reason',
      { reason: 'Because' as never },
      'reason: Unsupported value: "Because": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"',
    ],
    ['a field path to nowhere', { fieldPath: '.b' }, 'fieldPath: Invalid value: ".b": must be a valid path'],
    ['an empty field path', { fieldPath: ' ' }, 'fieldPath: Invalid value: " ": must be non-empty if specified'],
  ];
  for (const [name, rule, expected] of forms) {
    it(`refuse ${name}`, () => assert.equal(problemsOf(rule)[0], expected));
  }

  const expressions: [string, Partial<ValidationRule>, string][] = [
    [
      'syntax errors',
      { rule: 'self.a >' },
      "rule: Invalid value: … compilation failed: ERROR: <input>:1:9: Syntax error: mismatched input '<EOF>' expecting",
    ],
    [
      'unknown fields',
      { rule: 'self.b > 0' },
      "rule: Invalid value: … compilation failed: ERROR: <input>:1:5: undefined field 'b'\n | self.b > 0\n | ....^",
    ],
    [
      'rules that are no predicates',
      { rule: 'self.a' },
      'rule: Invalid value: … cel expression must evaluate to a bool',
    ],
    [
      'messages that are no text',
      { messageExpression: 'self.a' },
      'messageExpression: Invalid value: … messageExpression must evaluate to a string',
    ],
    [
      'messages with errors',
      { messageExpression: 'self.b' },
      'messageExpression: Invalid value: … messageExpression compilation failed: ERROR: <input>:1:5: undefined field',
    ],
    [
      'an optional old self that is not used',
      { optionalOldSelf: true },
      'optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule',
    ],
  ];
  for (const [name, rule, expected] of expressions) {
    it(`refuse ${name}`, () => assert.ok(problemsOf(rule)[0]?.startsWith(expected), problemsOf(rule)[0]));
  }

  it('refuse the old self where old and new items cannot be matched', () => {
    const items = ruled(text, 'self == oldSelf');
    const lists: [Partial<Schema>, number][] = [
      [{}, 1],
      [{ 'x-kubernetes-list-type': 'atomic' }, 1],
      [{ 'x-kubernetes-list-type': 'set' }, 1],
      [{ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] }, 0],
    ];
    for (const [more, count] of lists) {
      const found = problems(
        object({ l: { type: 'array', maxItems: 2, items: object({ k: { ...items, maxLength: 5 } }), ...more } }),
      );
      assert.equal(found.length, count, JSON.stringify(more));
      if (count > 0)
        assert.match(
          found[0] as string,
          /oldSelf cannot be used on the uncorrelatable portion of the schema within schema\.properties\[l\]$/,
        );
    }
  });

  it('do not compile rules of schemas that are broken, or around them', () => {
    const broken = ruled(integer, 'nonsense');
    const schema = ruled(object({ a: broken }), 'more nonsense');
    assert.deepEqual(checkRules(schema, { broken: new Set([broken]) }).celErrors, []);
    assert.ok(checkRules(schema).celErrors.length >= 2);
  });

  describe('cost', () => {
    const list = (rule: string, more: Partial<Schema> = {}): Schema =>
      object({ l: ruled({ type: 'array', items: text, ...more }, rule) });

    it('of rules without bounds is too much', () => {
      const nested = list('self.all(a, self.all(b, a == b))');
      const [first] = problems(nested);
      assert.match(
        first as string,
        /^schema\.properties\[l\]\.x-kubernetes-validations\[0\]\.rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x \(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared\)$/,
      );
    });

    it('is bounded by bounds', () => {
      assert.deepEqual(
        problems(list('self.all(a, self.all(b, a == b))', { maxItems: 10, items: { type: 'string', maxLength: 10 } })),
        [],
      );
    });

    it('counts how often a rule is evaluated', () => {
      const rule = ruled({ type: 'string', maxLength: 100 }, 'self.contains("a")');
      const costs = (maxItems: number) =>
        checkRules(object({ l: { type: 'array', maxItems, items: rule } })).costs[0]?.cost;
      assert.equal(costs(10), Number(costs(1)) * 10);
    });

    it('of all rules together is limited too', () => {
      const properties: Record<string, Schema> = {};
      for (let i = 0; i < 12; i++)
        properties[`l${i}`] = ruled(
          { type: 'array', maxItems: 3000, items: { type: 'integer' } },
          'self.all(a, self.exists(b, a == b))',
        );
      const report = checkRules(object(properties), { path: FieldPath.of('schema') });
      const last = errorText(report.celErrors.at(-1) as never);
      assert.match(
        last,
        /^schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of/,
      );
      assert.ok(Number(report.totalCost) > 12 * maxRuleCost);
    });
  });

  it('reads field paths', () => {
    const schema = object({
      a: object({ 'b.c': text }),
      m: { type: 'object', additionalProperties: text },
      l: { type: 'array', items: text },
    });
    const path = (text: string) => {
      const parsed = parseRuleFieldPath(text, schema);
      return typeof parsed === 'string' ? undefined : parsed.path;
    };
    assert.equal(path('.a'), 'a');
    assert.equal(path(".a['b.c']"), 'a.b.c');
    assert.equal(path(".m['x.y']"), 'm[x.y]');
    for (const wrong of ['a', '.a.b', '.l[0]', '.a[b]', '..a', ".a['b.c'", '.'])
      assert.equal(path(wrong), undefined, wrong);
  });
});
