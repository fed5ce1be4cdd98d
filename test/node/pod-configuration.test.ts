import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Pod } from '../../src/apis/types.ts';
import * as kinds from '../../src/client/kinds.ts';
import { createVirtualClock, type VirtualClock } from '../../src/clock/virtual.ts';
import { expand, serviceVariables } from '../../src/node/agent/environment.ts';
import { fieldValue, resourceValue } from '../../src/node/agent/sources.ts';
import { writeVolume } from '../../src/node/agent/volume-files.ts';
import type { ContainerConfig } from '../../src/node/container-runtime.ts';
import { createSimulatedRuntime } from '../../src/node/simulated/simulated-runtime.ts';
import { container, statusOf, TestNode, until } from './test-node.ts';

type PodSpec = NonNullable<Pod['spec']>;

describe('what a container is given', () => {
  let clock: VirtualClock;
  let node: TestNode;
  let configs: ContainerConfig[];

  beforeEach(async () => {
    clock = createVirtualClock();
    configs = [];
    node = await TestNode.start(clock, () =>
      createSimulatedRuntime({
        clock,
        behaviour: (config) => {
          configs.push(config);
          return {};
        },
      }),
    );
  });
  afterEach(() => node.close());

  async function run(spec: Partial<PodSpec>, metadata: Partial<Pod['metadata']> = {}): Promise<ContainerConfig> {
    await node.createPod('app', spec, metadata);
    await node.untilPod('app', ({ status }) => status?.phase === 'Running');
    return configs.at(-1)!;
  }

  const configMap = (name: string, data: Record<string, string>) =>
    node.client.resource(kinds.ConfigMap).create({ metadata: { name, namespace: 'default' }, data });
  const secret = (name: string, data: Record<string, string>) =>
    node.client.resource(kinds.Secret).create({
      metadata: { name, namespace: 'default' },
      data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
    });
  const hostPathOf = (config: ContainerConfig, containerPath: string): string => {
    const mount = config.mounts.find((candidate) => candidate.containerPath === containerPath);
    assert.ok(mount, `something is mounted at ${containerPath}`);
    return mount.hostPath;
  };

  describe('as environment', () => {
    it('is what was written, in the order of its references', async () => {
      await configMap('settings', { mode: 'fast', LEVEL: 'info' });
      await secret('login', { password: 'hunter2' });
      const env = [
        { name: 'LEVEL', value: 'debug' },
        { name: 'MODE', valueFrom: { configMapKeyRef: { name: 'settings', key: 'mode' } } },
        { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'login', key: 'password' } } },
        { name: 'URL', value: 'db://user:$(PASSWORD)@$(HOST)/$(MODE)?$$(MODE)' },
        { name: 'HOST', value: 'later' },
        { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
        { name: 'TIER', valueFrom: { fieldRef: { fieldPath: "metadata.labels['tier']" } } },
        { name: 'CPUS', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
        { name: 'MIB', valueFrom: { resourceFieldRef: { resource: 'requests.memory', divisor: '1Mi' } } },
        { name: 'NONE', valueFrom: { configMapKeyRef: { name: 'absent', key: 'x', optional: true } } },
        { name: 'EMPTY', value: '' },
      ];
      const envFrom = [{ configMapRef: { name: 'settings' } }, { prefix: 'LOGIN_', secretRef: { name: 'login' } }];
      const resources = { limits: { cpu: '1500m' }, requests: { memory: '64Mi' } };
      const command = ['serve', '--mode=$(MODE)', '$(UNKNOWN)', '$$(MODE)'];
      const config = await run(
        { containers: [container('main', { env, envFrom, resources, command })] },
        { labels: { tier: 'back' } },
      );
      const { podIP } = (await node.pod('app')).status!;
      assert.deepEqual(config.env, {
        mode: 'fast',
        LEVEL: 'debug',
        LOGIN_password: 'hunter2',
        MODE: 'fast',
        PASSWORD: 'hunter2',
        URL: 'db://user:hunter2@$(HOST)/fast?$(MODE)',
        HOST: 'later',
        NAME: 'app',
        POD_IP: podIP,
        NODE: 'node-1',
        TIER: 'back',
        CPUS: '2',
        MIB: '64',
        EMPTY: '',
      });
      assert.deepEqual(config.command, ['serve', '--mode=fast', '$(UNKNOWN)', '$(MODE)']);
      assert.deepEqual([config.cpuLimit, config.attempt, config.image], [1.5, 0, 'image:1']);
    });

    for (const [what, more, message] of [
      ['a ConfigMap', { envFrom: [{ configMapRef: { name: 'absent' } }] }, 'configmap "absent" not found'],
      ['a Secret', { envFrom: [{ secretRef: { name: 'absent' } }] }, 'secret "absent" not found'],
      [
        'a key of a Secret',
        { env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 'login', key: 'absent' } } }] },
        "couldn't find key absent in Secret default/login",
      ],
    ] as const) {
      it(`is refused without ${what}`, async () => {
        await secret('login', { password: 'hunter2' });
        await node.createPod('app', { containers: [container('main', more as object)] });
        const pod = await node.untilPod(
          'app',
          (p) => statusOf(p).state?.waiting?.reason === 'CreateContainerConfigError',
        );
        assert.equal(statusOf(pod).state!.waiting!.message, message);
      });
    }

    it('names the services of the namespace, and always the API server', () => {
      const service = (namespace: string, name: string, clusterIP: string, ports: object[]) =>
        ({ apiVersion: 'v1', kind: 'Service', metadata: { namespace, name }, spec: { clusterIP, ports } }) as never;
      const services = [
        service('default', 'kubernetes', '10.96.0.1', [{ name: 'https', port: 443 }]),
        service('shop', 'redis-primary', '10.96.0.11', [
          { name: 'main-port', port: 6379 },
          { port: 9121, protocol: 'UDP' },
        ]),
        service('shop', 'headless', 'None', [{ port: 1 }]),
        service('other', 'hidden', '10.96.0.12', [{ port: 1 }]),
      ];
      const pod = (enableServiceLinks?: boolean) =>
        ({ metadata: { namespace: 'shop' }, spec: { containers: [], enableServiceLinks } }) as never;
      const kubernetes = {
        KUBERNETES_SERVICE_HOST: '10.96.0.1',
        KUBERNETES_SERVICE_PORT: '443',
        KUBERNETES_SERVICE_PORT_HTTPS: '443',
        KUBERNETES_PORT: 'tcp://10.96.0.1:443',
        KUBERNETES_PORT_443_TCP: 'tcp://10.96.0.1:443',
        KUBERNETES_PORT_443_TCP_PROTO: 'tcp',
        KUBERNETES_PORT_443_TCP_PORT: '443',
        KUBERNETES_PORT_443_TCP_ADDR: '10.96.0.1',
      };
      assert.deepEqual(serviceVariables(pod(false), services), kubernetes);
      assert.deepEqual(serviceVariables(pod(), services), {
        ...kubernetes,
        REDIS_PRIMARY_SERVICE_HOST: '10.96.0.11',
        REDIS_PRIMARY_SERVICE_PORT: '6379',
        REDIS_PRIMARY_SERVICE_PORT_MAIN_PORT: '6379',
        REDIS_PRIMARY_PORT: 'tcp://10.96.0.11:6379',
        REDIS_PRIMARY_PORT_6379_TCP: 'tcp://10.96.0.11:6379',
        REDIS_PRIMARY_PORT_6379_TCP_PROTO: 'tcp',
        REDIS_PRIMARY_PORT_6379_TCP_PORT: '6379',
        REDIS_PRIMARY_PORT_6379_TCP_ADDR: '10.96.0.11',
        REDIS_PRIMARY_PORT_9121_UDP: 'udp://10.96.0.11:9121',
        REDIS_PRIMARY_PORT_9121_UDP_PROTO: 'udp',
        REDIS_PRIMARY_PORT_9121_UDP_PORT: '9121',
        REDIS_PRIMARY_PORT_9121_UDP_ADDR: '10.96.0.11',
      });
    });

    it('expands references as Kubernetes does', () => {
      const lookup = (name: string): string | undefined => ({ A: 'one', 'B.c': 'two' })[name];
      for (const [text, expanded] of [
        ['$(A)', 'one'],
        ['$(A)$(B.c)', 'onetwo'],
        ['$$(A)', '$(A)'],
        ['$$$(A)', '$one'],
        ['$(Z) $A {A} $', '$(Z) $A {A} $'],
        ['$(A', '$(A'],
        ['$$', '$'],
      ] as const) {
        assert.equal(expand(text, lookup), expanded, text);
      }
      fc.assert(
        fc.property(fc.string(), (text) => {
          fc.pre(!text.includes('$'));
          assert.equal(expand(text, lookup), text);
        }),
      );
    });

    it('refuses fields that a pod does not have', () => {
      const pod = { metadata: {}, spec: { containers: [] } } as never;
      const place = { podIP: '', hostIP: '10.0.0.1', allocatable: { cpu: '4', memory: '8Gi' } };
      assert.equal(fieldValue('status.hostIP', pod, place), '10.0.0.1');
      assert.throws(() => fieldValue('spec.secrets', pod, place), /field label not supported: spec.secrets/);
      assert.equal(resourceValue({ resource: 'limits.cpu' }, pod, { name: 'c' }, place), '4');
      assert.equal(resourceValue({ resource: 'requests.cpu' }, pod, { name: 'c' }, place), '0');
      assert.throws(
        () => resourceValue({ resource: 'limits.cpu', containerName: 'x' }, pod, undefined, place),
        /x not found/,
      );
    });
  });

  describe('as volumes', () => {
    const mount = (name: string, mountPath: string, more: object = {}) => ({ name, mountPath, ...more });

    it('is a directory for the files of ConfigMaps, Secrets and the pod itself', async () => {
      await configMap('settings', { 'app.conf': 'threads = 4\n', other: 'x' });
      await secret('login', { password: 'hunter2' });
      const config = await run(
        {
          volumes: [
            {
              name: 'settings',
              configMap: { name: 'settings', items: [{ key: 'app.conf', path: 'conf.d/app.conf', mode: 0o400 }] },
            },
            { name: 'login', secret: { secretName: 'login', defaultMode: 0o440 } },
            { name: 'self', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
            {
              name: 'all',
              projected: {
                sources: [
                  { configMap: { name: 'settings' } },
                  { secret: { name: 'login' } },
                  { configMap: { name: 'absent', optional: true } },
                ],
              },
            },
            { name: 'scratch', emptyDir: {} },
          ],
          containers: [
            container('main', {
              volumeMounts: [
                mount('settings', '/etc/app'),
                mount('login', '/etc/login', { readOnly: true }),
                mount('self', '/etc/self'),
                mount('all', '/etc/all'),
                mount('scratch', '/tmp/a', { subPath: 'deep/a' }),
                mount('scratch', '/tmp/b', { subPathExpr: '$(POD)' }),
              ],
              env: [{ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
            }),
          ],
        },
        { labels: { b: '2', a: '1' } },
      );
      const file = join(hostPathOf(config, '/etc/app'), 'conf.d/app.conf');
      assert.equal(await readFile(file, 'utf8'), 'threads = 4\n');
      assert.equal((await stat(file)).mode & 0o777, 0o400);
      const password = join(hostPathOf(config, '/etc/login'), 'password');
      assert.equal(await readFile(password, 'utf8'), 'hunter2');
      assert.equal((await stat(password)).mode & 0o777, 0o440);
      assert.equal(await readFile(join(hostPathOf(config, '/etc/self'), 'labels'), 'utf8'), 'a="1"\nb="2"');
      const all = (await readdir(hostPathOf(config, '/etc/all'))).filter((name) => !name.startsWith('..'));
      assert.deepEqual(all.sort(), ['app.conf', 'other', 'password']);
      assert.match(hostPathOf(config, '/tmp/a'), /scratch\/deep\/a$/);
      assert.match(hostPathOf(config, '/tmp/b'), /scratch\/app$/);
      assert.ok((await stat(hostPathOf(config, '/tmp/a'))).isDirectory());
      const mounts = statusOf(await node.pod('app')).volumeMounts!;
      assert.deepEqual(mounts[1], {
        name: 'login',
        mountPath: '/etc/login',
        readOnly: true,
        recursiveReadOnly: 'Disabled',
      });
    });

    it('follows changes within a minute', async () => {
      await configMap('settings', { key: 'one' });
      const volumes = [{ name: 'settings', configMap: { name: 'settings' } }];
      const config = await run({
        volumes,
        containers: [container('main', { volumeMounts: [mount('settings', '/s')] })],
      });
      const file = join(hostPathOf(config, '/s'), 'key');
      await node.client
        .resource(kinds.ConfigMap)
        .patch({ namespace: 'default', name: 'settings' }, { data: { key: 'two', more: 'three' } });
      assert.equal(await readFile(file, 'utf8'), 'one');
      await clock.advance(60_000);
      await until(async () => (await readFile(file, 'utf8')) === 'two');
      assert.equal(await readFile(join(hostPathOf(config, '/s'), 'more'), 'utf8'), 'three');
    });

    it('is gone with the pod', async () => {
      const volumes = [{ name: 'scratch', emptyDir: {} }];
      const config = await run({
        volumes,
        containers: [container('main', { volumeMounts: [mount('scratch', '/s')] })],
      });
      await writeFile(join(hostPathOf(config, '/s'), 'file'), 'content');
      await node.pods.delete({ namespace: 'default', name: 'app' });
      await node.untilGone('app');
      await until(async () => (await readdir(join(node.directory, 'agent', 'pods'))).length === 0);
    });

    it('checks paths of the host', async () => {
      const path = join(node.directory, 'host');
      await mkdir(path);
      await writeFile(join(path, 'file'), '');
      const volume = (name: string, type: string) => ({ name: 'host', hostPath: { path: join(path, name), type } });
      const spec = (name: string, type: string) => ({
        volumes: [volume(name, type)],
        containers: [container('main', { volumeMounts: [mount('host', '/host')] })],
      });
      await node.createPod('wrong', spec('file', 'Directory'));
      assert.equal(
        (await node.untilEvent('FailedMount', 'wrong')).message,
        `hostPath type check failed: ${path}/file is not a directory`,
      );
      await node.createPod('made', spec('new', 'DirectoryOrCreate'));
      await node.untilPod('made', ({ status }) => status?.phase === 'Running');
      assert.ok((await stat(join(path, 'new'))).isDirectory());
    });

    it('is refused when this node cannot have it', async () => {
      const volumes = [{ name: 'share', nfs: { server: 'x', path: '/' } }];
      await node.createPod('app', {
        volumes,
        containers: [container('main', { volumeMounts: [mount('share', '/s')] })],
      });
      assert.equal(
        (await node.untilEvent('FailedMount')).message,
        'volume "share": volumes of type nfs are not supported by this node',
      );
    });
  });
});

describe('files that change together', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'setpoint-volume-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const file = (path: string, text: string) => ({ path, content: Buffer.from(text), mode: 0o644 });
  const visible = async (): Promise<Record<string, string>> => {
    const found: Record<string, string> = {};
    for (const name of await readdir(directory)) {
      if (name.startsWith('..')) continue;
      found[name] = await readFile(join(directory, name), 'utf8').catch(() => '<directory>');
    }
    return found;
  };

  it('are exactly those of the latest version', async () => {
    await writeVolume(directory, [file('a', '1'), file('b', '2'), file('c/d', '3')], 'v1');
    assert.deepEqual(await visible(), { a: '1', b: '2', c: '<directory>' });
    await writeVolume(directory, [file('a', 'changed'), file('e', '4')], 'v2');
    assert.deepEqual(await visible(), { a: 'changed', e: '4' });
    const versions = (await readdir(directory)).filter((name) => name.startsWith('..'));
    assert.deepEqual(versions.sort(), ['..data', '..v2']);
  });

  it('are not touched when nothing has changed', async () => {
    await writeVolume(directory, [file('a', '1')], 'v1');
    await writeVolume(directory, [file('a', '1')], 'v2');
    assert.deepEqual((await readdir(directory)).sort(), ['..data', '..v1', 'a']);
  });

  it('recover from a version that was half written', async () => {
    await mkdir(join(directory, '..v0'));
    await symlink('..nowhere', join(directory, '..data'));
    await symlink('..v0', join(directory, '..data_tmp'));
    await writeVolume(directory, [file('a', '1')], 'v1');
    assert.deepEqual(await visible(), { a: '1' });
  });
});
