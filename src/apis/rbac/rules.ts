/** What the four kinds of RBAC share. Source: Kubernetes `pkg/apis/rbac/validation/validation.go`, `pkg/apis/rbac/v1/defaults.go`. */
import type * as k8s from '@kubernetes/client-node';
import { type FieldError, FieldPath, invalid, notSupported, required } from '../../machinery/field.ts';
import { deepEqual } from '../../machinery/json.ts';
import { isPathSegmentName, validateServiceAccountName } from '../../machinery/names.ts';
import type { ApiObject } from '../../machinery/object.ts';
import { column } from '../columns.ts';
import type { Column } from '../resource-type.ts';
import type { RoleBinding, Wire } from '../types.ts';

type PolicyRule = Wire<k8s.V1PolicyRule>;
type Subject = Wire<k8s.RbacV1Subject>;

export const rbacGroup = 'rbac.authorization.k8s.io';

/** Names of roles stand in paths and nowhere else. */
export const validateRbacName = (name: string, prefix: boolean): string[] => isPathSegmentName(name, prefix);

export const createdColumn: Column = column<ApiObject>(
  'Created At',
  'date',
  ({ metadata }) => metadata.creationTimestamp ?? null,
  {
    describedBy: ['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', 'creationTimestamp'],
  },
);

export function validateRules(rules: readonly PolicyRule[] | null | undefined, namespaced: boolean): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, rule] of (rules ?? []).entries())
    validateRule(rule, namespaced, FieldPath.of('rules').index(i), errors);
  return errors;
}

function validateRule(rule: PolicyRule, namespaced: boolean, path: FieldPath, errors: FieldError[]): void {
  const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  if ((verbs?.length ?? 0) === 0) errors.push(required(path.child('verbs'), 'verbs must contain at least one value'));
  if (nonResourceURLs.length > 0) {
    const at = path.child('nonResourceURLs');
    if (namespaced) errors.push(invalid(at, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'));
    if (apiGroups.length > 0 || resources.length > 0 || resourceNames.length > 0) {
      errors.push(invalid(at, nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'));
    }
    return;
  }
  if (apiGroups.length === 0)
    errors.push(required(path.child('apiGroups'), 'resource rules must supply at least one api group'));
  if (resources.length === 0)
    errors.push(required(path.child('resources'), 'resource rules must supply at least one resource'));
}

/** Where a binding may leave the group out. */
export function defaultBinding(binding: Pick<RoleBinding, 'roleRef' | 'subjects'>): void {
  if ((binding.roleRef.apiGroup ?? '') === '') binding.roleRef.apiGroup = rbacGroup;
  for (const subject of binding.subjects ?? []) {
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ??= rbacGroup;
  }
}

export function validateBinding(
  { roleRef, subjects }: Pick<RoleBinding, 'roleRef' | 'subjects'>,
  namespaced: boolean,
): FieldError[] {
  const errors: FieldError[] = [];
  const path = FieldPath.of('roleRef');
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  if (roleRef.apiGroup !== rbacGroup) errors.push(notSupported(path.child('apiGroup'), roleRef.apiGroup, [rbacGroup]));
  if (!kinds.includes(roleRef.kind)) errors.push(notSupported(path.child('kind'), roleRef.kind, kinds));
  if (roleRef.name === '') errors.push(required(path.child('name')));
  else {
    for (const problem of isPathSegmentName(roleRef.name))
      errors.push(invalid(path.child('name'), roleRef.name, problem));
  }
  for (const [i, subject] of (subjects ?? []).entries()) {
    validateSubject(subject, namespaced, FieldPath.of('subjects').index(i), errors);
  }
  return errors;
}

function validateSubject(subject: Subject, namespaced: boolean, path: FieldPath, errors: FieldError[]): void {
  const { kind, name, namespace = '', apiGroup = '' } = subject;
  if (name === '') errors.push(required(path.child('name')));
  switch (kind) {
    case 'ServiceAccount':
      if (name !== '') {
        for (const problem of validateServiceAccountName(name)) errors.push(invalid(path.child('name'), name, problem));
      }
      if (apiGroup !== '') errors.push(notSupported(path.child('apiGroup'), apiGroup, ['']));
      if (!namespaced && namespace === '') errors.push(required(path.child('namespace')));
      break;
    case 'User':
    case 'Group':
      if (apiGroup !== rbacGroup) errors.push(notSupported(path.child('apiGroup'), apiGroup, [rbacGroup]));
      break;
    default:
      errors.push(notSupported(path.child('kind'), kind, ['ServiceAccount', 'User', 'Group']));
  }
}

export function validateBindingUpdate(
  object: Pick<RoleBinding, 'roleRef' | 'subjects'>,
  old: Pick<RoleBinding, 'roleRef' | 'subjects'>,
  namespaced: boolean,
): FieldError[] {
  const errors = validateBinding(object, namespaced);
  if (!deepEqual(object.roleRef, old.roleRef)) errors.push(invalid('roleRef', object.roleRef, 'cannot change roleRef'));
  return errors;
}

const definition = 'io.k8s.api.rbac.v1.RoleBinding';

/** The columns of both bindings, beside name and age. */
export const roleColumn: Column = column<RoleBinding>(
  'Role',
  'string',
  ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`,
  {
    describedBy: [definition, 'roleRef'],
  },
);

export const subjectColumns: readonly Column[] = [
  subjectColumn('Users', 'User', 'Users in the roleBinding', ({ name }) => name),
  subjectColumn('Groups', 'Group', 'Groups in the roleBinding', ({ name }) => name),
  subjectColumn(
    'ServiceAccounts',
    'ServiceAccount',
    'ServiceAccounts in the roleBinding',
    ({ namespace, name }) => `${namespace ?? ''}/${name}`,
  ),
];

function subjectColumn(title: string, kind: string, description: string, text: (subject: Subject) => string): Column {
  return column<RoleBinding>(
    title,
    'string',
    ({ subjects }) =>
      (subjects ?? [])
        .filter((subject) => subject.kind === kind)
        .map(text)
        .join(', '),
    { wide: true, description },
  );
}
