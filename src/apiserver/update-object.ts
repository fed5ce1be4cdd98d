/** Updates of all kinds: what is there now becomes something else, by a client's doing or the server's own. */
import type { AdmissionRequest } from '../admission/chain.ts';
import type { RequestContext, ResourceType } from '../apis/resource-type.ts';
import { invalid } from '../machinery/field.ts';
import { deepEqual } from '../machinery/json.ts';
import { type ApiObject, groupVersion } from '../machinery/object.ts';
import { conflict, invalidObject, modified, notFound } from '../machinery/status.ts';
import { type CacheEntry, draftOf } from './cache-entry.ts';
import { createOnce } from './create-object.ts';
import { deletionFinished } from './deletion.ts';
import { forgetIdleTimes } from './managed-fields.ts';
import { beforeUpdate, type UpdateTarget, validateUpdate } from './object-lifecycle.ts';
import { inVersion, type ObjectWriter, sameStoredForm, storedDraft, unwritten } from './object-writer.ts';
import type { Change, IdleWrite, UpdateResult, WriteRequest } from './store-write.ts';
import { admissionRequest } from './write-admission.ts';

/**
 * Reads, changes, writes; again from the new current object when another write came first, which is a Conflict for a draft
 * that names an older resourceVersion. `createMissing` makes the object of a write to a name that is not there.
 */
export async function updateObject(
  writer: ObjectWriter,
  change: Change,
  request: WriteRequest,
  target: UpdateTarget,
  createMissing?: () => ApiObject | Promise<ApiObject>,
): Promise<UpdateResult> {
  const type = writer.type;
  const key = writer.key(request.namespace, request.name);
  await writer.cache.ready();
  let entry = writer.cache.get(key);
  for (;;) {
    if (entry === undefined) {
      if (createMissing === undefined) throw notFound(writer.resource, request.name);
      const created = await createOnce(writer, type, await createMissing(), request);
      if (created !== undefined) return { entry: created, created: true };
      entry = await writer.reread(key);
      continue;
    }
    const outcome = await updateOnce(writer, type, entry, change, request, target);
    if (outcome.done) return outcome.result;
    entry = outcome.current;
  }
}

/**
 * A write that would leave the object as it is, as `recall` knows of its present version: admission has its say, and that
 * is all. `undefined`: it is not known, or somebody changes the object after all; then {@link updateObject} is for it.
 */
export async function confirmObject(
  writer: ObjectWriter,
  request: WriteRequest,
  recall: (entry: CacheEntry, type: ResourceType) => IdleWrite | undefined,
): Promise<CacheEntry | undefined> {
  const type = writer.type;
  // Whether the user may write what it says is asked every time.
  if (type.strategy.authorize !== undefined) return undefined;
  const key = writer.key(request.namespace, request.name);
  await writer.cache.ready();
  const entry = writer.cache.get(key);
  if (entry === undefined) return undefined;
  const known = recall(entry, type);
  if (known === undefined) return undefined;
  for (const warning of known.decoding) request.warn(warning);
  const requested = groupVersion(type.group, request.version.name);
  const converted = entry.apiVersion === requested ? undefined : await inVersion(type, entry, request.version.name);
  let draft: ApiObject | undefined;
  const admission: AdmissionRequest = {
    ...admissionRequest(writer, 'UPDATE', undefined, undefined, request),
    // Made for those who look at them: few do.
    get object(): ApiObject {
      draft ??= draftOf(this.oldObject!);
      return draft;
    },
    get oldObject(): ApiObject {
      return converted ?? entry.recent;
    },
  };
  const mutated = writer.chain(request).mutate(admission);
  if (mutated !== undefined) await mutated;
  if (draft !== undefined && !deepEqual(draft, admission.oldObject)) return undefined;
  for (const warning of known.strategy) request.warn(warning);
  const validated = writer.chain(request).validate(admission);
  if (validated !== undefined) await validated;
  return (await writer.reread(key)) === entry ? entry : undefined;
}

