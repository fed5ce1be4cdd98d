import assert from 'node:assert/strict';
import { type Api, assertFailure, startApi, widgets } from './support/api.ts';

const deployments = '/apis/apps/v1/namespaces/default/deployments';
const custom = '/apis/example.com/v1/namespaces/default/widgets';
const merge = 'application/merge-patch+json';

const deployment = (name: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
  },
});

describe('status', () => {
  let api: Api;
  before(async () => {
    api = await startApi({ resources: [widgets()] });
    await api.ok('POST', custom, {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: 'w' },
      spec: { replicas: 1 },
      status: { replicas: 7 },
    });
  });
  after(() => api[Symbol.asyncDispose]());

  it('is not written through the object', async () => {
    const object = await api.ok('GET', `${custom}/w`);
    assert.equal(object.status, undefined);
    const updated = await api.ok('PUT', `${custom}/w`, { ...object, status: { replicas: 3 } });
    assert.equal(updated.status, undefined);
  });

  it('writes nothing else', async () => {
    const object = await api.ok('GET', `${custom}/w`);
    const changed = {
      ...object,
      metadata: { ...object.metadata, labels: { a: 'b' } },
      spec: { replicas: 5 },
      status: { replicas: 3 },
    };
    const updated = await api.ok('PUT', `${custom}/w/status`, changed);
    assert.deepEqual(updated.status, { replicas: 3 });
    assert.equal(updated.spec.replicas, 1);
    assert.equal(updated.metadata.labels, undefined);
  });

  it('has its own owners', async () => {
    await api.ok('PATCH', `${custom}/w/status?fieldManager=observer`, '{"status":{"selector":"a=b"}}', merge);
    const { metadata } = await api.ok('GET', `${custom}/w`);
    const entry = metadata.managedFields.find(({ manager }: { manager: string }) => manager === 'observer');
    assert.equal(entry.subresource, 'status');
    assert.deepEqual(entry.fieldsV1, { 'f:status': { 'f:selector': {} } });
  });

  it('is read, replaced and patched, and nothing else', async () => {
    assert.equal((await api.send('GET', `${custom}/w/status`)).code, 200);
    for (const method of ['POST', 'DELETE']) {
      assertFailure(
        await api.send(method, `${custom}/w/status`, method === 'POST' ? { body: {} } : {}),
        405,
        'MethodNotAllowed',
        'the server does not allow this method on the requested resource',
      );
    }
  });
});

