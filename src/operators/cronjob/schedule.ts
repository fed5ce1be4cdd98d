/** When a cron expression comes due. Source: `github.com/robfig/cron/v3`; what is valid is the API's to say. */
import { parseDuration } from '../../machinery/duration.ts';

export interface Schedule {
  /** The first time after `after`, both in milliseconds; undefined when there is none within five years. */
  next(after: number): number | undefined;
}

interface Field {
  readonly values: ReadonlySet<number>;
  /** Written as `*`: any value, which leaves the other day field to decide. */
  readonly any: boolean;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const horizon = 5 * 366 * day;

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const descriptors: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** @throws RangeError for a time zone that nobody knows, or an expression that is none */
export function parseSchedule(text: string, timeZone?: string): Schedule {
  const zoned = /^(?:CRON_)?TZ=(\S+)\s+(.*)$/.exec(text);
  const expression = (zoned?.[2] ?? text).trim();
  const every = /^@every\s+(.+)$/.exec(expression)?.[1];
  if (every !== undefined) return constant(Math.max(1, Number(parseDuration(every) / 1_000_000_000n)) * 1000);
  const parts = (descriptors[expression] ?? expression).split(/\s+/);
  if (parts.length !== 5)
    throw new RangeError(`expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`);
  const [minutes, hours, days, monthsOfYear, daysOfWeek] = [
    parseField(parts[0]!, 0, 59),
    parseField(parts[1]!, 0, 23),
    parseField(parts[2]!, 1, 31),
    parseField(parts[3]!, 1, 12, months, 1),
    parseField(parts[4]!, 0, 6, weekdays, 0),
  ];
  const isDay = (date: Date): boolean => {
    const ofMonth = days.values.has(date.getUTCDate());
    const ofWeek = daysOfWeek.values.has(date.getUTCDay());
    return days.any || daysOfWeek.any ? ofMonth && ofWeek : ofMonth || ofWeek;
  };
  /** The first wall time that matches, from `wall` on. */
  const match = (wall: number, end: number): number | undefined => {
    for (let at = wall; at <= end; ) {
      const date = new Date(at);
      if (!monthsOfYear.values.has(date.getUTCMonth() + 1)) {
        at = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
      } else if (!isDay(date)) at = Math.floor(at / day) * day + day;
      else if (!hours.values.has(date.getUTCHours())) at = Math.floor(at / hour) * hour + hour;
      else if (!minutes.values.has(date.getUTCMinutes())) at += minute;
      else return at;
    }
    return undefined;
  };
  return inZone(match, offsets(zoned?.[1] ?? timeZone));
}

function constant(period: number): Schedule {
  return { next: (after) => Math.floor(after / 1000) * 1000 + period };
}

/** Wall times that a change of the clocks leaves out are left out; those that it repeats count once. */
function inZone(match: (wall: number, end: number) => number | undefined, offset: (at: number) => number): Schedule {
  return {
    next(after) {
      let from = Math.floor((after + offset(after)) / minute) * minute + minute;
      for (const end = from + horizon; ; ) {
        const wall = match(from, end);
        if (wall === undefined) return undefined;
        const guess = wall - offset(wall);
        const at = wall - offset(guess);
        if (at > after && at + offset(at) === wall) return at;
        from = wall + minute;
      }
    },
  };
}

/** How far a zone's wall clock is ahead of UTC at a time, in milliseconds. */
function offsets(timeZone: string | undefined): (at: number) => number {
  if (timeZone === undefined || timeZone === 'UTC') return () => 0;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timeZone === 'Local' ? 'UTC' : timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (at) => {
    const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day: date = 1, hour: hours = 0, minute: minutes = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, date, hours, minutes, second) - Math.floor(at / 1000) * 1000;
  };
}

function parseField(text: string, min: number, max: number, names: readonly string[] = [], base = 0): Field {
  const values = new Set<number>();
  let any = false;
  for (const range of text.split(',')) {
    const [ends = '', step] = range.split('/');
    const [first = '', last] = ends.split('-');
    const star = first === '*' || first === '?';
    const start = star ? min : number(first, names, base);
    const end = last !== undefined ? number(last, names, base) : star || step !== undefined ? max : start;
    const stride = step === undefined ? 1 : Number(step);
    if (!(start >= min && end <= max && start <= end && stride > 0)) throw new RangeError(`invalid field: ${text}`);
    if (star && stride === 1) any = true;
    for (let value = start; value <= end; value += stride) values.add(value);
  }
  return { values, any };
}

function number(text: string, names: readonly string[], base: number): number {
  const named = names.indexOf(text.toLowerCase());
  return named >= 0 ? named + base : Number(text);
}
