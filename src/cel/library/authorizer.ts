/**
 * Authorization checks: `authorizer.group('apps').resource('deployments').check('create').allowed()`.
 * Source: Kubernetes' `apiserver/pkg/cel/library/authz.go`. The host decides; this library only builds the question.
 */
import { nameIsDnsSubdomain, validateNamespaceName } from '../../machinery/names.ts';
import { declare, type Library } from '../functions.ts';
import { parseType } from '../types.ts';
import { CelError, OpaqueValue, type Value } from '../values.ts';

/** Whom a check asks about when it is not the requester: a service account. */
export interface ServiceAccount {
  readonly namespace: string;
  readonly name: string;
}

/** What an expression asks: about a path, or about a resource. */
export interface AuthorizationQuestion {
  readonly verb: string;
  readonly serviceAccount?: ServiceAccount;
  readonly path?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

export interface AuthorizationAnswer {
  readonly allowed: boolean;
  readonly reason: string;
  /** What went wrong, or the empty string. */
  readonly error: string;
}

/** Answered by the host, synchronously: expressions do not wait. */
export type Authorize = (question: AuthorizationQuestion) => AuthorizationAnswer;

type Kind = 'Authorizer' | 'PathCheck' | 'GroupCheck' | 'ResourceCheck';
const typeNameOf = (kind: string): string => `kubernetes.authorization.${kind}`;
const authorizerName = typeNameOf('Authorizer');
const pathName = typeNameOf('PathCheck');
const groupName = typeNameOf('GroupCheck');
const resourceName = typeNameOf('ResourceCheck');
const decisionName = typeNameOf('Decision');

export const authorizerType = parseType(authorizerName);
export const resourceCheckType = parseType(resourceName);

/** An authorizer, or a question that is not complete yet. */
class CheckValue extends OpaqueValue {
  readonly typeName: string;
  readonly authorize: Authorize;
  readonly question: Omit<AuthorizationQuestion, 'verb'>;

  constructor(kind: Kind, authorize: Authorize, question: Omit<AuthorizationQuestion, 'verb'>) {
    super();
    this.typeName = typeNameOf(kind);
    this.authorize = authorize;
    this.question = question;
  }

  equals(other: OpaqueValue): boolean {
    return this === other;
  }

  with(kind: Kind, more: Partial<AuthorizationQuestion>): CheckValue {
    return new CheckValue(kind, this.authorize, { ...this.question, ...more });
  }

  check(verb: string): DecisionValue {
    return new DecisionValue(this.authorize({ ...this.question, verb }));
  }
}

class DecisionValue extends OpaqueValue {
  readonly typeName = decisionName;
  readonly answer: AuthorizationAnswer;

  constructor(answer: AuthorizationAnswer) {
    super();
    this.answer = answer;
  }

  equals(other: OpaqueValue): boolean {
    return this === other;
  }
}

/** The value of the variable `authorizer`. */
export function authorizerValue(authorize: Authorize): OpaqueValue {
  return new CheckValue('Authorizer', authorize, {});
}

/** The value of `authorizer.requestResource`. */
export function resourceCheckValue(authorize: Authorize, resource: Omit<AuthorizationQuestion, 'verb'>): OpaqueValue {
  return new CheckValue('ResourceCheck', authorize, resource);
}

const refine =
  (field: keyof AuthorizationQuestion) =>
  (check: CheckValue, value: string): Value =>
    check.with('ResourceCheck', { [field]: value });

const nonEmpty =
  (kind: Kind, field: 'path' | 'resource') =>
  (check: CheckValue, value: string): Value =>
    value.trim() === '' ? new CelError(`${field} must not be empty`) : check.with(kind, { [field]: value });

const ask = (check: CheckValue, verb: string): Value => check.check(verb);
const resourceRefinement = `${resourceName}.(string) -> ${resourceName}`;

export const authorizerLibrary: Library = {
  types: [authorizerType, parseType(pathName), parseType(groupName), resourceCheckType, parseType(decisionName)],
  functions: [
    declare('path', { authorizer_path: [`${authorizerName}.(string) -> ${pathName}`, nonEmpty('PathCheck', 'path')] }),
    declare('group', {
      authorizer_group: [
        `${authorizerName}.(string) -> ${groupName}`,
        (check: CheckValue, group: string) => check.with('GroupCheck', { group }),
      ],
    }),
    declare('serviceAccount', {
      authorizer_serviceaccount: [`${authorizerName}.(string, string) -> ${authorizerName}`, serviceAccount],
    }),
    declare('resource', {
      groupcheck_resource: [`${groupName}.(string) -> ${resourceName}`, nonEmpty('ResourceCheck', 'resource')],
    }),
    declare('subresource', { resourcecheck_subresource: [resourceRefinement, refine('subresource')] }),
    declare('namespace', { resourcecheck_namespace: [resourceRefinement, refine('namespace')] }),
    declare('name', { resourcecheck_name: [resourceRefinement, refine('name')] }),
    declare('fieldSelector', { authorizer_fieldselector: [resourceRefinement, refine('fieldSelector')] }),
    declare('labelSelector', { authorizer_labelselector: [resourceRefinement, refine('labelSelector')] }),
    declare('check', {
      pathcheck_check: [`${pathName}.(string) -> ${decisionName}`, ask],
      resourcecheck_check: [`${resourceName}.(string) -> ${decisionName}`, ask],
    }),
    declare('errored', {
      decision_errored: [`${decisionName}.() -> bool`, ({ answer }: DecisionValue) => answer.error !== ''],
    }),
    declare('error', { decision_error: [`${decisionName}.() -> string`, ({ answer }: DecisionValue) => answer.error] }),
    declare('allowed', {
      decision_allowed: [`${decisionName}.() -> bool`, ({ answer }: DecisionValue) => answer.allowed],
    }),
    declare('reason', {
      decision_reason: [`${decisionName}.() -> string`, ({ answer }: DecisionValue) => answer.reason],
    }),
  ],
};

function serviceAccount(check: CheckValue, namespace: string, name: string): Value {
  const nameProblems = nameIsDnsSubdomain(name, false);
  if (nameProblems.length > 0) return new CelError('Invalid service account name');
  const namespaceProblems = validateNamespaceName(namespace, false);
  if (namespaceProblems.length > 0) return new CelError('Invalid service account namespace');
  return check.with('Authorizer', { serviceAccount: { namespace, name } });
}
