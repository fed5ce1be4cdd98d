/**
 * What the server itself writes into objects before they are stored. Source: `k8s.io/apiserver/pkg/registry/rest`
 * (BeforeCreate, BeforeUpdate, FillObjectMetaSystemFields).
 */
import { randomUUID } from 'node:crypto';
import type { ObjectSubresource, RequestContext, ResourceType, ResourceVersion } from '../apis/resource-type.ts';
import { formatTime } from '../clock/clock.ts';
import type { FieldError } from '../machinery/field.ts';
import { deepEqual, type JsonObject } from '../machinery/json.ts';
import { generateName } from '../machinery/names.ts';
import type { ApiObject } from '../machinery/object.ts';
import { restoreObjectMeta, validateObjectMeta, validateObjectMetaUpdate } from '../machinery/object-meta.ts';
import { compileSchema } from '../schema/compile.ts';

export function beforeCreate(
  type: ResourceType,
  draft: ApiObject,
  namespace: string | undefined,
  context: RequestContext,
  random: () => number,
): void {
  const { metadata } = draft;
  wipeSystemFields(draft);
  delete metadata.resourceVersion;
  metadata.uid = randomUUID();
  metadata.creationTimestamp = formatTime(context.now);
  if (type.scope === 'Namespaced' && namespace !== undefined) metadata.namespace = namespace;
  else delete metadata.namespace;
  if (type.strategy.generation) metadata.generation = 1;
  else delete metadata.generation;
  if ((metadata.name ?? '') === '' && (metadata.generateName ?? '') !== '') {
    metadata.name = generateName(metadata.generateName!, random);
  }
  type.strategy.prepareForCreate?.(draft, context);
}

/** What only the server may say of an object. Source: `rest.WipeObjectMetaSystemFields`. */
export function wipeSystemFields({ metadata }: ApiObject): void {
  delete metadata.creationTimestamp;
  delete metadata.uid;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete (metadata as { selfLink?: string }).selfLink;
}

export function validateCreate(
  type: ResourceType,
  version: ResourceVersion,
  object: ApiObject,
  context: RequestContext,
): FieldError[] {
  const errors = validateObjectMeta(object, metaRules(type, version));
  if (version.typeErrors === 'validation')
    errors.push(...compileSchema(version.schema).validate(object as unknown as JsonObject));
  errors.push(...(type.strategy.validate?.(object, context) ?? []));
  return errors;
}

/** What the caller may change of an object, and what it may not: that of the main resource, its status or another part. */
export type UpdateTarget = 'object' | 'status' | ObjectSubresource;

export function beforeUpdate(
  type: ResourceType,
  version: ResourceVersion,
  draft: ApiObject,
  old: ApiObject,
  target: UpdateTarget,
  context: RequestContext,
): void {
  if (target === 'status') restoreAllButStatus(type, draft, old);
  else if (target === 'object' && version.status) restore(draft, old, 'status');
  const { metadata } = draft;
  const was = old.metadata;
  metadata.name ??= was.name!;
  if (was.namespace !== undefined) metadata.namespace ??= was.namespace;
  if ((metadata.uid ?? '') === '') metadata.uid = was.uid!;
  metadata.creationTimestamp = was.creationTimestamp!;
  delete (metadata as { selfLink?: string }).selfLink;
  keep(metadata, was, 'deletionTimestamp');
  keep(metadata, was, 'deletionGracePeriodSeconds');
  keep(metadata, was, 'generation');
  if (target === 'status') type.strategy.prepareForStatusUpdate?.(draft, old, context);
  else if (target === 'object') type.strategy.prepareForUpdate?.(draft, old, context);
  else target.prepareForUpdate(draft, old, context);
  if (target !== 'status' && type.strategy.generation && specChanged(version, draft, old)) {
    // Hooks may have put another metadata in its place.
    draft.metadata.generation = (was.generation ?? 0) + 1;
  }
}

export function validateUpdate(
  type: ResourceType,
  version: ResourceVersion,
  object: ApiObject,
  old: ApiObject,
  target: UpdateTarget,
  context: RequestContext,
): FieldError[] {
  const errors = validateObjectMetaUpdate(object, old, undefined, metaRules(type, version));
  if (version.typeErrors === 'validation')
    errors.push(
      ...compileSchema(version.schema).validate(object as unknown as JsonObject, old as unknown as JsonObject),
    );
  errors.push(...(updateRules(type, target)?.(object, old, context) ?? []));
  return errors;
}

function updateRules({ strategy }: ResourceType, target: UpdateTarget): ObjectSubresource['validateUpdate'] {
  if (target === 'status') return strategy.validateStatusUpdate;
  return target === 'object' ? strategy.validateUpdate : target.validateUpdate;
}

const rulesOf = new WeakMap<ResourceType, Parameters<typeof validateObjectMeta>[1]>();

function metaRules(type: ResourceType, version: ResourceVersion): Parameters<typeof validateObjectMeta>[1] {
  let rules = rulesOf.get(type);
  if (rules === undefined) {
    const { validateName } = type.strategy;
    rules = {
      namespaced: type.scope === 'Namespaced',
      qualifiedFinalizers: version.typeErrors === 'decoding',
      ...(validateName === undefined ? {} : { validateName }),
    };
    rulesOf.set(type, rules);
  }
  return rules;
}

function restoreAllButStatus(type: ResourceType, draft: ApiObject, old: ApiObject): void {
  for (const field of new Set([...Object.keys(draft), ...Object.keys(old)])) {
    if (field !== 'status' && field !== 'metadata') restore(draft, old, field);
  }
  if (type.strategy.prepareForStatusUpdate === undefined) restoreObjectMeta(draft, old);
}

function restore(draft: ApiObject, old: ApiObject, field: string): void {
  if (field in old) draft[field] = old[field];
  else delete draft[field];
}

function keep<K extends 'deletionTimestamp' | 'deletionGracePeriodSeconds' | 'generation'>(
  metadata: ApiObject['metadata'],
  was: ApiObject['metadata'],
  field: K,
): void {
  const value = was[field];
  if (value === undefined) delete metadata[field];
  else metadata[field] = value;
}

/** Whether anything but metadata (and status, where it is a subresource) differs. */
function specChanged(version: ResourceVersion, object: ApiObject, old: ApiObject): boolean {
  for (const field of Object.keys(object)) {
    if (field === 'metadata' || (version.status && field === 'status')) continue;
    if (!deepEqual(object[field], old[field])) return true;
  }
  return Object.keys(old).some((field) => object[field] === undefined && old[field] !== undefined);
}
