import {
  type FieldError,
  FieldPath,
  forbidden,
  invalid,
  notSupported,
  required,
  tooLong,
} from '../../machinery/field.ts';
import { isDomainPrefixedPath } from '../../machinery/names.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import type { IngressClass } from '../types.ts';

export const ingressClassType = builtinType<IngressClass>({
  group: 'networking.k8s.io',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  scope: 'Cluster',
  columns: [
    nameColumn,
    column<IngressClass>('Controller', 'string', ({ spec }) => spec?.controller ?? '', {
      description: 'Controller that is responsible for handling this class',
    }),
    column<IngressClass>('Parameters', 'string', parametersText, {
      description: 'A reference to a resource with additional parameters',
    }),
    ageColumn,
  ],
  strategy: {
    generation: true,
    default({ spec }) {
      if (spec?.parameters !== undefined) spec.parameters.scope ??= 'Cluster';
    },
    validate,
    validateUpdate(object, old) {
      const errors = validate(object);
      if (object.spec?.controller !== old.spec?.controller) {
        errors.push(invalid(FieldPath.of('spec', 'controller'), object.spec?.controller, 'field is immutable'));
      }
      return errors;
    },
  },
});

function parametersText({ spec }: IngressClass): string {
  const { apiGroup, kind, name } = spec?.parameters ?? {};
  if (kind === undefined) return '<none>';
  return apiGroup === undefined ? `${kind}/${name}` : `${kind}.${apiGroup}/${name}`;
}

/** Source: Kubernetes `pkg/apis/networking/validation/validation.go`, ValidateIngressClass. */
function validate({ spec = {} }: IngressClass): FieldError[] {
  const errors: FieldError[] = [];
  const path = FieldPath.of('spec');
  const controller = spec.controller ?? '';
  const at = path.child('controller');
  if (controller.length > 250) errors.push(tooLong(at, '', 250));
  errors.push(...isDomainPrefixedPath(at, controller));
  if (spec.parameters === undefined) return errors;
  const { kind, name, scope, namespace } = spec.parameters;
  const parameters = path.child('parameters');
  if (kind === '') errors.push(required(parameters.child('kind'), 'kind is required'));
  if (name === '') errors.push(required(parameters.child('name'), 'name is required'));
  if (scope === undefined) errors.push(required(parameters.child('scope')));
  else if (scope !== 'Cluster' && scope !== 'Namespace')
    errors.push(notSupported(parameters.child('scope'), scope, ['Cluster', 'Namespace']));
  if (scope === 'Namespace' && namespace === undefined) {
    errors.push(required(parameters.child('namespace'), "`parameters.scope` is set to 'Namespace'"));
  }
  if (scope === 'Cluster' && namespace !== undefined) {
    errors.push(forbidden(parameters.child('namespace'), "`parameters.scope` is set to 'Cluster'"));
  }
  return errors;
}
