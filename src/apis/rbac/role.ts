import { builtinType } from '../builtin.ts';
import { nameColumn } from '../columns.ts';
import type { Role } from '../types.ts';
import { checkRoleWrite } from './escalation.ts';
import { createdColumn, rbacGroup, validateRbacName, validateRules } from './rules.ts';

const validate = ({ rules }: Role) => validateRules(rules, true);

export const roleType = builtinType<Role>({
  group: rbacGroup,
  kind: 'Role',
  plural: 'roles',
  columns: [nameColumn, createdColumn],
  strategy: {
    allowCreateOnUpdate: true,
    validateName: validateRbacName,
    validate,
    validateUpdate: validate,
    authorize: (draft, old, _access, context) => checkRoleWrite('roles', draft, old, context),
  },
});
