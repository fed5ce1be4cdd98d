import assert from 'node:assert/strict';
import { type Api, startApi } from './support/api.ts';

const group = '/apis/flowcontrol.apiserver.k8s.io/v1';

describe('flow control', () => {
  let api: Api;
  before(async () => {
    api = await startApi();
  });
  after(() => api[Symbol.asyncDispose]());

  const patch = (path: string, body: object) =>
    api.send('PATCH', `${group}/${path}`, { body, type: 'application/merge-patch+json' });

  it('has its mandatory objects from the start', async () => {
    const names = async (plural: string): Promise<string[]> =>
      (await api.ok('GET', `${group}/${plural}`)).items.map(
        ({ metadata }: { metadata: { name: string } }) => metadata.name,
      );
    assert.deepEqual(await names('flowschemas'), ['catch-all', 'exempt']);
    assert.deepEqual(await names('prioritylevelconfigurations'), ['catch-all', 'exempt']);
  });

  it('keeps what they say, and lets them be labelled', async () => {
    for (const path of ['flowschemas/exempt', 'flowschemas/catch-all', 'prioritylevelconfigurations/catch-all']) {
      assert.equal((await patch(path, { metadata: { labels: { a: 'b' } } })).code, 200, path);
    }
    const schema = await patch('flowschemas/catch-all', { spec: { matchingPrecedence: 9000 } });
    assert.equal(schema.code, 422);
    assert.match(schema.json.message, /spec of 'catch-all' must equal the fixed value$/);
    const level = await patch('prioritylevelconfigurations/catch-all', {
      spec: { limited: { nominalConcurrencyShares: 7 } },
    });
    assert.equal(level.code, 422);
    assert.match(level.json.message, /spec of 'catch-all' must equal the fixed value$/);
  });

  it('leaves the shares of the exempt level to the administrator', async () => {
    const shares = await patch('prioritylevelconfigurations/exempt', { spec: { exempt: { lendablePercent: 50 } } });
    assert.equal(shares.code, 200, shares.text);
    const limited = await patch('prioritylevelconfigurations/exempt', { spec: { type: 'Limited' } });
    assert.equal(limited.code, 422);
    assert.match(limited.json.message, /type must be 'Exempt' if and only if name is 'exempt'/);
    const wrong = await patch('prioritylevelconfigurations/exempt', { spec: { exempt: { lendablePercent: 101 } } });
    assert.equal(
      wrong.json.message,
      'PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io "exempt" is invalid: spec.exempt.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive',
    );
  });
});
