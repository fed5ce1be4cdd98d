import { type FieldError, FieldPath, invalid } from '../../machinery/field.ts';
import { isQualifiedName, validateNamespaceName } from '../../machinery/names.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import type { Namespace } from '../types.ts';

/** The label that carries a namespace's name, so that selectors can name it (KEP-2161). */
const nameLabel = 'kubernetes.io/metadata.name';
/** Held until the namespace is empty; the namespace controller takes it away. */
const kubernetesFinalizer = 'kubernetes';

export const namespaceType = builtinType<Namespace>({
  group: '',
  kind: 'Namespace',
  plural: 'namespaces',
  shortNames: ['ns'],
  scope: 'Cluster',
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  status: true,
  columns: [
    nameColumn,
    column<Namespace>('Status', 'string', ({ status }) => status?.phase ?? '', {
      description: 'The status of the namespace',
    }),
    ageColumn,
  ],
  selectableFields: [{ name: 'status.phase', value: (object) => (object as unknown as Namespace).status?.phase ?? '' }],
  strategy: {
    validateName: (name, prefix) => validateNamespaceName(name, prefix),
    default(draft) {
      draft.status!.phase ??= 'Active';
      if ((draft.metadata.name ?? '') === '') return;
      draft.metadata.labels = { ...draft.metadata.labels, [nameLabel]: draft.metadata.name! };
    },
    prepareForCreate(draft) {
      draft.status = { phase: 'Active' };
      const finalizers = draft.spec?.finalizers ?? [];
      if (!finalizers.includes(kubernetesFinalizer))
        draft.spec = { ...draft.spec, finalizers: [...finalizers, kubernetesFinalizer] };
    },
    prepareForUpdate(draft, old) {
      // Only the finalize subresource changes these.
      draft.spec = { ...draft.spec };
      if (old.spec?.finalizers === undefined) delete draft.spec.finalizers;
      else draft.spec.finalizers = old.spec.finalizers;
    },
    prepareForDelete(draft) {
      draft.status = { ...draft.status, phase: 'Terminating' };
    },
    pendingFinalizers: ({ spec }) => (spec?.finalizers?.length ?? 0) > 0,
    validate: ({ spec }) => validateFinalizers(spec?.finalizers),
    validateStatusUpdate: validateStatusUpdate,
  },
  objectSubresources: {
    // Replaces `spec.finalizers`; the last one that goes takes a namespace under deletion with it.
    finalize: {
      verbs: ['update'],
      resetFields: ['status'],
      prepareForUpdate(draft, old) {
        if (old.status === undefined) delete draft.status;
        else draft.status = old.status;
      },
      validateUpdate: ({ spec }) => validateFinalizers(spec?.finalizers),
    },
  },
});

function validateFinalizers(finalizers: readonly string[] | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const path = FieldPath.of('spec', 'finalizers');
  for (const [i, finalizer] of (finalizers ?? []).entries()) {
    const problems = isQualifiedName(finalizer);
    for (const problem of problems) errors.push(invalid(path.index(i), finalizer, problem));
    if (!finalizer.includes('/') && finalizer !== kubernetesFinalizer && problems.length === 0) {
      errors.push(
        invalid(path.index(i), finalizer, 'name is neither a standard finalizer name nor is it fully qualified'),
      );
    }
  }
  return errors;
}

function validateStatusUpdate(object: Namespace): FieldError[] {
  const path = FieldPath.of('status', 'phase');
  const phase = object.status?.phase;
  if (object.metadata.deletionTimestamp === undefined) {
    if (phase !== 'Active') return [invalid(path, phase ?? '', "may only be 'Active' if `deletionTimestamp` is empty")];
  } else if (phase !== 'Terminating') {
    return [invalid(path, phase ?? '', "may only be 'Terminating' if `deletionTimestamp` is not empty")];
  }
  return [];
}
