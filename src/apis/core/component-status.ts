/**
 * How the cluster's components are: asked of them whenever somebody looks. Deprecated in Kubernetes, and served there still.
 * Source: Kubernetes `pkg/registry/core/componentstatus/rest.go`.
 */
import type { ApiObject } from '../../machinery/object.ts';
import { builtinType } from '../builtin.ts';
import { column, nameColumn } from '../columns.ts';
import type { ResourceType } from '../resource-type.ts';
import type { ComponentStatus } from '../types.ts';

/** One component, such as `etcd-0` or `scheduler`. */
export interface ComponentProbe {
  readonly name: string;
  /** Resolves with what a component that is well has to say (`ok`); rejects when it is not well. */
  check(): Promise<string>;
}

export function createComponentStatusType(probes: readonly ComponentProbe[]): ResourceType {
  return builtinType<ComponentStatus>({
    group: '',
    kind: 'ComponentStatus',
    plural: 'componentstatuses',
    shortNames: ['cs'],
    scope: 'Cluster',
    verbs: ['get', 'list'],
    deprecated: true,
    deprecationWarning: 'v1 ComponentStatus is deprecated in v1.19+',
    columns: [
      nameColumn,
      column<ComponentStatus>('Status', 'string', statusText, { description: 'Status of the component conditions' }),
      column<ComponentStatus>('Message', 'string', (component) => healthOf(component)?.message ?? '', {
        description: 'Message of the component conditions',
      }),
      column<ComponentStatus>('Error', 'string', (component) => healthOf(component)?.error ?? '', {
        description: 'Error of the component conditions',
      }),
    ],
    virtual: {
      async get(name) {
        const probe = probes.find((candidate) => candidate.name === name);
        return probe === undefined ? undefined : await ask(probe);
      },
      list: () => Promise.all(probes.map(ask)),
    },
  });
}

async function ask({ name, check }: ComponentProbe): Promise<ApiObject> {
  const health = await check().then(
    (message) => ({ type: 'Healthy', status: 'True', message }),
    (error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      return { type: 'Healthy', status: 'False', message, error: message };
    },
  );
  const status: ComponentStatus = {
    apiVersion: 'v1',
    kind: 'ComponentStatus',
    metadata: { name },
    conditions: [health],
  };
  return status;
}

const healthOf = ({ conditions = [] }: ComponentStatus) => conditions.find(({ type }) => type === 'Healthy');

function statusText(component: ComponentStatus): string {
  const status = healthOf(component)?.status;
  if (status === 'True') return 'Healthy';
  return status === 'False' ? 'Unhealthy' : 'Unknown';
}
