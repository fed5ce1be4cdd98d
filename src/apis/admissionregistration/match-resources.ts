/** What the policies of admission share. Source: Kubernetes `pkg/apis/admissionregistration`. */
import type * as k8s from '@kubernetes/client-node';
import { duplicate, type FieldError, type FieldPath, notSupported, required } from '../../machinery/field.ts';
import { isPathSegmentName } from '../../machinery/names.ts';
import { checkAll } from '../core/field-rules.ts';
import { checkLabelSelector } from '../core/scheduling-validation.ts';
import type { Wire } from '../types.ts';
import { validateRule } from './rule.ts';

export type MatchResources = Wire<k8s.V1MatchResources>;

export function defaultMatchResources(match: MatchResources): void {
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])]) rule.scope ??= '*';
}

/** `operations`: those that a rule may name; default: all. */
export function validateMatchResources(
  match: MatchResources | undefined,
  path: FieldPath,
  errors: FieldError[],
  operations?: readonly string[],
): void {
  if (match === undefined) return;
  const { matchPolicy, namespaceSelector, objectSelector, resourceRules, excludeResourceRules } = match;
  const policies = ['Equivalent', 'Exact'];
  if (matchPolicy === undefined) errors.push(required(path.child('matchPolicy')));
  else if (!policies.includes(matchPolicy)) errors.push(notSupported(path.child('matchPolicy'), matchPolicy, policies));
  if (namespaceSelector === undefined) errors.push(required(path.child('namespaceSelector')));
  else checkLabelSelector(namespaceSelector, path.child('namespaceSelector'), errors);
  if (objectSelector === undefined) errors.push(required(path.child('objectSelector')));
  else checkLabelSelector(objectSelector, path.child('objectSelector'), errors);
  validateNamedRules(resourceRules ?? [], path.child('resourceRules'), errors, operations);
  validateNamedRules(excludeResourceRules ?? [], path.child('excludeResourceRules'), errors, operations);
}

function validateNamedRules(
  rules: NonNullable<MatchResources['resourceRules']>,
  path: FieldPath,
  errors: FieldError[],
  operations: readonly string[] | undefined,
): void {
  for (const [i, rule] of rules.entries()) {
    const names = new Set<string>();
    for (const [j, name] of (rule.resourceNames ?? []).entries()) {
      const at = path.index(i).child('resourceNames').index(j);
      checkAll(isPathSegmentName(name), at, name, errors);
      if (names.has(name)) errors.push(duplicate(at, name));
      names.add(name);
    }
    validateRule(rule, path.index(i), errors, operations);
  }
}
