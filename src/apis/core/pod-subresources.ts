/** The subresources of pods besides status. Source: Kubernetes `pkg/registry/core/pod/storage`. */
import { type FieldError, forbidden, invalid } from '../../machinery/field.ts';
import { badRequest, invalidObject, notFound } from '../../machinery/status.ts';
import type {
  ContainerLogsRequest,
  NamedSubresource,
  ResourceRef,
  SubresourceRequest,
  SubresourceResponse,
} from '../resource-type.ts';
import { schemaOf } from '../schemas.ts';
import type { Pod } from '../types.ts';
import { podBinding } from './binding.ts';
import { evict } from './pod-eviction.ts';

const pods: ResourceRef = { group: '', plural: 'pods' };

export const podSubresources: Readonly<Record<string, NamedSubresource>> = {
  binding: podBinding,
  eviction: {
    verbs: ['create'],
    kind: 'Eviction',
    group: 'policy',
    version: 'v1',
    get schema() {
      return schemaOf('io.k8s.api.policy.v1.Eviction');
    },
    handle: evict,
  },
  log: { verbs: ['get'], kind: 'Pod', handle: readLog },
};

async function readLog(request: SubresourceRequest): Promise<SubresourceResponse> {
  const { namespace, name, access, nodes, signal } = request;
  const options = logOptions(request);
  const pod = (await access.get(pods, namespace, name)) as unknown as Pod | undefined;
  if (pod === undefined) throw notFound({ group: '', name: 'pods' }, name);
  const container = containerOf(pod, options.container);
  const nodeName = pod.spec?.nodeName ?? '';
  // A pod without a node has said nothing yet.
  const body =
    nodeName === ''
      ? noBytes()
      : await nodes.containerLogs(nodeName, { ...options, namespace: namespace!, pod: name, container, signal });
  return { kind: 'stream', code: 200, contentType: 'text/plain', body };
}

async function* noBytes(): AsyncGenerator<Uint8Array> {
  // Nothing.
}

/** The container that a request means: the one it names, or the only one. @throws StatusError 400 when there is none */
export function containerOf(pod: Pod, wanted: string): string {
  const { initContainers = [], containers = [], ephemeralContainers = [] } = pod.spec ?? {};
  const name = pod.metadata.name ?? '';
  const names = (list: readonly { name: string }[]): string => list.map((container) => container.name).join(' ');
  if (wanted === '') {
    if (containers.length === 1) return containers[0]!.name;
    if (containers.length === 0) throw badRequest(`a container name must be specified for pod ${name}`);
    const init = initContainers.length === 0 ? '' : ` or one of the init containers: [${names(initContainers)}]`;
    throw badRequest(
      `a container name must be specified for pod ${name}, choose one of: [${names(containers)}]${init}`,
    );
  }
  if ([...initContainers, ...containers, ...ephemeralContainers].some((container) => container.name === wanted))
    return wanted;
  throw badRequest(`container ${wanted} is not valid for pod ${name}`);
}

type LogOptions = Omit<ContainerLogsRequest, 'namespace' | 'pod' | 'signal'>;

/** Source: `pkg/apis/core/validation`, ValidatePodLogOptions. */
function logOptions({ name, query }: SubresourceRequest): LogOptions {
  const errors: FieldError[] = [];
  const number = (field: string): number | undefined => {
    const text = query.get(field);
    if (text === null || text === '') return undefined;
    if (!/^[+-]?\d+$/.test(text)) {
      throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
    }
    return Number(text);
  };
  const flag = (field: string): boolean => !['', 'false', '0', null].includes(query.get(field));
  const tailLines = number('tailLines');
  const limitBytes = number('limitBytes');
  const sinceSeconds = number('sinceSeconds');
  const sinceTime = query.get('sinceTime') ?? undefined;
  if (tailLines !== undefined && tailLines < 0)
    errors.push(invalid('tailLines', tailLines, 'must be greater than or equal to 0'));
  if (limitBytes !== undefined && limitBytes < 1)
    errors.push(invalid('limitBytes', limitBytes, 'must be greater than 0'));
  if (sinceSeconds !== undefined && sinceTime !== undefined) {
    errors.push(forbidden('', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
  } else if (sinceSeconds !== undefined && sinceSeconds < 1) {
    errors.push(invalid('sinceSeconds', sinceSeconds, 'must be greater than 0'));
  }
  if (errors.length > 0) throw invalidObject({ group: '', name: 'PodLogOptions' }, name, errors);
  return {
    container: query.get('container') ?? '',
    follow: flag('follow'),
    previous: flag('previous'),
    timestamps: flag('timestamps'),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(sinceSeconds === undefined ? {} : { sinceSeconds }),
    ...(sinceTime === undefined ? {} : { sinceTime }),
  };
}
