/** Deletes: at once, or marked until the grace period and the finalizers are done. */
import type { OperationOptions } from '../admission/chain.ts';
import { notFound } from '../machinery/status.ts';
import { checkPreconditions, type DeleteOptions, planDeletion } from './deletion.ts';
import { inVersion, type ObjectWriter, sameStoredForm, storedDraft, unwritten } from './object-writer.ts';
import type { DeleteResult, WriteRequest } from './store-write.ts';
import { admissionRequest } from './write-admission.ts';

export async function deleteObject(
  writer: ObjectWriter,
  options: DeleteOptions,
  request: WriteRequest,
): Promise<DeleteResult> {
  const type = writer.type;
  const { context } = request;
  const key = writer.key(request.namespace, request.name);
  await writer.cache.ready();
  let entry = writer.cache.get(key);
  for (;;) {
    if (entry === undefined) throw notFound(writer.resource, request.name);
    const draft = await storedDraft(type, entry);
    checkPreconditions(type, draft, options);
    const old = await inVersion(type, entry, request.version.name);
    const admission = admissionRequest(writer, 'DELETE', undefined, old, { ...request, options: said(options) });
    const mutated = writer.chain(request).mutate(admission);
    if (mutated !== undefined) await mutated;
    const validated = writer.chain(request).validate(admission);
    if (validated !== undefined) await validated;
    const plan = planDeletion(type, draft, options, context.now);
    if (plan.step === 'wait') return { removed: false, entry, pending: true };
    if (plan.step === 'remove') {
      const gone = await writer.remove(entry, context);
      if (gone !== undefined) return { removed: true, entry: gone };
    } else {
      const value = writer.encode(draft);
      if (sameStoredForm(entry, value, draft)) return { removed: false, entry };
      if (context.dryRun) return { removed: false, entry: unwritten(entry, value, draft) };
      const marked = await writer.commit(type, key, entry.revision, value, draft);
      if (marked !== undefined) return { removed: false, entry: marked };
    }
    entry = await writer.reread(key);
  }
}

/** What was said, without what is empty. */
function said({ dryRun: _, preconditions = {}, ...rest }: DeleteOptions): OperationOptions {
  return Object.keys(preconditions).length === 0 ? rest : { ...rest, preconditions };
}
