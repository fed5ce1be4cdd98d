/** The paths of subresources that are connected to. Source: what kube-apiserver publishes of `pods/exec` and its like. */
import type { ConnectSubresource, ResourceType, ResourceVersion, Verb } from '../../apis/resource-type.ts';
import type { JsonObject } from '../../machinery/json.ts';
import type { OpenApiVersion } from './schema-writer.ts';

/** HTTP methods, as operations are named by them. */
const methods: Partial<Record<Verb, readonly string[]>> = {
  get: ['Get', 'Head', 'Options'],
  create: ['Post'],
  update: ['Put'],
  patch: ['Patch'],
  delete: ['Delete'],
};

/** By the path below the item's: `exec`, `proxy`, `proxy/{path}`. `tag`: `core`. */
export function connectOperations(
  type: ResourceType,
  version: ResourceVersion,
  tag: string,
  openApi: OpenApiVersion,
): [path: string, operations: JsonObject, parameters: JsonObject[]][] {
  return Object.entries(type.connections ?? {}).flatMap(([name, connection]) => {
    const at = (path: string, suffix: string): [string, JsonObject, JsonObject[]] => {
      const operations: JsonObject = {};
      for (const method of connection.verbs.flatMap((verb) => methods[verb] ?? [])) {
        // What goes on in another protocol has no use for the others.
        if (connection.passesPath !== true && (method === 'Head' || method === 'Options')) continue;
        operations[method.toLowerCase()] = operation(type, version, connection, name, method, tag, suffix, openApi);
      }
      return [path, operations, queryParameters(connection, openApi)];
    };
    const suffix = name.charAt(0).toUpperCase() + name.slice(1);
    return connection.passesPath === true
      ? [at(name, suffix), at(`${name}/{path}`, `${suffix}WithPath`)]
      : [at(name, suffix)];
  });
}

function operation(
  { group, names, scope }: ResourceType,
  version: ResourceVersion,
  { kind }: ConnectSubresource,
  name: string,
  method: string,
  tag: string,
  suffix: string,
  openApi: OpenApiVersion,
): JsonObject {
  const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
  const of = `${capital(tag)}${capital(version.name)}${method}${scope === 'Namespaced' ? 'Namespaced' : ''}${names.kind}`;
  const text = { type: 'string' };
  const answer = openApi === 'v2' ? { schema: text } : { content: { '*/*': { schema: text } } };
  return {
    tags: [`${tag}_${version.name}`],
    operationId: `connect${of}${suffix}`,
    description: `connect ${method.toUpperCase()} requests to ${name} of ${names.kind}`,
    ...(openApi === 'v2' ? { consumes: ['*/*'], produces: ['*/*'], schemes: ['https'] } : {}),
    'x-kubernetes-action': 'connect',
    'x-kubernetes-group-version-kind': { group, version: version.name, kind },
    responses: { '200': { description: 'OK', ...answer }, '401': { description: 'Unauthorized' } },
  };
}

function queryParameters({ parameters }: ConnectSubresource, openApi: OpenApiVersion): JsonObject[] {
  return parameters.map(({ name, type, description }) => ({
    name,
    in: 'query',
    description,
    ...(openApi === 'v2' ? { type, uniqueItems: true } : { schema: { type, uniqueItems: true } }),
  }));
}
