import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatSeconds, isTime, parseTime, TimeError } from '../../src/machinery/time.ts';

const layout = '2006-01-02T15:04:05Z07:00';

describe('times', () => {
  const read: [string, string][] = [
    ['2024-02-29T23:59:59Z', '2024-02-29T23:59:59.000Z'],
    ['2024-01-01T00:00:00.123456Z', '2024-01-01T00:00:00.123Z'],
    ['2024-01-01T00:00:00+01:30', '2023-12-31T22:30:00.000Z'],
    ['2024-01-01T00:00:00.5-05:00', '2024-01-01T05:00:00.500Z'],
    ['2024-01-01T1:02:03Z', '2024-01-01T01:02:03.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
  ];
  for (const [text, expected] of read) {
    it(`reads ${text}`, () => assert.equal(new Date(parseTime(text)).toISOString(), expected));
  }

  const bad = (text: string, rest: string, element: string): [string, string] => [
    text,
    `parsing time "${text}" as "${layout}": cannot parse "${rest}" as "${element}"`,
  ];
  const range = (text: string, what: string): [string, string] => [
    text,
    `parsing time "${text}": ${what} out of range`,
  ];
  const refused: [string, string][] = [
    bad('', '', '2006'),
    bad('yesterday', 'yesterday', '2006'),
    bad('2024/01/01', '/01/01', '-'),
    bad('2024-1-01T00:00:00Z', '1-01T00:00:00Z', '01'),
    bad('2024-01-01', '', 'T'),
    bad('2024-01-01 00:00:00Z', ' 00:00:00Z', 'T'),
    bad('2024-01-01T00:00:00', '', 'Z07:00'),
    bad('2024-01-01T00:00:00+0100', '+0100', 'Z07:00'),
    range('2024-13-01T00:00:00Z', 'month'),
    range('2023-02-29T00:00:00Z', 'day'),
    range('2024-01-01T24:00:00Z', 'hour'),
    range('2024-01-01T00:60:00Z', 'minute'),
    range('2024-01-01T00:00:60Z', 'second'),
    ['2024-01-01T00:00:00Zx', 'parsing time "2024-01-01T00:00:00Zx": extra text: "x"'],
  ];
  for (const [text, message] of refused) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseTime(text), new TimeError(message));
      assert.equal(isTime(text), false);
    });
  }

  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (seconds) => {
        assert.equal(parseTime(formatSeconds(seconds * 1000)), seconds * 1000);
      }),
    );
  });
});
