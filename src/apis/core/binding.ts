/**
 * What gives a pod its node, once: `pods/binding`, and `bindings`, which does the same for the pod of its own name.
 * Source: Kubernetes `pkg/registry/core/pod/storage/storage.go`, BindingREST and LegacyBindingREST.
 */
import { formatTime } from '../../clock/clock.ts';
import { type FieldError, notSupported, required } from '../../machinery/field.ts';
import type { ApiObject } from '../../machinery/object.ts';
import { conflict, invalidObject } from '../../machinery/status.ts';
import { builtinType } from '../builtin.ts';
import { nameColumn } from '../columns.ts';
import type { NamedSubresource, ResourceRef, VirtualRequest } from '../resource-type.ts';
import { schemaOf } from '../schemas.ts';
import type { Binding, Pod } from '../types.ts';

const pods: ResourceRef = { group: '', plural: 'pods' };

/** The answer of those that make nothing. */
export const successStatus: ApiObject & { readonly status: string; readonly code: number } = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  code: 201,
};

export const podBinding: NamedSubresource = {
  verbs: ['create'],
  kind: 'Binding',
  get schema() {
    return schemaOf('io.k8s.api.core.v1.Binding');
  },
  async handle({ name, body, ...request }) {
    await bind(name, (body ?? {}) as unknown as Partial<Binding>, request);
    return { kind: 'object', code: 201, object: successStatus };
  },
};

export const bindingType = builtinType<Binding>({
  group: '',
  kind: 'Binding',
  plural: 'bindings',
  verbs: ['create'],
  columns: [nameColumn],
  virtual: {
    async create(draft, request) {
      await bind(draft.metadata.name ?? '', draft as Binding, request);
      return successStatus;
    },
  },
});

async function bind(
  name: string,
  { metadata = {}, target }: Partial<Binding>,
  { namespace, access, context }: Pick<VirtualRequest, 'namespace' | 'access' | 'context'>,
): Promise<void> {
  const errors: FieldError[] = [];
  const { kind = '', name: node = '' } = target ?? {};
  if (kind !== '' && kind !== 'Node') errors.push(notSupported('target.kind', kind, ['Node', '<empty>']));
  if (node === '') errors.push(required('target.name'));
  if (errors.length > 0) throw invalidObject({ group: '', name: 'Binding' }, name, errors);
  const assign = (draft: ApiObject): void => {
    const pod = draft as Pod;
    const refuse = (why: string): never => {
      throw conflict({ group: '', name: 'pods/binding' }, name, why);
    };
    if ((metadata.uid ?? '') !== '' && metadata.uid !== pod.metadata.uid) {
      refuse(`Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${pod.metadata.uid}`);
    }
    if (pod.metadata.deletionTimestamp !== undefined) {
      refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
    }
    if ((pod.spec?.nodeName ?? '') !== '') {
      refuse(`pod ${name} is already assigned to node ${JSON.stringify(pod.spec!.nodeName)}`);
    }
    if ((pod.spec?.schedulingGates?.length ?? 0) > 0) refuse(`pod ${name} has non-empty .spec.schedulingGates`);
    pod.spec!.nodeName = node;
    if (metadata.annotations !== undefined) {
      pod.metadata.annotations = { ...pod.metadata.annotations, ...metadata.annotations };
    }
    setScheduled(pod, formatTime(context.now));
  };
  await access.update(pods, namespace, name, assign, context);
}

function setScheduled(pod: Pod, now: string): void {
  pod.status ??= {};
  pod.status.conditions ??= [];
  const { conditions } = pod.status;
  const old = conditions.findIndex(({ type }) => type === 'PodScheduled');
  if (old >= 0 && conditions[old]!.status === 'True') return;
  const { generation } = pod.metadata;
  const condition = {
    type: 'PodScheduled',
    status: 'True',
    lastProbeTime: null as unknown as string,
    lastTransitionTime: now,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
  if (old >= 0) conditions[old] = condition;
  else conditions.push(condition);
}
