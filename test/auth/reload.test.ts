/** Keys, certificates and files of a cluster that change while it runs. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { issueServingCertificate } from '../../src/auth/certificates.ts';
import { createSigningKey } from '../../src/auth/service-account/keys.ts';
import { type Cluster, startCluster } from '../../src/cluster/cluster.ts';
import { type OidcIssuer, startIssuer } from './oidc-issuer.ts';

describe('a cluster whose files change', function () {
  this.timeout(20_000);
  let directory: string;
  let cluster: Cluster;
  let authority: { certificate: string; key: string };
  let issuer: OidcIssuer;
  const errors: string[] = [];
  const pki = (name: string) => join(directory, 'pki', name);
  const tokens = () => join(directory, 'tokens.csv');
  const configuration = () => join(directory, 'authentication.yaml');

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'setpoint-reload-'));
    await writeFile(tokens(), 'first,ann,1\n');
    await writeFile(configuration(), configured(''));
    cluster = await startCluster({
      dataDir: directory,
      store: 'memory',
      bind: '127.0.0.1',
      port: 0,
      controllers: ['serviceaccount-controller'],
      scheduler: false,
      runtime: 'none',
      nodes: 0,
      authentication: { tokenAuthFile: tokens(), authenticationConfig: configuration() },
      log: {
        debug: () => undefined,
        info: () => undefined,
        warn: () => undefined,
        error: (fields) => void errors.push(JSON.stringify(fields)),
      },
    });
    authority = {
      certificate: await readFile(pki('ca.crt'), 'utf8'),
      key: await readFile(pki('ca.key'), 'utf8'),
    };
    issuer = await startIssuer(authority, Date.now);
  });
  after(async () => {
    await issuer[Symbol.asyncDispose]();
    await cluster.stop();
    await rm(directory, { recursive: true });
  });

  const configured = (jwt: string) =>
    `apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt: ${jwt === '' ? '[]' : jwt}\n`;

  /** As the file system sees it when a program replaces a file. */
  const replace = async (path: string, text: string) => {
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  };
  const ask = (path: string, token?: string): Promise<{ code: number; text: string; certificate: string }> =>
    new Promise((resolve, reject) => {
      const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
      get(`${cluster.url}${path}`, { ca: authority.certificate, agent: false, headers }, (response) => {
        const { fingerprint256 } = (response.socket as TLSSocket).getPeerCertificate();
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve({ code: response.statusCode ?? 0, text, certificate: fingerprint256 }));
      }).on('error', reject);
    });
  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
  };
  const isKnown = async (token: string) => (await ask('/version', token)).code === 200;

  it('knows those of a new token file, and keeps the old one when the new one is wrong', async () => {
    assert.equal(await isKnown('first'), true);
    await replace(tokens(), 'second,ann,1\n');
    await until(() => isKnown('second'));
    assert.equal(await isKnown('first'), false);
    await replace(tokens(), 'third,ann\n');
    await until(async () => errors.some((line) => line.includes('must have at least 3 columns')));
    assert.equal(await isKnown('second'), true);
    assert.ok(!errors.some((line) => line.includes('third')), 'tokens are nobody’s to read');
  });

  it('believes new issuers', async () => {
    const token = await issuer.sign({ sub: 'ann', aud: 'kubernetes' });
    assert.equal(await isKnown(token), false);
    const jwt = [
      {
        issuer: { url: issuer.url, audiences: ['kubernetes'], certificateAuthority: authority.certificate },
        claimMappings: { username: { claim: 'sub', prefix: '' } },
      },
    ];
    await replace(configuration(), configured(JSON.stringify(jwt)));
    await until(() => isKnown(token));
    await replace(configuration(), configured('[{}]'));
    await until(async () => errors.some((line) => line.includes('jwt[0].issuer.url: Required value')));
    assert.equal(await isKnown(token), true);
  });

  it('signs with a new key, and believes the old one while it is there', async () => {
    const { createClient } = await import('../../src/client/client.ts');
    const { inProcessTransport } = await import('../../src/client/in-process.ts');
    const { ServiceAccount } = await import('../../src/client/kinds.ts');
    const user = { name: 'admin', groups: ['system:masters'] };
    const transport = inProcessTransport(cluster.server, { user });
    const client = createClient(transport);
    const kubeSystem = { namespace: 'kube-system', name: 'robot' };
    await client.resource(ServiceAccount).create({ metadata: kubeSystem });
    const issue = async (): Promise<string> => {
      const answer = await client
        .resource(ServiceAccount)
        .subresource('token')
        .create(kubeSystem, {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: {},
        } as never);
      return (answer.status as unknown as { token: string }).token;
    };
    const keyOf = (token: string): string => JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()).kid;
    const former = await issue();
    await replace(pki('sa-former.pub'), await readFile(pki('sa.pub'), 'utf8'));
    await replace(pki('sa.key'), createSigningKey());
    await until(async () => keyOf(await issue()) !== keyOf(former));
    assert.equal(await isKnown(former), true);
    assert.equal(await isKnown(await issue()), true);
    const published = JSON.parse((await ask('/openid/v1/jwks', await issue())).text) as { keys: { kid: string }[] };
    assert.ok(published.keys.some(({ kid }) => kid === keyOf(former)));
    await rm(pki('sa-former.pub'));
    await rm(pki('sa.pub'));
    await until(async () => !(await isKnown(former)));
    await transport.close();
  });

  it('serves with a new certificate, once its key is there', async () => {
    const names = { dns: ['localhost'], ips: ['127.0.0.1'] };
    const made = await issueServingCertificate(authority, { commonName: 'kube-apiserver' }, names, Date.now());
    const { certificate: before } = await ask('/livez');
    await replace(pki('apiserver.crt'), made.certificate);
    await until(async () => errors.some((line) => line.includes('does not belong to apiserver.key')));
    assert.equal((await ask('/livez')).certificate, before);
    await replace(pki('apiserver.key'), made.key);
    await until(async () => (await ask('/livez')).certificate !== before);
    const der = Buffer.from(made.certificate.replace(/-----[^-]+-----|\s/g, ''), 'base64');
    const fingerprint = createHash('sha256').update(der).digest('hex').toUpperCase();
    assert.equal((await ask('/livez')).certificate.replaceAll(':', ''), fingerprint);
  });
});
