/** Terms of pod affinity and anti-affinity, compiled. Source: `core/v1` PodAffinityTerm. */
import type { Pod } from '../client/kinds.ts';
import { LabelSelector, type LabelSelectorSpec, type Labels } from '../machinery/label-selector.ts';

interface TermSpec {
  readonly topologyKey: string;
  readonly labelSelector?: object;
  readonly namespaces?: readonly string[];
  readonly namespaceSelector?: object;
  readonly matchLabelKeys?: readonly string[];
  readonly mismatchLabelKeys?: readonly string[];
}

export type NamespaceLabels = (namespace: string) => Labels | undefined;

export interface AffinityTerm {
  /** Terms of the same text select the same pods in the same topology. */
  readonly text: string;
  readonly topologyKey: string;
  /** What it selects depends on labels of namespaces. */
  readonly byNamespaceLabels: boolean;
  matches(pod: Pod, labelsOf: NamespaceLabels): boolean;
}

export interface WeightedTerm {
  /** Negative: anti-affinity. */
  readonly weight: number;
  readonly term: AffinityTerm;
}

export interface PodTerms {
  readonly affinity: readonly AffinityTerm[];
  readonly antiAffinity: readonly AffinityTerm[];
  readonly preferred: readonly WeightedTerm[];
}

const none: PodTerms = Object.freeze({ affinity: [], antiAffinity: [], preferred: [] });

export function podTerms(pod: Pod): PodTerms {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  if (podAffinity === undefined && podAntiAffinity === undefined) return none;
  const compile = (term: TermSpec): AffinityTerm => compileTerm(term, pod);
  const weighted = (sign: 1 | -1) => (preference: { weight: number; podAffinityTerm: TermSpec }) => ({
    weight: sign * preference.weight,
    term: compile(preference.podAffinityTerm),
  });
  return {
    affinity: (podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(compile),
    antiAffinity: (podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(compile),
    preferred: [
      ...(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(weighted(1)),
      ...(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(weighted(-1)),
    ],
  };
}

/** The pod's own values of the keys are part of what it selects. Source: KEP-3633, KEP-3243. */
export function withLabelKeys(
  selector: LabelSelector,
  { metadata: { labels = {} } }: Pod,
  match: readonly string[] = [],
  mismatch: readonly string[] = [],
): LabelSelector {
  const present = (key: string): boolean => labels[key] !== undefined;
  return selector.and(
    ...match.filter(present).map((key) => ({ key, operator: '=' as const, values: [labels[key]!] })),
    ...mismatch.filter(present).map((key) => ({ key, operator: 'notin' as const, values: [labels[key]!] })),
  );
}

/** The text of a selector that also tells "nothing" from "everything". */
export const selectorText = (selector: LabelSelector): string => (selector.selectsNothing ? '!' : `{${selector}}`);

/** A `metav1.LabelSelector` of an object that the API has accepted. */
export const selectorOf = (spec: object | undefined): LabelSelector =>
  LabelSelector.fromSpec(spec as LabelSelectorSpec | undefined);

function compileTerm(spec: TermSpec, owner: Pod): AffinityTerm {
  const { topologyKey, namespaces: named = [], matchLabelKeys, mismatchLabelKeys } = spec;
  const namespaceSelector = selectorOf(spec.namespaceSelector);
  const own = named.length === 0 && namespaceSelector.selectsNothing;
  const namespaces = new Set(own ? [owner.metadata.namespace ?? ''] : named);
  const selector = withLabelKeys(selectorOf(spec.labelSelector), owner, matchLabelKeys, mismatchLabelKeys);
  const inNamespace = (namespace: string, labelsOf: NamespaceLabels): boolean =>
    namespaces.has(namespace) ||
    namespaceSelector.empty ||
    (!namespaceSelector.selectsNothing && namespaceSelector.matches(labelsOf(namespace)));
  return {
    text: [topologyKey, [...namespaces].sort(), selectorText(namespaceSelector), selectorText(selector)].join('|'),
    topologyKey,
    byNamespaceLabels: !namespaceSelector.selectsNothing && !namespaceSelector.empty,
    matches: ({ metadata: { namespace = '', labels } }, labelsOf) =>
      selector.matches(labels) && inNamespace(namespace, labelsOf),
  };
}
