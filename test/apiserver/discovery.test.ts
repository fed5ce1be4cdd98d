import assert from 'node:assert/strict';
import { type Api, startApi, widgets } from './support/api.ts';

const aggregated = { Accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' };

describe('discovery', () => {
  let api: Api;
  before(async () => {
    api = await startApi({ resources: [widgets()] });
  });
  after(() => api[Symbol.asyncDispose]());

  it('lists versions, groups and resources', async () => {
    const core = await api.ok('GET', '/api');
    assert.equal(core.kind, 'APIVersions');
    assert.deepEqual(core.versions, ['v1']);
    const groups = await api.ok('GET', '/apis');
    assert.equal(groups.kind, 'APIGroupList');
    const group = groups.groups.find(({ name }: { name: string }) => name === 'example.com');
    assert.deepEqual(group.preferredVersion, { groupVersion: 'example.com/v1', version: 'v1' });
    const list = await api.ok('GET', '/apis/example.com/v1');
    assert.equal(list.kind, 'APIResourceList');
    assert.deepEqual(
      list.resources.map(({ name }: { name: string }) => name),
      ['widgets', 'widgets/status', 'widgets/scale'],
    );
    const [widget, status, scale] = list.resources;
    assert.deepEqual(widget.shortNames, ['wd']);
    assert.deepEqual(widget.verbs, ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch']);
    assert.deepEqual(status.verbs, ['get', 'patch', 'update']);
    assert.deepEqual([scale.group, scale.version, scale.kind], ['autoscaling', 'v1', 'Scale']);
  });

  it('answers all at once to those who ask, and 304 to those who have it', async () => {
    const first = await api.send('GET', '/apis', { headers: aggregated });
    assert.equal(first.headers['content-type'], 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
    assert.equal(first.json.kind, 'APIGroupDiscoveryList');
    const item = first.json.items.find(
      ({ metadata }: { metadata: { name: string } }) => metadata.name === 'example.com',
    );
    assert.equal(item.versions[0].resources[0].resource, 'widgets');
    const etag = String(first.headers.etag);
    const again = await api.send('GET', '/apis', { headers: { ...aggregated, 'If-None-Match': etag } });
    assert.equal(again.code, 304);
    assert.equal(again.text, '');
  });

  it('follows the definitions', async () => {
    const other = widgets({ spec: { group: 'other.example.com' } });
    other.metadata.name = 'widgets.other.example.com';
    const before = await api.send('GET', '/apis', { headers: aggregated });
    const [definition] = await api.cluster.create(other);
    const path = '/apis/other.example.com/v1';
    await api.cluster.eventually(async () => (await api.send('GET', path)).code === 200);
    const after = await api.send('GET', '/apis', { headers: aggregated });
    assert.notEqual(after.headers.etag, before.headers.etag);
    await api.ok('DELETE', `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${definition!.metadata.name}`);
    await api.cluster.eventually(async () => (await api.send('GET', path)).code === 404);
  });

  it('shows the paths there are', async () => {
    const { paths } = await api.ok('GET', '/');
    for (const path of ['/api', '/api/v1', '/apis/example.com/v1', '/healthz', '/openapi/v3', '/version']) {
      assert.ok(paths.includes(path), path);
    }
  });

  it('says which Kubernetes it speaks', async () => {
    const version = await api.ok('GET', '/version');
    assert.match(version.gitVersion, /^v1\.\d+\.\d+/);
    assert.equal(version.major, '1');
  });
});

describe('OpenAPI', () => {
  let api: Api;
  before(async () => {
    api = await startApi({ resources: [widgets()] });
  });
  after(() => api[Symbol.asyncDispose]());

  it('v3: a document a group version, under an address that changes with it', async () => {
    const index = await api.ok('GET', '/openapi/v3');
    const { serverRelativeURL } = index.paths['apis/example.com/v1'];
    assert.match(serverRelativeURL, /^\/openapi\/v3\/apis\/example\.com\/v1\?hash=[0-9A-F]+$/);
    const document = await api.ok('GET', serverRelativeURL);
    const path = document.paths['/apis/example.com/v1/namespaces/{namespace}/widgets/{name}'];
    assert.ok(path.get && path.put && path.patch && path.delete);
    const schemas = Object.values(document.components.schemas) as Record<string, unknown>[];
    const widget = schemas.find((schema) =>
      (schema['x-kubernetes-group-version-kind'] as { kind: string }[] | undefined)?.some(
        ({ kind }) => kind === 'Widget',
      ),
    );
    assert.ok(widget);
  });

  it('v3: the address of a document changes with its own definitions, and with no others', async () => {
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const addresses = async (): Promise<Record<string, { serverRelativeURL: string }>> =>
      (await api.ok('GET', '/openapi/v3')).paths;
    const before = await addresses();
    const patch = JSON.stringify([
      {
        op: 'add',
        path: '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/added',
        value: { type: 'string', description: 'what came later' },
      },
    ]);
    await api.ok('PATCH', `${definitions}/widgets.example.com`, patch, 'application/json-patch+json');
    let after = await addresses();
    const path = 'apis/example.com/v1';
    while (after[path]!.serverRelativeURL === before[path]!.serverRelativeURL) after = await addresses();
    const { [path]: old, ...others } = before;
    const { [path]: changed, ...same } = after;
    assert.deepEqual(same, others);
    assert.match(JSON.stringify(await api.ok('GET', changed!.serverRelativeURL)), /what came later/);
    const moved = await api.send('GET', old!.serverRelativeURL);
    assert.deepEqual([moved.code, moved.headers.location], [301, changed!.serverRelativeURL]);
  });

  it('v2: one document of everything', async () => {
    const document = await api.ok('GET', '/openapi/v2');
    assert.equal(document.swagger, '2.0');
    assert.ok(document.paths['/api/v1/namespaces/{namespace}/configmaps']);
    assert.ok(document.paths['/apis/example.com/v1/namespaces/{namespace}/widgets']);
  });

  it('describes everything that a cluster with nodes serves', async () => {
    await using whole = await startApi({ nodes: 1 });
    const { paths } = await whole.ok('GET', '/openapi/v2');
    assert.ok(paths['/apis/metrics.k8s.io/v1beta1/nodes']);
    const index = await whole.ok('GET', '/openapi/v3');
    for (const { serverRelativeURL } of Object.values<{ serverRelativeURL: string }>(index.paths)) {
      assert.equal((await whole.send('GET', serverRelativeURL)).code, 200, serverRelativeURL);
    }
  });
});
