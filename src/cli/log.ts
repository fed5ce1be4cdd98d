/** What the commands write to standard error: pino's JSON lines, or the same as text for people. */
import type { Logger } from '../runtime/logger.ts';

const levels = { debug: 20, info: 30, warn: 40, error: 50 } as const;
type Level = keyof typeof levels;

export function createLogger(level: Level, format: 'text' | 'json'): Logger {
  const write = (at: Level) => (fields: object, message: string) => {
    if (levels[at] < levels[level]) return;
    const line = format === 'json' ? jsonLine(at, fields, message) : textLine(at, fields, message);
    process.stderr.write(`${line}\n`);
  };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

function jsonLine(level: Level, fields: object, message: string): string {
  return JSON.stringify({ level: levels[level], time: Date.now(), pid: process.pid, ...plain(fields), msg: message });
}

function textLine(level: Level, fields: object, message: string): string {
  const extra = Object.entries(plain(fields)).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? quote(value) : JSON.stringify(value)}`,
  );
  return [new Date().toISOString(), level.toUpperCase().padEnd(5), message, ...extra].join(' ');
}

/** Errors have no enumerable fields: their text stands for them. */
function plain(fields: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      value instanceof Error ? (value.stack ?? value.message) : value,
    ]),
  );
}

function quote(text: string): string {
  return /[\s"=]/.test(text) ? JSON.stringify(text) : text;
}
