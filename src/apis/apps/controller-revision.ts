import { type FieldError, FieldPath, invalid, required } from '../../machinery/field.ts';
import { validateImmutableField } from '../../machinery/object-meta.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { checkNonNegative } from '../core/field-rules.ts';
import type { ControllerRevision } from '../types.ts';

const definition = 'io.k8s.api.apps.v1.ControllerRevision';

export const controllerRevisionType = builtinType<ControllerRevision>({
  group: 'apps',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  columns: [
    nameColumn,
    column<ControllerRevision>('Controller', 'string', controllerText, { description: 'Controller of the object' }),
    column<ControllerRevision>('Revision', 'string', ({ revision }) => revision, {
      describedBy: [definition, 'revision'],
    }),
    ageColumn,
  ],
  strategy: {
    validate,
    validateUpdate: (object, old) => [
      ...validate(object),
      ...validateImmutableField(object.data, old.data, FieldPath.of('data')),
    ],
  },
});

/** Source: Kubernetes `pkg/apis/apps/validation/validation.go`, ValidateControllerRevision. */
function validate({ data, revision }: ControllerRevision): FieldError[] {
  const errors: FieldError[] = [];
  if (data === undefined || data === null) errors.push(required('data', 'data is mandatory'));
  else if (typeof data !== 'object') errors.push(invalid('data', data, 'must be a valid JSON object'));
  checkNonNegative(revision, FieldPath.of('revision'), errors);
  return errors;
}

function controllerText({ metadata }: ControllerRevision): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return '<none>';
  const slash = owner.apiVersion.indexOf('/');
  const group = slash < 0 ? '' : `.${owner.apiVersion.slice(0, slash)}`;
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
}
