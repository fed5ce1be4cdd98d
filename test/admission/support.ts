/** What tests of admission have in common: a cluster, policies and webhooks in few words. */
import assert from 'node:assert/strict';
import { type Api, startApi } from '../apiserver/support/api.ts';

export const registration = '/apis/admissionregistration.k8s.io/v1';
export const deployments = '/apis/apps/v1/namespaces/default/deployments';
export const configMaps = '/api/v1/namespaces/default/configmaps';

// biome-ignore lint/suspicious/noExplicitAny: tests write specs of every shape
export type Spec = any;

export const ruleFor = (
  group: string,
  resources: string[],
  operations = ['CREATE', 'UPDATE'],
  versions = ['v1'],
): object => ({ apiGroups: [group], apiVersions: versions, operations, resources });

export async function withApi(run: (api: Api) => Promise<void>): Promise<void> {
  await using api = await startApi();
  await run(api);
}

/** A policy with a binding of the same name. */
export async function bind(
  api: Api,
  kind: 'Validating' | 'Mutating',
  name: string,
  spec: Spec,
  binding: Spec = {},
): Promise<void> {
  const plural = `${kind.toLowerCase()}admissionpolicies`;
  await api.ok('POST', `${registration}/${plural}`, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: `${kind}AdmissionPolicy`,
    metadata: { name },
    spec: { ...(kind === 'Mutating' ? { reinvocationPolicy: 'Never' } : {}), ...spec },
  });
  await api.ok('POST', `${registration}/${kind.toLowerCase()}admissionpolicybindings`, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: `${kind}AdmissionPolicyBinding`,
    metadata: { name: `${name}-binding` },
    spec: { policyName: name, ...(kind === 'Validating' ? { validationActions: ['Deny'] } : {}), ...binding },
  });
}

export function deployment(name: string, spec: Spec = {}, metadata: object = {}): Spec {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, ...metadata },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'nginx' }] } },
      ...spec,
    },
  };
}

export function configMap(name: string, data: Record<string, string> = {}, metadata: object = {}): Spec {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data };
}

/** The Status that a write is refused with. */
export async function refusal(api: Api, method: string, path: string, body?: unknown): Promise<Spec> {
  const answer = await api.send(method, path, body === undefined ? {} : { body });
  assert.ok(answer.code >= 400, `${method} ${path}: ${answer.code} ${answer.text}`);
  assert.equal(answer.json.code, answer.code);
  return answer.json;
}
