/** Times as the API writes and reads them: RFC 3339, with the errors of Go's `time.Parse`. */
import { goQuote } from './go-text.ts';

const layout = '2006-01-02T15:04:05Z07:00';

export class TimeError extends Error {
  override readonly name = 'TimeError';
}

/** The milliseconds since 1970 of an RFC 3339 time. @throws TimeError with the words of Go's `time.Parse` */
export function parseTime(text: string): number {
  // What is usual is checked by one expression; the slow walk is for what is not, and finds the words for it.
  return usual.test(text) && validDay(text) ? Date.parse(text) : walk(text);
}

/** Whether the text is a time as the API takes it. */
export function isTime(text: string): boolean {
  try {
    parseTime(text);
    return true;
  } catch (error) {
    if (error instanceof TimeError) return false;
    throw error;
  }
}

/** `metav1.Time`'s form: UTC, whole seconds. `at` in milliseconds. */
export function formatSeconds(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

const usual = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?Z$/;

function validDay(text: string): boolean {
  return Number(text.slice(8, 10)) <= daysIn(Number(text.slice(0, 4)), Number(text.slice(5, 7)));
}

const daysIn = (year: number, month: number): number => new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();

function walk(text: string): number {
  let rest = text;
  const bad = (element: string, from = rest): TimeError =>
    new TimeError(
      `parsing time ${goQuote(text)} as ${goQuote(layout)}: cannot parse ${goQuote(from)} as ${goQuote(element)}`,
    );
  const range = (what: string): TimeError => new TimeError(`parsing time ${goQuote(text)}: ${what} out of range`);
  const take = (pattern: RegExp, element: string): string => {
    const found = pattern.exec(rest);
    if (found === null) throw bad(element);
    rest = rest.slice(found[0].length);
    return found[0];
  };
  const year = Number(take(/^\d{4}/, '2006'));
  take(/^-/, '-');
  const month = Number(take(/^\d\d/, '01'));
  if (month < 1 || month > 12) throw range('month');
  take(/^-/, '-');
  const day = Number(take(/^\d\d/, '02'));
  take(/^T/, 'T');
  const hour = Number(take(/^\d\d?/, '15'));
  if (hour > 23) throw range('hour');
  take(/^:/, ':');
  const minute = Number(take(/^\d\d/, '04'));
  if (minute > 59) throw range('minute');
  take(/^:/, ':');
  const second = Number(take(/^\d\d/, '05'));
  if (second > 59) throw range('second');
  const fraction = /^[.,]\d+/.exec(rest)?.[0] ?? '';
  rest = rest.slice(fraction.length);
  let offset = 0;
  if (rest.startsWith('Z')) rest = rest.slice(1);
  else {
    const zone = take(/^[+-]\d\d:\d\d/, 'Z07:00');
    const hours = Number(zone.slice(1, 3));
    const minutes = Number(zone.slice(4));
    if (hours > 24) throw range('time zone offset hour');
    if (minutes > 60) throw range('time zone offset minute');
    offset = (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
  }
  if (rest !== '') throw new TimeError(`parsing time ${goQuote(text)}: extra text: ${goQuote(rest)}`);
  if (day < 1 || day > daysIn(year, month)) throw range('day');
  const at = new Date(0);
  at.setUTCFullYear(year, month - 1, day);
  at.setUTCHours(hour, minute - offset, second, Math.floor(Number(`0.${fraction.slice(1) || '0'}`) * 1000));
  return at.getTime();
}
