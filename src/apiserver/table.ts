/**
 * Tables: what `kubectl get` prints. Source: API concepts, "Receiving resources as Tables"; `metav1.Table`.
 */
import type { ResourceVersion } from '../apis/resource-type.ts';
import type { JsonObject, JsonValue } from '../machinery/json.ts';
import type { ApiObject, ListMeta } from '../machinery/object.ts';

/** What a row carries of its object. */
export type RowObject = 'Metadata' | 'Object' | 'None';

export interface TableOptions {
  readonly metaVersion: 'v1' | 'v1beta1';
  readonly rowObject: RowObject;
  /** Milliseconds since the epoch: ages are counted to it. */
  readonly now: number;
  /** Watch events after the first leave the definitions out. */
  readonly withoutDefinitions: boolean;
}

export function tableOf(
  version: ResourceVersion,
  objects: readonly ApiObject[],
  metadata: ListMeta,
  options: TableOptions,
): JsonObject {
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${options.metaVersion}`,
    metadata: metadata as JsonObject,
    columnDefinitions: options.withoutDefinitions ? null : version.columns.map(definition),
    rows: objects.map((object) => row(version, object, options)),
  };
}

function definition({ name, type, format, description, priority }: ResourceVersion['columns'][number]): JsonObject {
  return { name, type, format: format ?? '', description: description ?? '', priority };
}

function row(version: ResourceVersion, object: ApiObject, options: TableOptions): JsonObject {
  const cells: JsonValue[] = version.columns.map((column) => column.cell(object, options.now));
  switch (options.rowObject) {
    case 'None':
      return { cells };
    case 'Object':
      return { cells, object: object as unknown as JsonObject };
    default:
      return { cells, object: partialObject(object, options.metaVersion) };
  }
}

export function partialObject(object: ApiObject, metaVersion: string): JsonObject {
  return {
    kind: 'PartialObjectMetadata',
    apiVersion: `meta.k8s.io/${metaVersion}`,
    metadata: object.metadata as unknown as JsonObject,
  };
}
