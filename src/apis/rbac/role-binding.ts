import { builtinType } from '../builtin.ts';
import { ageColumn, nameColumn } from '../columns.ts';
import type { RoleBinding } from '../types.ts';
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

export const roleBindingType = builtinType<RoleBinding>({
  group: rbacGroup,
  kind: 'RoleBinding',
  plural: 'rolebindings',
  columns: [nameColumn, roleColumn, ageColumn, ...subjectColumns],
  strategy: {
    allowCreateOnUpdate: true,
    validateName: validateRbacName,
    default: defaultBinding,
    authorize: (draft, old, access, context) => checkBindingWrite('rolebindings', draft, old, access, context),
    validate: (binding) => validateBinding(binding, true),
    validateUpdate: (binding, old) => validateBindingUpdate(binding, old, true),
  },
});
