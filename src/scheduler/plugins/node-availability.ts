/** NodeName, NodeUnschedulable and readiness: whether a node takes pods at all, and this one. */
import { type FilterPlugin, fits } from '../framework.ts';
import { tolerates } from './tolerations.ts';

const wrongName = ["node(s) didn't match the requested node name"];
const unschedulable = ['node(s) were unschedulable'];
const notReady = ['node(s) were not ready'];

export const nodeName: FilterPlugin = {
  name: 'NodeName',
  filter: ({ pod }, { name }) => {
    const wanted = pod.spec?.nodeName ?? '';
    return wanted === '' || wanted === name ? fits : wrongName;
  },
};

const unschedulableTaint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

export const nodeUnschedulable: FilterPlugin = {
  name: 'NodeUnschedulable',
  filter: ({ pod }, { node }) =>
    node.spec?.unschedulable === true && !tolerates(pod.spec?.tolerations, unschedulableTaint) ? unschedulable : fits,
};

const notReadyTaint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

/**
 * In Kubernetes a controller taints nodes that are not ready. The condition is asked besides, so that nothing goes to such
 * a node in the time before, or where that controller does not run.
 */
export const nodeReady: FilterPlugin = {
  name: 'NodeReady',
  filter: ({ pod }, { node }) => {
    const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
    return ready?.status === 'True' || tolerates(pod.spec?.tolerations, notReadyTaint) ? fits : notReady;
  },
};
