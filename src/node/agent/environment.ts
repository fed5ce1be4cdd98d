/**
 * A container's environment: `envFrom`, `env` with its references, and the variables that describe services.
 * Source: kubelet's `makeEnvironmentVariables`, `k8s.io/kubernetes/third_party/forked/golang/expansion`.
 */
import type { Container, Pod, Service } from '../../apis/types.ts';
import { specOf } from './pod-state.ts';
import {
  ConfigError,
  contentOf,
  fieldValue,
  keysOf,
  type ObjectSource,
  type PodPlace,
  resourceValue,
} from './sources.ts';

export interface EnvironmentInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly place: PodPlace;
  readonly objects: ObjectSource;
  /** Every service; those that the pod may see are chosen here. */
  readonly services: readonly Service[];
}

export async function environment(input: EnvironmentInput): Promise<Record<string, string>> {
  const { pod, container } = input;
  const services = serviceVariables(pod, input.services);
  const env: Record<string, string> = {};
  for (const source of container.envFrom ?? []) await takeAll(env, source, input);
  for (const variable of container.env ?? []) {
    const value =
      variable.value !== undefined && variable.value !== ''
        ? expand(variable.value, (name) => env[name] ?? services[name])
        : variable.valueFrom === undefined
          ? ''
          : await resolve(variable.valueFrom, input);
    // Absent: an optional reference to something that is not there.
    if (value !== undefined) env[variable.name] = value;
  }
  return { ...services, ...env };
}

/** `$(NAME)` becomes the variable's value, if there is one; `$$(NAME)` stays, without its first dollar. */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (found, name: string | undefined) =>
    name === undefined ? '$' : (lookup(name) ?? found),
  );
}

async function takeAll(
  env: Record<string, string>,
  source: NonNullable<Container['envFrom']>[number],
  { pod, objects }: EnvironmentInput,
): Promise<void> {
  const namespace = pod.metadata.namespace ?? '';
  const ref = source.configMapRef ?? source.secretRef;
  if (ref === undefined) return;
  const name = ref.name ?? '';
  const object =
    source.configMapRef === undefined
      ? await objects.secret(namespace, name)
      : await objects.configMap(namespace, name);
  if (object === undefined) {
    if (ref.optional === true) return;
    throw new ConfigError(`${source.configMapRef === undefined ? 'secret' : 'configmap'} "${name}" not found`);
  }
  for (const key of keysOf(object)) {
    if (object.kind === 'ConfigMap' && object.data?.[key] === undefined) continue;
    env[`${source.prefix ?? ''}${key}`] = contentOf(object, key)!.toString();
  }
}

async function resolve(
  source: NonNullable<NonNullable<Container['env']>[number]['valueFrom']>,
  { pod, container, place, objects }: EnvironmentInput,
): Promise<string | undefined> {
  const namespace = pod.metadata.namespace ?? '';
  if (source.fieldRef !== undefined) return fieldValue(source.fieldRef.fieldPath, pod, place);
  if (source.resourceFieldRef !== undefined) return resourceValue(source.resourceFieldRef, pod, container, place);
  const ref = source.configMapKeyRef ?? source.secretKeyRef;
  if (ref === undefined) throw new ConfigError('this source of a variable is not supported by this node');
  const name = ref.name ?? '';
  const [kind, label] = source.configMapKeyRef === undefined ? ['secret', 'Secret'] : ['configmap', 'ConfigMap'];
  const object = kind === 'secret' ? await objects.secret(namespace, name) : await objects.configMap(namespace, name);
  if (object === undefined) {
    if (ref.optional === true) return undefined;
    throw new ConfigError(`${kind} "${name}" not found`);
  }
  const content = contentOf(object, ref.key);
  if (content === undefined && ref.optional !== true) {
    throw new ConfigError(`couldn't find key ${ref.key} in ${label} ${namespace}/${name}`);
  }
  return content?.toString();
}

/**
 * `REDIS_SERVICE_HOST` and its like, for the services of the pod's namespace (with `enableServiceLinks`) and, always, for
 * `default/kubernetes`. Source: `pkg/kubelet/envvars`.
 */
export function serviceVariables(pod: Pod, services: readonly Service[]): Record<string, string> {
  const links = specOf(pod).enableServiceLinks !== false;
  const variables: Record<string, string> = {};
  for (const service of services) {
    const { namespace, name = '' } = service.metadata;
    const ip = service.spec?.clusterIP;
    if (ip === undefined || ip === '' || ip === 'None') continue;
    const master = namespace === 'default' && name === 'kubernetes';
    if (!master && !(links && namespace === pod.metadata.namespace)) continue;
    const ports = service.spec?.ports ?? [];
    const [first] = ports;
    if (first === undefined) continue;
    const prefix = variableName(name);
    variables[`${prefix}_SERVICE_HOST`] = ip;
    variables[`${prefix}_SERVICE_PORT`] = String(first.port);
    for (const port of ports) {
      if (port.name !== undefined && port.name !== '') {
        variables[`${prefix}_SERVICE_PORT_${variableName(port.name)}`] = String(port.port);
      }
    }
    const host = ip.includes(':') ? `[${ip}]` : ip;
    for (const port of ports) {
      const protocol = port.protocol ?? 'TCP';
      const url = `${protocol.toLowerCase()}://${host}:${port.port}`;
      if (port === first) variables[`${prefix}_PORT`] = url;
      const portPrefix = `${prefix}_PORT_${port.port}_${protocol}`;
      variables[portPrefix] = url;
      variables[`${portPrefix}_PROTO`] = protocol.toLowerCase();
      variables[`${portPrefix}_PORT`] = String(port.port);
      variables[`${portPrefix}_ADDR`] = ip;
    }
  }
  return variables;
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
