/** `jsonpatch.escapeKey`, which makes a key part of a JSON pointer. Source: `apiserver/pkg/cel/library/jsonpatch.go`. */
import { declare, type Library } from '../functions.ts';

export const jsonPatchLibrary: Library = {
  functions: [
    declare('jsonpatch.escapeKey', {
      string_jsonpatch_escapeKey_string: [
        '(string) -> string',
        (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1'),
      ],
    }),
  ],
};
