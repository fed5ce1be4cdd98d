import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import {
  type AuthenticationCommandFlags,
  addAuthenticationFlags,
  authenticationFlags,
} from '../../src/cli/authentication-flags.ts';
import type { AuthenticationFlags } from '../../src/cluster/authentication.ts';
import { startCluster } from '../../src/cluster/cluster.ts';

function parse(...args: string[]): AuthenticationFlags {
  const command = addAuthenticationFlags(new Command('up'))
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  command.parse(args, { from: 'user' });
  return authenticationFlags(command.opts<AuthenticationCommandFlags>());
}

describe('the flags of authentication', () => {
  it('are those of kube-apiserver', () => {
    assert.deepEqual(parse(), {});
    assert.deepEqual(
      parse(
        ...['--service-account-issuer', 'https://a', '--service-account-issuer', 'https://b'],
        ...['--service-account-signing-key-file', 'sign.key', '--service-account-key-file', 'old.pub'],
        ...['--service-account-max-token-expiration', '1h30m', '--service-account-jwks-uri', 'https://a/keys'],
        ...['--api-audiences', 'api,other', '--token-auth-file', 't.csv', '--authentication-config', 'c.yaml'],
        ...['--anonymous-auth', 'false'],
      ),
      {
        serviceAccountIssuers: ['https://a', 'https://b'],
        serviceAccountSigningKeyFile: 'sign.key',
        serviceAccountKeyFiles: ['old.pub'],
        serviceAccountMaxTokenExpiration: 5400,
        serviceAccountKeySetUrl: 'https://a/keys',
        apiAudiences: ['api', 'other'],
        tokenAuthFile: 't.csv',
        authenticationConfig: 'c.yaml',
        anonymousAuth: false,
      },
    );
  });

  const refused: readonly [string, string, RegExp][] = [
    ['--anonymous-auth', 'maybe', /It must be true or false/],
    ['--service-account-max-token-expiration', '30m', /between 1h and 2\^32 seconds/],
    ['--service-account-max-token-expiration', 'long', /a duration such as 24h/],
  ];
  for (const [flag, value, message] of refused) {
    it(`refuse ${flag} ${value}`, () => assert.throws(() => parse(flag, value), message));
  }
});

describe('a cluster whose files of authentication are wrong', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'setpoint-authentication-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const wrong: readonly [keyof AuthenticationFlags, string, string, RegExp][] = [
    ['tokenAuthFile', 'secret,ann\n', 'TokenFileError', /must have at least 3 columns/],
    ['authenticationConfig', 'kind: Pod\n', 'AuthenticationConfigurationError', /no kind "Pod" is registered/],
    [
      'serviceAccountSigningKeyFile',
      'secret\n',
      'ServiceAccountKeyError',
      /^the keys of service accounts cannot be used/,
    ],
  ];
  for (const [flag, text, name, message] of wrong) {
    it(`does not start: ${flag}`, async () => {
      const path = join(directory, 'file');
      await writeFile(path, text);
      const start = startCluster({
        dataDir: join(directory, 'data'),
        store: 'memory',
        bind: '127.0.0.1',
        port: 0,
        controllers: [],
        scheduler: false,
        runtime: 'none',
        nodes: 0,
        authentication: { [flag]: path },
      });
      await assert.rejects(start, (error: Error) => {
        assert.equal(error.name, name);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
    });
  }
});
