/**
 * Which objects a ResourceQuota is about: all of the kinds it counts, or those that match every one of its scopes.
 * Source: Kubernetes `pkg/quota/v1/evaluator/core/pods.go`, podMatchesScopeFunc; `persistent_volume_claims.go`.
 */
import type { ApiObject } from '../../machinery/object.ts';
import { qosClass } from '../core/pod-qos.ts';
import type { Affinity, PersistentVolumeClaim, Pod, ResourceQuota } from '../types.ts';

interface ScopeRule {
  readonly scope: string;
  readonly operator: string;
  readonly values: readonly string[];
}

/** A quota without scopes is about every object. Scopes say something of pods and claims alone. */
export function matchesScopes(quota: ResourceQuota, group: string, plural: string, object: ApiObject): boolean {
  const rules = scopeRules(quota);
  if (rules.length === 0) return true;
  if (group !== '') return false;
  if (plural === 'pods') return rules.every((rule) => podMatches(rule, object as Pod));
  if (plural === 'persistentvolumeclaims')
    return rules.every((rule) => claimMatches(rule, object as PersistentVolumeClaim));
  return false;
}

function scopeRules({ spec }: ResourceQuota): ScopeRule[] {
  return [
    ...(spec?.scopes ?? []).map((scope) => ({ scope, operator: 'Exists', values: [] })),
    ...(spec?.scopeSelector?.matchExpressions ?? []).map(({ scopeName, operator, values = [] }) => ({
      scope: scopeName,
      operator,
      values,
    })),
  ];
}

function podMatches(rule: ScopeRule, { spec }: Pod): boolean {
  switch (rule.scope) {
    case 'Terminating':
      return isTerminating(spec!);
    case 'NotTerminating':
      return !isTerminating(spec!);
    case 'BestEffort':
      return qosClass(spec!) === 'BestEffort';
    case 'NotBestEffort':
      return qosClass(spec!) !== 'BestEffort';
    case 'PriorityClass':
      return textMatches(rule, spec!.priorityClassName ?? '');
    case 'CrossNamespacePodAffinity':
      return looksAcrossNamespaces(spec!.affinity);
    default:
      return false;
  }
}

const claimMatches = (rule: ScopeRule, { spec }: PersistentVolumeClaim): boolean =>
  rule.scope === 'VolumeAttributesClass' && textMatches(rule, spec?.volumeAttributesClassName ?? '');

const isTerminating = ({ activeDeadlineSeconds }: NonNullable<Pod['spec']>): boolean =>
  activeDeadlineSeconds !== undefined && activeDeadlineSeconds >= 0;

function textMatches({ operator, values }: ScopeRule, text: string): boolean {
  switch (operator) {
    case 'In':
      return text !== '' && values.includes(text);
    case 'NotIn':
      return !values.includes(text);
    case 'Exists':
      return text !== '';
    default:
      return text === '';
  }
}

/** Source: KEP-2249. */
function looksAcrossNamespaces(affinity: Affinity | undefined): boolean {
  return [affinity?.podAffinity, affinity?.podAntiAffinity].some((terms) =>
    [
      ...(terms?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(terms?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
    ].some(({ namespaces = [], namespaceSelector }) => namespaces.length > 0 || namespaceSelector !== undefined),
  );
}
