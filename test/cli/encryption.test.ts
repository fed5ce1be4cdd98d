/** Secrets on disk, as the command line keeps them. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createClient } from '../../src/client/client.ts';
import { inProcessTransport } from '../../src/client/in-process.ts';
import { ConfigMap, Secret } from '../../src/client/kinds.ts';
import { type Cluster, startCluster } from '../../src/cluster/cluster.ts';
import type { StatusError } from '../../src/machinery/status.ts';
import { cli } from '../support/process-cluster.ts';

const run = promisify(execFile);
const value = 'correct horse battery staple';

describe('encryption at rest', function () {
  this.timeout(60_000);
  let dataDir: string;

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'setpoint-encryption-'));
  });
  after(() => rm(dataDir, { recursive: true, force: true }));

  const start = (): Promise<Cluster> =>
    startCluster({
      dataDir,
      store: 'lmdb',
      bind: '127.0.0.1',
      port: 0,
      controllers: [],
      scheduler: false,
      runtime: 'none',
      nodes: 0,
    });

  const clientOf = ({ server }: Cluster) =>
    createClient(inProcessTransport(server, { user: { name: 'admin', groups: ['system:masters'] } }));

  const secretOf = async (cluster: Cluster, name: string): Promise<string> => {
    const { data } = await clientOf(cluster).resource(Secret).get({ namespace: 'default', name });
    return Buffer.from(data!.text!, 'base64').toString();
  };

  const file = (): string => join(dataDir, 'pki', 'encryption.yaml');

  /** Every file under the data directory that holds `needle`. */
  async function filesWith(needle: string): Promise<string[]> {
    const found: string[] = [];
    for (const entry of await readdir(dataDir, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      if ((await readFile(path)).includes(needle)) found.push(path);
    }
    return found;
  }

  it('leaves no secret in the data directory, in any form', async () => {
    const cluster = await start();
    const client = clientOf(cluster);
    await client.resource(Secret).create({
      metadata: { namespace: 'default', name: 'old' },
      data: { text: Buffer.from(value).toString('base64') },
    });
    await client
      .resource(ConfigMap)
      .create({ metadata: { namespace: 'default', name: 'm' }, data: { open: 'in the clear' } });
    assert.equal(await secretOf(cluster, 'old'), value);
    await cluster.stop();
    assert.deepEqual(await filesWith(value), []);
    assert.deepEqual(await filesWith(Buffer.from(value).toString('base64')), []);
    assert.equal((await filesWith('in the clear')).length, 1);
    assert.equal((await stat(file())).mode & 0o777, 0o600);
  });

  it('goes on with a new key, and rewrites what the old one wrote', async () => {
    const old = await readFile(file(), 'utf8');
    const rotated = await run(process.execPath, [cli, 'encryption', 'rotate', '--data-dir', dataDir]);
    assert.match(rotated.stdout, /^key2 writes from the next start on/);
    const cluster = await start();
    assert.equal(await secretOf(cluster, 'old'), value);
    const secrets = clientOf(cluster).resource(Secret);
    const { metadata } = await secrets.create({
      metadata: { namespace: 'default', name: 'new' },
      data: { text: Buffer.from('other').toString('base64') },
    });
    assert.ok(metadata.uid);
    await cluster.stop();

    const rewritten = await run(process.execPath, [cli, 'encryption', 'rewrite', '--data-dir', dataDir]);
    assert.match(rewritten.stdout, /^[1-9]\d* objects were written again\n$/);
    const again = await run(process.execPath, [cli, 'encryption', 'rewrite', '--data-dir', dataDir]);
    assert.equal(again.stdout, '0 objects were written again\n');
    const both = await readFile(file(), 'utf8');
    // Only the second key is left.
    await writeFile(file(), both.replace(/\n\s*- name: key1\n\s*secret: \S+/, ''), { mode: 0o600 });
    assert.ok(!(await readFile(file(), 'utf8')).includes('key1'));
    const after = await start();
    assert.equal(await secretOf(after, 'old'), value);
    await after.stop();
    await writeFile(file(), old, { mode: 0o600 });
  });

  it('names the objects whose key is lost, and serves all others', async () => {
    // With the first key alone, what the second one wrote is lost.
    const cluster = await start();
    const client = clientOf(cluster);
    await assert.rejects(client.resource(Secret).get({ namespace: 'default', name: 'old' }), (error: StatusError) => {
      assert.equal(error.status.code, 500);
      assert.equal(
        error.message,
        'Internal error occurred: unable to transform key "/registry/core/secrets/default/old": no matching key was found for the provided transformer',
      );
      return true;
    });
    await assert.rejects(client.resource(Secret).list({ namespace: 'default' }), /unable to transform key/);
    const fresh = { namespace: 'kube-public', name: 'fresh' };
    await client.resource(Secret).create({ metadata: fresh, stringData: { text: 'x' } });
    assert.equal((await client.resource(Secret).list({ namespace: 'kube-public' })).items.length, 1);
    assert.equal(
      (await client.resource(ConfigMap).get({ namespace: 'default', name: 'm' })).data?.open,
      'in the clear',
    );
    await cluster.stop();
  });

  it('refuses a configuration that it cannot read', async () => {
    const bad = join(dataDir, 'bad.yaml');
    await writeFile(bad, 'kind: EncryptionConfiguration\nresources: []\n');
    const flags = ['up', '--data-dir', dataDir, '--port', '0', '--encryption-provider-config', bad];
    await assert.rejects(run(process.execPath, [cli, ...flags]), (error: { code: number; stderr: string }) => {
      assert.equal(error.code, 1);
      assert.equal(
        error.stderr,
        `setpoint: ${bad}: apiVersion: Unsupported value: "": supported values: "apiserver.config.k8s.io/v1"; resources: Required value: at least one resource must be specified\n`,
      );
      return true;
    });
  });
});
