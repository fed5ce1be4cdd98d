/** A pod as the scheduler sees it: computed once, compared with many nodes. */
import type { Pod } from '../client/kinds.ts';
import { type PodTerms, podTerms } from './affinity-term.ts';
import { defaultRequests, podRequests, type Resources } from './resources.ts';

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

export interface PodInfo {
  readonly key: string;
  readonly pod: Pod;
  readonly priority: number;
  readonly requests: Resources;
  /** With what is assumed of containers that ask for nothing: for scores. */
  readonly weight: Resources;
  readonly hostPorts: readonly HostPort[];
  readonly terms: PodTerms;
}

export function podInfo(pod: Pod): PodInfo {
  const requests = podRequests(pod);
  const weight = new Map(requests);
  for (const [name, amount] of defaultRequests) if ((weight.get(name) ?? 0) === 0) weight.set(name, amount);
  const priority = pod.spec?.priority ?? 0;
  return { key: podKey(pod), pod, priority, requests, weight, hostPorts: hostPortsOf(pod), terms: podTerms(pod) };
}

export const podKey = ({ metadata }: Pod): string => `${metadata.namespace ?? ''}/${metadata.name}`;

function hostPortsOf(pod: Pod): HostPort[] {
  const ports: HostPort[] = [];
  for (const container of pod.spec?.containers ?? []) {
    for (const { hostPort = 0, hostIP, protocol = 'TCP' } of container.ports ?? []) {
      if (hostPort > 0)
        ports.push({ ip: hostIP === undefined || hostIP === '' ? '0.0.0.0' : hostIP, protocol, port: hostPort });
    }
  }
  return ports;
}
