/** Cron expressions: the five fields, `@every` and the names. Source: `github.com/robfig/cron/v3`, its words included. */
import { DurationError, parseDuration } from '../../machinery/duration.ts';

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: Readonly<Record<string, number>>;
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const fields: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: Object.fromEntries(months.map((name, i) => [name, i + 1])) },
  { min: 0, max: 6, names: Object.fromEntries(days.map((name, i) => [name, i])) },
];

const descriptors = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']);

/** What is wrong with an expression; `undefined` when nothing is. */
export function scheduleProblem(text: string): string | undefined {
  let expression = text;
  if (expression.startsWith('TZ=') || expression.startsWith('CRON_TZ=')) {
    const space = expression.indexOf(' ');
    if (space < 0) return undefined;
    expression = expression.slice(space).trim();
  }
  if (expression.startsWith('@')) {
    if (descriptors.has(expression)) return undefined;
    if (expression.startsWith('@every ')) {
      const duration = expression.slice('@every '.length);
      try {
        parseDuration(duration);
        return undefined;
      } catch (error) {
        if (!(error instanceof DurationError)) throw error;
        return `failed to parse duration ${expression}: ${error.message}`;
      }
    }
    return `unrecognized descriptor: ${expression}`;
  }
  const parts = expression.split(/\s+/).filter((part) => part !== '');
  if (parts.length !== fields.length) {
    return `expected exactly ${fields.length} fields, found ${parts.length}: [${parts.join(' ')}]`;
  }
  for (const [i, part] of parts.entries()) {
    for (const range of part.split(',')) {
      const problem = range === '' ? undefined : rangeProblem(range, fields[i]!);
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

function rangeProblem(text: string, bounds: Bounds): string | undefined {
  const steps = text.split('/');
  const ends = steps[0]!.split('-');
  let start: number;
  let end: number;
  if (ends[0] === '*' || ends[0] === '?') {
    start = bounds.min;
    end = bounds.max;
  } else {
    const first = number(ends[0]!, bounds);
    if (typeof first === 'string') return first;
    start = first;
    if (ends.length === 1) end = start;
    else if (ends.length === 2) {
      const last = number(ends[1]!, bounds);
      if (typeof last === 'string') return last;
      end = last;
    } else return `too many hyphens: ${text}`;
  }
  if (steps.length > 2) return `too many slashes: ${text}`;
  if (steps.length === 2) {
    const step = number(steps[1]!, { min: 0, max: 0 });
    if (typeof step === 'string') return step;
    if (ends.length === 1) end = bounds.max;
    if (step === 0) return `step of range should be a positive number: ${text}`;
  }
  if (start < bounds.min) return `beginning of range (${start}) below minimum (${bounds.min}): ${text}`;
  if (end > bounds.max) return `end of range (${end}) above maximum (${bounds.max}): ${text}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${text}`;
  return undefined;
}

function number(text: string, { names }: Bounds): number | string {
  const named = names?.[text.toLowerCase()];
  if (named !== undefined) return named;
  if (!/^[+-]?\d+$/.test(text))
    return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
  const value = Number(text);
  return value < 0 ? `negative number (${value}) not allowed: ${text}` : value;
}
