/**
 * Every verb on every resource by every identity, over HTTP, beside what Kubernetes' documentation says of the default
 * roles. A refusal is a 403; anything else has passed authorization, whatever became of the request.
 */
import assert from 'node:assert/strict';
import { Agent } from 'node:https';
import { issueClientCertificate } from '../../src/auth/certificates.ts';
import { ClusterRole, ClusterRoleBinding, RoleBinding } from '../../src/client/kinds.ts';
import { type Api, startApi } from '../apiserver/support/api.ts';

const rbacGroup = 'rbac.authorization.k8s.io';

interface Resource {
  /** How it is called here. */
  readonly name: string;
  readonly path: string;
  readonly subresource?: string;
}

const inShop = (resource: string, group = 'api/v1'): string => `/${group}/namespaces/shop/${resource}`;

const resources: readonly Resource[] = [
  { name: 'pods', path: inShop('pods') },
  { name: 'pods/log', path: inShop('pods'), subresource: 'log' },
  { name: 'pods/exec', path: inShop('pods'), subresource: 'exec' },
  { name: 'secrets', path: inShop('secrets') },
  { name: 'configmaps', path: inShop('configmaps') },
  { name: 'deployments', path: inShop('deployments', 'apis/apps/v1') },
  { name: 'deployments/scale', path: inShop('deployments', 'apis/apps/v1'), subresource: 'scale' },
  { name: 'roles', path: inShop('roles', `apis/${rbacGroup}/v1`) },
  { name: 'resourcequotas', path: inShop('resourcequotas') },
  { name: 'pods elsewhere', path: '/api/v1/namespaces/default/pods' },
  { name: 'nodes', path: '/api/v1/nodes' },
  { name: 'namespaces', path: '/api/v1/namespaces' },
];

const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'] as const;
type Verb = (typeof verbs)[number];

const read: readonly Verb[] = ['get', 'list', 'watch'];
const change: readonly Verb[] = ['create', 'update', 'patch', 'delete', 'deletecollection'];
const all: readonly Verb[] = verbs;
const none: readonly Verb[] = [];

/** What each identity may, by resource; what is not named: nothing. */
const oracle: Readonly<Record<string, Readonly<Record<string, readonly Verb[]>>>> = {
  root: Object.fromEntries(resources.map(({ name }) => [name, all])),
  admin: {
    pods: all,
    'pods/log': read,
    'pods/exec': all,
    secrets: all,
    configmaps: all,
    deployments: all,
    'deployments/scale': all,
    roles: all,
    resourcequotas: read,
  },
  editor: {
    pods: all,
    'pods/log': read,
    'pods/exec': all,
    secrets: all,
    configmaps: all,
    deployments: all,
    'deployments/scale': all,
    resourcequotas: read,
  },
  viewer: {
    pods: read,
    'pods/log': read,
    configmaps: read,
    deployments: read,
    'deployments/scale': read,
    resourcequotas: read,
  },
  'viewer-everywhere': {
    pods: read,
    'pods/log': read,
    configmaps: read,
    deployments: read,
    'deployments/scale': read,
    resourcequotas: read,
    'pods elsewhere': read,
    namespaces: read,
  },
  /** `configmaps` named `x` alone, and every scale. */
  narrow: { configmaps: ['get', 'patch'], 'deployments/scale': ['get', 'update'] },
  'by-group': { nodes: read },
  stranger: {},
};

