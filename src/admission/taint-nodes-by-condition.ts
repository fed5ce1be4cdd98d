/**
 * TaintNodesByCondition: a new node takes no pods until the node lifecycle controller has seen it ready.
 * Source: Kubernetes `plugin/pkg/admission/nodetaint`.
 */
import type { Node } from '../apis/types.ts';
import type { AdmissionPlugin } from './chain.ts';

const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  mutate(request) {
    const { group, resource, subresource, operation } = request;
    if (operation !== 'CREATE' || group !== '' || resource !== 'nodes' || subresource !== '') return;
    const node = request.object as Node;
    node.spec ??= {};
    const taints = node.spec.taints ?? [];
    if (taints.some(({ key, effect }) => key === notReady.key && effect === notReady.effect)) return;
    node.spec.taints = [...taints, { ...notReady }];
  },
};
