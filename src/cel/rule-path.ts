/**
 * Paths such as `.spec.x['a.b']` that must lead to a field of a schema: the `fieldPath` of rules, the `jsonPath` of
 * selectable fields. Source: `ValidFieldPath` in `apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go`.
 */
import type { Schema } from '../machinery/schema.ts';

export interface RuleFieldPath {
  /** As field paths are printed: `spec.x[a.b]`. */
  readonly path: string;
  /** Its steps. */
  readonly names: readonly string[];
  /** The schema that the path leads to. */
  readonly schema: Schema;
}

export interface RuleFieldPathOptions {
  /** Whether a step may be written as `['name']`. Defaults to true. */
  readonly arrayNotation?: boolean;
}

/** The path and what it leads to in a schema, or what is wrong with it. */
export function parseRuleFieldPath(
  text: string,
  root: Schema,
  { arrayNotation = true }: RuleFieldPathOptions = {},
): RuleFieldPath | string {
  const tokens = tokenize(text);
  const names: string[] = [];
  let schema = root;
  let path = '';
  for (let i = 0; i < tokens.length; ) {
    const opening = tokens[i++] as string;
    if (opening !== '.' && opening !== '[') return `expected [ or . but got: ${opening}`;
    if (opening === '[' && !arrayNotation) return 'array notation is not allowed';
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
    names.push(name);
    if (opening === '[') {
      const closing = tokens[i++];
      if (closing === undefined) return 'unexpected end of JSON path';
      if (closing !== ']') return `expected ] but got ${closing}`;
    }
  }
  return { path: path.startsWith('.') ? path.slice(1) : path, names, schema };
}

function step(schema: Schema, name: string): { readonly schema: Schema; readonly isField: boolean } | undefined {
  if (schema.properties !== undefined && Object.keys(schema.properties).length > 0) {
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
