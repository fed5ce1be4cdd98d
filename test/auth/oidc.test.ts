/** Tokens of other issuers: what of a configuration is refused, and whom a token makes. */
import assert from 'node:assert/strict';
import { createAuthority, type KeyPair } from '../../src/auth/certificates.ts';
import { jwtAuthenticator } from '../../src/auth/oidc/authenticator.ts';
import {
  AuthenticationConfigurationError,
  parseAuthenticationConfiguration,
} from '../../src/auth/oidc/configuration.ts';
import { createVirtualClock } from '../../src/clock/virtual.ts';
import { formatYaml } from '../../src/machinery/yaml.ts';
import { type OidcIssuer, startIssuer } from './oidc-issuer.ts';

const header = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration' };

const text = (configuration: object) => formatYaml({ ...header, ...configuration } as never);

describe('an AuthenticationConfiguration', () => {
  const issuer = { url: 'https://issuer.example.com', audiences: ['kubernetes'] };
  const username = { claim: 'sub', prefix: '' };
  const one = (changes: object = {}) => ({ jwt: [{ issuer, claimMappings: { username }, ...changes }] });

  it('may name nobody, and may close the door to strangers', () => {
    assert.deepEqual(parseAuthenticationConfiguration(text({})), { jwt: [], anonymous: undefined });
    const anonymous = { enabled: true, conditions: [{ path: '/livez' }] };
    const expected = { enabled: true, paths: ['/livez'] };
    assert.deepEqual(parseAuthenticationConfiguration(text({ anonymous })).anonymous, expected);
  });

  it('is taken in older versions too', () => {
    const older = { ...header, apiVersion: 'apiserver.config.k8s.io/v1beta1', ...one() };
    assert.equal(parseAuthenticationConfiguration(formatYaml(older as never)).jwt.length, 1);
  });

  const refused: readonly [string, object, string][] = [
    [
      'a field that is not known',
      { jwt: [{ issuer: { ...issuer, uri: 'x' } }], other: 1 },
      'strict decoding error: unknown field "jwt[0].issuer.uri", unknown field "other"',
    ],
    ['no URL', one({ issuer: { audiences: ['a'] } }), 'jwt[0].issuer.url: Required value'],
    [
      'a URL without TLS',
      one({ issuer: { ...issuer, url: 'http://issuer.example.com' } }),
      'jwt[0].issuer.url: Invalid value: "http://issuer.example.com": URL scheme must be https',
    ],
    [
      'a URL with a query',
      one({ issuer: { ...issuer, url: 'https://issuer.example.com?a=b' } }),
      'jwt[0].issuer.url: Invalid value: "https://issuer.example.com?a=b": URL must not contain a query',
    ],
    [
      "the cluster's own issuer",
      one({ issuer: { ...issuer, url: 'https://own.example.com' } }),
      'jwt[0].issuer.url: Invalid value: "https://own.example.com": URL must not overlap with disallowed issuers: [https://own.example.com]',
    ],
    [
      'the same discovery URL',
      one({ issuer: { ...issuer, discoveryURL: 'https://issuer.example.com/' } }),
      'jwt[0].issuer.discoveryURL: Invalid value: "https://issuer.example.com/": discoveryURL must be different from URL',
    ],
    [
      'an issuer twice',
      { jwt: [...one().jwt, ...one().jwt] },
      'jwt[1].issuer.url: Duplicate value: "https://issuer.example.com"',
    ],
    [
      'no audiences',
      one({ issuer: { url: issuer.url } }),
      'jwt[0].issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required',
    ],
    [
      'several audiences without a policy',
      one({ issuer: { ...issuer, audiences: ['a', 'b'] } }),
      'jwt[0].issuer.audienceMatchPolicy: Invalid value: "": audienceMatchPolicy must be MatchAny for multiple audiences',
    ],
    [
      'certificates that are none',
      one({ issuer: { ...issuer, certificateAuthority: 'x' } }),
      'jwt[0].issuer.certificateAuthority: Invalid value: "<omitted>": data does not contain any valid RSA or ECDSA certificates',
    ],
    [
      'no username',
      one({ claimMappings: {} }),
      'jwt[0].claimMappings.username: Required value: claim or expression is required',
    ],
    [
      'a claim without a prefix',
      one({ claimMappings: { username: { claim: 'sub' } } }),
      'jwt[0].claimMappings.username.prefix: Required value: prefix is required when claim is set. It can be set to an empty string to disable prefixing',
    ],
    [
      'a claim and an expression',
      one({ claimMappings: { username: { claim: 'sub', expression: 'claims.sub' } } }),
      'jwt[0].claimMappings.username: Invalid value: "": claim and expression can\'t both be set',
    ],
    [
      'an unverified e-mail address',
      one({ claimMappings: { username: { expression: 'claims.email' } } }),
      'jwt[0].claimMappings.username.expression: Invalid value: "claims.email": claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression',
    ],
    [
      'a rule that is no condition',
      one({ claimValidationRules: [{ expression: '"a"' }] }),
      'jwt[0].claimValidationRules[0].expression: Invalid value: "\\"a\\"": must evaluate to bool',
    ],
    [
      'a rule over something else',
      one({ userValidationRules: [{ expression: 'claims.sub == "a"' }] }),
      'jwt[0].userValidationRules[0].expression: Invalid value: "claims.sub == \\"a\\"": compilation failed: ERROR: <input>:1:1: undeclared reference to \'claims\' (in container \'\')\n | claims.sub == "a"\n | ^',
    ],
    [
      'a claim that is ruled twice',
      one({
        claimValidationRules: [
          { claim: 'hd', requiredValue: 'a' },
          { claim: 'hd', requiredValue: 'b' },
        ],
      }),
      'jwt[0].claimValidationRules[1].claim: Duplicate value: "hd"',
    ],
    [
      "a key of Kubernetes'",
      one({ claimMappings: { username, extra: [{ key: 'a.kubernetes.io/b', valueExpression: '"x"' }] } }),
      'jwt[0].claimMappings.extra[0].key: Invalid value: "a.kubernetes.io/b": k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use',
    ],
    [
      'conditions of a door that is shut',
      { anonymous: { enabled: false, conditions: [{ path: '/livez' }] } },
      'anonymous.conditions: Invalid value: [{"path":"/livez"}]: enabled should be set to true when conditions are defined',
    ],
  ];
  for (const [what, configuration, message] of refused) {
    it(`is refused for ${what}`, () => {
      assert.throws(
        () => parseAuthenticationConfiguration(text(configuration), ['https://own.example.com']),
        (error) =>
          error instanceof AuthenticationConfigurationError && assert.equal(error.message, message) === undefined,
      );
    });
  }

  it('is refused when it is something else', () => {
    assert.throws(() => parseAuthenticationConfiguration('kind: Config\napiVersion: v1\n'), /no kind "Config"/);
    assert.throws(() => parseAuthenticationConfiguration('a: [\n'), AuthenticationConfigurationError);
  });
});

