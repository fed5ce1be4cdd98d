/** Tokens of service accounts: who gets them, what they say, whom they let in, and what revokes them. */
import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { Agent } from 'node:https';
import { createVirtualClock } from '../../src/clock/virtual.ts';
import { type Api, assertFailure, startApi } from '../apiserver/support/api.ts';

const accounts = '/api/v1/namespaces/default/serviceaccounts';
const tokenOf = (name: string) => `${accounts}/${name}/token`;
const issuer = 'https://kubernetes.default.svc.cluster.local';
const start = Date.parse('2026-03-01T12:00:00Z');

interface Claims {
  aud: string[];
  exp: number;
  iat: number;
  iss: string;
  jti: string;
  nbf: number;
  sub: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  'kubernetes.io': any;
}

const part = (token: string, index: number) =>
  JSON.parse(Buffer.from(token.split('.')[index]!, 'base64url').toString());
const claimsOf = (token: string): Claims => part(token, 1);

describe('service account tokens', () => {
  const clock = createVirtualClock(start);
  let api: Api;
  let nobody: Agent;

  before(async () => {
    api = await startApi({ clock });
    nobody = new Agent({ ca: api.endpoint.pki.authority.certificate });
    await api.ok('POST', accounts, { metadata: { name: 'robot' } });
  });
  after(async () => {
    nobody.destroy();
    await api[Symbol.asyncDispose]();
  });

  const request = (spec: object = {}, name = 'robot') =>
    api.send('POST', tokenOf(name), { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec } });
  const tokenFor = async (spec: object = {}, name = 'robot'): Promise<string> => {
    const answer = await request(spec, name);
    assert.equal(answer.code, 201, answer.text);
    return answer.json.status.token;
  };
  /** Whom a token is; the answer's code where it is nobody. */
  const whoIs = async (token: string) => {
    const answer = await api.send('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      agent: nobody,
      headers: { Authorization: `Bearer ${token}` },
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    });
    return answer.code === 201 ? answer.json.status.userInfo : answer.code;
  };
  const review = async (token: string, audiences?: string[]) =>
    (
      await api.ok('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token, ...(audiences === undefined ? {} : { audiences }) },
      })
    ).status;

  describe('on request', () => {
    it('say who made them, for whom, and until when', async () => {
      const answer = await request();
      const { token, expirationTimestamp } = answer.json.status;
      const account = await api.ok('GET', `${accounts}/robot`);
      const { jti, ...claims } = claimsOf(token);
      assert.deepEqual(claims, {
        aud: [issuer],
        exp: start / 1000 + 3600,
        iat: start / 1000,
        iss: issuer,
        'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'robot', uid: account.metadata.uid } },
        nbf: start / 1000,
        sub: 'system:serviceaccount:default:robot',
      });
      assert.match(jti, /^[0-9a-f-]{36}$/);
      assert.equal(expirationTimestamp, '2026-03-01T13:00:00Z');
      assert.deepEqual(answer.json.spec, { audiences: [issuer], expirationSeconds: 3600, boundObjectRef: null });
      assert.equal(answer.json.kind, 'TokenRequest');
      assert.equal(answer.json.metadata.name, 'robot');
    });

    it('can be checked with the keys that are published', async () => {
      const token = await tokenFor();
      const configuration = await api.send('GET', '/.well-known/openid-configuration');
      assert.equal(configuration.headers['content-type'], 'application/json');
      assert.equal(configuration.headers['cache-control'], 'public, max-age=3600');
      assert.deepEqual(configuration.json, {
        issuer,
        jwks_uri: `${issuer}/openid/v1/jwks`,
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
      });
      const keys = await api.send('GET', '/openid/v1/jwks');
      assert.equal(keys.headers['content-type'], 'application/jwk-set+json');
      const { alg, kid } = part(token, 0);
      const jwk = keys.json.keys.find((key: { kid: string }) => key.kid === kid);
      assert.equal(alg, jwk.alg);
      assert.equal(jwk.d, undefined, 'only the public half');
      const [header, payload, signature] = token.split('.');
      const key = createPublicKey({ key: jwk, format: 'jwk' });
      const signed = Buffer.from(`${header}.${payload}`);
      const bytes = Buffer.from(signature!, 'base64url');
      assert.ok(verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, bytes));
    });

    const refusals: readonly [string, object, number, string][] = [
      [
        'a life of less than ten minutes',
        { expirationSeconds: 599 },
        422,
        'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes',
      ],
      [
        'a life of more than 2^32 seconds',
        { expirationSeconds: 4294967297 },
        422,
        'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds',
      ],
      [
        'another kind of object',
        { boundObjectRef: { apiVersion: 'v1', kind: 'ConfigMap', name: 'a' } },
        400,
        'cannot bind token to object of type /v1, Kind=ConfigMap',
      ],
      [
        'an object that is not there',
        { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'gone' } },
        404,
        'pods "gone" not found',
      ],
    ];
    for (const [what, spec, code, message] of refusals) {
      it(`are refused for ${what}`, async () => {
        const answer = await request(spec);
        assert.equal(answer.code, code, answer.text);
        assert.equal(answer.json.message, message);
      });
    }

    it('are refused for an account that is not there, or another one', async () => {
      assertFailure(await request({}, 'ghost'), 404, 'NotFound', 'serviceaccounts "ghost" not found');
      const other = await api.send('POST', tokenOf('robot'), { body: { metadata: { name: 'other' } } });
      assert.equal(
        other.json.message,
        'TokenRequest.authentication.k8s.io "robot" is invalid: metadata.name: Invalid value: "other": must match the service account name if specified',
      );
    });
  });

  describe('let in', () => {
    it('their account', async () => {
      const account = await api.ok('GET', `${accounts}/robot`);
      const token = await tokenFor();
      assert.deepEqual(await whoIs(token), {
        username: 'system:serviceaccount:default:robot',
        uid: account.metadata.uid,
        groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
        extra: { 'authentication.kubernetes.io/credential-id': [`JTI=${claimsOf(token).jti}`] },
      });
    });

    it('nobody who has changed them', async () => {
      const [header, payload, signature = ''] = (await tokenFor()).split('.');
      const claims = { ...part(`.${payload}`, 1), sub: 'system:serviceaccount:kube-system:root' };
      const forged = Buffer.from(JSON.stringify(claims)).toString('base64url');
      const unsigned = Buffer.from('{"alg":"none"}').toString('base64url');
      for (const token of [
        `${header}.${forged}.${signature}`,
        `${unsigned}.${payload}.`,
        `${header}.${payload}.AAAA`,
      ]) {
        assert.equal(await whoIs(token), 401);
        assert.equal((await review(token)).authenticated, undefined);
      }
    });

    it('nobody when they are for someone else', async () => {
      const token = await tokenFor({ audiences: ['vault', 'other'] });
      assert.equal(await whoIs(token), 401);
      assert.deepEqual((await review(token, ['vault'])).audiences, ['vault']);
      assert.deepEqual(await review(token), {
        user: {},
        error: `[invalid bearer token, token audiences ["vault" "other"] is invalid for the target audiences ["${issuer}"]]`,
      });
    });

    it('nobody when their time is over', async () => {
      const token = await tokenFor({ expirationSeconds: 600 });
      await clock.advance(600_000 + 60_000);
      assert.notEqual(await whoIs(token), 401, 'clocks may differ by a minute');
      await clock.advance(1000);
      assert.equal(await whoIs(token), 401);
      assert.equal((await review(token)).error, '[invalid bearer token, service account token has expired]');
    });

    it('nobody when the account is gone, or another of its name', async () => {
      await api.ok('POST', accounts, { metadata: { name: 'brief' } });
      const token = await tokenFor({}, 'brief');
      assert.notEqual(await whoIs(token), 401);
      await api.ok('DELETE', `${accounts}/brief`);
      assert.equal(await whoIs(token), 401);
      assert.equal((await review(token)).error, '[invalid bearer token, serviceaccounts "brief" not found]');
      await api.ok('POST', accounts, { metadata: { name: 'brief' } });
      assert.match(
        (await review(token)).error,
        /^\[invalid bearer token, service account UID \(\S+\) does not match claim \(\S+\)\]$/,
      );
    });
  });

  describe('bound to an object', () => {
    const pods = '/api/v1/namespaces/default/pods';
    const pod = (name: string, spec: object = {}) => ({
      metadata: { name },
      spec: { serviceAccountName: 'robot', containers: [{ name: 'main', image: 'busybox' }], ...spec },
    });

    it('tell the pod and its node, and end with the pod', async () => {
      const node = await api.ok('POST', '/api/v1/nodes', { metadata: { name: 'n1' } });
      const made = await api.ok('POST', pods, pod('web', { nodeName: 'n1' }));
      const token = await tokenFor({ boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'web' } });
      assert.deepEqual((await whoIs(token)).extra, {
        'authentication.kubernetes.io/credential-id': [`JTI=${claimsOf(token).jti}`],
        'authentication.kubernetes.io/node-name': ['n1'],
        'authentication.kubernetes.io/node-uid': [node.metadata.uid],
        'authentication.kubernetes.io/pod-name': ['web'],
        'authentication.kubernetes.io/pod-uid': [made.metadata.uid],
      });
      await api.ok('DELETE', '/api/v1/nodes/n1');
      assert.notEqual(await whoIs(token), 401, 'the node says only where the pod is');
      await api.ok('DELETE', `${pods}/web?gracePeriodSeconds=0`);
      assert.equal((await review(token)).error, '[invalid bearer token, service account token has been invalidated]');
    });

    it('outlive by a minute the time that their pod had to end', async () => {
      await api.ok('POST', pods, pod('slow', { nodeName: 'n2', terminationGracePeriodSeconds: 30 }));
      const token = await tokenFor({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'slow' } });
      await api.ok('DELETE', `${pods}/slow`);
      await clock.advance(90_000);
      assert.notEqual(await whoIs(token), 401);
      await clock.advance(2000);
      assert.equal(await whoIs(token), 401);
    });

    it('are refused for a pod of another account, and for another pod of the name', async () => {
      await api.ok('POST', pods, pod('foreign', { serviceAccountName: 'other' }));
      const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'foreign' };
      const foreign = await request({ boundObjectRef });
      assertFailure(
        foreign,
        400,
        'BadRequest',
        'cannot bind token for serviceaccount "robot" to pod running with different serviceaccount name.',
      );
      await api.ok('POST', pods, pod('own'));
      const stale = await request({ boundObjectRef: { ...boundObjectRef, name: 'own', uid: 'x' } });
      assertFailure(
        stale,
        409,
        'Conflict',
        'Operation cannot be fulfilled on Pod "own": the UID in the bound object reference (x) does not match the UID in record. The object might have been deleted and then recreated',
      );
    });

    it('live a year when they are what pods are given, and count as late from when they should end', async () => {
      await api.ok('POST', pods, pod('long'));
      const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'long' };
      const answer = await request({ boundObjectRef, expirationSeconds: 3607 });
      const now = Math.floor(clock.now() / 1000);
      const claims = claimsOf(answer.json.status.token);
      assert.equal(claims.exp - now, 365 * 24 * 3600);
      assert.equal(claims['kubernetes.io'].warnafter - now, 3607);
      assert.equal(Date.parse(answer.json.status.expirationTimestamp) / 1000 - now, 3607);
      const other = claimsOf(await tokenFor({ boundObjectRef, expirationSeconds: 3607, audiences: ['vault'] }));
      assert.equal(other.exp - now, 3607, 'not for others');
    });

    it('end with a secret, and with a node', async () => {
      await api.ok('POST', '/api/v1/namespaces/default/secrets', { metadata: { name: 'key' } });
      await api.ok('POST', '/api/v1/nodes', { metadata: { name: 'n3' } });
      const bySecret = await tokenFor({ boundObjectRef: { apiVersion: 'v1', kind: 'Secret', name: 'key' } });
      const byNode = await tokenFor({ boundObjectRef: { apiVersion: 'v1', kind: 'Node', name: 'n3' } });
      assert.equal((await whoIs(byNode)).extra['authentication.kubernetes.io/node-name'][0], 'n3');
      assert.equal((await whoIs(bySecret)).username, 'system:serviceaccount:default:robot');
      await api.ok('DELETE', '/api/v1/namespaces/default/secrets/key');
      await api.ok('DELETE', '/api/v1/nodes/n3');
      assert.equal(await whoIs(bySecret), 401);
      assert.equal(await whoIs(byNode), 401);
    });
  });

  describe('reviewed', () => {
    it('are those of whoever is known', async () => {
      const status = await review(await tokenFor());
      assert.equal(status.authenticated, true);
      assert.equal(status.user.username, 'system:serviceaccount:default:robot');
      assert.deepEqual(status.audiences, [issuer]);
    });

    it('are nobody’s otherwise', async () => {
      assert.deepEqual(await review('nonsense'), { user: {}, error: 'invalid bearer token' });
      const empty = await api.send('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { spec: {} } });
      assertFailure(empty, 400, 'BadRequest', 'token is required for TokenReview in authentication');
    });
  });
});
