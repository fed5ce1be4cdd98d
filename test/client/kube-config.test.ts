import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fromClientNode, loadKubeConfig, parseKubeConfig } from '../../src/client/index.ts';
import { createVirtualClock } from '../../src/clock/virtual.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

const config = (user: string, cluster = ''): string => `
apiVersion: v1
kind: Config
current-context: main
clusters:
- name: home
  cluster:
    server: https://home.example:6443
${cluster}
contexts:
- name: main
  context: { cluster: home, user: jane, namespace: web }
- name: other
  context: { cluster: nowhere, user: jane }
- name: nobody
  context: { cluster: home }
users:
- name: jane
  user:
${user}
`;

describe('kubeconfig', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kube-config-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };

  it('reads certificates and tokens that stand in it', async () => {
    const text = config(
      `    client-certificate-data: ${base64('cert')}\n    client-key-data: ${base64('key')}\n    token: secret`,
      `    certificate-authority-data: ${base64('ca')}\n    tls-server-name: api`,
    );
    const loaded = await parseKubeConfig(text);
    assert.deepEqual(loaded, {
      server: 'https://home.example:6443',
      ca: Buffer.from('ca'),
      cert: Buffer.from('cert'),
      key: Buffer.from('key'),
      token: 'secret',
      tlsServerName: 'api',
      namespace: 'web',
    });
  });

  it('reads files beside it, and token files anew every minute', async () => {
    await mkdir(join(folder, 'pki'));
    await writeFile(join(folder, 'pki', 'ca.pem'), 'ca');
    await writeFile(join(folder, 'token'), 'first\n');
    const path = await write('config', config('    tokenFile: token', '    certificate-authority: pki/ca.pem'));
    const clock = createVirtualClock();
    const { ca, credentials } = await loadKubeConfig({ path, clock });
    assert.equal(String(ca), 'ca');
    assert.deepEqual((await credentials?.())?.headers, { Authorization: 'Bearer first' });
    await writeFile(join(folder, 'token'), 'second\n');
    assert.deepEqual((await credentials?.())?.headers, { Authorization: 'Bearer first' });
    await clock.advance(60_000);
    assert.deepEqual((await credentials?.())?.headers, { Authorization: 'Bearer second' });
  });

  it('sends names and passwords, and acts for others', async () => {
    const loaded = await parseKubeConfig(
      config('    username: jane\n    password: pw\n    as: john\n    as-groups: [devs, ops]'),
    );
    assert.deepEqual((await loaded.credentials?.())?.headers, {
      Authorization: `Basic ${base64('jane:pw')}`,
      'Impersonate-User': 'john',
      'Impersonate-Group': ['devs', 'ops'],
    });
  });

  it('merges several files: what an earlier one says stands', async () => {
    const first = await write('first', 'current-context: main\nusers:\n- name: jane\n  user: { token: mine }\n');
    const second = await write('second', config('    token: theirs'));
    const env = { KUBECONFIG: [first, join(folder, 'missing'), second].join(delimiter) };
    const loaded = await loadKubeConfig({ env });
    assert.deepEqual([loaded.server, loaded.token], ['https://home.example:6443', 'mine']);
  });

  it('takes another context, and one without a user', async () => {
    const text = config('    token: secret');
    assert.equal((await parseKubeConfig(text, 'nobody')).token, undefined);
    await assert.rejects(parseKubeConfig(text, 'other'), /no cluster "nowhere" \(there are: home\)/);
    await assert.rejects(parseKubeConfig(text, 'none'), /no context "none" \(there are: main, other, nobody\)/);
  });

  it('looks in the home folder', async () => {
    await mkdir(join(folder, '.kube'));
    await write('.kube/config', config('    token: secret'));
    assert.equal((await loadKubeConfig({ env: { HOME: folder } })).token, 'secret');
  });

  it('says what is missing', async () => {
    await assert.rejects(loadKubeConfig(join(folder, 'missing')), { code: 'ENOENT' });
    await assert.rejects(loadKubeConfig({ env: { HOME: folder } }), /there is no kubeconfig at .*\.kube\/config/);
    await assert.rejects(parseKubeConfig('kind: Config'), /no current context/);
    await assert.rejects(parseKubeConfig('- a list'), /is no kubeconfig/);
    await assert.rejects(
      parseKubeConfig(config('    token: t', '    proxy-url: http://proxy')),
      /behind a proxy \(proxy-url\), which is not supported/,
    );
  });

  it('runs programs for credentials, through client-node', async () => {
    const credential = JSON.stringify({
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'from-program' },
    });
    const script = await write('credential.sh', `#!/bin/sh\necho '${credential}'\n`);
    const path = await write(
      'config',
      config(
        `    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      interactiveMode: Never\n      command: sh\n      args: ['${script}']`,
      ),
    );
    const { credentials } = await loadKubeConfig(path);
    assert.deepEqual(await credentials?.(), { headers: { Authorization: 'Bearer from-program' } });
  });

  it('takes a KubeConfig of client-node as it is', async () => {
    const { KubeConfig } = await import('@kubernetes/client-node');
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromString(
      config(
        `    client-certificate-data: ${base64('cert')}\n    client-key-data: ${base64('key')}\n    token: secret`,
        `    certificate-authority-data: ${base64('ca')}`,
      ),
    );
    const { credentials, ...options } = fromClientNode(kubeConfig);
    assert.deepEqual(options, { server: 'https://home.example:6443', ca: Buffer.from('ca'), namespace: 'web' });
    assert.deepEqual(await credentials?.(), {
      headers: { Authorization: 'Bearer secret' },
      cert: Buffer.from('cert'),
      key: Buffer.from('key'),
    });
    assert.throws(() => fromClientNode(new KubeConfig()), /no current cluster/);
  });
});
