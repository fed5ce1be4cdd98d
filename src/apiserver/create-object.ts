/** Creates: objects are admitted, stamped, validated, and stored where nothing is. */
import type { ResourceType } from '../apis/resource-type.ts';
import { cloneJson } from '../machinery/json.ts';
import type { ApiObject } from '../machinery/object.ts';
import { alreadyExists, invalidObject, StatusError } from '../machinery/status.ts';
import { CacheEntry } from './cache-entry.ts';
import { beforeCreate, validateCreate, wipeSystemFields } from './object-lifecycle.ts';
import type { ObjectWriter } from './object-writer.ts';
import type { WriteRequest } from './store-write.ts';
import { admissionRequest } from './write-admission.ts';

const resourceVersionOnCreate = 'resourceVersion should not be set on objects to be created';
/** Kubernetes tries a generated name this often before it gives up. */
const generateNameAttempts = 8;

export async function createObject(writer: ObjectWriter, draft: ApiObject, request: WriteRequest): Promise<CacheEntry> {
  const type = writer.type;
  await writer.cache.ready();
  const generated = (draft.metadata.name ?? '') === '' && (draft.metadata.generateName ?? '') !== '';
  const attempts = generated ? generateNameAttempts : 1;
  for (let attempt = 1; ; attempt++) {
    const object = attempts === 1 ? draft : cloneJson(draft);
    const created = await createOnce(writer, type, object, request);
    if (created !== undefined) return created;
    const name = object.metadata.name!;
    if (!generated) throw taken(writer, request.namespace, name);
    if (attempt < attempts) continue;
    const error = alreadyExists(writer.resource, name);
    throw new StatusError(
      409,
      'AlreadyExists',
      `${error.message}, the server was not able to generate a unique name for the object`,
      { ...error.status.details, retryAfterSeconds: 1 },
    );
  }
}

/** A create of a kind without storage: admitted, stamped and validated, then answered by `make`. */
export async function answerObject(
  writer: ObjectWriter,
  draft: ApiObject,
  request: WriteRequest,
  make: (draft: ApiObject) => ApiObject | Promise<ApiObject>,
): Promise<ApiObject> {
  const type = writer.type;
  const admission = admissionRequest(writer, 'CREATE', draft, undefined, request);
  wipeSystemFields(draft);
  const tracked = request.trackFields(draft, undefined);
  if (tracked !== undefined) await tracked;
  const mutated = writer.chain(request).mutate(admission);
  if (mutated !== undefined) await mutated;
  const errors = type.strategy.validate?.(draft, request.context) ?? [];
  // Kubernetes has lost the kind by then: reviews are told apart by their group alone.
  if (errors.length > 0) throw invalidObject({ group: type.group, name: '' }, '', errors);
  const validated = writer.chain(request).validate(admission);
  if (validated !== undefined) await validated;
  return await make(draft);
}

function taken(writer: ObjectWriter, namespace: string | undefined, name: string): StatusError {
  const error = alreadyExists(writer.resource, name);
  if (writer.cache.get(writer.key(namespace, name))?.peek().metadata.deletionTimestamp === undefined) return error;
  return new StatusError(409, 'AlreadyExists', `object is being deleted: ${error.message}`, error.status.details);
}

/** `undefined`: the name is taken. */
export async function createOnce(
  writer: ObjectWriter,
  type: ResourceType,
  draft: ApiObject,
  request: WriteRequest,
): Promise<CacheEntry | undefined> {
  const { context, version, namespace } = request;
  const { resourceVersion = '' } = draft.metadata;
  const admission = admissionRequest(writer, 'CREATE', draft, undefined, request);
  // What admission and the strategy do from here on is nobody's doing.
  const tracked = request.trackFields(draft, undefined);
  if (tracked !== undefined) await tracked;
  const mutated = writer.chain(request).mutate(admission);
  if (mutated !== undefined) await mutated;
  beforeCreate(type, draft, namespace, context, () => writer.clock.random());
  const { authorize, allocate: allocated } = type.strategy;
  if (authorize !== undefined) await authorize(draft, undefined, writer.access, context);
  const release = allocated === undefined ? undefined : await allocated(draft, undefined, writer.access, context);
  try {
    writer.refuse(draft, validateCreate(type, version, draft, context));
    writer.warn(type, draft, undefined, request);
    const validated = writer.chain(request).validate(admission);
    if (validated !== undefined) await validated;
    const key = writer.key(namespace, draft.metadata.name!);
    const stored = await writer.storageForm(type, draft, version);
    const value = writer.encode(stored);
    if (context.dryRun) {
      release?.();
      if (writer.cache.get(key) !== undefined) return undefined;
      return new CacheEntry(key, 0, value, stored, false);
    }
    // Kubernetes' store says so, behind everything else, and gives it no reason.
    if (/^[1-9]\d*$/.test(resourceVersion)) throw new StatusError(500, '', resourceVersionOnCreate);
    const entry = await writer.commit(type, key, 0, value, stored);
    if (entry === undefined) release?.();
    return entry;
  } catch (error) {
    release?.();
    throw error;
  }
}
