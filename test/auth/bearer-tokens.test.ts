/** Tokens from files and Secrets, and how often one may be wrong. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { LoginFailures } from '../../src/auth/login-failures.ts';
import { LruMap } from '../../src/auth/lru.ts';
import { parseTokenFile, TokenFileError, userOf } from '../../src/auth/token-file.ts';
import { forAudiences, unionTokens } from '../../src/auth/tokens.ts';
import { createVirtualClock } from '../../src/clock/virtual.ts';
import { StatusError } from '../../src/machinery/status.ts';
import { type Api, startApi } from '../apiserver/support/api.ts';

describe('a token file', () => {
  it('names users, their uids and groups', () => {
    const table = parseTokenFile('t1,ann,1\r\n"t,2",bob,2,"devs,ops"\n\nt3, "Carl ""C""",3,one\n', 'f');
    assert.deepEqual(userOf(table, 't1'), { name: 'ann', uid: '1', groups: [] });
    assert.deepEqual(userOf(table, 't,2'), { name: 'bob', uid: '2', groups: ['devs', 'ops'] });
    assert.deepEqual(userOf(table, 't3'), { name: 'Carl "C"', uid: '3', groups: ['one'] });
    assert.equal(userOf(table, 't'), undefined);
  });

  it('is refused with fewer columns, or broken quotes, and not shown', () => {
    assert.throws(() => parseTokenFile('a,b,c\nsecret,ann', 'users.csv'), {
      name: 'TokenFileError',
      message: "token file 'users.csv' must have at least 3 columns (token, user name, user uid), found 2",
    });
    assert.throws(
      () => parseTokenFile('a,b,c\n"secret,ann,1', 'users.csv'),
      (error) =>
        error instanceof TokenFileError && !error.message.includes('secret') && error.message.includes('line 2'),
    );
  });

  it('holds nobody without a token', () => {
    assert.equal(parseTokenFile(',ann,1\n', 'f').size, 0);
  });
});

describe('several kinds of tokens', () => {
  const known = forAudiences(['api'], (token) => (token === 'a' ? { name: 'ann', groups: [] } : undefined));
  const strict = {
    authenticateToken: async (token: string) => {
      if (token === 'bad') throw new Error('it is bad');
      return undefined;
    },
  };

  it('are asked in order, and put their users among everybody', async () => {
    const found = await unionTokens([strict, known]).authenticateToken('a', []);
    assert.deepEqual(found, { user: { name: 'ann', groups: ['system:authenticated'] }, audiences: ['api'] });
  });

  it('know nobody, or say what is wrong', async () => {
    const all = unionTokens([strict, known]);
    assert.equal(await all.authenticateToken('b', []), undefined);
    assert.equal(await all.authenticateToken('a', ['other']), undefined);
    assert.deepEqual((await all.authenticateToken('a', ['other', 'api']))?.audiences, ['api']);
    await assert.rejects(all.authenticateToken('bad', []), { message: '[invalid bearer token, it is bad]' });
  });
});

describe('a map that forgets', () => {
  it('holds what was used last, like a list that is moved to the front', () => {
    const key = fc.integer({ min: 0, max: 8 });
    const step = fc.record({ key, write: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step), fc.integer({ min: 1, max: 5 }), (steps, capacity) => {
        const map = new LruMap<number, string>(capacity);
        let model: number[] = [];
        for (const { key, write } of steps) {
          const isKnown = model.includes(key);
          if (write) map.set(key, String(key));
          else assert.equal(map.get(key), isKnown ? String(key) : undefined);
          if (write || isKnown) model = [key, ...model.filter((other) => other !== key)].slice(0, capacity);
          assert.equal(map.size, model.length);
        }
      }),
    );
  });
});

describe('failed logins', () => {
  const isTooMany = (error: unknown) => error instanceof StatusError && error.code === 429;

  it('are too many after a hundred, and fewer again with time', async () => {
    const clock = createVirtualClock();
    const failures = new LoginFailures(clock);
    for (let i = 0; i < 100; i++) {
      failures.check('10.1.1.1');
      failures.count('10.1.1.1');
    }
    assert.throws(() => failures.check('10.1.1.1'), isTooMany);
    failures.check('10.1.1.2');
    await clock.advance(100);
    failures.check('10.1.1.1');
    failures.count('10.1.1.1');
    assert.throws(() => failures.check('10.1.1.1'), isTooMany);
  });

  it('are counted for a whole network of IPv6, and for IPv4 in its dress', () => {
    const failures = new LoginFailures(createVirtualClock());
    for (let i = 0; i < 100; i++) {
      failures.count(`2001:db8:0:1::${i.toString(16)}`);
      failures.count('::ffff:10.0.0.1');
    }
    assert.throws(() => failures.check('2001:db8:0:1:a:b:c:d'), isTooMany);
    assert.throws(() => failures.check('10.0.0.1'), isTooMany);
    failures.check('2001:db8:0:2::1');
    failures.check(undefined);
  });
});

describe('bootstrap tokens', () => {
  const clock = createVirtualClock(Date.parse('2026-03-01T00:00:00Z'));
  let api: Api;
  before(async () => {
    api = await startApi({ clock });
  });
  after(() => api[Symbol.asyncDispose]());

  const secrets = '/api/v1/namespaces/kube-system/secrets';
  const put = async (id: string, changes: Record<string, string> = {}, type = 'bootstrap.kubernetes.io/token') => {
    const stringData = {
      'token-id': id,
      'token-secret': '0123456789abcdef',
      'usage-bootstrap-authentication': 'true',
      ...changes,
    };
    await api.ok('POST', secrets, { metadata: { name: `bootstrap-token-${id}` }, type, stringData });
    const status = await review(`${id}.0123456789abcdef`);
    return status.user.username === undefined ? status.error : status.user;
  };
  const review = async (token: string) =>
    (await api.ok('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token } })).status;

  it('let nodes in, as members of their groups', async () => {
    assert.deepEqual(await put('aaaaaa', { 'auth-extra-groups': 'system:bootstrappers:workers' }), {
      username: 'system:bootstrap:aaaaaa',
      groups: ['system:bootstrappers', 'system:bootstrappers:workers', 'system:authenticated'],
    });
    assert.equal((await review('aaaaaa.0123456789abcdeg')).error, 'invalid bearer token');
  });

  const refused: readonly [string, Record<string, string>, string?][] = [
    ['for something else', { 'usage-bootstrap-authentication': 'false' }],
    ['of another id', { 'token-id': 'zzzzzz' }],
    ['that have expired', { expiration: '2026-02-28T23:59:59Z' }],
    ['whose end cannot be read', { expiration: 'soon' }],
    ['that would be members of any group', { 'auth-extra-groups': 'system:masters' }],
    ['in Secrets of another type', {}, 'Opaque'],
  ];
  for (const [index, [what, changes, type]] of refused.entries()) {
    it(`let nobody in ${what}`, async () => {
      assert.equal(await put(`bbbbb${index}`, changes, type), 'invalid bearer token');
    });
  }

  it('end when their time is over, and with their Secret', async () => {
    await put('cccccc', { expiration: '2026-03-01T00:01:00Z' });
    const token = 'cccccc.0123456789abcdef';
    assert.equal((await review(token)).authenticated, true);
    await clock.advance(60_000);
    assert.equal((await review(token)).error, 'invalid bearer token');
    await put('dddddd');
    await api.ok('DELETE', `${secrets}/bootstrap-token-dddddd`);
    assert.equal((await review('dddddd.0123456789abcdef')).error, 'invalid bearer token');
  });
});
