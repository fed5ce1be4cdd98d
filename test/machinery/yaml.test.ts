import assert from 'node:assert/strict';
import fc from 'fast-check';
import { deepEqual, type JsonObject, type JsonValue } from '../../src/machinery/json.ts';
import { formatYaml, parseYaml, YamlError } from '../../src/machinery/yaml.ts';

describe('YAML', () => {
  const read: [string, JsonValue][] = [
    ['a: yes\nb: off\nc: y\nd: True', { a: true, b: false, c: true, d: true }],
    ['a: 0644\nb: 0x1f\nc: 1_000\nd: 08', { a: 420, b: 31, c: 1000, d: 8 }],
    ['a: 1e3\nb: 1.5\nc: .5', { a: 1000, b: 1.5, c: 0.5 }],
    [
      'a: 1:20\nb: 2001-01-01\nc: 2001-12-14t21:59:43.10-05:00',
      { a: '1:20', b: '2001-01-01', c: '2001-12-14t21:59:43.10-05:00' },
    ],
    ['a: ~\nb:\nc: "null"', { a: null, b: null, c: 'null' }],
    ['a: "0644"\nb: \'yes\'', { a: '0644', b: 'yes' }],
    ['a: 9223372036854775807', { a: 9223372036854775807n }],
    ['on: 1\n2: x\n1.5: z', { true: 1, '2': 'x', '1.5': 'z' }],
    ['x: &a {k: 1}\nz:\n  <<: *a\n  l: 2', { x: { k: 1 }, z: { k: 1, l: 2 } }],
    ['---\na: 1\n---\nb: 2', { a: 1 }],
    ['a: |\n  x\n  y\nb: >\n  x\n  y\n', { a: 'x\ny\n', b: 'x y\n' }],
    ['{"a": [1, "b"]}', { a: [1, 'b'] }],
    ['', null],
    ['a: !!binary aGVsbG8=', { a: 'hello' }],
  ];
  for (const [text, expected] of read) {
    it(`reads ${JSON.stringify(text)}`, () => assert.deepEqual(parseYaml(text), { value: expected, duplicates: [] }));
  }

  const refused: [string, string][] = [
    ['a: b: c', 'yaml: mapping values are not allowed in this context'],
    ['a: b\n c: d', 'yaml: line 2: mapping values are not allowed in this context'],
    ['a:\n\t- b', 'yaml: line 2: found character that cannot start any token'],
    ['a: "x', 'yaml: found unexpected end of stream'],
    ['- 1\nb: 2', 'yaml: line 1: did not find expected key'],
    ['a: *x', "yaml: unknown anchor 'x' referenced"],
    ['a: .nan', 'json: unsupported value: NaN'],
    ['a: -.inf', 'json: unsupported value: -Inf'],
    ['? {a: 1}\n: b', 'yaml: invalid map key'],
  ];
  for (const [text, message] of refused) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => parseYaml(text), new YamlError(message)));
  }

  it('refuses aliases that grow without end', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 10; i++) lines.push(`a${i}: &a${i} [${`*a${i - 1}, `.repeat(10)}]`);
    assert.throws(() => parseYaml(lines.join('\n')), new YamlError('yaml: document contains excessive aliasing'));
  });

  it('takes the last of keys given twice, and tells of them', () => {
    assert.deepEqual(parseYaml('a: 1\na: 2\nb:\n  c: 1\n  c: 2\n'), {
      value: { a: 2, b: { c: 2 } },
      duplicates: [
        'yaml: unmarshal errors:\n  line 2: key "a" already set in map\n  line 5: key "c" already set in map',
      ],
    });
  });

  it('takes __proto__ for a key like others', () => {
    const { value } = parseYaml('__proto__: {x: 1}');
    assert.ok(Object.hasOwn(value as JsonObject, '__proto__'));
    assert.equal((value as JsonObject).x, undefined);
  });

  it('is written with sorted keys, and strings in quotes where they would be something else', () => {
    assert.equal(
      formatYaml({
        b: [{ x: 1, a: 'yes' }],
        a: { n: '1', m: 'l1\nl2\n', o: {}, l: [], z: null, w: 9007199254740993n },
      }),
      `a:
  l: []
  m: |
    l1
    l2
  "n": "1"
  o: {}
  w: 9007199254740993
  z: null
b:
- a: "yes"
  x: 1
`,
    );
  });

  it('gives back what was written', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 6 }),
      fc.constantFrom(
        'yes',
        'n',
        '0644',
        '1:20',
        '2001-01-01',
        '~',
        '',
        ' ',
        '#',
        'a: b',
        '- a',
        '1e3',
        '.5',
        '0x1f',
        '<<',
        '1_0',
      ),
    );
    const json = fc.letrec<{ value: JsonValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        text,
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(
          text.filter((key) => key !== '__proto__' && key !== '<<'),
          tie('value'),
          { maxKeys: 3, noNullPrototype: true },
        ) as fc.Arbitrary<JsonValue>,
      ),
    })).value;
    fc.assert(
      fc.property(json, (value) => {
        assert.ok(deepEqual(parseYaml(formatYaml(value)).value, value), formatYaml(value));
      }),
    );
  });
});
