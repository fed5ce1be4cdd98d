/** What others on the machine find in a cluster's data directory: nothing that is theirs to read, and no Secret. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '../../src/client/client.ts';
import { inProcessTransport } from '../../src/client/in-process.ts';
import { type Cluster, startCluster } from '../../src/cluster/cluster.ts';
import type { ApiObject } from '../../src/machinery/object.ts';

const secret = 'aardvark-on-disk';

describe('a data directory', () => {
  let directory: string;
  let cluster: Cluster;
  const logged: string[] = [];
  before(async () => {
    directory = join(await mkdtemp(join(tmpdir(), 'setpoint-disk-')), 'data');
    const say = (fields: object, message: string): void => void logged.push(`${message} ${JSON.stringify(fields)}`);
    cluster = await startCluster({
      dataDir: directory,
      store: 'lmdb',
      bind: '127.0.0.1',
      port: 0,
      controllers: [],
      scheduler: false,
      runtime: 'simulated',
      nodes: 1,
      audit: { auditLogPath: join(directory, 'audit', 'audit.log') },
      log: { debug: say, info: say, warn: say, error: say },
    });
    const user = { name: 'admin', groups: ['system:masters', 'system:authenticated'] };
    const object = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's', namespace: 'default' },
      stringData: { k: secret },
    } as unknown as ApiObject;
    const client = createClient(inProcessTransport(cluster.server, { user }));
    await (await client.dynamic(object)).create(object);
    await cluster.stop();
  });
  after(() => rm(join(directory, '..'), { recursive: true }));

  const mode = async (path: string): Promise<string> => ((await stat(join(directory, path))).mode & 0o777).toString(8);

  it('is its owner’s, and so are keys, nodes, the audit log and the kubeconfig', async () => {
    for (const path of ['.', 'pki', 'audit', 'nodes', 'nodes/node-1']) assert.equal(await mode(path), '700', path);
    const files = (await readdir(join(directory, 'pki'))).map((name) => join('pki', name));
    assert.ok(files.length >= 6, files.join());
    for (const path of ['kubeconfig', 'audit/audit.log', ...files]) assert.equal(await mode(path), '600', path);
  });

  it('holds no Secret in plain, not in the store, the audit log or the log', async () => {
    const encoded = Buffer.from(secret).toString('base64').replace(/=+$/, '');
    const files = (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) =>
      entry.isFile(),
    );
    for (const file of files) {
      const bytes = await readFile(join(file.parentPath ?? file.path, file.name));
      assert.ok(!bytes.includes(secret) && !bytes.includes(encoded), file.name);
    }
    const audit = await readFile(join(directory, 'audit', 'audit.log'), 'utf8');
    assert.match(audit, /"verb":"create","user":\{"username":"admin".*"resource":"secrets"/);
    assert.doesNotMatch(logged.join('\n'), new RegExp(`${secret}|${encoded}`));
  });
});
