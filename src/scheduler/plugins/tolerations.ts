/** TaintToleration. Source: Kubernetes "Taints and Tolerations". */
import { tolerates } from '../../apis/core/tolerations.ts';
import type { Taint } from '../../apis/types.ts';
import type { Node, Pod } from '../../client/kinds.ts';
import { nodeCameOrChanged } from '../events.ts';
import { type FilterPlugin, type ScorePlugin, scaleToHighest, unresolvable } from '../framework.ts';

export const isTolerated = (spec: Pod['spec'], taint: Taint): boolean =>
  spec?.tolerations?.some((toleration) => tolerates(toleration, taint)) === true;

/** The first taint that keeps the pod off the node. */
export function refusedTaint({ spec }: Pod, node: Node): Taint | undefined {
  return node.spec?.taints?.find((taint) => taint.effect !== 'PreferNoSchedule' && !isTolerated(spec, taint));
}

export const taintToleration: FilterPlugin & ScorePlugin = {
  name: 'TaintToleration',
  weight: 3,
  prepareFilter: ({ pod }) => ({
    objection({ node }) {
      const refused = refusedTaint(pod, node);
      if (refused === undefined) return undefined;
      return unresolvable(`node(s) had untolerated taint {${refused.key}: ${refused.value ?? ''}}`);
    },
  }),
  /** Fewer taints that would rather not have the pod are better. */
  prepareScore({ pod }, _, nodes) {
    const unwanted = ({ node }: { readonly node: Node }): number =>
      (node.spec?.taints ?? []).filter((taint) => taint.effect === 'PreferNoSchedule' && !isTolerated(pod.spec, taint))
        .length;
    return nodes.some((node) => unwanted(node) > 0) ? unwanted : undefined;
  },
  normalize: (scores) => scaleToHighest(scores, true),
  helps({ pod }, event) {
    if (event.type !== 'NodeAdded' && event.type !== 'NodeChanged') return false;
    return nodeCameOrChanged(event, 'taints') && refusedTaint(pod, event.node.node) === undefined;
  },
};
