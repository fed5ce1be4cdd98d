/**
 * Patterns as Kubernetes understands them: Go's regular expressions (RE2), matched in linear time, so that a pattern in a
 * custom resource definition cannot stop the server.
 */
import { RE2JS } from 're2js';

/** Either the compiled pattern, or what Go's parser says is wrong with it. */
export type CompiledPattern =
  | { readonly test: (text: string) => boolean; readonly error?: undefined }
  | { readonly test?: undefined; readonly error: string };

const cacheSize = 10_000;
const cache = new Map<string, CompiledPattern>();

/** Compiles `pattern` once; `test` looks for a match anywhere in the text, as Go's `MatchString` does. */
export function compilePattern(pattern: string): CompiledPattern {
  const known = cache.get(pattern);
  if (known !== undefined) return known;
  const compiled = compile(pattern);
  if (cache.size >= cacheSize) cache.clear();
  cache.set(pattern, compiled);
  return compiled;
}

function compile(pattern: string): CompiledPattern {
  try {
    const expression = RE2JS.compile(pattern);
    return { test: (text) => expression.test(text) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
