import assert from 'node:assert/strict';
import { get } from 'node:https';
import { gunzipSync } from 'node:zlib';
import { type Api, assertFailure, configMap, startApi, widgets } from './support/api.ts';

const collection = '/api/v1/namespaces/default/configmaps';
const names = (list: { items: { metadata: { name: string } }[] }): string[] =>
  list.items.map(({ metadata }) => metadata.name);

describe('list', () => {
  let api: Api;
  let versions: string[];
  before(async () => {
    api = await startApi({ resources: [widgets()] });
    versions = [];
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      const labels = { tier: name < 'c' ? 'front' : 'back', [name]: 'x' };
      const made = await api.ok('POST', collection, { ...configMap(name), metadata: { name, labels } });
      versions.push(made.metadata.resourceVersion);
    }
    await api.ok('POST', '/api/v1/namespaces/kube-system/configmaps', configMap('a'));
  });
  after(() => api[Symbol.asyncDispose]());

  it('answers in the order of keys, with the revision that it shows', async () => {
    const list = await api.ok('GET', collection);
    assert.equal(list.kind, 'ConfigMapList');
    assert.equal(list.apiVersion, 'v1');
    assert.deepEqual(names(list), ['a', 'b', 'c', 'd', 'e']);
    assert.deepEqual(Object.keys(list.metadata), ['resourceVersion']);
    assert.ok(Number(list.metadata.resourceVersion) > Number(versions.at(-1)));
    const all = await api.ok('GET', '/api/v1/configmaps');
    assert.equal(all.items.length, 6);
  });

  const selectors: readonly [string, string[]][] = [
    ['labelSelector=tier=front', ['a', 'b']],
    ['labelSelector=tier!=front', ['c', 'd', 'e']],
    ['labelSelector=tier%20in%20(front,other),b', ['b']],
    ['labelSelector=!c,tier', ['a', 'b', 'd', 'e']],
    ['labelSelector=tier%20notin%20(front)', ['c', 'd', 'e']],
    ['fieldSelector=metadata.name=c', ['c']],
    ['fieldSelector=metadata.name!=c', ['a', 'b', 'd', 'e']],
    ['fieldSelector=metadata.namespace=kube-system', []],
    ['fieldSelector=metadata.name==c,metadata.namespace=default', ['c']],
    ['labelSelector=', ['a', 'b', 'c', 'd', 'e']],
  ];
  for (const [query, expected] of selectors) {
    it(`selects by ${query}`, async () => {
      assert.deepEqual(names(await api.ok('GET', `${collection}?${query}`)), expected);
    });
  }

  it('comes in pages of one revision, whatever is written meanwhile', async () => {
    const first = await api.ok('GET', `${collection}?limit=2`);
    assert.deepEqual(names(first), ['a', 'b']);
    assert.equal(first.metadata.remainingItemCount, 3);
    await api.ok('POST', collection, configMap('bb'));
    const seen = [...names(first)];
    let token = first.metadata.continue;
    while (token) {
      const page = await api.ok('GET', `${collection}?limit=2&continue=${token}`);
      assert.equal(page.metadata.resourceVersion, first.metadata.resourceVersion);
      seen.push(...names(page));
      token = page.metadata.continue;
    }
    assert.deepEqual(seen, ['a', 'b', 'c', 'd', 'e']);
    await api.ok('DELETE', `${collection}/bb`);
  });

  it('pages through what selectors leave, without counting the rest', async () => {
    const first = await api.ok('GET', `${collection}?limit=1&labelSelector=tier=back`);
    assert.deepEqual(names(first), ['c']);
    assert.equal(first.metadata.remainingItemCount, undefined);
    const second = await api.ok(
      'GET',
      `${collection}?limit=5&labelSelector=tier=back&continue=${first.metadata.continue}`,
    );
    assert.deepEqual(names(second), ['d', 'e']);
    assert.equal(second.metadata.continue, undefined);
  });

  it('answers 410 to a token whose revision is gone, with one that goes on from now', async () => {
    await using fresh = await startApi();
    for (const name of ['a', 'b', 'c']) await fresh.ok('POST', collection, configMap(name));
    const first = await fresh.ok('GET', `${collection}?limit=1`);
    await fresh.ok('POST', collection, configMap('d'));
    await compact(fresh);
    const answer = await fresh.send('GET', `${collection}?limit=1&continue=${first.metadata.continue}`);
    assert.equal(answer.code, 410);
    assert.equal(answer.json.reason, 'Expired');
    assert.match(
      answer.json.message,
      /^The provided continue parameter is too old to display a consistent list result\. /,
    );
    const rest = await fresh.ok('GET', `${collection}?continue=${answer.json.metadata.continue}`);
    assert.deepEqual(names(rest), ['b', 'c', 'd']);
  });

  it('refuses tokens that are none', async () => {
    const encoded = (text: string): string => Buffer.from(text).toString('base64url');
    const wrong: readonly [token: string, why: string][] = [
      ['a.c', ': illegal base64 data at input byte 1'],
      ['abcde', ': illegal base64 data at input byte 4'],
      ['abc', ": invalid character 'i' looking for beginning of value"],
      [encoded('{'), ': unexpected end of JSON input'],
      [encoded('[]'), ': json: cannot unmarshal array into Go value of type storage.continueToken'],
      [
        encoded('{"v":"meta.k8s.io/v1","rv":"1"}'),
        ': json: cannot unmarshal string into Go struct field continueToken.rv of type int64',
      ],
      [encoded('null'), ': server does not recognize this encoded version '],
      [encoded('{"v":"x"}'), ': server does not recognize this encoded version x'],
      [encoded('{"v":"meta.k8s.io/v1"}'), ': incorrect encoded start resourceVersion (version meta.k8s.io/v1)'],
      [encoded('{"v":"meta.k8s.io/v1","rv":1}'), ': encoded start key empty (version meta.k8s.io/v1)'],
      [encoded('{"v":"meta.k8s.io/v1","rv":1,"start":"../x"}'), ': ../x'],
    ];
    for (const [token, why] of wrong) {
      assertFailure(
        await api.send('GET', `${collection}?continue=${token}`),
        400,
        'BadRequest',
        `invalid continue token: continue key is not valid${why}`,
      );
    }
    const { metadata } = await api.ok('GET', `${collection}?limit=1`);
    assertFailure(
      await api.send('GET', `${collection}?continue=${metadata.continue}&resourceVersion=5`),
      400,
      'BadRequest',
      'specifying resource version is not allowed when using continue',
    );
  });

  describe('at a revision', () => {
    const at = (index: number): string => versions[index]!;
    const forbidden = (why: string): string => `ListOptions.meta.k8s.io "" is invalid: ${why}`;
    const table: readonly [string, () => string, string[] | [number, string]][] = [
      ['none', () => '', ['a', 'b', 'c', 'd', 'e']],
      ['0', () => 'resourceVersion=0', ['a', 'b', 'c', 'd', 'e']],
      ['0, NotOlderThan', () => 'resourceVersion=0&resourceVersionMatch=NotOlderThan', ['a', 'b', 'c', 'd', 'e']],
      ['0, with a limit', () => 'resourceVersion=0&limit=2', ['a', 'b']],
      ['an old one: not older', () => `resourceVersion=${at(1)}`, ['a', 'b', 'c', 'd', 'e']],
      [
        'an old one, NotOlderThan',
        () => `resourceVersion=${at(1)}&resourceVersionMatch=NotOlderThan`,
        ['a', 'b', 'c', 'd', 'e'],
      ],
      ['an old one, Exact', () => `resourceVersion=${at(1)}&resourceVersionMatch=Exact`, ['a', 'b']],
      ['an old one, Exact, with a limit', () => `resourceVersion=${at(1)}&resourceVersionMatch=Exact&limit=1`, ['a']],
      ['an old one with a limit: exact', () => `resourceVersion=${at(2)}&limit=10`, ['a', 'b', 'c']],
      [
        'Exact, without one',
        () => 'resourceVersionMatch=Exact',
        [
          422,
          forbidden(
            'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
          ),
        ],
      ],
      [
        '0, Exact',
        () => 'resourceVersion=0&resourceVersionMatch=Exact',
        [
          422,
          forbidden(
            'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
          ),
        ],
      ],
      [
        'one, with a match that is none',
        () => 'resourceVersion=1&resourceVersionMatch=Foo',
        [
          422,
          forbidden('resourceVersionMatch: Unsupported value: "Foo": supported values: "Exact", "NotOlderThan", ""'),
        ],
      ],
      [
        'sendInitialEvents',
        () => 'sendInitialEvents=true',
        [422, forbidden('sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list')],
      ],
    ];
    for (const [title, query, expected] of table) {
      it(title, async () => {
        const answer = await api.send('GET', `${collection}?${query()}`);
        if (typeof expected[0] === 'number') {
          assertFailure(answer, expected[0], 'Invalid', expected[1] as string);
        } else {
          assert.equal(answer.code, 200, answer.text);
          assert.deepEqual(names(answer.json), expected);
        }
      });
    }

    it('of the future answers 504 after a while', async () => {
      assertFailure(
        await api.send('GET', `${collection}?resourceVersion=99999999`),
        504,
        'Timeout',
        /^Timeout: Too large resource version: 99999999, current: \d+$/,
        {
          causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
          retryAfterSeconds: 1,
        },
      );
    });

    it('that is gone answers 410', async () => {
      await using fresh = await startApi();
      const { metadata } = await fresh.ok('POST', collection, configMap('a'));
      await fresh.ok('POST', collection, configMap('b'));
      await compact(fresh);
      assertFailure(
        await fresh.send('GET', `${collection}?resourceVersion=${metadata.resourceVersion}&resourceVersionMatch=Exact`),
        410,
        'Expired',
        'The resourceVersion for the provided list is too old.',
      );
    });
  });

  it('is packed above 128 KiB when the client takes gzip', async () => {
    await api.ok(
      'POST',
      '/api/v1/namespaces/kube-public/configmaps',
      configMap('big', { data: { a: 'x'.repeat(200_000) } }),
    );
    const answer = await new Promise<{ encoding: string | undefined; bytes: Buffer }>((resolve, reject) => {
      get(
        `${api.endpoint.url}/api/v1/namespaces/kube-public/configmaps`,
        { agent: api.agent, headers: { 'Accept-Encoding': 'gzip' } },
        async (response) => {
          const chunks: Buffer[] = [];
          for await (const chunk of response) chunks.push(chunk as Buffer);
          resolve({ encoding: response.headers['content-encoding'], bytes: Buffer.concat(chunks) });
        },
      ).on('error', reject);
    });
    assert.equal(answer.encoding, 'gzip');
    assert.ok(answer.bytes.length < 10_000);
    assert.deepEqual(names(JSON.parse(gunzipSync(answer.bytes).toString())), ['big']);
    const small = await api.send('GET', collection, { headers: { 'Accept-Encoding': 'gzip' } });
    assert.equal(small.headers['content-encoding'], undefined);
  });
});

/** Forgets the history of the cluster's store, as its operator may. */
async function compact(api: Api): Promise<void> {
  const { store } = api.cluster;
  await store.compact(await store.revision());
}
