/** `jsonpatch.escapeKey`, and the types that mutating policies construct. Source: `apiserver/pkg/cel/library/jsonpatch.go`. */
import { declare, type Library } from '../functions.ts';
import { dynType, objectType, stringType, type Type } from '../types.ts';

/** One operation of a JSON patch (RFC 6902): `JSONPatch{op: "add", path: "/spec/x", value: 1}`. */
export const jsonPatchType: Type = objectType(
  'JSONPatch',
  new Map([
    ['op', stringType],
    ['path', stringType],
    ['from', stringType],
    ['value', dynType],
  ]),
);

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
