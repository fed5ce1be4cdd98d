import assert from 'node:assert/strict';
import fc from 'fast-check';
import { canonicalQuantity, Quantity, QuantityError } from '../../src/machinery/quantity.ts';

describe('quantities', () => {
  const canonical: [string, string][] = [
    ['0', '0'],
    ['0Gi', '0'],
    ['1000m', '1'],
    ['1.5', '1500m'],
    ['0.5', '500m'],
    ['1.5Gi', '1536Mi'],
    ['1024Mi', '1Gi'],
    ['1000Ki', '1000Ki'],
    ['0.5Ki', '512'],
    ['1.1Ki', '1126400m'],
    ['0.0005Ki', '512m'],
    ['0.1m', '100u'],
    ['0.1n', '1n'],
    ['-0.1n', '-1n'],
    ['100000', '100k'],
    ['1e3', '1e3'],
    ['1E3', '1E3'],
    ['1e4', '10e3'],
    ['100e-10', '10e-9'],
    ['9Ei', '9223372036854775807'],
    ['-9Ei', '-9223372036854775807'],
    ['1E', '1E'],
    ['.5', '500m'],
    ['1.', '1.'],
    ['+5Gi', '+5Gi'],
  ];
  for (const [text, expected] of canonical) {
    it(`writes ${text} as ${expected}`, () => assert.equal(Quantity.parse(text).toString(), expected));
  }

  const malformed = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  const refused: [string, string][] = [
    ['', malformed],
    ['abc', malformed],
    ['1 Gi', malformed],
    ['1.2.3', malformed],
    ['1Gi ', malformed],
    ['1ki', "unable to parse quantity's suffix"],
    ['1i', "unable to parse quantity's suffix"],
    ['1e', "unable to parse quantity's suffix"],
    ['1mm', "unable to parse quantity's suffix"],
  ];
  for (const [text, message] of refused) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => Quantity.parse(text), new QuantityError(message));
      if (text.trim() === text) assert.equal(canonicalQuantity(text), undefined);
    });
  }

  it('rounds away from zero where a coarser unit is asked for', () => {
    assert.equal(Quantity.parse('1m').value(), 1n);
    assert.equal(Quantity.parse('-1m').value(), -1n);
    assert.equal(Quantity.parse('1500u').milliValue(), 2n);
    assert.equal(Quantity.parse('2').milliValue(), 2000n);
    assert.equal(Quantity.parse('1e100').value(), 2n ** 63n - 1n);
    assert.equal(Quantity.parse('1500m').asInt64(), undefined);
    assert.equal(Quantity.parse('2k').asInt64(), 2000n);
  });

  it('keeps its format in sums, except that of zero', () => {
    assert.equal(Quantity.parse('1Gi').add(Quantity.parse('512Mi')).toString(), '1536Mi');
    assert.equal(Quantity.parse('100m').subtract(Quantity.parse('1')).toString(), '-900m');
    assert.equal(Quantity.zero.add(Quantity.parse('1Gi')).toString(), '1Gi');
  });

  it('is not made slow by far-fetched exponents', () => {
    const huge = Quantity.parse('1e2000000000');
    const tiny = Quantity.parse('1e-2000000000');
    assert.equal(huge.compare(tiny), 1);
    assert.equal(tiny.compare(huge), -1);
    assert.equal(huge.negate().compare(huge), -1);
    assert.equal(huge.value(), 2n ** 63n - 1n);
    assert.equal(huge.add(Quantity.parse('1')).compare(huge), 0);
    assert.equal(tiny.toString(), '1e-9');
  });

  const quantity = fc
    .record({
      sign: fc.constantFrom('', '-'),
      whole: fc.nat({ max: 10_000_000 }),
      fraction: fc.option(fc.nat({ max: 9999 }), { nil: undefined }),
      suffix: fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'T', 'Ki', 'Mi', 'Gi', 'Ti', 'e3', 'e-3'),
    })
    .map(
      ({ sign, whole, fraction, suffix }) => `${sign}${whole}${fraction === undefined ? '' : `.${fraction}`}${suffix}`,
    );

  it('is the same quantity after writing and reading', () => {
    fc.assert(
      fc.property(quantity, (text) => {
        const first = Quantity.parse(text);
        const second = Quantity.parse(first.toString());
        assert.equal(second.compare(first), 0);
        // Adding zero makes it forget how it was written.
        const canonical = first.add(Quantity.zero).toString();
        assert.equal(Quantity.parse(canonical).add(Quantity.zero).toString(), canonical);
      }),
    );
  });

  it('adds, subtracts and compares as numbers do', () => {
    fc.assert(
      fc.property(quantity, quantity, (a, b) => {
        const [x, y] = [Quantity.parse(a), Quantity.parse(b)];
        assert.equal(x.add(y).subtract(y).compare(x), 0);
        assert.equal(x.compare(y), -y.compare(x) + 0);
        assert.equal(x.add(y).compare(y.add(x)), 0);
        assert.equal(x.subtract(y).sign, x.compare(y));
      }),
    );
  });

  it('is read at once, however many digits it has', () => {
    const ones = '1'.repeat(1_000_000);
    const began = performance.now();
    const immense = Quantity.parse(ones);
    assert.equal(immense.toString(), ones);
    assert.equal(immense.compare(Quantity.parse('5')), 1);
    assert.equal(Quantity.parse(`-${ones}m`).sign, -1);
    assert.equal(immense.scaledValue(0), 2n ** 63n - 1n);
    assert.ok(immense.add(immense).compare(immense) > 0);
    assert.ok(immense.add(immense).toString().length < 2000);
    assert.equal(Quantity.parse(`0.${ones}`).toString(), '111111112n');
    assert.equal(Quantity.parse(`0.1${'0'.repeat(1_000_000)}`).toString(), '100m');
    assert.equal(Quantity.parse(`${ones}Gi`).toString(), String(2n ** 63n - 1n));
    assert.equal(Quantity.parse(`1e${'0'.repeat(1_000_000)}3`).value(), 1000n);
    assert.throws(() => Quantity.parse(`1e${ones}`), QuantityError);
    assert.ok(performance.now() - began < 1000);
  });
});
