import assert from 'node:assert/strict';
import fc from 'fast-check';
import { errorText, FieldPath } from '../../src/machinery/field.ts';
import {
  type LabelOperator,
  type LabelRequirement,
  LabelSelector,
  type LabelSelectorSpec,
  SelectorError,
  validateLabelSelector,
} from '../../src/machinery/label-selector.ts';

const name =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const value =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

describe('label selectors', () => {
  const canonical: [string, string][] = [
    ['', ''],
    [' a ', 'a'],
    ['!a', '!a'],
    ['b=1,a==2', 'a==2,b=1'],
    ['a!=b', 'a!=b'],
    ['a in (y, x,x)', 'a in (x,y)'],
    ['a notin (,z)', 'a notin (,z)'],
    ['a in ()', 'a in ()'],
    ['a=', 'a='],
    ['a=,b', 'a=,b'],
    ['x>1,y<2', 'x>1,y<2'],
    ['in in (in,notin)', 'in in (in,notin)'],
    ['a.b/c', 'a.b/c'],
  ];
  for (const [text, expected] of canonical) {
    it(`reads ${JSON.stringify(text)}`, () => assert.equal(LabelSelector.parse(text).toString(), expected));
  }

  const refused: [string, string][] = [
    ['=a', "found '=', expected: !, identifier, or 'end of string'"],
    ['a,', "found '', expected: identifier after ','"],
    ['a=b c', "found 'c', expected: ',' or 'end of string'"],
    ['a=(b)', "unable to parse requirement: found '(', expected: identifier"],
    ['!', "unable to parse requirement: found '', expected: identifier"],
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['a in', "unable to parse requirement: found '' expected: '('"],
    ['a in (', "unable to parse requirement: found '', expected: ',', ')' or identifier"],
    ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['a in (b,=)', "unable to parse requirement: found '=', expected: ',', or identifier"],
    ['a@', `unable to parse requirement: <nil>: Invalid value: "a@": ${name}`],
    ['a=b@', `unable to parse requirement: values[0][a]: Invalid value: "b@": ${value}`],
    [
      'a>b',
      `unable to parse requirement: values[0]: Invalid value: "b": for 'Gt', 'Lt' operators, the value must be an integer`,
    ],
    [
      'a in (-,_)',
      `unable to parse requirement: [values[0][a]: Invalid value: "-": ${value}, values[1][a]: Invalid value: "_": ${value}]`,
    ],
  ];
  for (const [text, message] of refused) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => LabelSelector.parse(text), new SelectorError(message));
    });
  }

  it('matches as a naive reading of its requirements does, and survives its canonical text', () => {
    const key = fc.constantFrom('a', 'b', 'constructor', 'toString');
    const word = fc.constantFrom('', 'x', 'y', '1', '2', '10');
    const requirement: fc.Arbitrary<LabelRequirement> = fc.oneof(
      fc.record({ key, operator: fc.constantFrom<LabelOperator>('=', '==', '!='), values: word.map((one) => [one]) }),
      fc.record({
        key,
        operator: fc.constantFrom<LabelOperator>('in', 'notin'),
        values: fc.uniqueArray(word, { minLength: 1, maxLength: 3 }),
      }),
      fc.record({ key, operator: fc.constantFrom<LabelOperator>('exists', '!'), values: fc.constant([]) }),
      fc.record({
        key,
        operator: fc.constantFrom<LabelOperator>('gt', 'lt'),
        values: fc.constantFrom('1', '2', '10').map((one) => [one]),
      }),
    );
    const holds = ({ key: k, operator, values }: LabelRequirement, labels: Map<string, string>): boolean => {
      const actual = labels.get(k);
      switch (operator) {
        case '!':
          return actual === undefined;
        case 'exists':
          return actual !== undefined;
        case '!=':
        case 'notin':
          return actual === undefined || !values.includes(actual);
        case 'gt':
          return actual !== undefined && /^\d+$/.test(actual) && Number(actual) > Number(values[0]);
        case 'lt':
          return actual !== undefined && /^\d+$/.test(actual) && Number(actual) < Number(values[0]);
        default:
          return actual !== undefined && values.includes(actual);
      }
    };
    fc.assert(
      fc.property(fc.array(requirement, { maxLength: 3 }), fc.dictionary(key, word), (requirements, labels) => {
        const map = new Map(Object.entries(labels));
        const expected = requirements.every((one) => holds(one, map));
        const selector = LabelSelector.of(requirements);
        assert.equal(selector.matches({ ...labels }), expected);
        const again = LabelSelector.parse(selector.toString());
        assert.equal(again.matches(labels), expected);
        assert.equal(again.toString(), selector.toString());
      }),
    );
  });

  it('tells the one value that a label may have', () => {
    assert.equal(LabelSelector.parse('a=b,c').exactValue('a'), 'b');
    assert.equal(LabelSelector.parse('a in (b)').exactValue('a'), 'b');
    assert.equal(LabelSelector.parse('a in (b,c)').exactValue('a'), undefined);
    assert.equal(LabelSelector.parse('a!=b').exactValue('a'), undefined);
  });
});

describe('metav1.LabelSelector', () => {
  it('selects nothing when absent and everything when empty', () => {
    assert.ok(!LabelSelector.fromSpec(undefined).matches({}));
    assert.ok(LabelSelector.fromSpec(undefined).selectsNothing);
    assert.ok(LabelSelector.fromSpec({}).matches(undefined));
    assert.ok(LabelSelector.fromSpec({}).empty);
  });

  it('becomes the requirements that it says', () => {
    const spec: LabelSelectorSpec = {
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'tier', operator: 'In', values: ['b', 'a'] },
        { key: 'old', operator: 'DoesNotExist' },
      ],
    };
    assert.equal(LabelSelector.fromSpec(spec).toString(), 'app=web,!old,tier in (a,b)');
  });

  it('is refused with the paths of what is wrong', () => {
    const spec = {
      matchLabels: { 'a@': 'b@' },
      matchExpressions: [
        { key: 'k', operator: 'In' },
        { key: 'k', operator: 'Exists', values: ['x'] },
        { key: 'k', operator: 'Near', values: ['-'] },
        { key: '', operator: 'Exists' },
      ],
    } as unknown as LabelSelectorSpec;
    assert.deepEqual(validateLabelSelector(spec, FieldPath.of('spec', 'selector')).map(errorText), [
      `spec.selector.matchLabels: Invalid value: "a@": ${name}`,
      `spec.selector.matchLabels: Invalid value: "b@": ${value}`,
      "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
      "spec.selector.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
      'spec.selector.matchExpressions[2].operator: Invalid value: "Near": not a valid selector operator',
      `spec.selector.matchExpressions[2].values[0]: Invalid value: "-": ${value}`,
      'spec.selector.matchExpressions[3].key: Invalid value: "": name part must be non-empty',
      `spec.selector.matchExpressions[3].key: Invalid value: "": ${name}`,
    ]);
  });

  it('cannot be compiled when it is wrong', () => {
    assert.throws(() => LabelSelector.fromSpec({ matchExpressions: [{ key: 'k', operator: 'Near' as 'In' }] }), {
      message: '"Near" is not a valid label selector operator',
    });
    assert.throws(() => LabelSelector.fromSpec({ matchExpressions: [{ key: 'k', operator: 'In' }] }), {
      message: "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty",
    });
  });
});
