/** NodePorts: two pods of a node cannot have the same host port. */
import { type FilterPlugin, fits } from '../framework.ts';
import type { HostPort } from '../pod-info.ts';

const taken = ["node(s) didn't have free ports for the requested pod ports"];

export const nodePorts: FilterPlugin = {
  name: 'NodePorts',
  filter({ hostPorts }, { pods }) {
    if (hostPorts.length === 0) return fits;
    for (const other of pods.values()) {
      for (const port of other.hostPorts) if (hostPorts.some((wanted) => clash(wanted, port))) return taken;
    }
    return fits;
  },
};

/** 0.0.0.0 is every address. */
function clash(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port || a.protocol !== b.protocol) return false;
  return a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0';
}
