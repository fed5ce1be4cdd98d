/** `find` and `findAll`. Source: Kubernetes' `apiserver/pkg/cel/library/regex.go`. */
import { declare, type Library } from '../functions.ts';
import type { Int } from '../numbers.ts';
import { compileRegex } from '../regex.ts';
import { CelError, ListValue, type Value } from '../values.ts';

export const regexLibrary: Library = {
  functions: [
    declare('find', {
      string_find_string: ['string.(string) -> string', (text: string, pattern: string) => first(text, pattern)],
    }),
    declare('findAll', {
      string_find_all_string: [
        'string.(string) -> list(string)',
        (text: string, pattern: string) => all(text, pattern, -1),
      ],
      string_find_all_string_int: ['string.(string, int) -> list(string)', all],
    }),
  ],
};

function first(text: string, pattern: string): Value {
  const regex = compileRegex(pattern);
  return regex instanceof CelError ? illegal(regex) : (regex.find(text, 1)[0] ?? '');
}

/** At most `limit` matches; a negative limit means all. */
function all(text: string, pattern: string, limit: Int): Value {
  const regex = compileRegex(pattern);
  if (regex instanceof CelError) return illegal(regex);
  return new ListValue(regex.find(text, limit < 0 ? Number.POSITIVE_INFINITY : Number(limit)));
}

function illegal(error: CelError): CelError {
  return new CelError(`Illegal regex: ${error.message}`);
}
