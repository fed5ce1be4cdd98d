import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  DurationError,
  formatDuration,
  humanDuration,
  parseDuration,
  shortHumanDuration,
  timeSince,
} from '../../src/machinery/duration.ts';

describe('durations for people', () => {
  const ages: [seconds: number, long: string, short: string][] = [
    [-3, '<invalid>', '<invalid>'],
    [-1, '0s', '0s'],
    [0, '0s', '0s'],
    [119, '119s', '1m'],
    [120, '2m', '2m'],
    [599, '9m59s', '9m'],
    [600, '10m', '10m'],
    [3 * 3600 - 1, '179m', '2h'],
    [3 * 3600, '3h', '3h'],
    [8 * 3600 - 1, '7h59m', '7h'],
    [48 * 3600 - 1, '47h', '1d'],
    [49 * 3600, '2d1h', '2d'],
    [8 * 86_400, '8d', '8d'],
    [2 * 365 * 86_400, '2y', '2y'],
    [(2 * 365 + 1) * 86_400, '2y1d', '2y'],
    [8 * 365 * 86_400, '8y', '8y'],
  ];
  for (const [seconds, long, short] of ages) {
    it(`says ${long} for ${seconds} seconds`, () => {
      assert.equal(humanDuration(seconds * 1000), long);
      assert.equal(shortHumanDuration(seconds * 1000), short);
    });
  }

  it('says <unknown> for no time', () => {
    assert.equal(timeSince(undefined, 0), '<unknown>');
    assert.equal(timeSince(1000, 6000), '5s');
  });
});

describe("Go's durations", () => {
  const written: [string, string][] = [
    ['0', '0s'],
    ['1h', '1h0m0s'],
    ['90m', '1h30m0s'],
    ['1.5s', '1.5s'],
    ['300ms', '300ms'],
    ['-2us', '-2µs'],
    ['1h15m30.918s', '1h15m30.918s'],
    ['.5h', '30m0s'],
    ['+5s', '5s'],
    ['-9223372036854775808ns', '-2562047h47m16.854775808s'],
  ];
  for (const [text, expected] of written) {
    it(`writes ${text} as ${expected}`, () => assert.equal(formatDuration(parseDuration(text)), expected));
  }

  const refused: [string, string][] = [
    ['', 'time: invalid duration ""'],
    ['-', 'time: invalid duration "-"'],
    ['1', 'time: missing unit in duration "1"'],
    ['1d', 'time: unknown unit "d" in duration "1d"'],
    ['.s', 'time: invalid duration ".s"'],
    ['h', 'time: invalid duration "h"'],
    ['9223372036854775808ns', 'time: invalid duration "9223372036854775808ns"'],
  ];
  for (const [text, message] of refused) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => parseDuration(text), new DurationError(message)));
  }

  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (duration) => {
        assert.equal(parseDuration(formatDuration(duration)), duration);
      }),
    );
  });
});
