import assert from 'node:assert/strict';
import { type Api, assertFailure, configMap, startApi, widgets } from './support/api.ts';

const collection = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/default/pods';
const merge = 'application/merge-patch+json';

describe('delete', () => {
  let api: Api;
  before(async () => {
    api = await startApi({ resources: [widgets()] });
  });
  after(() => api[Symbol.asyncDispose]());

  const make = (name: string, metadata: object = {}) =>
    api.ok('POST', collection, { ...configMap(name), metadata: { name, ...metadata } });

  it('answers a Status that names what is gone', async () => {
    const { metadata } = await make('gone');
    const answer = await api.send('DELETE', `${collection}/gone`);
    assert.equal(answer.code, 200);
    assert.deepEqual(answer.json, {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name: 'gone', kind: 'configmaps', uid: metadata.uid },
    });
    assert.equal((await api.send('GET', `${collection}/gone`)).code, 404);
  });

  it('waits for finalizers', async () => {
    await make('held', { finalizers: ['example.com/hold'] });
    const marked = await api.ok('DELETE', `${collection}/held`);
    assert.equal(marked.kind, 'ConfigMap');
    assert.match(marked.metadata.deletionTimestamp, /Z$/);
    assert.equal(marked.metadata.deletionGracePeriodSeconds, 0);
    assertFailure(
      await api.send('POST', collection, { body: configMap('held') }),
      409,
      'AlreadyExists',
      'object is being deleted: configmaps "held" already exists',
      { name: 'held', kind: 'configmaps' },
    );
    const again = await api.ok('DELETE', `${collection}/held`);
    assert.equal(
      again.metadata?.deletionTimestamp ?? marked.metadata.deletionTimestamp,
      marked.metadata.deletionTimestamp,
    );
    assertFailure(
      await api.send('PATCH', `${collection}/held`, {
        body: '{"metadata":{"finalizers":["example.com/hold","example.com/more"]}}',
        type: merge,
      }),
      422,
      'Invalid',
      'ConfigMap "held" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/more"}',
    );
    const freed = await api.ok('PATCH', `${collection}/held`, '{"metadata":{"finalizers":null}}', merge);
    assert.equal(freed.metadata.finalizers, undefined);
    assert.equal((await api.send('GET', `${collection}/held`)).code, 404);
  });

  it('gives pods their time', async () => {
    const pod = (name: string) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] },
    });
    await api.ok('POST', pods, pod('graceful'));
    const marked = await api.ok('DELETE', `${pods}/graceful`);
    assert.equal(marked.metadata.deletionGracePeriodSeconds, 30);
    const sooner = await api.ok('DELETE', `${pods}/graceful?gracePeriodSeconds=5`);
    assert.equal(sooner.metadata.deletionGracePeriodSeconds, 5);
    const later = await api.ok('DELETE', `${pods}/graceful?gracePeriodSeconds=50`);
    assert.equal(later.metadata?.deletionGracePeriodSeconds ?? 5, 5, 'time is never added');
    await api.ok('DELETE', `${pods}/graceful?gracePeriodSeconds=0`);
    assert.equal((await api.send('GET', `${pods}/graceful`)).code, 404);
  });

  const policies: readonly [string, object, string[] | undefined][] = [
    ['Background', { propagationPolicy: 'Background' }, undefined],
    ['Foreground', { propagationPolicy: 'Foreground' }, ['foregroundDeletion']],
    ['Orphan', { propagationPolicy: 'Orphan' }, ['orphan']],
    ['orphanDependents', { orphanDependents: true }, ['orphan']],
    ['no orphanDependents', { orphanDependents: false }, undefined],
    ['nothing', {}, undefined],
  ];
  for (const [title, options, finalizers] of policies) {
    it(`propagates by ${title}`, async () => {
      const name = `p-${title.toLowerCase().replaceAll(' ', '-')}`;
      await make(name);
      const answer = await api.ok('DELETE', `${collection}/${name}`, {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        ...options,
      });
      if (finalizers === undefined) assert.equal(answer.kind, 'Status');
      else assert.deepEqual(answer.metadata.finalizers, finalizers);
    });
  }

  it('does nothing in a dry run', async () => {
    await make('dry');
    assert.equal((await api.send('DELETE', `${collection}/dry?dryRun=All`)).code, 200);
    assert.equal((await api.send('DELETE', `${collection}/dry`, { body: { dryRun: ['All'] } })).code, 200);
    assert.equal((await api.send('GET', `${collection}/dry`)).code, 200);
  });

  const refused: readonly [string, string, unknown, number, string, string | RegExp][] = [
    [
      'another uid',
      '',
      { preconditions: { uid: 'x' } },
      409,
      'Conflict',
      /^Operation cannot be fulfilled on ConfigMap "r": the UID in the precondition \(x\) does not match the UID in record \([0-9a-f-]{36}\)\. The object might have been deleted and then recreated$/,
    ],
    [
      'another resourceVersion',
      '',
      { preconditions: { resourceVersion: '1' } },
      409,
      'Conflict',
      /^Operation cannot be fulfilled on ConfigMap "r": the ResourceVersion in the precondition \(1\) does not match the ResourceVersion in record \(\d+\)\. The object might have been modified$/,
    ],
    [
      'an unknown policy',
      '?propagationPolicy=Foo',
      undefined,
      422,
      'Invalid',
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Foo": supported values: "Foreground", "Background", "Orphan", "nil"',
    ],
    [
      'two policies',
      '',
      { propagationPolicy: 'Orphan', orphanDependents: true },
      422,
      'Invalid',
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set',
    ],
    ['half a body', '', '{', 400, 'BadRequest', /json parse error: unexpected end of JSON input/],
    [
      'another kind of body',
      '',
      { kind: 'Pod', apiVersion: 'v1' },
      400,
      'BadRequest',
      'decoded object cannot be converted to DeleteOptions',
    ],
    [
      'a grace period that is no number',
      '?gracePeriodSeconds=x',
      undefined,
      400,
      'BadRequest',
      'strconv.ParseInt: parsing "x": invalid syntax',
    ],
    ['an unknown dry run', '?dryRun=Some', undefined, 422, 'Invalid', /dryRun: Unsupported value/],
  ];
  for (const [title, query, body, code, reason, message] of refused) {
    it(`refuses ${title}`, async () => {
      if ((await api.send('GET', `${collection}/r`)).code === 404) await make('r');
      assertFailure(
        await api.send('DELETE', `${collection}/r${query}`, body === undefined ? {} : { body }),
        code,
        reason,
        message,
      );
    });
  }

  it('refuses to take away what the system stands on', async () => {
    assertFailure(
      await api.send('DELETE', '/api/v1/namespaces/default'),
      403,
      'Forbidden',
      'namespaces "default" is forbidden: this namespace may not be deleted',
      { name: 'default', kind: 'namespaces' },
    );
  });

  it('takes nothing new into a namespace that goes', async () => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'going' } };
    await api.ok('POST', '/api/v1/namespaces', namespace);
    const going = await api.ok('DELETE', '/api/v1/namespaces/going');
    assert.equal(going.status.phase, 'Terminating');
    const answer = await api.send('POST', '/api/v1/namespaces/going/configmaps', { body: configMap('late') });
    assertFailure(
      answer,
      403,
      'Forbidden',
      'configmaps "late" is forbidden: unable to create new content in namespace going because it is being terminated',
    );
    assert.equal(answer.json.details.causes[0].reason, 'NamespaceTerminating');
  });

  it('of a collection takes what is selected', async () => {
    const path = '/api/v1/namespaces/kube-public/configmaps';
    for (const name of ['a', 'b', 'c']) {
      await api.ok('POST', path, { ...configMap(name), metadata: { name, labels: { keep: String(name === 'b') } } });
    }
    const dry = await api.ok('DELETE', `${path}?labelSelector=keep=false&dryRun=All`);
    assert.equal(dry.items.length, 2);
    const answer = await api.ok('DELETE', `${path}?labelSelector=keep=false`);
    assert.equal(answer.kind, 'ConfigMapList');
    assert.deepEqual(
      answer.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name),
      ['a', 'c'],
    );
    const rest = await api.ok('GET', path);
    assert.deepEqual(
      rest.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name),
      ['b'],
    );
  });

  it('lets one of many deletes through', async () => {
    await make('raced');
    const answers = await Promise.all(Array.from({ length: 10 }, () => api.send('DELETE', `${collection}/raced`)));
    assert.deepEqual(answers.map(({ code }) => code).sort(), [200, ...Array.from({ length: 9 }, () => 404)]);
  });
});
