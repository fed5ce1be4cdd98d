import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import type { Node } from '../types.ts';
import { validateNode, validateNodeUpdate } from './node-validation.ts';
import { nodeProxy } from './proxy-connect.ts';

const nodeInfo = 'io.k8s.api.core.v1.NodeSystemInfo';
const addresses = ['io.k8s.api.core.v1.NodeStatus', 'addresses'] as const;

export const nodeType = builtinType<Node>({
  group: '',
  kind: 'Node',
  plural: 'nodes',
  shortNames: ['no'],
  scope: 'Cluster',
  status: true,
  connections: { proxy: nodeProxy },
  columns: [
    nameColumn,
    column<Node>('Status', 'string', statusText, { description: 'The status of the node' }),
    column<Node>('Roles', 'string', rolesText, { description: 'The roles of the node' }),
    ageColumn,
    column<Node>('Version', 'string', ({ status }) => status?.nodeInfo?.kubeletVersion ?? '', {
      describedBy: [nodeInfo, 'kubeletVersion'],
    }),
    column<Node>('Internal-IP', 'string', addressOf('InternalIP'), { wide: true, describedBy: addresses }),
    column<Node>('External-IP', 'string', addressOf('ExternalIP'), { wide: true, describedBy: addresses }),
    column<Node>('OS-Image', 'string', ({ status }) => known(status?.nodeInfo?.osImage), {
      wide: true,
      describedBy: [nodeInfo, 'osImage'],
    }),
    column<Node>('Kernel-Version', 'string', ({ status }) => known(status?.nodeInfo?.kernelVersion), {
      wide: true,
      describedBy: [nodeInfo, 'kernelVersion'],
    }),
    column<Node>('Container-Runtime', 'string', ({ status }) => known(status?.nodeInfo?.containerRuntimeVersion), {
      wide: true,
      describedBy: [nodeInfo, 'containerRuntimeVersion'],
    }),
  ],
  selectableFields: [
    { name: 'spec.unschedulable', value: (object) => String((object as unknown as Node).spec?.unschedulable === true) },
  ],
  strategy: {
    default({ spec, status }) {
      // The old field of one address family is the first entry of the new one.
      if (spec?.podCIDR !== undefined) spec.podCIDRs ??= [spec.podCIDR];
      else if (spec?.podCIDRs !== undefined) spec.podCIDR = spec.podCIDRs[0]!;
      if (status?.allocatable === undefined && status?.capacity !== undefined)
        status.allocatable = { ...status.capacity };
    },
    validate: validateNode,
    validateUpdate: (node, old) => [...validateNode(node), ...validateNodeUpdate(node, old)],
    validateStatusUpdate: validateNodeUpdate,
    warnings: nodeWarnings,
  },
});

function statusText({ spec, status }: Node): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const words = [ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'];
  if (spec?.unschedulable === true) words.push('SchedulingDisabled');
  return words.join(',');
}

const rolePrefix = 'node-role.kubernetes.io/';

function rolesText({ metadata }: Node): string {
  const roles = new Set<string>();
  for (const [label, value] of Object.entries(metadata.labels ?? {})) {
    if (label.startsWith(rolePrefix)) {
      if (label.length > rolePrefix.length) roles.add(label.slice(rolePrefix.length));
    } else if (label === 'kubernetes.io/role' && value !== '') roles.add(value);
  }
  return roles.size === 0 ? '<none>' : [...roles].sort().join(',');
}

function addressOf(wanted: string): (node: Node) => string {
  return ({ status }) => status?.addresses?.find(({ type }) => type === wanted)?.address ?? '<none>';
}

function known(text: string | undefined): string {
  return text === undefined || text === '' ? '<unknown>' : text;
}

function nodeWarnings({ spec }: Node): string[] {
  const warnings: string[] = [];
  if (spec?.configSource !== undefined) {
    warnings.push('spec.configSource: the early access feature is not supported anymore, has no effect.');
  }
  if ((spec?.externalID ?? '') !== '') {
    warnings.push('spec.externalID: this field is deprecated, and is unused by Kubernetes');
  }
  return warnings;
}
