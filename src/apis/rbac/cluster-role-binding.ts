import { builtinType } from '../builtin.ts';
import { ageColumn, nameColumn } from '../columns.ts';
import type { ClusterRoleBinding } from '../types.ts';
import { checkBindingWrite } from './escalation.ts';
import {
  defaultBinding,
  rbacGroup,
  roleColumn,
  subjectColumns,
  validateBinding,
  validateBindingUpdate,
  validateRbacName,
} from './rules.ts';

export const clusterRoleBindingType = builtinType<ClusterRoleBinding>({
  group: rbacGroup,
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  scope: 'Cluster',
  columns: [nameColumn, roleColumn, ageColumn, ...subjectColumns],
  strategy: {
    allowCreateOnUpdate: true,
    validateName: validateRbacName,
    default: defaultBinding,
    authorize: (draft, old, access, context) => checkBindingWrite('clusterrolebindings', draft, old, access, context),
    validate: (binding) => validateBinding(binding, false),
    validateUpdate: (binding, old) => validateBindingUpdate(binding, old, false),
  },
});
