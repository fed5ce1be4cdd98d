/** What the policies of admission share. Source: Kubernetes `pkg/apis/admissionregistration`. */
import type * as k8s from '@kubernetes/client-node';
import { type FieldError, type FieldPath, notSupported, required } from '../../machinery/field.ts';
import { checkLabelSelector } from '../core/scheduling-validation.ts';
import type { Wire } from '../types.ts';
import { validateRule } from './webhook-configuration.ts';

export type MatchResources = Wire<k8s.V1MatchResources>;

export function defaultMatchResources(match: MatchResources): void {
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])]) rule.scope ??= '*';
}

export function validateMatchResources(match: MatchResources | undefined, path: FieldPath, errors: FieldError[]): void {
  if (match === undefined) return;
  const { matchPolicy, namespaceSelector, objectSelector, resourceRules, excludeResourceRules } = match;
  const policies = ['Equivalent', 'Exact'];
  if (matchPolicy === undefined) errors.push(required(path.child('matchPolicy')));
  else if (!policies.includes(matchPolicy)) errors.push(notSupported(path.child('matchPolicy'), matchPolicy, policies));
  if (namespaceSelector === undefined) errors.push(required(path.child('namespaceSelector')));
  else checkLabelSelector(namespaceSelector, path.child('namespaceSelector'), errors);
  if (objectSelector === undefined) errors.push(required(path.child('objectSelector')));
  else checkLabelSelector(objectSelector, path.child('objectSelector'), errors);
  for (const [i, rule] of (resourceRules ?? []).entries())
    validateRule(rule, path.child('resourceRules').index(i), errors);
  for (const [i, rule] of (excludeResourceRules ?? []).entries()) {
    validateRule(rule, path.child('excludeResourceRules').index(i), errors);
  }
}
