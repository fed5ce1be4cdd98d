/**
 * The documents: v3 has one for a group version, which is built again only when one of its own resources has changed; of
 * v2, which has one for all, what each resource adds to it.
 */
import { createHash } from 'node:crypto';
import type { ResourceType, ResourceVersion } from '../../apis/resource-type.ts';
import type { JsonObject } from '../../machinery/json.ts';
import type { Schema } from '../../machinery/schema.ts';
import type { ResourceRegistry } from '../registry.ts';
import { kubernetesVersion } from '../version.ts';
import { Definitions, deleteOptionsName, patchName, scaleName, statusName } from './definitions.ts';
import { writePaths } from './operations.ts';
import { type OpenApiVersion, writeDefinition } from './schema-writer.ts';

/** `api/v1`, `apis/apps/v1`. */
export type GroupVersionPath = string;

export type Served = readonly [ResourceType, ResourceVersion];

export function groupVersionPaths(registry: ResourceRegistry): Map<GroupVersionPath, Served[]> {
  const found = new Map<GroupVersionPath, Served[]>();
  for (const { type } of registry.all()) {
    for (const version of type.versions) {
      if (!version.served) continue;
      const path = type.group === '' ? `api/${version.name}` : `apis/${type.group}/${version.name}`;
      const served = found.get(path);
      if (served === undefined) found.set(path, [[type, version]]);
      else served.push([type, version]);
    }
  }
  return found;
}

const info = {
  title: 'Kubernetes',
  version: `v${kubernetesVersion.major}.${kubernetesVersion.minor}.${kubernetesVersion.patch}`,
};

export function documentV3(served: readonly Served[]): JsonObject {
  const { paths, schemas } = write(served, 'v3');
  return { openapi: '3.0.0', info, paths, components: { schemas } };
}

/** What resources add to a document: paths and definitions, by name. */
export interface Part {
  readonly paths: JsonObject;
  readonly schemas: Readonly<Record<string, JsonObject>>;
}

/** What one resource adds to the v2 document. */
export function partV2(served: Served): Part {
  return write([served], 'v2');
}

/** What the v2 document begins with. */
export const headV2: JsonObject = { swagger: '2.0', info };

function write(served: readonly Served[], openApi: OpenApiVersion): Part {
  const definitions = new Definitions();
  for (const name of [deleteOptionsName, statusName, patchName]) definitions.addNamed(name);
  let paths: JsonObject = {};
  for (const [type, version] of served) {
    definitions.addResource(type, version);
    if (version.scale !== undefined) definitions.addNamed(scaleName);
    for (const { schema } of Object.values(type.subresources)) {
      if (schema?.definition !== undefined) definitions.addNamedSchema(schema);
    }
    paths = Object.assign(paths, writePaths(type, version, openApi));
  }
  const schemas: Record<string, JsonObject> = {};
  for (const [name, schema] of definitions.entries) {
    schemas[name] = written(name, schema, definitions, openApi);
  }
  return { paths, schemas };
}

const writtenBuiltins: Readonly<Record<OpenApiVersion, Map<string, JsonObject>>> = { v2: new Map(), v3: new Map() };

/** Kubernetes' own definitions are the same in every document that refers to them: they are written once. */
function written(name: string, schema: Schema, definitions: Definitions, openApi: OpenApiVersion): JsonObject {
  if (!name.startsWith('io.k8s.')) return writeDefinition(schema, definitions.describe(name), openApi);
  let found = writtenBuiltins[openApi].get(name);
  if (found === undefined) {
    found = writeDefinition(schema, definitions.describe(name), openApi);
    writtenBuiltins[openApi].set(name, found);
  }
  return found;
}

/** As kube-apiserver names versions of a document: upper-case SHA-512 in hexadecimal. */
export function documentHash(body: string | Uint8Array): string {
  return createHash('sha512').update(body).digest('hex').toUpperCase();
}
