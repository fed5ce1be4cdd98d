/** Timestamps and durations: text forms, arithmetic, calendar fields. Source: CEL language definition, "Timezones"; Go `time`. */
import { CelError, Duration, Timestamp, type Value } from './values.ts';
import { work } from './work.ts';

const minSeconds = -62135596800; // 0001-01-01T00:00:00Z
const maxSeconds = 253402300799; // 9999-12-31T23:59:59Z
/** A Go duration is an int64 of nanoseconds. */
const maxNanos = 2n ** 63n - 1n;
const minNanos = -(2n ** 63n);
const billion = 1_000_000_000;

const timestampOverflow = new CelError('timestamp overflow');
const durationOverflow = new CelError('duration overflow');

export function timestampOf(seconds: number, nanos: number): Timestamp | CelError {
  const carry = Math.floor(nanos / billion);
  const whole = seconds + carry;
  return whole < minSeconds || whole > maxSeconds ? timestampOverflow : new Timestamp(whole, nanos - carry * billion);
}

export function durationOf(nanos: bigint): Duration | CelError {
  if (nanos > maxNanos || nanos < minNanos) return durationOverflow;
  return new Duration(Number(nanos / BigInt(billion)), Number(nanos % BigInt(billion)));
}

export function durationNanos(duration: Duration): bigint {
  return BigInt(duration.seconds) * BigInt(billion) + BigInt(duration.nanos);
}

export function timestampNanos(timestamp: Timestamp): bigint {
  return BigInt(timestamp.seconds) * BigInt(billion) + BigInt(timestamp.nanos);
}

/** `2006-01-02T15:04:05.999Z` and with an offset, as Go's RFC 3339 layout reads it; undefined for anything else. */
export function parseTimestamp(text: string): Timestamp | CelError | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))$/.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return undefined;
  const midnight = utcSeconds(year, month, day);
  if (new Date(midnight * 1000).getUTCDate() !== day) return undefined;
  const nanos = Number((match[7] ?? '').slice(0, 9).padEnd(9, '0'));
  const offset = Number(match[9] ?? 0) * 3600 + Number(match[10] ?? 0) * 60;
  if (Number(match[9] ?? 0) > 24 || Number(match[10] ?? 0) > 60) return undefined;
  const local = midnight + hour * 3600 + minute * 60 + second;
  return timestampOf(match[8] === '-' ? local + offset : local - offset, nanos);
}

/** Seconds since 1970 of a day's start. */
export function utcSeconds(year: number, month: number, day: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getTime() / 1000;
}

export function formatTimestamp(timestamp: Timestamp): string {
  const seconds = new Date(timestamp.seconds * 1000).toISOString().slice(0, 19);
  return `${seconds}${fraction(timestamp.nanos)}Z`;
}

function fraction(nanos: number): string {
  return nanos === 0 ? '' : `.${String(Math.abs(nanos)).padStart(9, '0').replace(/0+$/, '')}`;
}

const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** More digits than these, leading zeros apart, are out of range in every unit. */
const maxDigits = 100;

