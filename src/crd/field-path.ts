/**
 * Paths such as `.spec.items['a.b']` that must lead to a field of a schema.
 * Source: apiextensions-apiserver `pkg/apiserver/schema/cel` (ValidFieldPath).
 */
import type { JsonSchemaProps } from './types.ts';

export type FieldPathResult =
  | { readonly names: readonly string[]; readonly schema: JsonSchemaProps; readonly error?: undefined }
  | { readonly error: string };

/** Follows `path` through `schema`; `arrayNotation` allows `['name']` besides `.name`. */
export function followFieldPath(path: string, schema: JsonSchemaProps, arrayNotation: boolean): FieldPathResult {
  const tokens = tokenize(path);
  const names: string[] = [];
  let current: JsonSchemaProps = schema;
  for (let i = 0; i < tokens.length; i++) {
    let name: string;
    const token = tokens[i] as string;
    if (token === '[') {
      if (!arrayNotation) return { error: 'array notation is not allowed' };
      const quoted = tokens[++i];
      if (quoted === undefined) return { error: 'unexpected end of JSON path' };
      if (quoted.length < 2 || !quoted.startsWith("'") || !quoted.endsWith("'")) {
        return { error: `expected single quoted string but got ${quoted}` };
      }
      name = unquote(quoted.slice(1, -1));
      const close = tokens[++i];
      if (close === undefined) return { error: 'unexpected end of JSON path' };
      if (close !== ']') return { error: `expected ] but got ${close}` };
    } else if (token === '.') {
      const next = tokens[++i];
      if (next === undefined) return { error: 'unexpected end of JSON path' };
      name = next;
    } else return { error: `expected [ or . but got: ${token}` };
    const child = childOf(current, name);
    if (child === undefined) return { error: 'does not refer to a valid field' };
    names.push(name);
    current = child;
  }
  return { names, schema: current };
}

function childOf(schema: JsonSchemaProps, name: string): JsonSchemaProps | undefined {
  const { properties, additionalProperties } = schema;
  if (properties !== undefined && Object.keys(properties).length > 0) {
    return Object.hasOwn(properties, name) ? properties[name] : undefined;
  }
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}

/** `.`, `[`, `]`, quoted strings with their quotes, and whatever stands between them. */
function tokenize(path: string): string[] {
  return path.match(/'(?:[^\\]|\\.)*?'|[.[\]]|'[\s\S]*|[^.[\]]+/g) ?? [];
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** The escapes of Go's string literals. */
function unquote(text: string): string {
  return text.replace(/\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|([0-7]{3})|(.))/g, (_, hex, unicode, octal, char) => {
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
    const code = hex ?? unicode;
    return code === undefined ? (escapes[char] ?? char) : String.fromCharCode(Number.parseInt(code, 16));
  });
}
