/**
 * Which schemas a document publishes, and under which names. Built-ins bring the names of Kubernetes' own OpenAPI; a custom
 * resource is named after its reversed group, as apiextensions-apiserver does: `com.example.stable.v1.CronTab`.
 */
import type { ResourceType, ResourceVersion } from '../../apis/resource-type.ts';
import { type Description, descriptionOf, schemaOf } from '../../apis/schemas.ts';
import type { Schema } from '../../machinery/schema.ts';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
export const objectMetaName = `${meta}.ObjectMeta`;
export const listMetaName = `${meta}.ListMeta`;
export const deleteOptionsName = `${meta}.DeleteOptions`;
export const statusName = `${meta}.Status`;
export const patchName = `${meta}.Patch`;
export const scaleName = 'io.k8s.api.autoscaling.v1.Scale';

const apiVersionText =
  'APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources';
const kindText =
  'Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds';

/** The name of the whole object's definition. */
export function rootName(type: ResourceType, version: ResourceVersion, kind = type.names.kind): string {
  const own = version.schema.definition;
  if (own !== undefined) return kind === type.names.kind ? own : `${own.slice(0, own.lastIndexOf('.'))}.${kind}`;
  return `${type.group.split('.').reverse().join('.')}.${version.name}.${kind}`;
}

/** Named schemas, each with those that it refers to. */
export class Definitions {
  readonly #found = new Map<string, Schema>();
  readonly #built = new Map<string, Description>();

  get entries(): [string, Schema][] {
    return [...this.#found].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** What is said of a definition and its fields, where the schema itself says nothing. */
  describe(name: string): Description | undefined {
    return this.#built.get(name) ?? (name.startsWith('io.k8s.') ? descriptionOf(name) : undefined);
  }

  /** Adds a published definition by its name. */
  addNamed(name: string): void {
    if (!this.#found.has(name)) this.add(name, name === patchName ? patchSchema : schemaOf(name));
  }

  add(name: string, schema: Schema): void {
    if (this.#found.has(name)) return;
    this.#found.set(name, schema);
    this.#addReferred(schema, true);
  }

  /** A resource's object and list. */
  addResource(type: ResourceType, version: ResourceVersion): void {
    const name = rootName(type, version);
    const listName = rootName(type, version, type.names.listKind);
    if (version.schema.definition !== undefined) {
      this.add(name, version.schema);
      // Reviews have no lists.
      if (type.verbs.includes('list')) this.addNamed(listName);
      return;
    }
    const gvk = { group: type.group, version: version.name };
    this.add(name, {
      ...version.schema,
      definition: name,
      properties: { ...version.schema.properties, ...typeMeta, metadata: schemaOf(objectMetaName) },
      'x-kubernetes-group-version-kind': [{ ...gvk, kind: type.names.kind }],
    });
    const list: Schema = {
      definition: listName,
      description: `${type.names.listKind} is a list of ${type.names.kind}`,
      type: 'object',
      required: ['items'],
      properties: {
        ...typeMeta,
        metadata: schemaOf(listMetaName),
        items: {
          type: 'array',
          description: `List of ${type.names.plural}. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md`,
          items: this.#found.get(name)!,
        },
      },
      'x-kubernetes-group-version-kind': [{ ...gvk, kind: type.names.listKind }],
    };
    this.add(listName, list);
    this.#built.set(name, {
      fields: {
        metadata:
          "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
      },
    });
  }

  #addReferred(schema: Schema, root: boolean): void {
    if (!root && schema.definition !== undefined) {
      this.addNamedSchema(schema);
      return;
    }
    for (const property of Object.values(schema.properties ?? {})) this.#addReferred(property, false);
    if (schema.items !== undefined) this.#addReferred(schema.items, false);
    if (typeof schema.additionalProperties === 'object') this.#addReferred(schema.additionalProperties, false);
  }

  /** A reference may be a copy with members of its own: what is published is the definition itself. */
  addNamedSchema(schema: Schema): void {
    const name = schema.definition!;
    if (!this.#found.has(name)) this.add(name, name.startsWith('io.k8s.') ? schemaOf(name) : schema);
  }
}

const typeMeta = {
  apiVersion: { type: 'string', description: apiVersionText },
  kind: { type: 'string', description: kindText },
} as const satisfies Record<string, Schema>;

const patchSchema: Schema = {
  definition: patchName,
  type: 'object',
  description: 'Patch is provided to give a concrete name and type to the Kubernetes PATCH request body.',
};