describe('who may what', () => {
  let api: Api;
  const agents = new Map<string, Agent>();

  before(async () => {
    api = await startApi({ controllers: ['clusterrole-aggregation-controller'] });
    const { client } = api.cluster;
    await api.ok('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    const roleRef = (name: string) => ({ apiGroup: rbacGroup, kind: 'ClusterRole', name });
    const subject = (name: string, kind = 'User') => [{ kind, name, apiGroup: rbacGroup }];
    const bind = (user: string, role: string) =>
      client.resource(RoleBinding).create({
        metadata: { namespace: 'shop', name: user },
        roleRef: roleRef(role),
        subjects: subject(user),
      });
    await bind('admin', 'admin');
    await bind('editor', 'edit');
    await bind('viewer', 'view');
    await client.resource(ClusterRole).create({
      metadata: { name: 'narrow' },
      rules: [
        { apiGroups: [''], resources: ['configmaps'], resourceNames: ['x'], verbs: ['get', 'patch'] },
        { apiGroups: ['*'], resources: ['*/scale'], verbs: ['get', 'update'] },
      ],
    });
    await bind('narrow', 'narrow');
    const everywhere = (name: string, role: string, subjects: ReturnType<typeof subject>) =>
      client.resource(ClusterRoleBinding).create({ metadata: { name }, roleRef: roleRef(role), subjects });
    await everywhere('viewers', 'view', subject('viewer-everywhere'));
    await everywhere('root', 'cluster-admin', subject('root'));
    await client.resource(ClusterRole).create({
      metadata: { name: 'node-readers' },
      rules: [{ apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch'] }],
    });
    await everywhere('node-readers', 'node-readers', subject('operators', 'Group'));
    for (const name of Object.keys(oracle)) {
      const organizations = name === 'by-group' ? ['operators'] : [];
      const { authority } = api.endpoint.pki;
      const pair = await issueClientCertificate(authority, { commonName: name, organizations }, Date.now());
      agents.set(
        name,
        new Agent({ ca: authority.certificate, cert: pair.certificate, key: pair.key, keepAlive: true }),
      );
    }
    await api.cluster.eventually(
      async () => ((await client.resource(ClusterRole).get({ name: 'admin' })).rules ?? []).length > 20,
    );
  });
  after(async () => {
    for (const agent of agents.values()) agent.destroy();
    await api[Symbol.asyncDispose]();
  });

  /** What a verb is on the wire. Nothing is changed: dry runs, and names that are not there. */
  function requestFor({ path, subresource }: Resource, verb: Verb): [string, string] | undefined {
    const item = `${path}/x${subresource === undefined ? '' : `/${subresource}`}`;
    if (subresource !== undefined && !['get', 'update', 'patch'].includes(verb)) return undefined;
    switch (verb) {
      case 'get':
        return ['GET', item];
      case 'list':
        return ['GET', path];
      case 'watch':
        return ['GET', `${path}?watch=true&timeoutSeconds=1&fieldSelector=nosuch%3Dfield`];
      case 'create':
        return ['POST', `${path}?dryRun=All`];
      case 'update':
        return ['PUT', `${item}?dryRun=All`];
      case 'patch':
        return ['PATCH', `${item}?dryRun=All`];
      case 'delete':
        return ['DELETE', `${item}?dryRun=All`];
      case 'deletecollection':
        return ['DELETE', `${path}?dryRun=All`];
    }
  }

  for (const identity of Object.keys(oracle)) {
    it(`is known of ${identity}`, async () => {
      const wrong: string[] = [];
      for (const resource of resources) {
        const expected = oracle[identity]![resource.name] ?? none;
        for (const verb of verbs) {
          const request = requestFor(resource, verb);
          if (request === undefined) continue;
          const [method, path] = request;
          const body = method === 'GET' || method === 'DELETE' ? undefined : '{}';
          const answer = await api.send(method, path, {
            agent: agents.get(identity)!,
            ...(body === undefined ? {} : { body }),
            ...(method === 'PATCH' ? { type: 'application/merge-patch+json' } : {}),
          });
          const got = answer.code !== 403;
          if (got !== expected.includes(verb))
            wrong.push(`${verb} ${resource.name}: ${answer.code} ${answer.text.trim()}`);
        }
      }
      assert.deepEqual(wrong, []);
    });
  }

  it('is what the reviews say, too', async () => {
    const { client } = api.cluster;
    const apiVersion = 'authorization.k8s.io/v1';
    const kind = 'SubjectAccessReview';
    const reviews = await client.dynamic({ apiVersion, kind });
    for (const [user, rights] of Object.entries(oracle)) {
      if (user === 'by-group') continue;
      for (const { name } of resources) {
        const [resource = '', subresource = ''] = name.replace(/ elsewhere$/, '').split('/');
        const group = { deployments: 'apps', roles: rbacGroup }[resource] ?? '';
        for (const verb of [...read, ...change]) {
          if (subresource !== '' && !['get', 'update', 'patch'].includes(verb)) continue;
          const named = ['get', 'update', 'patch', 'delete'].includes(verb);
          const cluster = name === 'nodes' || (name === 'namespaces' && !named);
          const namespace = cluster
            ? ''
            : name === 'namespaces'
              ? 'x'
              : name.endsWith('elsewhere')
                ? 'default'
                : 'shop';
          const resourceAttributes = { verb, group, resource, subresource, namespace, name: named ? 'x' : '' };
          const spec = { user, resourceAttributes };
          const { status } = await reviews.create({ apiVersion, kind, metadata: {}, spec } as never);
          const expected = (rights[name] ?? none).includes(verb);
          assert.equal((status as { allowed: boolean }).allowed, expected, `${user} ${verb} ${name}`);
        }
      }
    }
  });
});