describe('tokens of other issuers', () => {
  const clock = createVirtualClock(Date.now());
  let authority: KeyPair;
  let issuer: OidcIssuer;

  before(async () => {
    authority = await createAuthority('issuers', clock.now());
  });
  beforeEach(async () => {
    issuer = await startIssuer(authority, () => clock.now());
  });
  afterEach(() => issuer[Symbol.asyncDispose]());

  const open = (changes: object = {}, ofIssuer: object = {}) => {
    const configuration = {
      jwt: [
        {
          issuer: {
            url: issuer.url,
            audiences: ['kubernetes'],
            certificateAuthority: authority.certificate,
            ...ofIssuer,
          },
          claimMappings: {
            username: { claim: 'sub', prefix: 'oidc:' },
            groups: { claim: 'groups', prefix: 'oidc:' },
          },
          ...changes,
        },
      ],
    };
    return jwtAuthenticator(parseAuthenticationConfiguration(text(configuration)).jwt, clock);
  };
  const claims = { sub: 'ann', aud: 'kubernetes', groups: ['devs', 'ops'] };

  it('make a user of claims', async () => {
    const userOf = open();
    assert.deepEqual(await userOf(await issuer.sign(claims)), {
      name: 'oidc:ann',
      uid: '',
      groups: ['oidc:devs', 'oidc:ops'],
      extra: {},
    });
    assert.deepEqual((await userOf(await issuer.sign({ ...claims, groups: 'one' })))?.groups, ['oidc:one']);
  });

  it('make a user of expressions', async () => {
    const userOf = open({
      claimMappings: {
        username: { expression: 'claims.email_verified ? claims.email : "nobody"' },
        groups: { expression: 'claims.roles.split(",")' },
        uid: { claim: 'sub' },
        extra: [
          { key: 'example.com/tenant', valueExpression: 'claims.tenant' },
          { key: 'example.com/none', valueExpression: '""' },
        ],
      },
      userValidationRules: [{ expression: "!user.username.startsWith('system:')", message: 'reserved' }],
    });
    const token = await issuer.sign({ ...claims, email: 'ann@x', email_verified: true, roles: 'a,b', tenant: 't1' });
    assert.deepEqual(await userOf(token), {
      name: 'ann@x',
      uid: 'ann',
      groups: ['a', 'b'],
      extra: { 'example.com/tenant': ['t1'] },
    });
    const reserved = await issuer.sign({ ...claims, email: 'system:x', email_verified: true, roles: '', tenant: '' });
    await assert.rejects(userOf(reserved), {
      message:
        "oidc: error evaluating user info validation rule: validation expression '!user.username.startsWith('system:')' failed: reserved",
    });
  });

  it('are nobody’s here when they are not of a configured issuer', async () => {
    const userOf = open();
    assert.equal(await userOf(await issuer.sign({ ...claims, iss: 'https://elsewhere' })), undefined);
    assert.equal(await userOf('opaque'), undefined);
    assert.equal(issuer.keyRequests, 0);
  });

  it('are refused when they are for others, or over', async () => {
    const userOf = open();
    await assert.rejects(userOf(await issuer.sign({ ...claims, aud: ['a', 'b'] })), {
      message: 'oidc: verify token: oidc: expected audience "kubernetes" got ["a" "b"]',
    });
    const token = await issuer.sign(claims, 60);
    assert.ok(await userOf(token));
    await clock.advance(61_000);
    await assert.rejects(userOf(token), /oidc: token is expired/);
  });

  it('match any of several audiences', async () => {
    const userOf = open({}, { audiences: ['a', 'b'], audienceMatchPolicy: 'MatchAny' });
    assert.ok(await userOf(await issuer.sign({ ...claims, aud: ['x', 'b'] })));
    await assert.rejects(userOf(await issuer.sign(claims)), {
      message: 'oidc: verify token: oidc: expected audience in ["a" "b"] got ["kubernetes"]',
    });
  });

  it('are held against the rules', async () => {
    const userOf = open({
      claimValidationRules: [
        { claim: 'hd', requiredValue: 'example.com' },
        { expression: 'claims.exp - claims.iat <= 3600', message: 'too long' },
      ],
    });
    assert.ok(await userOf(await issuer.sign({ ...claims, hd: 'example.com' })));
    await assert.rejects(userOf(await issuer.sign(claims)), {
      message: 'oidc: required claim hd not present in ID token',
    });
    await assert.rejects(userOf(await issuer.sign({ ...claims, hd: 'other' })), {
      message: 'oidc: required claim hd value does not match. Got = other, want = example.com',
    });
    await assert.rejects(userOf(await issuer.sign({ ...claims, hd: 'example.com' }, 7200)), {
      message:
        "oidc: error evaluating claim validation expression: validation expression 'claims.exp - claims.iat <= 3600' failed: too long",
    });
  });

  it('are refused when somebody else has signed them', async () => {
    const userOf = open();
    assert.ok(await userOf(await issuer.sign(claims)));
    const [head, payload, signature] = (await issuer.sign(claims)).split('.');
    const forged = Buffer.from(JSON.stringify({ ...claims, iss: issuer.url, sub: 'root' })).toString('base64url');
    await assert.rejects(userOf(`${head}.${forged}.${signature}`), /failed to verify signature/);
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    await assert.rejects(userOf(`${none}.${payload}.`), /failed to verify signature/);
  });

  it('are checked with new keys when the issuer has some, and asked for not too often', async () => {
    const userOf = open();
    await userOf(await issuer.sign(claims));
    await userOf(await issuer.sign({ ...claims, sub: 'bob' }));
    assert.equal(issuer.keyRequests, 1);
    issuer.rotate();
    const token = await issuer.sign(claims);
    await assert.rejects(userOf(token), /failed to verify signature/);
    assert.equal(issuer.keyRequests, 1);
    await clock.advance(10_000);
    assert.equal((await userOf(token))?.name, 'oidc:ann');
    assert.equal(issuer.keyRequests, 2);
  });

  it('are taken again when the issuer is back', async () => {
    const userOf = open();
    issuer.failing = true;
    const token = await issuer.sign(claims);
    await assert.rejects(userOf(token), /unexpected status 503/);
    issuer.failing = false;
    await assert.rejects(userOf(token), /unexpected status 503/, 'not at once');
    await clock.advance(10_000);
    assert.ok(await userOf(token));
  });

  it('are refused when the issuer is not what it says, or not whom it should be', async () => {
    issuer.metadata = { issuer: 'https://other' };
    const userOf = open();
    await assert.rejects(userOf(await issuer.sign(claims)), {
      message: `oidc: issuer did not match the issuer returned by provider, expected "${issuer.url}" got "https://other"`,
    });
    const other = await createAuthority('other', clock.now());
    issuer.metadata = {};
    const distrusting = open({}, { certificateAuthority: other.certificate });
    await assert.rejects(distrusting(await issuer.sign(claims)), /certificate|self-signed/);
  });
});
