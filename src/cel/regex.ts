/** Regular expressions of RE2's syntax, run in linear time, compiled once for each pattern. */
import { RE2JS, RE2JSSyntaxException } from 're2js';
import { linearRegExp } from './linear-regex.ts';
import { CelError } from './values.ts';
import { textElementWork, work } from './work.ts';

export interface Regex {
  /** Whether the pattern occurs in the text. */
  test(text: string): boolean;
  /** All matches in order, at most `limit`. */
  find(text: string, limit: number): string[];
}

/** Patterns come from schemas and policies and are few, but an expression may also build them: the cache is bounded. */
const maxCached = 2000;
const cache = new Map<string, Regex | CelError>();

/** Compiling a pattern, and for each of its characters. */
const compileWork = 5000;
const patternCharacterWork = 400;

/** The compiled pattern, or the error with Go's words. */
export function compileRegex(pattern: string): Regex | CelError {
  const known = cache.get(pattern);
  if (known !== undefined) return known;
  work(compileWork + pattern.length * patternCharacterWork);
  if (cache.size >= maxCached) cache.delete(cache.keys().next().value as string);
  const compiled = compile(pattern);
  cache.set(pattern, compiled);
  return compiled;
}

/** A character, where JavaScript's own engine matches it. */
const fastCharacterWork = 4;
/** A character, where re2js only tests; at worst each of them is tried with every instruction of the program. */
const testCharacterWork = 3;
/** A character, where re2js finds what matches. */
const findCharacterWork = 20;

function compile(pattern: string): Regex | CelError {
  try {
    const compiled = RE2JS.compile(pattern);
    const fast = linearRegExp(pattern);
    const instructions = compiled.programSize();
    const testWork = fast === undefined ? testCharacterWork * instructions : fastCharacterWork;
    const tester = fast ?? compiled;
    return {
      test: (text) => {
        work(text.length * testWork);
        return tester.test(text);
      },
      find: (text, limit) => {
        const found: string[] = [];
        const matcher = compiled.matcher(text);
        let start = 0;
        while (found.length < limit) {
          // Every search may look at all of the rest before it settles for what comes first.
          work(textElementWork + (text.length - start) * (findCharacterWork + instructions));
          if (!matcher.find()) break;
          found.push(matcher.group() ?? '');
          start = matcher.end();
        }
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
