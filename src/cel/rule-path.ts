/** The `fieldPath` of a rule: `.spec.x['a.b']`. Source: `ValidFieldPath` in `apiserver/schema/cel/validation.go`. */
import type { Schema } from '../machinery/schema.ts';

export interface RuleFieldPath {
  /** As field paths are printed: `spec.x[a.b]`. */
  readonly path: string;
  /** The schema that the path leads to. */
  readonly schema: Schema;
}

/** The path and what it leads to in a schema, or what is wrong with it. */
export function parseRuleFieldPath(text: string, root: Schema): RuleFieldPath | string {
  const tokens = tokenize(text);
  let schema = root;
  let path = '';
  for (let i = 0; i < tokens.length; ) {
    const opening = tokens[i++] as string;
    if (opening !== '.' && opening !== '[') return `expected [ or . but got: ${opening}`;
    const token = tokens[i++];
    if (token === undefined) return 'unexpected end of JSON path';
    let name = token;
    if (opening === '[') {
      if (!/^'[\s\S]*'$/.test(token) || token.length < 2) return `expected single quoted string but got ${token}`;
      const unescaped = unescapeQuoted(token.slice(1, -1));
      if (typeof unescaped !== 'string') return `invalid string literal: invalid escape char ${unescaped.invalid}`;
      name = unescaped;
    }
    const next = step(schema, name);
    if (next === undefined) return 'does not refer to a valid field';
    path += next.isField ? `.${name}` : `[${name}]`;
    schema = next.schema;
    if (opening === '[') {
      const closing = tokens[i++];
      if (closing === undefined) return 'unexpected end of JSON path';
      if (closing !== ']') return `expected ] but got ${closing}`;
    }
  }
  return { path: path.startsWith('.') ? path.slice(1) : path, schema };
}

function step(schema: Schema, name: string): { readonly schema: Schema; readonly isField: boolean } | undefined {
  if (schema.properties !== undefined) {
    const property = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    return property && { schema: property, isField: true };
  }
  return typeof schema.additionalProperties === 'object'
    ? { schema: schema.additionalProperties, isField: false }
    : undefined;
}

/** Delimiters, single-quoted strings, and what is between them. */
function tokenize(text: string): string[] {
  return text.match(/[.[\]]|'(?:[^'\\]|\\[\s\S])*'|'[\s\S]*|[^.[\]]+/g) ?? [];
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  "'": "'",
  '\\': '\\',
};

function unescapeQuoted(text: string): string | { readonly invalid: string } {
  let invalid: string | undefined;
  const unescaped = text.replace(/\\(.)/g, (found, char: string) => {
    if (!Object.hasOwn(escapes, char)) invalid = found;
    return escapes[char] ?? '';
  });
  return invalid === undefined ? unescaped : { invalid };
}
