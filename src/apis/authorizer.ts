/**
 * What is asked of an authorizer and what it answers. The server asks for every request; reviews, admission policies and
 * the checks of RBAC objects ask on behalf of whom they serve.
 * Source: Kubernetes `k8s.io/apiserver/pkg/authorization/authorizer`; KEP-4601 (field and label selectors).
 */
import type { FieldRequirement } from '../machinery/field-selector.ts';
import type { LabelRequirement } from '../machinery/label-selector.ts';
import type { ObjectSource } from './object-source.ts';
import type { UserInfo } from './user-info.ts';

export interface ResourceAttributes {
  readonly user: UserInfo;
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  /** Undefined (or empty): the cluster scope. */
  readonly namespace: string | undefined;
  /** Empty for collections and creates. */
  readonly name: string;
  /** What a list, watch or deletecollection is narrowed to; absent: to nothing, or by what could not be read. */
  readonly fieldSelector?: readonly FieldRequirement[];
  readonly labelSelector?: readonly LabelRequirement[];
}

export interface PathAttributes {
  readonly user: UserInfo;
  /** The HTTP method in lower case. */
  readonly verb: string;
  readonly path: string;
}

export type Attributes = ResourceAttributes | PathAttributes;

export interface Decision {
  /** `deny` ends the matter; after `no opinion` the next authorizer is asked, and who is allowed by none is refused. */
  readonly verdict: 'allow' | 'deny' | 'no opinion';
  /** Why, for the audit log and the refusal; may be empty. */
  readonly reason: string;
  /** What kept it from deciding: who is not allowed then meets an internal error, not a refusal. */
  readonly error?: string;
}

export interface Authorizer {
  /** Synchronous wherever nothing has to be fetched: every request passes here, and CEL expressions cannot wait. */
  authorize(attributes: Attributes): Decision | Promise<Decision>;
  /** What `user` may do in a namespace (SelfSubjectRulesReview). Absent: it says nothing of any user. */
  rulesFor?(user: UserInfo, namespace: string): UserRules;
  /** Called once before the first request; resolves when it may decide. `source`: what the cluster's objects are. */
  start?(source: ObjectSource): Promise<void>;
}

/** `authorization.k8s.io/v1` ResourceRule. */
export interface ResourceRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** `authorization.k8s.io/v1` NonResourceRule. */
export interface NonResourceRule {
  readonly verbs: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

export interface UserRules {
  readonly resourceRules: readonly ResourceRule[];
  readonly nonResourceRules: readonly NonResourceRule[];
  /** The user may do more than the rules say. */
  readonly incomplete: boolean;
  /** Why the rules are not all; empty: nothing went wrong. */
  readonly error: string;
}

export const allow = (reason: string): Decision => ({ verdict: 'allow', reason });

export const noOpinion: Decision = { verdict: 'no opinion', reason: '' };

/** For servers whose users are checked elsewhere. */
export const alwaysAllow: Authorizer = {
  authorize: () => allowed,
  rulesFor: () => everything,
};

const allowed = allow('');

const everything: UserRules = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  incomplete: false,
  error: '',
};
