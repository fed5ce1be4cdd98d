/**
 * What pods ask for and nodes have: CPU in thousandths of a core, memory and storage in bytes, anything else in whole units.
 * Source: Kubernetes "Resource Management for Pods and Containers" (effective requests with init containers and overhead).
 */
import type { Pod } from '../client/kinds.ts';
import { Quantity } from '../machinery/quantity.ts';

export type Resources = Map<string, number>;

type Amounts = { [name: string]: string } | undefined;

/** What the scheduler takes a container to need that asks for nothing: only for scores, never for fitting. */
export const defaultRequests: ReadonlyMap<string, number> = new Map([
  ['cpu', 100],
  ['memory', 200 * 1024 * 1024],
]);

export function parseResources(amounts: Amounts): Resources {
  const parsed: Resources = new Map();
  for (const [name, text] of Object.entries(amounts ?? {})) parsed.set(name, parseAmount(name, text));
  return parsed;
}

export function parseAmount(name: string, text: string): number {
  const quantity = Quantity.parse(String(text));
  return Number(name === 'cpu' ? quantity.milliValue() : quantity.value());
}

/**
 * The most that a pod needs at any time: its containers and sidecars together, or an init container with the sidecars that
 * run before it, plus the pod's overhead.
 */
export function podRequests(pod: Pod): Resources {
  const { containers = [], initContainers = [], overhead } = pod.spec ?? {};
  const running: Resources = new Map();
  for (const container of containers) addTo(running, parseResources(container.resources?.requests as Amounts));
  const sidecars: Resources = new Map();
  const peak: Resources = new Map();
  for (const container of initContainers) {
    const requests = parseResources(container.resources?.requests as Amounts);
    if (container.restartPolicy === 'Always') {
      addTo(sidecars, requests);
      raiseTo(peak, sidecars);
    } else {
      const together = new Map(sidecars);
      addTo(together, requests);
      raiseTo(peak, together);
    }
  }
  addTo(running, sidecars);
  raiseTo(running, peak);
  addTo(running, parseResources(overhead as Amounts));
  return running;
}

export function addTo(target: Resources, more: ReadonlyMap<string, number>): void {
  for (const [name, amount] of more) target.set(name, (target.get(name) ?? 0) + amount);
}

export function takeFrom(target: Resources, less: ReadonlyMap<string, number>): void {
  for (const [name, amount] of less) target.set(name, (target.get(name) ?? 0) - amount);
}

function raiseTo(target: Resources, floor: ReadonlyMap<string, number>): void {
  for (const [name, amount] of floor) target.set(name, Math.max(target.get(name) ?? 0, amount));
}