/** `1h30m`, `-1.5s`, `0`, as Go's `time.ParseDuration` reads it; undefined for anything else. */
export function parseDuration(text: string): Duration | undefined {
  // What is no duration shows it at once; others may be sums of very many parts.
  if (!/^[+-]?[\d.]/.test(text)) return undefined;
  work(text.length * durationWork);
  const match = /^([+-]?)(0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(text);
  if (match === null) return undefined;
  let nanos = 0n;
  for (const [, whole, part, unit] of (match[2] as string).matchAll(/(\d*)(?:\.(\d*))?([a-zµμ]+)/g)) {
    const scale = units[unit as string] as bigint;
    if ((whole as string).length > maxDigits) return undefined;
    nanos += BigInt(whole || 0) * scale;
    const digits = (part ?? '').slice(0, 18);
    if (digits !== '') nanos += (BigInt(digits) * scale) / 10n ** BigInt(digits.length);
  }
  const duration = durationOf(match[1] === '-' ? -nanos : nanos);
  return duration instanceof CelError ? undefined : duration;
}

/** A character of a duration. */
const durationWork = 8;

/** As CEL converts a duration to a string: seconds with a fraction, `5400s`, `-1.5s`. */
export function formatDuration(duration: Duration): string {
  const negative = duration.seconds < 0 || duration.nanos < 0;
  return `${negative ? '-' : ''}${Math.abs(duration.seconds)}${fraction(duration.nanos)}s`;
}

export function addDurations(a: Duration, b: Duration): Value {
  return durationOf(durationNanos(a) + durationNanos(b));
}

export function subtractDurations(a: Duration, b: Duration): Value {
  return durationOf(durationNanos(a) - durationNanos(b));
}

export function addToTimestamp(timestamp: Timestamp, duration: Duration): Value {
  return timestampOf(timestamp.seconds + duration.seconds, timestamp.nanos + duration.nanos);
}

export function subtractFromTimestamp(timestamp: Timestamp, duration: Duration): Value {
  return timestampOf(timestamp.seconds - duration.seconds, timestamp.nanos - duration.nanos);
}

export function subtractTimestamps(a: Timestamp, b: Timestamp): Value {
  return durationOf(timestampNanos(a) - timestampNanos(b));
}

export function compareTimes(a: Timestamp | Duration, b: Timestamp | Duration): number {
  return a.seconds - b.seconds || a.nanos - b.nanos;
}

/** The calendar at a timestamp in a time zone: a name of the IANA database, or an offset such as `-08:00`. */
export function calendar(timestamp: Timestamp, zone: string): Date | CelError {
  const offset = zoneOffset(zone, timestamp.seconds);
  return typeof offset === 'number' ? new Date((timestamp.seconds + offset) * 1000) : offset;
}

/** Days since the first of January. */
export function dayOfYear(date: Date): number {
  return (Date.UTC(2000, date.getUTCMonth(), date.getUTCDate()) - Date.UTC(2000, 0, 1)) / 86_400_000 - leapShift(date);
}

/** The year 2000, which {@link dayOfYear} counts in, has a 29th of February; other years may not. */
function leapShift(date: Date): number {
  const year = date.getUTCFullYear();
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return !leap && date.getUTCMonth() > 1 ? 1 : 0;
}

/** There are some six hundred zones, but their names may be written in any case. */
const maxZones = 1000;
/** Formatters tell the time of a zone in many parts. */
const zoneWork = 2000;
const formatters = new Map<string, Intl.DateTimeFormat>();

/** Seconds east of UTC. */
function zoneOffset(zone: string, seconds: number): number | CelError {
  if (zone === '' || zone === 'UTC') return 0;
  const fixed = /^([+-]?)(\d+):(\d+)$/.exec(zone);
  if (fixed !== null) {
    const offset = Number(fixed[2]) * 3600 + Number(fixed[3]) * 60;
    return fixed[1] === '-' ? -offset : offset;
  }
  work(zoneWork);
  let formatter = formatters.get(zone);
  if (formatter === undefined) {
    try {
      const numeric = 'numeric';
      formatter = new Intl.DateTimeFormat('en-US', {
        timeZone: zone,
        hourCycle: 'h23',
        era: 'short',
        year: numeric,
        month: numeric,
        day: numeric,
        hour: numeric,
        minute: numeric,
        second: numeric,
      });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return new CelError(`unknown time zone ${zone}`);
    }
    if (formatters.size >= maxZones) formatters.clear();
    formatters.set(zone, formatter);
  }
  const parts: Record<string, string> = {};
  for (const part of formatter.formatToParts(new Date(seconds * 1000))) parts[part.type] = part.value;
  const year = parts.era?.startsWith('B') ? 1 - Number(parts.year) : Number(parts.year);
  const local =
    utcSeconds(year, Number(parts.month), Number(parts.day)) +
    Number(parts.hour) * 3600 +
    Number(parts.minute) * 60 +
    Number(parts.second);
  return local - seconds;
}
