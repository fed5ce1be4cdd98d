import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as kinds from '../../src/client/kinds.ts';
import { createVirtualClock, type VirtualClock } from '../../src/clock/virtual.ts';
import type { ContainerConfig } from '../../src/node/container-runtime.ts';
import { createSimulatedRuntime } from '../../src/node/simulated/simulated-runtime.ts';
import { container, TestNode, until } from './test-node.ts';

describe('tokens in volumes', () => {
  let clock: VirtualClock;
  let node: TestNode;
  let configs: ContainerConfig[];

  beforeEach(async () => {
    clock = createVirtualClock();
    configs = [];
    const behaviour = (config: ContainerConfig) => {
      configs.push(config);
      return {};
    };
    node = await TestNode.start(clock, () => createSimulatedRuntime({ clock, behaviour }));
  });
  afterEach(() => node.close());

  const start = async (serviceAccountName: string) =>
    await node.createPod('app', {
      serviceAccountName,
      containers: [container('main', { volumeMounts: [{ name: 'tokens', mountPath: '/tokens' }] })],
      volumes: [
        {
          name: 'tokens',
          projected: {
            sources: [{ serviceAccountToken: { path: 'vault', audience: 'vault', expirationSeconds: 600 } }],
          },
        },
      ],
    });
  const makeAccount = (name: string) =>
    node.client.resource(kinds.ServiceAccount).create({ metadata: { namespace: 'default', name } });
  const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());

  it('are of the pod’s account, bound to the pod, and new when four fifths of their life are over', async () => {
    await makeAccount('robot');
    const pod = await start('robot');
    await node.untilPod('app', ({ status }) => status?.phase === 'Running');
    const file = join(configs[0]!.mounts[0]!.hostPath, 'vault');
    const first = await readFile(file, 'utf8');
    const claims = claimsOf(first);
    assert.equal(claims.sub, 'system:serviceaccount:default:robot');
    assert.deepEqual(claims.aud, ['vault']);
    assert.deepEqual(claims['kubernetes.io'].pod, { name: 'app', uid: pod.metadata.uid });
    assert.equal(claims['kubernetes.io'].node.name, 'node-1');
    assert.equal((await stat(file)).mode & 0o777, 0o644);
    await clock.advance(419_000);
    assert.equal(await readFile(file, 'utf8'), first);
    await clock.advance(120_000);
    const second = await until(
      async () => {
        const text = await readFile(file, 'utf8');
        return text === first ? undefined : text;
      },
      async () => 'the token is the old one',
    );
    assert.ok(claimsOf(second).iat >= claims.iat + 480);
  });

  it('hold a pod back until its account is there', async () => {
    await start('late');
    await until(
      async () => (await node.events()).find(({ reason }) => reason === 'FailedMount'),
      async () => JSON.stringify(await node.events()),
    );
    assert.equal(configs.length, 0);
    await makeAccount('late');
    await until(
      async () => {
        await clock.advance(1000);
        return (await node.pod('app')).status?.phase === 'Running' ? true : undefined;
      },
      async () => JSON.stringify((await node.pod('app')).status),
    );
  });
});
