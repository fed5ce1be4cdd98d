import assert from 'node:assert/strict';
import { type Api, assertFailure, configMap, startApi, widgets } from './support/api.ts';

const collection = '/api/v1/namespaces/default/configmaps';
const custom = '/apis/example.com/v1/namespaces/default/widgets';
const modified = (what: string): string =>
  `Operation cannot be fulfilled on ${what}: the object has been modified; please apply your changes to the latest version and try again`;

describe('update', () => {
  let api: Api;
  before(async () => {
    api = await startApi({ resources: [widgets()] });
  });
  after(() => api[Symbol.asyncDispose]());

  const widget = (name: string, extra: object = {}) => ({
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: { name },
    spec: { replicas: 1 },
    ...extra,
  });

  it('replaces the object and keeps what is the server’s', async () => {
    const made = await api.ok('POST', collection, configMap('replaced', { data: { a: '1', b: '2' } }));
    const updated = await api.ok('PUT', `${collection}/replaced`, configMap('replaced', { data: { a: '3' } }));
    assert.deepEqual(updated.data, { a: '3' });
    assert.equal(updated.metadata.uid, made.metadata.uid);
    assert.equal(updated.metadata.creationTimestamp, made.metadata.creationTimestamp);
    assert.notEqual(updated.metadata.resourceVersion, made.metadata.resourceVersion);
  });

  it('writes nothing when nothing changes', async () => {
    const made = await api.ok('POST', collection, configMap('same', { data: { a: '1' } }));
    const again = await api.ok('PUT', `${collection}/same`, made);
    assert.equal(again.metadata.resourceVersion, made.metadata.resourceVersion);
    const patched = await api.ok('PATCH', `${collection}/same`, '{"data":{"a":"1"}}', 'application/merge-patch+json');
    assert.equal(patched.metadata.resourceVersion, made.metadata.resourceVersion);
  });

  it('counts generations of what is asked for, not of what is observed', async () => {
    const made = await api.ok('POST', custom, widget('counted'));
    assert.equal(made.metadata.generation, 1);
    const { metadata } = await api.ok('PUT', `${custom}/counted`, { ...made, spec: { replicas: 2 } });
    assert.equal(metadata.generation, 2);
    const labelled = await api.ok(
      'PATCH',
      `${custom}/counted`,
      '{"metadata":{"labels":{"a":"b"}}}',
      'application/merge-patch+json',
    );
    assert.equal(labelled.metadata.generation, 2);
    const observed = await api.ok(
      'PATCH',
      `${custom}/counted/status`,
      '{"status":{"replicas":1}}',
      'application/merge-patch+json',
    );
    assert.equal(observed.metadata.generation, 2);
  });

  it('lets one of many writers with the same resourceVersion through', async () => {
    const made = await api.ok('POST', collection, configMap('contended'));
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, i) =>
        api.send('PUT', `${collection}/contended`, { body: { ...made, data: { writer: String(i) } } }),
      ),
    );
    const codes = answers.map(({ code }) => code).sort();
    assert.deepEqual(codes, [200, ...Array.from({ length: 15 }, () => 409)]);
    const refused = answers.find(({ code }) => code === 409)!;
    assertFailure(refused, 409, 'Conflict', modified('configmaps "contended"'), {
      name: 'contended',
      kind: 'configmaps',
    });
  });

  it('loses no patch of many at once', async () => {
    await api.ok('POST', collection, configMap('patched'));
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, i) =>
        api.send('PATCH', `${collection}/patched`, {
          body: { data: { [`k${i}`]: 'v' } },
          type: 'application/merge-patch+json',
        }),
      ),
    );
    assert.ok(answers.every(({ code }) => code === 200));
    const { data } = await api.ok('GET', `${collection}/patched`);
    assert.equal(Object.keys(data).length, 16);
  });

  it('fills in the namespace of the path', async () => {
    await api.ok('POST', collection, configMap('filled'));
    const updated = await api.ok('PUT', `${collection}/filled`, configMap('filled', { data: { a: 'b' } }));
    assert.equal(updated.metadata.namespace, 'default');
  });

  it('creates what may be created by an update', async () => {
    const lease = '/apis/coordination.k8s.io/v1/namespaces/default/leases/made';
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'made' }, spec: {} };
    const created = await api.send('PUT', lease, { body });
    assert.equal(created.code, 201);
    assert.equal((await api.send('PUT', lease, { body: created.json })).code, 200);
  });

  describe('refuses', () => {
    before(async () => {
      await api.ok('POST', collection, configMap('a', { data: { x: '1' } }));
      await api.ok('POST', custom, widget('w'));
    });

    const meta = (extra: object) => ({ ...configMap('a'), metadata: { name: 'a', ...extra } });
    const cases: readonly [string, string, unknown, number, string, string | RegExp][] = [
      ['a name that is not there', 'none', configMap('none'), 404, 'NotFound', 'configmaps "none" not found'],
      [
        'another name',
        'a',
        configMap('b'),
        400,
        'BadRequest',
        'the name of the object (b) does not match the name on the URL (a)',
      ],
      [
        'no name',
        'a',
        { apiVersion: 'v1', kind: 'ConfigMap' },
        400,
        'BadRequest',
        'the name of the object (a based on URL) was undeterminable: name must be provided',
      ],
      [
        'another namespace',
        'a',
        meta({ namespace: 'kube-system' }),
        400,
        'BadRequest',
        'the namespace of the provided object does not match the namespace sent on the request',
      ],
      ['an old resourceVersion', 'a', meta({ resourceVersion: '1' }), 409, 'Conflict', modified('configmaps "a"')],
      [
        'another uid',
        'a',
        meta({ uid: 'x' }),
        409,
        'Conflict',
        /^Operation cannot be fulfilled on configmaps "a": Precondition failed: UID in precondition: x, UID in object meta: [0-9a-f-]{36}$/,
      ],
    ];
    for (const [title, name, body, code, reason, message] of cases) {
      it(title, async () => {
        assertFailure(await api.send('PUT', `${collection}/${name}`, { body }), code, reason, message);
      });
    }

    it('custom resources without a resourceVersion', async () => {
      const answer = await api.send('PUT', `${custom}/w`, { body: widget('w') });
      assertFailure(
        answer,
        422,
        'Invalid',
        /^widgets\.example\.com "w" is invalid: metadata\.resourceVersion: Invalid value: (0|0x0): must be specified for an update$/,
      );
    });

    it('changes of what cannot change', async () => {
      await api.ok('POST', collection, configMap('fixed', { data: { a: '1' }, immutable: true }));
      assertFailure(
        await api.send('PUT', `${collection}/fixed`, {
          body: configMap('fixed', { data: { a: '2' }, immutable: true }),
        }),
        422,
        'Invalid',
        'ConfigMap "fixed" is invalid: data: Forbidden: field is immutable when `immutable` is set',
      );
    });
  });
});
