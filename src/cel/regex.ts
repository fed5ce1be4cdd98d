/** Regular expressions of RE2's syntax, run in linear time, compiled once for each pattern. */
import { RE2JS, RE2JSSyntaxException } from 're2js';
import { linearRegExp } from './linear-regex.ts';
import { CelError } from './values.ts';

export interface Regex {
  /** Whether the pattern occurs in the text. */
  test(text: string): boolean;
  /** All matches in order, at most `limit`. */
  find(text: string, limit: number): string[];
}

/** Patterns come from schemas and policies and are few, but an expression may also build them: the cache is bounded. */
const maxCached = 2000;
const cache = new Map<string, Regex | CelError>();

/** The compiled pattern, or the error with Go's words. */
export function compileRegex(pattern: string): Regex | CelError {
  const known = cache.get(pattern);
  if (known !== undefined) return known;
  if (cache.size >= maxCached) cache.delete(cache.keys().next().value as string);
  const compiled = compile(pattern);
  cache.set(pattern, compiled);
  return compiled;
}

function compile(pattern: string): Regex | CelError {
  try {
    const compiled = RE2JS.compile(pattern);
    const fast = linearRegExp(pattern);
    return {
      test: fast === undefined ? (text) => compiled.matcher(text).find() : (text) => fast.test(text),
      find: (text, limit) => {
        const found: string[] = [];
        const matcher = compiled.matcher(text);
        while (found.length < limit && matcher.find()) found.push(matcher.group() ?? '');
        return found;
      },
    };
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    const input = error.getPattern();
    const what = error.getDescription();
    return new CelError(`error parsing regexp: ${what}${input ? `: \`${input}\`` : ''}`);
  }
}
