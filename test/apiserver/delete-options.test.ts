/** DeleteOptions: what of them counts where they are sent. */
import assert from 'node:assert/strict';
import { type Api, assertFailure, configMap, startApi } from './support/api.ts';

const collection = '/api/v1/namespaces/default/configmaps';
const ignore = 'ignoreStoreReadErrorWithClusterBreakingPotential';

describe('DeleteOptions', () => {
  let api: Api;
  before(async () => {
    api = await startApi();
  });
  after(() => api[Symbol.asyncDispose]());

  describe(`${ignore}, whose feature is off`, () => {
    beforeEach(async () => {
      await api.ok('POST', collection, configMap('a', { metadata: { name: 'a', labels: { only: 'a' } } }));
    });

    const ways: readonly [string, string, unknown][] = [
      ['in a query', `/a?${ignore}=true`, undefined],
      ['in a query, with what it may not stand beside', `/a?${ignore}=true&gracePeriodSeconds=1`, undefined],
      ['in a body', '/a', { kind: 'DeleteOptions', apiVersion: 'v1', [ignore]: true }],
      ['in a body, with what it may not stand beside', '/a', { [ignore]: true, propagationPolicy: 'Background' }],
      ['in a body that says no', '/a', { [ignore]: false }],
      ['for a collection, in a query', `?labelSelector=only%3Da&${ignore}=true`, undefined],
      ['for a collection, in a body', '?labelSelector=only%3Da', { [ignore]: true }],
    ];
    for (const [title, path, body] of ways) {
      it(`is dropped ${title}: the delete is a plain one`, async () => {
        const answer = await api.send('DELETE', `${collection}${path}`, body === undefined ? {} : { body });
        assert.equal(answer.code, 200, answer.text);
        assertFailure(await api.send('GET', `${collection}/a`), 404, 'NotFound', 'configmaps "a" not found');
      });
    }

    it('does not make a dry run a real one', async () => {
      for (const answer of [
        await api.send('DELETE', `${collection}/a?dryRun=All&${ignore}=true`),
        await api.send('DELETE', `${collection}/a`, { body: { dryRun: ['All'], [ignore]: true } }),
      ]) {
        assert.equal(answer.code, 200, answer.text);
      }
      await api.ok('GET', `${collection}/a`);
      await api.ok('DELETE', `${collection}/a`);
    });
  });

  it('are those of the body, where there is one: its query counts for nothing', async () => {
    await api.ok('POST', collection, configMap('b'));
    const query = '?dryRun=All&propagationPolicy=None&gracePeriodSeconds=x';
    const answer = await api.send('DELETE', `${collection}/b${query}`, { body: { kind: 'DeleteOptions' } });
    assert.equal(answer.code, 200, answer.text);
    assertFailure(await api.send('GET', `${collection}/b`), 404, 'NotFound', 'configmaps "b" not found');
  });

  it('may run dry only as all', async () => {
    const message =
      'DeleteOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"';
    assertFailure(await api.send('DELETE', `${collection}/a`, { body: { dryRun: ['Some'] } }), 422, 'Invalid', message);
    assertFailure(await api.send('DELETE', `${collection}/a?dryRun=Some`), 422, 'Invalid', message);
  });

  const wrong: readonly [unknown, string][] = [
    [{ [ignore]: 'yes' }, `json: cannot unmarshal string into Go struct field DeleteOptions.${ignore} of type bool`],
    [
      { gracePeriodSeconds: 'x' },
      'json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64',
    ],
    [
      { gracePeriodSeconds: 1.5 },
      'json: cannot unmarshal number 1.5 into Go struct field DeleteOptions.gracePeriodSeconds of type int64',
    ],
    [{ dryRun: 'All' }, 'json: cannot unmarshal string into Go struct field DeleteOptions.dryRun of type []string'],
    [
      { preconditions: { uid: 1 } },
      'json: cannot unmarshal number into Go struct field Preconditions.preconditions.uid of type string',
    ],
  ];
  for (const [body, message] of wrong) {
    it(`refuses ${JSON.stringify(body)}, and deletes nothing`, async () => {
      const kept = await api.send('POST', collection, { body: configMap('kept') });
      assert.ok(kept.code === 201 || kept.code === 409);
      assertFailure(await api.send('DELETE', `${collection}/kept`, { body }), 400, 'BadRequest', message);
      assertFailure(await api.send('DELETE', collection, { body }), 400, 'BadRequest', message);
      await api.ok('GET', `${collection}/kept`);
    });
  }
});
