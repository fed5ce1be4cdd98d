import { type FieldError, FieldPath, required } from '../../machinery/field.ts';
import { builtinType } from '../builtin.ts';
import { nameColumn } from '../columns.ts';
import { checkLabelSelector } from '../core/scheduling-validation.ts';
import type { ClusterRole } from '../types.ts';
import { checkRoleWrite } from './escalation.ts';
import { createdColumn, rbacGroup, validateRbacName, validateRules } from './rules.ts';

export const clusterRoleType = builtinType<ClusterRole>({
  group: rbacGroup,
  kind: 'ClusterRole',
  plural: 'clusterroles',
  scope: 'Cluster',
  columns: [nameColumn, createdColumn],
  strategy: {
    allowCreateOnUpdate: true,
    validateName: validateRbacName,
    validate,
    validateUpdate: validate,
    authorize: (draft, old, _access, context) => checkRoleWrite('clusterroles', draft, old, context),
  },
});

function validate({ rules, aggregationRule }: ClusterRole): FieldError[] {
  const errors = validateRules(rules, false);
  if (aggregationRule === undefined) return errors;
  const path = FieldPath.of('aggregationRule', 'clusterRoleSelectors');
  const selectors = aggregationRule.clusterRoleSelectors ?? [];
  if (selectors.length === 0) {
    errors.push(required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil'));
  }
  for (const [i, selector] of selectors.entries()) checkLabelSelector(selector, path.index(i), errors);
  return errors;
}
