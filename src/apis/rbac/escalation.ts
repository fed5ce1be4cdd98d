/**
 * Nobody grants what they do not have: who writes a role must hold its rules or may `escalate` it, who writes a binding
 * must hold the rules of the role or may `bind` it. Members of system:masters may both.
 * Source: Kubernetes RBAC, "Privilege escalation prevention and bootstrapping"; `pkg/registry/rbac` (policybased).
 */
import { deepEqual } from '../../machinery/json.ts';
import type { ApiObject } from '../../machinery/object.ts';
import { forbiddenError, notFound } from '../../machinery/status.ts';
import type { Authorizer } from '../authorizer.ts';
import type { RequestContext, ResourceAccess } from '../resource-type.ts';
import type { ClusterRole, Role, RoleBinding } from '../types.ts';
import { compact, quoted, type Rule, ruleText, uncovered } from './rule-cover.ts';
import { rbacGroup } from './rules.ts';

const everything: readonly Rule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/** Throws 403 when the user may not give what the role gives. */
export async function checkRoleWrite(
  plural: 'roles' | 'clusterroles',
  draft: Role | ClusterRole,
  old: ApiObject | undefined,
  context: RequestContext,
): Promise<void> {
  if (isSuperuser(context)) return;
  const { namespace = '', name = '' } = draft.metadata;
  const requested = old === undefined ? '' : name;
  if (await may('escalate', plural, namespace, requested, context)) return;
  if (old !== undefined && changesOnlyOwnership(draft, old)) return;
  const why = missingRules(draft.rules ?? [], namespace, context);
  if (why !== undefined) throw forbiddenError({ group: rbacGroup, name: plural }, name, why);
  // What an aggregation rule gathers is not known beforehand.
  if (!isAggregated(draft) && !(old !== undefined && isAggregated(old))) return;
  if (missingRules(everything, namespace, context) !== undefined) {
    throw forbiddenError(
      { group: rbacGroup, name: plural },
      name,
      'must have cluster-admin privileges to use the aggregationRule',
    );
  }
}

/** Throws 403 when the user may not give the role that the binding refers to, 404 when there is none. */
export async function checkBindingWrite(
  plural: 'rolebindings' | 'clusterrolebindings',
  draft: Pick<RoleBinding, 'metadata' | 'roleRef'> & ApiObject,
  old: ApiObject | undefined,
  access: ResourceAccess,
  context: RequestContext,
): Promise<void> {
  if (isSuperuser(context)) return;
  if (old !== undefined && changesOnlyOwnership(draft, old)) return;
  const { roleRef } = draft;
  const { namespace = '', name = '' } = draft.metadata;
  const role = roleRef.kind === 'Role' ? 'roles' : roleRef.kind === 'ClusterRole' ? 'clusterroles' : undefined;
  // Validation refuses it in better words.
  if (role === undefined || roleRef.name === '') return;
  if (await may('bind', role, namespace, roleRef.name, context)) return;
  const within = role === 'roles' ? namespace : undefined;
  const found = await access.get({ group: rbacGroup, plural: role }, within, roleRef.name);
  if (found === undefined) throw notFound({ group: rbacGroup, name: role }, roleRef.name);
  const why = missingRules((found as Role).rules ?? [], namespace, context);
  if (why !== undefined) throw forbiddenError({ group: rbacGroup, name: plural }, name, why);
}

function isSuperuser({ user }: RequestContext): boolean {
  return user.groups.includes('system:masters');
}

async function may(
  verb: string,
  resource: string,
  namespace: string,
  name: string,
  { user, authorizer }: RequestContext,
): Promise<boolean> {
  const question = { user, verb, group: rbacGroup, version: '*', resource, subresource: '', namespace, name };
  return (await authorizer.authorize(question)).verdict === 'allow';
}

/** Which of the rules the user does not hold, in Kubernetes' sentence; `undefined`: it holds them all. */
function missingRules(
  rules: readonly Rule[],
  namespace: string,
  { user, authorizer }: { readonly user: RequestContext['user']; readonly authorizer: Authorizer },
): string | undefined {
  const held = authorizer.rulesFor?.(user, namespace);
  const missing = uncovered([...(held?.resourceRules ?? []), ...(held?.nonResourceRules ?? [])], rules);
  if (missing.length === 0) return undefined;
  const texts = [...new Set(compact(missing).map(ruleText))].sort();
  const errors = (held?.error ?? '') === '' ? '' : `; resolution errors: [${held!.error}]`;
  return `user ${JSON.stringify(user.name)} (groups=${quoted(user.groups)}) is attempting to grant RBAC permissions not currently held:\n${texts.join('\n')}${errors}`;
}

function isAggregated(role: ApiObject): boolean {
  return (role as ClusterRole).aggregationRule != null;
}

/** The garbage collector must be able to clean up what it could not grant. */
function changesOnlyOwnership(draft: ApiObject, old: ApiObject): boolean {
  return deepEqual(withoutOwnership(draft), withoutOwnership(old));
}

function withoutOwnership(object: ApiObject): ApiObject {
  const {
    ownerReferences: _,
    finalizers: __,
    managedFields: ___,
    resourceVersion: ____,
    ...metadata
  } = object.metadata;
  return { ...object, metadata };
}
