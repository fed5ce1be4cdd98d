/** NodeName, NodeUnschedulable and readiness: whether a node takes pods at all, and this one. */
import { nodeCameOrChanged } from '../events.ts';
import { type FilterPlugin, unresolvable } from '../framework.ts';
import { isTolerated } from './tolerations.ts';

const wrongName = unresolvable("node(s) didn't match the requested node name");
const unschedulable = unresolvable('node(s) were unschedulable');
const notReady = unresolvable('node(s) were not ready');

export const nodeName: FilterPlugin = {
  name: 'NodeName',
  prepareFilter({ pod }) {
    const wanted = pod.spec?.nodeName ?? '';
    return wanted === '' ? undefined : { objection: ({ name }) => (name === wanted ? undefined : wrongName) };
  },
  helps: ({ pod }, event) => event.type === 'NodeAdded' && event.node.name === pod.spec?.nodeName,
};

const unschedulableTaint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

export const nodeUnschedulable: FilterPlugin = {
  name: 'NodeUnschedulable',
  prepareFilter({ pod }) {
    if (isTolerated(pod.spec, unschedulableTaint)) return undefined;
    return { objection: ({ node }) => (node.spec?.unschedulable === true ? unschedulable : undefined) };
  },
  helps: (_, event) => nodeCameOrChanged(event, 'taints'),
};

const notReadyTaint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

/**
 * In Kubernetes a controller taints nodes that are not ready. The condition is asked besides, so that nothing goes to such
 * a node in the time before, or where that controller does not run.
 */
export const nodeReady: FilterPlugin = {
  name: 'NodeReady',
  prepareFilter({ pod }) {
    if (isTolerated(pod.spec, notReadyTaint)) return undefined;
    return { objection: ({ ready }) => (ready ? undefined : notReady) };
  },
  helps: (_, event) => nodeCameOrChanged(event, 'ready'),
};
