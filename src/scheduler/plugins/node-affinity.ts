/** NodeAffinity: node selectors, required and preferred node affinity. Source: "Assigning Pods to Nodes". */
import { LabelSelector } from '../../machinery/label-selector.ts';
import { type FilterPlugin, fits, type ScorePlugin } from '../framework.ts';
import type { NodeInfo } from '../node-info.ts';

interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

interface Term {
  readonly matchExpressions?: readonly Requirement[];
  readonly matchFields?: readonly Requirement[];
}

const mismatch = ["node(s) didn't match Pod's node affinity/selector"];

export const nodeAffinity: FilterPlugin & ScorePlugin = {
  name: 'NodeAffinity',
  weight: 2,
  filter({ pod }, node) {
    const labels = node.node.metadata.labels ?? {};
    for (const [key, value] of Object.entries(pod.spec?.nodeSelector ?? {})) if (labels[key] !== value) return mismatch;
    const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    if (required === undefined) return fits;
    return required.nodeSelectorTerms.some((term) => matchesTerm(term, node)) ? fits : mismatch;
  },
  score({ pod }, node) {
    const preferred = pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    let total = 0;
    let matched = 0;
    for (const { weight, preference } of preferred) {
      total += weight;
      if (matchesTerm(preference, node)) matched += weight;
    }
    return total === 0 ? 0 : (100 * matched) / total;
  },
};

/** All of its requirements; a term without any matches nothing. */
function matchesTerm({ matchExpressions = [], matchFields = [] }: Term, { node, name }: NodeInfo): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  return (
    matchExpressions.every((requirement) => matches(requirement, node.metadata.labels ?? {})) &&
    matchFields.every((requirement) => matches(requirement, { 'metadata.name': name }))
  );
}

function matches({ key, operator, values = [] }: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const value = labels[key];
  switch (operator) {
    case 'Gt':
    case 'Lt': {
      const selector = LabelSelector.of([{ key, operator: operator === 'Gt' ? 'gt' : 'lt', values }]);
      return selector.matches(labels);
    }
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}
