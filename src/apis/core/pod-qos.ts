/** How pods are ranked when a node runs short. Source: Kubernetes `pkg/apis/core/v1/helper/qos/qos.go`. */
import { Quantity } from '../../machinery/quantity.ts';
import type { PodSpec } from '../types.ts';

const qosResources = ['cpu', 'memory'];

export function qosClass(spec: PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  const all =
    spec.resources?.requests === undefined && spec.resources?.limits === undefined
      ? containers
      : [{ resources: spec.resources }];
  let guaranteed = true;
  let any = false;
  for (const { resources } of all) {
    for (const name of qosResources) {
      const request = positive(resources?.requests?.[name]);
      const limit = positive(resources?.limits?.[name]);
      if (request !== undefined || limit !== undefined) any = true;
      if (limit === undefined || (request !== undefined && request.compare(limit) !== 0)) guaranteed = false;
    }
  }
  if (!any) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

function positive(text: string | undefined): Quantity | undefined {
  const value = text === undefined ? Quantity.zero : Quantity.parse(text);
  return value.sign > 0 ? value : undefined;
}
