/**
 * What a pod asks for as a whole. Source: Kubernetes `k8s.io/component-helpers/resource/helpers.go`; KEP-753 (sidecars),
 * KEP-688 (overhead), KEP-2837 (resources of the pod).
 */
import { Quantity } from '../../machinery/quantity.ts';
import type { PodSpec } from '../types.ts';

export type Quantities = Map<string, Quantity>;

export function parseQuantities(amounts: Readonly<Record<string, string>> | undefined): Quantities {
  return new Map(Object.entries(amounts ?? {}).map(([name, text]) => [name, Quantity.parse(text)]));
}

export function addQuantities(target: Quantities, more: ReadonlyMap<string, Quantity>): void {
  for (const [name, quantity] of more) target.set(name, target.get(name)?.add(quantity) ?? quantity);
}

export function podRequests(spec: PodSpec): Quantities {
  const total = atAnyTime(spec, 'requests');
  addQuantities(total, parseQuantities(spec.overhead));
  return total;
}

/** Overhead counts where there is a limit at all. */
export function podLimits(spec: PodSpec): Quantities {
  const total = atAnyTime(spec, 'limits');
  for (const [name, quantity] of parseQuantities(spec.overhead)) {
    const limit = total.get(name);
    if (limit !== undefined && !limit.isZero) total.set(name, limit.add(quantity));
  }
  return total;
}

/** Containers and sidecars together, or an init container with the sidecars that started before it; what the pod says itself wins. */
function atAnyTime(spec: PodSpec, which: 'requests' | 'limits'): Quantities {
  const total: Quantities = new Map();
  for (const { resources } of spec.containers ?? []) addQuantities(total, parseQuantities(resources?.[which]));
  const sidecars: Quantities = new Map();
  const starting: Quantities = new Map();
  for (const { resources, restartPolicy } of spec.initContainers ?? []) {
    const own = parseQuantities(resources?.[which]);
    if (restartPolicy === 'Always') {
      addQuantities(total, own);
      addQuantities(sidecars, own);
      raise(starting, sidecars);
    } else {
      addQuantities(own, sidecars);
      raise(starting, own);
    }
  }
  raise(total, starting);
  for (const [name, quantity] of parseQuantities(spec.resources?.[which])) total.set(name, quantity);
  return total;
}

function raise(target: Quantities, floor: ReadonlyMap<string, Quantity>): void {
  for (const [name, quantity] of floor) {
    const present = target.get(name);
    if (present === undefined || present.compare(quantity) < 0) target.set(name, quantity);
  }
}
