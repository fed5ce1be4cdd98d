/** NodeAffinity: node selectors, required and preferred node affinity. Source: "Assigning Pods to Nodes". */
import type { Pod } from '../../client/kinds.ts';
import { matchesNodeSelectorTerm } from '../../machinery/node-selector.ts';
import { nodeCameOrChanged } from '../events.ts';
import { type FilterPlugin, type ScorePlugin, scaleToHighest, unresolvable } from '../framework.ts';
import type { NodeInfo } from '../node-info.ts';

export type NodeTest = (node: NodeInfo) => boolean;

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
      preferred.reduce(
        (sum, { weight, preference }) =>
          sum + (matchesNodeSelectorTerm(preference, node.name, node.labels) ? weight : 0),
        0,
      );
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
    (required === undefined ||
      required.nodeSelectorTerms.some((term) => matchesNodeSelectorTerm(term, node.name, node.labels)));
}
