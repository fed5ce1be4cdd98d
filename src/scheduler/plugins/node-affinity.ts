/** NodeAffinity: node selectors, required and preferred node affinity. Source: "Assigning Pods to Nodes". */
import type { Pod } from '../../client/kinds.ts';
import { LabelSelector } from '../../machinery/label-selector.ts';
import { nodeCameOrChanged } from '../events.ts';
import { type FilterPlugin, type ScorePlugin, scaleToHighest, unresolvable } from '../framework.ts';
import type { NodeInfo } from '../node-info.ts';

export type NodeTest = (node: NodeInfo) => boolean;

interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

interface Term {
  readonly matchExpressions?: readonly Requirement[];
  readonly matchFields?: readonly Requirement[];
}

const mismatch = unresolvable("node(s) didn't match Pod's node affinity/selector");

export const nodeAffinity: FilterPlugin & ScorePlugin = {
  name: 'NodeAffinity',
  weight: 2,
  prepareFilter({ pod }) {
    const affine = requiredNodeAffinity(pod);
    return affine === undefined ? undefined : { objection: (node) => (affine(node) ? undefined : mismatch) };
  },
  prepareScore({ pod }) {
    const preferred = pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    if (preferred.length === 0) return undefined;
    return (node) =>
      preferred.reduce((sum, { weight, preference }) => sum + (matchesTerm(preference, node) ? weight : 0), 0);
  },
  normalize: (scores) => scaleToHighest(scores),
  helps({ pod }, event) {
    if (event.type !== 'NodeAdded' && event.type !== 'NodeChanged') return false;
    return nodeCameOrChanged(event, 'labels') && (requiredNodeAffinity(pod)?.(event.node) ?? true);
  },
};

/** Where the pod's node selector and its required node affinity let it be; undefined: everywhere. */
export function requiredNodeAffinity({ spec }: Pod): NodeTest | undefined {
  const selector = Object.entries(spec?.nodeSelector ?? {});
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (selector.length === 0 && required === undefined) return undefined;
  return (node) =>
    selector.every(([key, value]) => node.labels[key] === value) &&
    (required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node)));
}

/** All of its requirements; a term without any matches nothing. */
function matchesTerm({ matchExpressions = [], matchFields = [] }: Term, { labels, name }: NodeInfo): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  return (
    matchExpressions.every((requirement) => matches(requirement, labels)) &&
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