describe('scale', () => {
  let api: Api;
  before(async () => {
    api = await startApi({ resources: [widgets()] });
    await api.ok('POST', `${deployments}?fieldManager=maker`, deployment('d'));
  });

  it('is a table of four columns where one is asked for', async () => {
    const Accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const { json } = await api.send('GET', `${deployments}/d/scale`, { headers: { Accept } });
    assert.equal(json.kind, 'Table');
    assert.deepEqual(
      json.columnDefinitions.map(({ name, type }: { name: string; type: string }) => `${name} ${type}`),
      ['Name string', 'Desired integer', 'Available integer', 'Age string'],
    );
    assert.deepEqual(json.rows[0].cells.slice(0, 3), ['d', 2, 0]);
    assert.equal(json.rows[0].object.metadata.name, 'd');
  });

  it('is none of a custom resource without replicas', async () => {
    await api.ok('POST', custom, { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'bare' } });
    const message = 'Internal error occurred: the spec replicas field ".spec.replicas" does not exist';
    assertFailure(await api.send('GET', `${custom}/bare/scale`), 500, 'InternalError', message);
    const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'bare' }, spec: { replicas: 2 } };
    await api.ok('PUT', `${custom}/bare/scale`, scale);
    assert.equal((await api.ok('GET', `${custom}/bare/scale`)).spec.replicas, 2);
  });
  after(() => api[Symbol.asyncDispose]());

  it('shows replicas and the selector as text', async () => {
    const scale = await api.ok('GET', `${deployments}/d/scale`);
    assert.equal(scale.kind, 'Scale');
    assert.equal(scale.apiVersion, 'autoscaling/v1');
    assert.deepEqual(scale.spec, { replicas: 2 });
    assert.deepEqual(scale.status, { replicas: 0, selector: 'app=d' });
    assert.equal(scale.metadata.managedFields, undefined);
  });

  it('is replaced, and its owner owns the replicas of the object', async () => {
    const scale = await api.ok('GET', `${deployments}/d/scale`);
    const answer = await api.ok('PUT', `${deployments}/d/scale?fieldManager=scaler`, {
      ...scale,
      spec: { replicas: 5 },
    });
    assert.equal(answer.spec.replicas, 5);
    const object = await api.ok('GET', `${deployments}/d`);
    assert.equal(object.spec.replicas, 5);
    assert.equal(object.metadata.generation, 2);
    const { managedFields } = object.metadata;
    const byManager = (name: string) => managedFields.find(({ manager }: { manager: string }) => manager === name);
    assert.deepEqual(byManager('scaler').fieldsV1, { 'f:spec': { 'f:replicas': {} } });
    assert.equal(byManager('scaler').subresource, 'scale');
    assert.equal(byManager('maker').fieldsV1['f:spec']['f:replicas'], undefined);
  });

  it('is patched in three ways and applied', async () => {
    for (const [body, type, replicas] of [
      ['{"spec":{"replicas":3}}', merge, 3],
      ['{"spec":{"replicas":4}}', 'application/strategic-merge-patch+json', 4],
      ['[{"op":"replace","path":"/spec/replicas","value":6}]', 'application/json-patch+json', 6],
    ] as const) {
      assert.equal((await api.ok('PATCH', `${deployments}/d/scale`, body, type)).spec.replicas, replicas);
    }
    const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'd' }, spec: { replicas: 8 } };
    const path = `${deployments}/d/scale?fieldManager=hpa`;
    const apply = 'application/apply-patch+yaml';
    assertFailure(
      await api.send('PATCH', path, { body: scale, type: apply }),
      409,
      'Conflict',
      /^Apply failed with 1 conflict: conflict with "unknown" with subresource "scale" using apps\/v1|autoscaling\/v1: \.spec\.replicas$/,
    );
    assert.equal((await api.ok('PATCH', `${path}&force=true`, scale, apply)).spec.replicas, 8);
    const { metadata } = await api.ok('GET', `${deployments}/d`);
    const entry = metadata.managedFields.find(({ manager }: { manager: string }) => manager === 'hpa');
    assert.deepEqual(entry.fieldsV1, { 'f:spec': { 'f:replicas': {} } });
    assert.equal(entry.operation, 'Apply');
  });

  it('loses no write of many', async () => {
    await api.ok('POST', deployments, deployment('busy'));
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        api.send('PATCH', `${deployments}/busy/scale`, { body: { spec: { replicas: i } }, type: merge }),
      ),
    );
    assert.deepEqual(
      answers.map(({ code }) => code),
      Array.from({ length: 8 }, () => 200),
    );
  });

  const cases: readonly [string, (scale: Record<string, unknown>) => unknown, number, string, string | RegExp][] = [
    [
      'fewer than none',
      (scale) => ({ ...scale, spec: { replicas: -1 } }),
      422,
      'Invalid',
      'Scale.autoscaling "d" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      'an old version',
      (scale) => ({ ...scale, metadata: { name: 'd', namespace: 'default', resourceVersion: '1' } }),
      409,
      'Conflict',
      'Operation cannot be fulfilled on deployments.apps "d": the object has been modified; please apply your changes to the latest version and try again',
    ],
    [
      'another uid',
      (scale) => ({ ...scale, metadata: { name: 'd', namespace: 'default', uid: 'x' } }),
      409,
      'Conflict',
      /^Operation cannot be fulfilled on deployments\.apps\/scale|deployments\/scale\.apps "d": Precondition failed/,
    ],
    [
      'another name',
      (scale) => ({ ...scale, metadata: { name: 'x' } }),
      400,
      'BadRequest',
      'the name of the object (x) does not match the name on the URL (d)',
    ],
    [
      'another kind',
      () => deployment('d'),
      400,
      'BadRequest',
      /cannot be handled as a Scale|does not match the expected API version/,
    ],
  ];
  for (const [title, change, code, reason, message] of cases) {
    it(`refuses ${title}`, async () => {
      const body = change(await api.ok('GET', `${deployments}/d/scale`));
      assertFailure(await api.send('PUT', `${deployments}/d/scale`, { body }), code, reason, message);
    });
  }

  it('is there for custom resources that declare it', async () => {
    await api.ok('POST', custom, {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: 'w' },
      spec: { replicas: 1 },
    });
    const path = `${custom}/w/scale`;
    assert.equal((await api.ok('PATCH', path, '{"spec":{"replicas":3}}', merge)).spec.replicas, 3);
    assert.equal((await api.ok('GET', `${custom}/w`)).spec.replicas, 3);
    assertFailure(
      await api.send('PATCH', path, { body: '{"spec":{"replicas":11}}', type: merge }),
      422,
      'Invalid',
      /spec\.replicas in body should be less than or equal to 10/,
    );
  });
});
