/** Where a pod's environment and volumes take their content from, and the fields of a pod that they may name. */
import type { ConfigMap, Container, Pod, Secret } from '../../apis/types.ts';
import { Quantity } from '../../machinery/quantity.ts';
import { allContainers, specOf } from './pod-state.ts';

/** Reads what pods name. `undefined`: there is no such object. */
export interface ObjectSource {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>;
  secret(namespace: string, name: string): Promise<Secret | undefined>;
}

/** Why a container's configuration cannot be made, in the words that its waiting state shows. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** What the node knows about a pod beyond its specification. */
export interface PodPlace {
  readonly podIP: string;
  readonly hostIP: string;
  /** The node's allocatable resources, which stand in for limits that are not set. */
  readonly allocatable: Readonly<Record<string, string>>;
}

/** The value of a `fieldRef`: `metadata.name`, `metadata.labels['app']`, `status.podIP`, … */
export function fieldValue(path: string, pod: Pod, place: PodPlace): string {
  const { metadata } = pod;
  const indexed = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (indexed !== null) return metadata[indexed[1] as 'labels' | 'annotations']?.[indexed[2]!] ?? '';
  switch (path) {
    case 'metadata.name':
      return metadata.name ?? '';
    case 'metadata.namespace':
      return metadata.namespace ?? '';
    case 'metadata.uid':
      return metadata.uid ?? '';
    case 'metadata.labels':
      return formatMap(metadata.labels);
    case 'metadata.annotations':
      return formatMap(metadata.annotations);
    case 'spec.nodeName':
      return specOf(pod).nodeName ?? '';
    case 'spec.serviceAccountName':
      return specOf(pod).serviceAccountName ?? '';
    case 'status.hostIP':
    case 'status.hostIPs':
      return place.hostIP;
    case 'status.podIP':
    case 'status.podIPs':
      return place.podIP;
    default:
      throw new ConfigError(`field label not supported: ${path}`);
  }
}

/** As files of the downward API hold maps: `key="value"` lines, sorted. */
function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}

export interface ResourceFieldRef {
  readonly containerName?: string | undefined;
  readonly resource: string;
  readonly divisor?: string | undefined;
}

/** The value of a `resourceFieldRef`: whole multiples of the divisor, rounded up. */
export function resourceValue(
  ref: ResourceFieldRef,
  pod: Pod,
  container: Container | undefined,
  place: PodPlace,
): string {
  const named =
    ref.containerName === undefined || ref.containerName === ''
      ? container
      : allContainers(specOf(pod)).find(({ name }) => name === ref.containerName);
  if (named === undefined) throw new ConfigError(`container ${ref.containerName ?? ''} not found`);
  const dot = ref.resource.indexOf('.');
  const [kind, resource] = [ref.resource.slice(0, dot), ref.resource.slice(dot + 1)];
  if (kind !== 'limits' && kind !== 'requests') {
    throw new ConfigError(`unsupported container resource : ${ref.resource}`);
  }
  const { limits = {}, requests = {} } = named.resources ?? {};
  const text =
    kind === 'limits' ? (limits[resource] ?? place.allocatable[resource]) : (requests[resource] ?? limits[resource]);
  const value = Quantity.parse(text ?? '0');
  const divisor = Quantity.parse(ref.divisor === undefined || ref.divisor === '0' ? '1' : ref.divisor);
  // CPU is counted in thousandths, so that a divisor of 1m is exact.
  const [amount, unit] =
    resource === 'cpu' ? [value.milliValue(), divisor.milliValue()] : [value.value(), divisor.value()];
  return String((amount + unit - 1n) / unit);
}

/** The bytes of a key of a ConfigMap or Secret. */
export function contentOf(object: ConfigMap | Secret, key: string): Buffer | undefined {
  if (object.kind === 'Secret') {
    const text = (object as Secret).data?.[key];
    return text === undefined ? undefined : Buffer.from(text, 'base64');
  }
  const { data, binaryData } = object as ConfigMap;
  if (data?.[key] !== undefined) return Buffer.from(data[key]!);
  return binaryData?.[key] === undefined ? undefined : Buffer.from(binaryData[key]!, 'base64');
}

export function keysOf(object: ConfigMap | Secret): string[] {
  return [...Object.keys(object.data ?? {}), ...Object.keys((object as ConfigMap).binaryData ?? {})];
}