async function updateOnce(
  writer: ObjectWriter,
  type: ResourceType,
  entry: CacheEntry,
  change: Change,
  request: WriteRequest,
  target: UpdateTarget,
): Promise<Outcome> {
  const { context, version } = request;
  const old = await inVersion(type, entry, version.name);
  const changed = change(old);
  const draft = changed instanceof Promise ? await changed : changed;
  checkUpdate(writer, type, draft, old);
  const tracked = request.trackFields(draft, old);
  if (tracked !== undefined) await tracked;
  const { form } = request;
  const admission =
    form === undefined
      ? admissionRequest(writer, 'UPDATE', draft, old, request)
      : admissionRequest(writer, 'UPDATE', form.of(draft), form.of(old), request);
  const mutated = writer.chain(request).mutate(admission);
  if (mutated !== undefined) await mutated;
  form?.into(draft, admission.object!);
  forgetIdleTimes(draft, old);
  beforeUpdate(type, version, draft, old, target, context);
  draft.metadata.resourceVersion = entry.resourceVersion;
  const { authorize } = type.strategy;
  if (authorize !== undefined) await authorize(draft, old, writer.access, context);
  const allocated = target === 'object' ? type.strategy.allocate : undefined;
  const release = allocated === undefined ? undefined : await allocated(draft, old, writer.access, context);
  try {
    writer.refuse(draft, validateUpdate(type, version, draft, old, target, context));
    const warnings = writer.warn(type, draft, old, request);
    const validated = writer.chain(request).validate(admission);
    if (validated !== undefined) await validated;
    const stored = await writer.storageForm(type, draft, version);
    if (deletionFinished(type, stored)) {
      const gone = await writer.remove(entry, context);
      return gone === undefined
        ? { done: false, current: await writer.reread(entry.key) }
        : done(unwritten(entry, writer.encode(stored), stored));
    }
    const value = writer.encode(stored);
    if (sameStoredForm(entry, value, stored)) {
      // A write that changes nothing does not learn from the store whether another came first.
      const current = await writer.reread(entry.key);
      release?.();
      return current === entry ? done(entry, { warnings }) : { done: false, current };
    }
    if (context.dryRun) {
      release?.();
      return done(unwritten(entry, value, stored));
    }
    const written = await writer.commit(type, entry.key, entry.revision, value, stored);
    if (written !== undefined) {
      type.strategy.afterWrite?.(entry.peek(), written.peek(), writer.access);
      return done(written);
    }
    release?.();
    return { done: false, current: await writer.reread(entry.key) };
  } catch (error) {
    release?.();
    throw error;
  }
}

/**
 * A write of the server itself: no admission, no stamps, no validation. For subresources that do what clients may not
 * (a binding sets `spec.nodeName`), and for the server's own bookkeeping.
 */
export async function overwriteObject(
  writer: ObjectWriter,
  namespace: string | undefined,
  name: string,
  change: (draft: ApiObject) => void,
  context: RequestContext,
): Promise<CacheEntry> {
  const key = writer.key(namespace, name);
  await writer.cache.ready();
  let entry = writer.cache.get(key);
  for (;;) {
    if (entry === undefined) throw notFound(writer.resource, name);
    const type = writer.type;
    const draft = await storedDraft(type, entry);
    change(draft);
    if (deletionFinished(type, draft)) {
      const gone = await writer.remove(entry, context);
      if (gone !== undefined) return unwritten(entry, writer.encode(draft), draft);
    } else {
      const value = writer.encode(draft);
      if (sameStoredForm(entry, value, draft)) return entry;
      if (context.dryRun) return unwritten(entry, value, draft);
      const written = await writer.commit(type, key, entry.revision, value, draft);
      if (written !== undefined) return written;
    }
    entry = await writer.reread(key);
  }
}

function checkUpdate(writer: ObjectWriter, type: ResourceType, draft: ApiObject, old: ApiObject): void {
  const name = old.metadata.name ?? '';
  const { resourceVersion, uid } = draft.metadata;
  if (uid !== undefined && uid !== '' && uid !== old.metadata.uid) {
    throw conflict(
      writer.resource,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`,
    );
  }
  if (resourceVersion === undefined || resourceVersion === '' || resourceVersion === '0') {
    if (type.strategy.allowUnconditionalUpdate) return;
    throw invalidObject(writer.resource, name, [
      invalid('metadata.resourceVersion', 0, 'must be specified for an update'),
    ]);
  }
  if (resourceVersion !== old.metadata.resourceVersion) throw modified(writer.resource, name);
}

/** What came of an attempt; not done: another write came first. */
type Outcome =
  | { readonly done: true; readonly result: UpdateResult }
  | { readonly done: false; readonly current: CacheEntry | undefined };

function done(entry: CacheEntry, unchanged?: UpdateResult['unchanged']): Outcome {
  return { done: true, result: { entry, created: false, ...(unchanged === undefined ? {} : { unchanged }) } };
}
