/** Durations: as kubectl shows ages, and as Go writes and reads them (`1h30m`, `metav1.Duration`). */
import { goQuote } from './go-text.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** An age in two or three significant figures: `5m30s`, `3d4h`, `2y35d`. `milliseconds` may be a little negative. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / second);
  if (Number.isNaN(seconds) || seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 2 * 60) return `${seconds}s`;
  const minutes = Math.trunc(milliseconds / minute);
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's');
  if (minutes < 3 * 60) return `${minutes}m`;
  const hours = Math.trunc(milliseconds / hour);
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.trunc(hours / 24);
  if (days < 8) return pair(days, 'd', hours % 24, 'h');
  if (days < 2 * 365) return `${days}d`;
  const years = Math.trunc(days / 365);
  return years < 8 ? pair(years, 'y', days % 365, 'd') : `${years}y`;
}

function pair(high: number, highUnit: string, low: number, lowUnit: string): string {
  return low === 0 ? `${high}${highUnit}` : `${high}${highUnit}${low}${lowUnit}`;
}

/** An age in one figure: `5m`, `3d`. */
export function shortHumanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / second);
  if (Number.isNaN(seconds) || seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 60) return `${seconds}s`;
  if (milliseconds < hour) return `${Math.trunc(milliseconds / minute)}m`;
  const hours = Math.trunc(milliseconds / hour);
  if (hours < 24) return `${hours}h`;
  return hours < 24 * 365 ? `${Math.trunc(hours / 24)}d` : `${Math.trunc(hours / 24 / 365)}y`;
}

/** How long before `now` a time was; `<unknown>` for none. Milliseconds since 1970. */
export function timeSince(at: number | undefined, now: number): string {
  return at === undefined ? '<unknown>' : humanDuration(now - at);
}

// ---------------------------------------------------------------------------------------------- Go's durations

export class DurationError extends Error {
  override readonly name = 'DurationError';
}

const nanoseconds: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const maxDuration = 2n ** 63n;

/** The nanoseconds of `1h15m30.918s`. @throws DurationError with the words of Go's `time.ParseDuration` */
export function parseDuration(text: string): bigint {
  const negative = text.startsWith('-');
  let rest = /^[+-]/.test(text) ? text.slice(1) : text;
  if (rest === '0') return 0n;
  if (rest === '') throw invalidDuration(text);
  let total = 0n;
  while (rest !== '') {
    const [, number = '', whole = '', fraction = ''] = /^((\d*)(?:\.(\d*))?)/.exec(rest) ?? [];
    if (whole === '' && fraction === '') throw invalidDuration(text);
    const unit = /^[^.\d]+/.exec(rest.slice(number.length))?.[0];
    if (unit === undefined) throw new DurationError(`time: missing unit in duration ${goQuote(text)}`);
    const scale = Object.hasOwn(nanoseconds, unit) ? nanoseconds[unit] : undefined;
    if (scale === undefined) {
      throw new DurationError(`time: unknown unit ${goQuote(unit)} in duration ${goQuote(text)}`);
    }
    total += BigInt(whole === '' ? 0 : whole) * scale;
    if (fraction !== '') total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
    if (total > maxDuration) throw invalidDuration(text);
    rest = rest.slice(number.length + unit.length);
  }
  if (total === maxDuration && !negative) throw invalidDuration(text);
  return negative ? -total : total;
}

const invalidDuration = (text: string): DurationError => new DurationError(`time: invalid duration ${goQuote(text)}`);

/** The milliseconds, with a fraction where there is one, of a Go duration. @throws DurationError */
export function parseDurationMilliseconds(text: string): number {
  return Number(parseDuration(text)) / 1e6;
}

/** Nanoseconds as Go's `Duration.String` writes them: `1h0m0s`, `1.5s`, `2ms`, `0s`. */
export function formatDuration(duration: bigint): string {
  if (duration === 0n) return '0s';
  const sign = duration < 0n ? '-' : '';
  const total = duration < 0n ? -duration : duration;
  if (total < 1_000n) return `${sign}${total}ns`;
  if (total < 1_000_000n) return `${sign}${decimal(total, 3)}µs`;
  if (total < 1_000_000_000n) return `${sign}${decimal(total, 6)}ms`;
  const seconds = `${decimal(total % 60_000_000_000n, 9)}s`;
  const minutes = total / 60_000_000_000n;
  if (minutes === 0n) return sign + seconds;
  return minutes < 60n ? `${sign}${minutes}m${seconds}` : `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

/** `value / 10^digits`, without the zeros at its end. */
function decimal(value: bigint, digits: number): string {
  const unit = 10n ** BigInt(digits);
  const fraction = (value % unit).toString().padStart(digits, '0').replace(/0+$/, '');
  return fraction === '' ? `${value / unit}` : `${value / unit}.${fraction}`;
}
