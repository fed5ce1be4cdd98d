/** Custom resources of a test cluster: from whatever names them to a served resource. */
import type { ApiServer } from '../apiserver/server.ts';
import type { ApiObject } from '../machinery/object.ts';

/** A CustomResourceDefinition, or something that makes one (`defineResource`). */
export type Definable = ApiObject | { crd(): ApiObject };

export function crdOf(resource: Definable): ApiObject {
  return typeof (resource as { crd?: unknown }).crd === 'function'
    ? (resource as { crd(): ApiObject }).crd()
    : (resource as ApiObject);
}

/** Resolves when objects of the definition can be created. Definitions are registered in turns of the event loop. */
export async function untilEstablished(server: ApiServer, definition: ApiObject): Promise<void> {
  const { group, names, versions } = definition.spec as {
    group: string;
    names: { plural: string };
    versions: { name: string; served: boolean }[];
  };
  const version = versions.find(({ served }) => served)?.name;
  if (version === undefined) return;
  for (let turn = 0; turn < 1000; turn++) {
    if (server.registry.find(group, version, names.plural) !== undefined) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`${definition.metadata.name} was not established: look at its status.conditions`);
}
