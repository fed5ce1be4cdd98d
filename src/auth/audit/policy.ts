/**
 * What is written of which request: the rules of an audit policy, the first of which that matches decides.
 * Source: `audit.k8s.io/v1` Policy; `k8s.io/apiserver/pkg/audit/policy` (checker.go).
 */
import type { Attributes, ResourceAttributes } from '../../apis/authorizer.ts';

export type Level = 'None' | 'Metadata' | 'Request' | 'RequestResponse';
export type Stage = 'RequestReceived' | 'ResponseStarted' | 'ResponseComplete' | 'Panic';

export const levels: readonly Level[] = ['None', 'Metadata', 'Request', 'RequestResponse'];
export const stages: readonly Stage[] = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'];

export interface AuditPolicy {
  readonly rules: readonly PolicyRule[];
  readonly omitStages?: readonly Stage[];
  readonly omitManagedFields?: boolean;
}

/** Lists that are empty or absent match everything. */
export interface PolicyRule {
  readonly level: Level;
  readonly users?: readonly string[];
  readonly userGroups?: readonly string[];
  readonly verbs?: readonly string[];
  readonly resources?: readonly GroupResources[];
  /** The empty name stands for what is in no namespace. */
  readonly namespaces?: readonly string[];
  /** Whole paths, or their beginnings with a `*` behind them. */
  readonly nonResourceURLs?: readonly string[];
  readonly omitStages?: readonly Stage[];
  readonly omitManagedFields?: boolean;
}

export interface GroupResources {
  readonly group?: string;
  // With its subresource: `pods/log`. `*` stands for all, or for all resources or subresources: `pods/*`, `*/scale`.
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** What a policy says of one request. */
export interface AuditConfig {
  readonly level: Level;
  readonly omitStages: ReadonlySet<Stage>;
  readonly omitManagedFields: boolean;
}

export type AuditPolicyRules = (attributes: Attributes) => AuditConfig;

/** Requests that no rule matches are not audited. */
export function compilePolicy(policy: AuditPolicy): AuditPolicyRules {
  const { omitStages = [], omitManagedFields = false } = policy;
  const rules = policy.rules.map((rule) => ({
    rule,
    config: {
      level: rule.level,
      omitStages: new Set([...omitStages, ...(rule.omitStages ?? [])]),
      omitManagedFields: rule.omitManagedFields ?? omitManagedFields,
    },
  }));
  const none: AuditConfig = { level: 'None', omitStages: new Set(omitStages), omitManagedFields };
  return (attributes) => rules.find(({ rule }) => matches(rule, attributes))?.config ?? none;
}

const says = (list: readonly string[] | undefined): list is readonly string[] => list !== undefined && list.length > 0;

function matches(rule: PolicyRule, attributes: Attributes): boolean {
  const { user, verb } = attributes;
  if (says(rule.users) && !rule.users.includes(user.name)) return false;
  if (says(rule.userGroups) && !user.groups.some((group) => rule.userGroups!.includes(group))) return false;
  if (says(rule.verbs) && !rule.verbs.includes(verb)) return false;
  if (says(rule.namespaces) || (rule.resources ?? []).length > 0) {
    return !('path' in attributes) && matchesResource(rule, attributes);
  }
  if (says(rule.nonResourceURLs)) {
    return 'path' in attributes && rule.nonResourceURLs.some((spec) => matchesPath(spec, attributes.path));
  }
  return true;
}

function matchesPath(spec: string, path: string): boolean {
  return spec === '*' || spec === path || (spec.endsWith('*') && path.startsWith(spec.replace(/\*+$/, '')));
}

function matchesResource({ namespaces, resources = [] }: PolicyRule, attributes: ResourceAttributes): boolean {
  if (says(namespaces) && !namespaces.includes(attributes.namespace ?? '')) return false;
  if (resources.length === 0) return true;
  const { group, resource, subresource, name } = attributes;
  const whole = subresource === '' ? resource : `${resource}/${subresource}`;
  return resources.some((given) => {
    if ((given.group ?? '') !== group) return false;
    if (!says(given.resources)) return true;
    if (says(given.resourceNames) && !given.resourceNames.includes(name)) return false;
    return given.resources.some(
      (pattern) =>
        pattern === whole ||
        pattern === '*' ||
        pattern === `${resource}/*` ||
        (subresource !== '' && pattern === `*/${subresource}`),
    );
  });
}
