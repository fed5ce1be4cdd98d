/**
 * From TypeBox's JSON Schema to the structural schemas of CustomResourceDefinitions.
 *
 * The two differ in a few words, translated here; what structural schemas cannot say is refused, with the place and a way
 * to say it. Source: Kubernetes documentation, "Specifying a structural schema"; KEP-20190425.
 */
import type { JsonValue } from '../machinery/json.ts';
import type { Schema, SchemaType } from '../machinery/schema.ts';

type JsonSchema = Readonly<Record<string, unknown>>;

/** Taken over as they are. */
const sameWords = [
  'type',
  'format',
  'title',
  'description',
  'nullable',
  'default',
  'enum',
  'example',
  'externalDocs',
  'minProperties',
  'maxProperties',
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'pattern',
  'minimum',
  'maximum',
  'multipleOf',
] as const;

/** Translated below. */
const translated = new Set([
  'properties',
  'required',
  'additionalProperties',
  'patternProperties',
  'items',
  'const',
  'anyOf',
  'allOf',
  'exclusiveMinimum',
  'exclusiveMaximum',
]);

/** They say nothing about what is valid. */
const annotations = new Set(['$schema', '$id', '$comment', 'examples', 'readOnly', 'writeOnly', 'deprecated']);

/** What is often written, and what to write instead. */
const instead: Readonly<Record<string, string>> = {
  additionalItems: 'a tuple (use an object with named fields)',
  $ref: 'a reference or a recursive type (use Type.Unknown where it would recurse)',
  uniqueItems: "unique items (use 'x-kubernetes-list-type': 'set')",
};

const known = new Set<string>([...sameWords, ...translated, ...annotations]);

/** @throws TypeError naming the place (`spec.size`) and what is wrong there. */
export function structuralSchema(schema: object, path: string): Schema {
  const source = schema as JsonSchema;
  for (const word of Object.keys(source)) {
    if (!known.has(word) && !word.startsWith('x-kubernetes-')) throw unsayable(path, instead[word] ?? `"${word}"`);
  }
  if (source.anyOf !== undefined) return fromUnion(source, path);
  if (source.allOf !== undefined) return fromIntersection(source, path);

  const result: Record<string, unknown> = {};
  for (const word of sameWords) if (source[word] !== undefined) result[word] = source[word];
  for (const word of Object.keys(source)) if (word.startsWith('x-kubernetes-')) result[word] = source[word];
  if (source.const !== undefined) result.enum = [source.const];
  if (result.type === undefined && Array.isArray(result.enum)) result.type = typeOfAll(result.enum, path);
  if (result.type === 'null') throw unsayable(path, 'a value that is always null');
  exclusive(source, result, 'exclusiveMinimum', 'minimum');
  exclusive(source, result, 'exclusiveMaximum', 'maximum');
  if (result.type === 'object') objectWords(source, result, path);
  if (result.type === 'array') {
    if (source.items === undefined) throw unsayable(path, 'an array without items');
    result.items = structuralSchema(source.items as object, `${path}[]`);
  }
  // Unknown and Any: any value at all.
  if (result.type === undefined && result['x-kubernetes-int-or-string'] === undefined) {
    result['x-kubernetes-preserve-unknown-fields'] = true;
  }
  return result as Schema;
}

function objectWords(source: JsonSchema, result: Record<string, unknown>, path: string): void {
  const { properties, additionalProperties, patternProperties } = source;
  if (properties !== undefined) {
    const entries = Object.entries(properties as Record<string, object>);
    const converted = entries.map(([name, property]) => [name, structuralSchema(property, `${path}.${name}`)] as const);
    result.properties = Object.fromEntries(converted);
    // A field with a default is there when requirements are checked: nobody has to write it.
    const required = ((source.required ?? []) as string[]).filter(
      (name) => (properties as Record<string, JsonSchema>)[name]?.default === undefined,
    );
    if (required.length > 0) result.required = required;
  }
  if (additionalProperties === true) result['x-kubernetes-preserve-unknown-fields'] = true;
  else if (typeof additionalProperties === 'object' && additionalProperties !== null) {
    result.additionalProperties = structuralSchema(additionalProperties, `${path}[*]`);
  }
  if (patternProperties !== undefined) {
    const [entry, ...others] = Object.entries(patternProperties as Record<string, object>);
    if (entry === undefined) return;
    if (entry[0] !== '^.*$' || others.length > 0) {
      throw unsayable(path, 'a pattern for keys (use a string key and a CEL rule)');
    }
    result.additionalProperties = structuralSchema(entry[1], `${path}[*]`);
  }
}

/** JSON Schema gives the bound, OpenAPI v3.0 a flag beside `minimum` or `maximum`. */
function exclusive(
  source: JsonSchema,
  result: Record<string, unknown>,
  word: 'exclusiveMinimum' | 'exclusiveMaximum',
  bound: 'minimum' | 'maximum',
): void {
  const value = source[word];
  if (typeof value === 'boolean') result[word] = value;
  else if (value !== undefined) {
    result[bound] = value;
    result[word] = true;
  }
}

/** What unions structural schemas have: a choice of constants, "or null", and `IntOrString`. */
function fromUnion(source: JsonSchema, path: string): Schema {
  const { anyOf, ...outer } = source as JsonSchema & { readonly anyOf: readonly JsonSchema[] };
  const branches = anyOf.filter(({ type }) => type !== 'null');
  const nullable = branches.length < anyOf.length ? { nullable: true } : {};
  const [only, ...others] = branches;
  if (only !== undefined && others.length === 0)
    return { ...structuralSchema({ ...only, ...outer }, path), ...nullable };
  const choices = branches.map((branch) => (branch.const === undefined ? branch.enum : [branch.const]));
  if (choices.every((choice) => Array.isArray(choice))) {
    return { ...structuralSchema({ ...outer, enum: choices.flat() }, path), ...nullable };
  }
  const types = new Set(branches.map(({ type }) => type));
  if (types.size === 2 && types.has('integer') && types.has('string')) {
    return { ...structuralSchema({ ...outer, 'x-kubernetes-int-or-string': true }, path), ...nullable };
  }
  throw unsayable(path, 'a choice between schemas (use optional fields and a CEL rule)');
}

function fromIntersection(source: JsonSchema, path: string): Schema {
  const { allOf, ...outer } = source as JsonSchema & { readonly allOf: readonly JsonSchema[] };
  if (allOf.some(({ type }) => type !== 'object')) throw unsayable(path, 'an intersection of anything but objects');
  const merged = {
    ...outer,
    type: 'object',
    properties: Object.assign({}, ...allOf.map(({ properties }) => properties)),
    required: allOf.flatMap(({ required = [] }) => required as string[]),
  };
  return structuralSchema(merged, path);
}

function typeOfAll(values: readonly JsonValue[], path: string): SchemaType {
  const types = new Set(values.map((value) => (Number.isInteger(value) ? 'integer' : typeof value)));
  const [type] = types;
  if (types.size !== 1 || (type !== 'string' && type !== 'integer' && type !== 'number' && type !== 'boolean')) {
    throw unsayable(path, 'an enum of several types');
  }
  return type;
}

function unsayable(path: string, what: string): TypeError {
  return new TypeError(`${path}: a structural schema cannot hold ${what}`);
}
