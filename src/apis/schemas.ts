/**
 * The schemas of Kubernetes' own kinds, by the name under which OpenAPI publishes them.
 *
 * `scripts/generate-schemas.mjs` writes them at build time. A package (`io.k8s.api.apps.v1`) is read when one of its
 * definitions is first asked for; a definition is built once and shared by all that refer to it. Descriptions stand in
 * files of their own, so that serving never reads them.
 */
import { readFileSync } from 'node:fs';
import type { Schema } from '../machinery/schema.ts';

/** What becomes of a field that is absent, null or zero when Kubernetes' Go types write it. */
export interface Presence {
  /** Optional fields whose zero value means something, and required ones that may be absent. */
  readonly pointers?: readonly string[];
  /** Fields that are always written, optional or not. */
  readonly always?: readonly string[];
}

export interface Description {
  readonly description?: string;
  /** By field. Fields that refer to another definition are described here too. */
  readonly fields: Readonly<Record<string, string>>;
}

interface RawSchema extends Omit<Schema, 'properties' | 'items' | 'additionalProperties'> {
  $ref?: string;
  properties?: Record<string, RawSchema>;
  items?: RawSchema;
  additionalProperties?: RawSchema;
}

interface SchemaPackage {
  readonly definitions: Readonly<Record<string, RawSchema>>;
  readonly presence: Readonly<Record<string, Presence>>;
}

const schemas = new Map<string, Schema>();
const packages = new Map<string, SchemaPackage>();
const descriptions = new Map<string, Readonly<Record<string, Description>>>();

/**
 * The schema of a definition such as `io.k8s.api.apps.v1.DeploymentSpec`; the same object for the same name.
 * @throws Error when there is no such definition: that is a mistake in a declaration, not in a request.
 */
export function schemaOf(definition: string): Schema {
  const known = schemas.get(definition);
  if (known !== undefined) return known;
  const [name, short] = split(definition);
  const raw = packageOf(name).definitions[short];
  if (raw === undefined) throw new Error(`there is no schema for ${definition} in the package ${name}`);
  const schema: Schema = { definition };
  schemas.set(definition, schema); // before it is filled in: a definition may refer to itself
  return Object.assign(schema, resolve(raw));
}

/** How Go's types write the fields of a definition. */
export function presenceOf(definition: string): Presence {
  const [name, short] = split(definition);
  return packageOf(name).presence[short] ?? {};
}

/** What OpenAPI says of a definition and its fields; `undefined` when it says nothing. Reads the descriptions' file. */
export function descriptionOf(definition: string): Description | undefined {
  const [name, short] = split(definition);
  let found = descriptions.get(name);
  if (found === undefined) {
    found = read(`${name}.descriptions.json`) as Readonly<Record<string, Description>>;
    descriptions.set(name, found);
  }
  return found[short];
}

function packageOf(name: string): SchemaPackage {
  let found = packages.get(name);
  if (found === undefined) {
    found = read(`${name}.json`) as SchemaPackage;
    packages.set(name, found);
  }
  return found;
}

function read(file: string): unknown {
  // By way of the parent: bundled, this module stands in another folder beside `apis/`.
  const url = new URL(`../apis/generated/${file}`, import.meta.url);
  try {
    return JSON.parse(readFileSync(url, 'utf8'));
  } catch (cause) {
    throw new Error(
      `the schemas of the built-in kinds are missing: run scripts/generate-schemas.mjs (${url.pathname})`,
      {
        cause,
      },
    );
  }
}

function split(definition: string): [string, string] {
  const dot = definition.lastIndexOf('.');
  return [definition.slice(0, dot), definition.slice(dot + 1)];
}

/** Follows references. One with siblings (a patch strategy, a map type) is a copy that keeps the definition's name. */
function resolve(raw: RawSchema): Schema {
  const { $ref, properties, items, additionalProperties, ...rest } = raw;
  if ($ref !== undefined) {
    const target = schemaOf($ref);
    return Object.keys(rest).length === 0 ? target : { ...target, ...rest };
  }
  const schema: Schema = rest;
  if (properties !== undefined) {
    schema.properties = {};
    for (const [field, property] of Object.entries(properties)) schema.properties[field] = resolve(property);
  }
  if (items !== undefined) schema.items = resolve(items);
  if (additionalProperties !== undefined) schema.additionalProperties = resolve(additionalProperties);
  return schema;
}
