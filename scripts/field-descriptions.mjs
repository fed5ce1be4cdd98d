/**
 * What Kubernetes' OpenAPI document says of fields, as `kubernetes-types` carries it: the models of `@kubernetes/client-node`
 * are silent on fields that refer to another definition. Read as text, never imported.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const types = join(resolve(dirname(fileURLToPath(import.meta.url)), '..'), 'node_modules/kubernetes-types');

/** Fields of each interface of a file, by `<file>#<name>`; undefined for files that are not there. */
const read = new Map();

/** Descriptions by field of `io.k8s.api.apps.v1.Deployment`; none for what is newer than the package. */
export function fieldDescriptions(definition) {
  const [, group, version, name] = /([a-z0-9]+)\.(v\d[a-z0-9]*)\.(\w+)$/.exec(definition) ?? [];
  if (group === undefined) return {};
  const file = `${group}/${version}.d.ts`;
  if (!read.has(file)) read.set(file, interfacesOf(join(types, file)));
  return read.get(file).get(name) ?? {};
}

function interfacesOf(path) {
  const interfaces = new Map();
  if (!existsSync(path)) return interfaces;
  for (const [, name, body] of readFileSync(path, 'utf8').matchAll(/^export interface (\w+) \{\n([\s\S]*?)^\}/gm)) {
    const fields = {};
    for (const [, comment, field] of body.matchAll(/^ {4}\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n {4}"?([\w$-]+)"?\??:/gm)) {
      fields[field] = comment
        .split('\n')
        .map((line) => line.replace(/^\s*\* ?/, ''))
        .join('\n')
        .trim();
    }
    interfaces.set(name, fields);
  }
  return interfaces;
}
