import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FieldSelector } from '../../src/machinery/field-selector.ts';
import { SelectorError } from '../../src/machinery/label-selector.ts';

describe('field selectors', () => {
  const canonical: [string, string][] = [
    ['', ''],
    [',', ''],
    ['b==1,a!=2', 'a!=2,b=1'],
    ['metadata.name=', 'metadata.name='],
    ['a=x\\,y\\=z\\\\', 'a=x\\,y\\=z\\\\'],
    ['a!=b', 'a!=b'],
  ];
  for (const [text, expected] of canonical) {
    it(`reads ${JSON.stringify(text)}`, () => assert.equal(FieldSelector.parse(text).toString(), expected));
  }

  const refused: [string, string][] = [
    ['a', "invalid selector: 'a'; can't understand 'a'"],
    ['a=b,c', "invalid selector: 'a=b,c'; can't understand 'c'"],
    ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
    ['a=\\x', 'invalid field selector: invalid escape sequence: \\x'],
    ['a=\\', 'invalid field selector: invalid escape sequence: \\'],
  ];
  for (const [text, message] of refused) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => FieldSelector.parse(text), new SelectorError(message));
    });
  }

  it('takes an absent field for the empty string, and nothing inherited for a field', () => {
    assert.ok(FieldSelector.parse('a=').matches({}));
    assert.ok(!FieldSelector.parse('a!=').matches({}));
    assert.ok(FieldSelector.parse('constructor=').matches({}));
    assert.ok(FieldSelector.parse('a=b,c!=d').matches({ a: 'b', c: 'e' }));
    assert.ok(!FieldSelector.parse('a=b,c!=d').matches({ a: 'b', c: 'd' }));
  });

  it('finds any value again that it was given', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', ',', '=', '\\', '!') }), (text) => {
        const selector = new FieldSelector([{ field: 'f', operator: '=', value: text }]);
        const again = FieldSelector.parse(selector.toString());
        assert.ok(again.matches({ f: text }));
        assert.equal(again.exactValue('f'), text);
      }),
    );
  });
});
