/** `pods/ephemeralcontainers`: containers that are added to a running pod, and stay. Source: KEP-277. */
import { type FieldError, FieldPath, forbidden } from '../../machinery/field.ts';
import { deepEqual } from '../../machinery/json.ts';
import { restoreObjectMeta } from '../../machinery/object-meta.ts';
import type { KindSubresource } from '../builtin.ts';
import type { Pod } from '../types.ts';
import { mirrorAnnotation, validatePodSpec } from './pod-validation.ts';

export const ephemeralContainersSubresource: KindSubresource<Pod> = {
  verbs: ['get', 'update', 'patch'],
  resetFields: ['metadata', 'status'],
  prepareForUpdate(draft, old) {
    const { ephemeralContainers } = draft.spec!;
    draft.spec = { ...old.spec! };
    if (ephemeralContainers === undefined) delete draft.spec.ephemeralContainers;
    else draft.spec.ephemeralContainers = ephemeralContainers;
    draft.status = old.status!;
    restoreObjectMeta(draft, old);
  },
  validateUpdate: validate,
};

/** What is there already may neither change nor go. */
function validate(pod: Pod, old: Pod): FieldError[] {
  const errors: FieldError[] = [];
  const path = FieldPath.of('spec');
  validatePodSpec(pod.spec!, pod.metadata, path, errors);
  if (old.metadata.annotations?.[mirrorAnnotation] !== undefined) {
    errors.push(forbidden('[]', 'static pods do not support ephemeral containers'));
  }
  const at = path.child('ephemeralContainers');
  const now = pod.spec!.ephemeralContainers ?? [];
  for (const container of old.spec!.ephemeralContainers ?? []) {
    const found = now.find(({ name }) => name === container.name);
    const quoted = JSON.stringify(container.name);
    if (found === undefined) errors.push(forbidden(at, `existing ephemeral containers ${quoted} may not be removed\n`));
    else if (!deepEqual(found, container)) {
      errors.push(forbidden(at, `existing ephemeral containers ${quoted} may not be changed\n`));
    }
  }
  return errors;
}
