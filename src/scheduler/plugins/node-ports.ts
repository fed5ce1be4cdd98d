/** NodePorts: two pods of a node cannot have the same host port. */
import { type FilterPlugin, resolvable } from '../framework.ts';
import type { NodeInfo } from '../node-info.ts';
import type { HostPort, PodInfo } from '../pod-info.ts';

const taken = resolvable("node(s) didn't have free ports for the requested pod ports");

export const nodePorts: FilterPlugin = {
  name: 'NodePorts',
  prepareFilter(pod) {
    if (pod.hostPorts.length === 0) return undefined;
    return { objection: (node) => (hasTaken(node, pod) ? taken : undefined) };
  },
  helps(pod, event) {
    return event.type === 'NodeAdded' || (event.type === 'PodLeft' && clashes(pod, event.pod));
  },
};

function hasTaken({ pods }: NodeInfo, pod: PodInfo): boolean {
  for (const other of pods.values()) if (clashes(pod, other)) return true;
  return false;
}

const clashes = (pod: PodInfo, other: PodInfo): boolean =>
  other.hostPorts.some((port) => pod.hostPorts.some((wanted) => clash(wanted, port)));

/** 0.0.0.0 is every address. */
function clash(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port || a.protocol !== b.protocol) return false;
  return a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0';
}
