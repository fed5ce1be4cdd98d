/**
 * The `scale` subresource: `autoscaling/v1` Scale over whatever object has replicas.
 * Source: API conventions; apiextensions "Scale subresource".
 */
import { ageColumn, column, nameColumn } from '../apis/columns.ts';
import type { Column, ScalePaths } from '../apis/resource-type.ts';
import { goQuote, invalid } from '../machinery/field.ts';
import type { JsonObject, JsonValue } from '../machinery/json.ts';
import { isJsonObject } from '../machinery/json.ts';
import { LabelSelector, type LabelSelectorSpec } from '../machinery/label-selector.ts';
import type { ApiObject } from '../machinery/object.ts';
import { validateObjectMeta } from '../machinery/object-meta.ts';
import { internalError, invalidObject } from '../machinery/status.ts';

export const scaleGroupVersion = 'autoscaling/v1';

export interface Scale extends ApiObject {
  spec: { replicas?: number };
  status: { replicas: number; selector?: string };
}

const spec = 'io.k8s.api.autoscaling.v1.ScaleSpec';
const status = 'io.k8s.api.autoscaling.v1.ScaleStatus';

export const scaleColumns: readonly Column[] = [
  nameColumn,
  column<Scale>('Desired', 'integer', (scale) => scale.spec.replicas ?? 0, { describedBy: [spec, 'replicas'] }),
  column<Scale>('Available', 'integer', (scale) => scale.status.replicas, { describedBy: [status, 'replicas'] }),
  ageColumn,
];

/** Kubernetes shows no Scale of an object without replicas, and takes that for a failure of its own. */
export function requireReplicas(object: ApiObject, { specReplicasPath }: ScalePaths): void {
  const replicas = read(object, specReplicasPath);
  if (replicas === undefined || replicas === null) {
    throw internalError(`the spec replicas field ${goQuote(specReplicasPath)} does not exist`);
  }
}

export function scaleOf(object: ApiObject, paths: ScalePaths): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const replicas = read(object, paths.specReplicasPath);
  if (replicas !== undefined && replicas !== null && typeof replicas !== 'number') {
    throw internalError(`the spec replicas field ${JSON.stringify(paths.specReplicasPath)} is not an integer`);
  }
  const selector = paths.labelSelectorPath === undefined ? '' : selectorText(read(object, paths.labelSelectorPath));
  return {
    kind: 'Scale',
    apiVersion: scaleGroupVersion,
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
    spec: typeof replicas === 'number' ? { replicas } : {},
    status: {
      replicas: Number(read(object, paths.statusReplicasPath) ?? 0),
      ...(selector === '' ? {} : { selector }),
    },
  };
}

/**
 * Writes what a Scale says into the draft of its object. The object's resourceVersion becomes the Scale's: none means that
 * any version may be written over. Throws 422 when the Scale is wrong.
 */
export function applyScale(draft: ApiObject, scale: Scale, paths: ScalePaths): void {
  const replicas = scale.spec?.replicas ?? 0;
  const errors = validateObjectMeta(scale, { namespaced: draft.metadata.namespace !== undefined });
  if (replicas < 0) errors.push(invalid('spec.replicas', replicas, 'must be greater than or equal to 0'));
  const { name = '', resourceVersion } = scale.metadata;
  if (errors.length > 0) throw invalidObject({ group: 'autoscaling', name: 'Scale' }, name, errors);
  if ((resourceVersion ?? '') !== '') draft.metadata.resourceVersion = resourceVersion!;
  write(draft, paths.specReplicasPath, replicas);
}

/** `.spec.replicas` → `['spec', 'replicas']`. */
export function segments(path: string): string[] {
  return path.split('.').filter((segment) => segment !== '');
}

function read(object: ApiObject, path: string): JsonValue | undefined {
  let value: JsonValue | undefined = object as unknown as JsonObject;
  for (const segment of segments(path)) {
    if (!isJsonObject(value) || !Object.hasOwn(value, segment)) return undefined;
    value = value[segment];
  }
  return value;
}

function write(object: ApiObject, path: string, replicas: number): void {
  const names = segments(path);
  let at = object as unknown as JsonObject;
  for (const name of names.slice(0, -1)) {
    const next = at[name];
    if (isJsonObject(next)) at = next;
    else {
      const made: JsonObject = {};
      at[name] = made;
      at = made;
    }
  }
  at[names.at(-1)!] = replicas;
}

function selectorText(value: JsonValue | undefined): string {
  if (typeof value === 'string') return value;
  if (!isJsonObject(value)) return '';
  if (!('matchLabels' in value) && !('matchExpressions' in value)) {
    // ReplicationController and friends: a plain map of labels.
    return LabelSelector.fromLabels(value as Record<string, string>).toString();
  }
  return LabelSelector.fromSpec(value as LabelSelectorSpec).toString();
}
