import { withoutIdleTimes } from '../machinery/apply/field-manager.ts';
import type { ApiObject } from '../machinery/object.ts';

export function keepManagedFields(draft: ApiObject, entries: ApiObject['metadata']['managedFields']): void {
  if (entries === undefined || entries.length === 0) delete draft.metadata.managedFields;
  else draft.metadata.managedFields = entries;
}

/** Takes the time of a write back that has changed nothing, so that it is seen to be none. */
export function forgetIdleTimes(draft: ApiObject, live: ApiObject): void {
  keepManagedFields(draft, withoutIdleTimes(draft, live));
}
