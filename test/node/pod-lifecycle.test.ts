import assert from 'node:assert/strict';
import * as kinds from '../../src/client/kinds.ts';
import { createVirtualClock, type VirtualClock } from '../../src/clock/virtual.ts';
import type { ContainerConfig } from '../../src/node/container-runtime.ts';
import type { Behaviour } from '../../src/node/simulated/behaviour.ts';
import { createSimulatedRuntime, type SimulatedRuntime } from '../../src/node/simulated/simulated-runtime.ts';
import { conditionsOf, container, statusOf, TestNode, until } from './test-node.ts';

describe('pod lifecycle, simulated', () => {
  let clock: VirtualClock;
  let runtime: SimulatedRuntime;
  let node: TestNode;
  /** By container name. */
  let behaviours: Record<string, Behaviour>;
  let missingImages: Record<string, string>;
  let configs: ContainerConfig[];

  beforeEach(async () => {
    clock = createVirtualClock();
    behaviours = {};
    missingImages = {};
    configs = [];
    const behaviour = (config: ContainerConfig): Behaviour => {
      configs.push(config);
      return behaviours[config.name] ?? {};
    };
    runtime = createSimulatedRuntime({ clock, behaviour, missingImages });
    node = await TestNode.start(clock, () => runtime);
  });
  afterEach(() => node.close());

  const running = (name: string, which = 'main') =>
    node.untilPod(name, (pod) => pod.status?.phase === 'Running' && statusOf(pod, which).ready);
  const nothingLeft = () => until(async () => (await runtime.listSandboxes()).length === 0);
  const seconds = (time: string | undefined): number => (Date.parse(time ?? '') - Date.UTC(2026, 0, 1)) / 1000;

  it('runs a pod and reports it as kubelet does', async () => {
    await node.createPod('web', {
      containers: [container('main', { resources: { requests: { cpu: '100m' }, limits: { cpu: '1' } } })],
    });
    const { status, metadata } = await running('web');
    const [containerStatus] = status!.containerStatuses!;
    const [runtimeContainer] = await runtime.listContainers();
    const [sandbox] = await runtime.listSandboxes();
    const time = '2026-01-01T00:00:00Z';
    const condition = (type: string) => ({ type, observedGeneration: 1, status: 'True', lastTransitionTime: time });
    assert.deepEqual(
      { ...status, conditions: status!.conditions!.map(({ lastProbeTime: _, ...rest }) => rest) },
      {
        observedGeneration: metadata.generation,
        phase: 'Running',
        conditions: ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(
          condition,
        ),
        hostIP: '127.0.0.1',
        hostIPs: [{ ip: '127.0.0.1' }],
        podIP: sandbox!.ip,
        podIPs: [{ ip: sandbox!.ip }],
        startTime: time,
        qosClass: 'Burstable',
        containerStatuses: [
          {
            name: 'main',
            state: { running: { startedAt: time } },
            lastState: {},
            ready: true,
            started: true,
            restartCount: 0,
            image: 'image:1',
            imageID: runtimeContainer!.imageId,
            containerID: `simulated://${runtimeContainer!.id}`,
            allocatedResources: { cpu: '100m' },
            resources: { requests: { cpu: '100m' }, limits: { cpu: '1' } },
          },
        ],
      },
    );
    assert.equal(containerStatus!.started, true);
    await node.untilEvent('Started', 'web');
    const events = (await node.events()).filter(({ about }) => about === 'web');
    assert.deepEqual(events.map(({ type, reason, message, fieldPath }) => [type, reason, message, fieldPath]).sort(), [
      ['Normal', 'Created', 'Container created', 'spec.containers{main}'],
      ['Normal', 'Pulled', 'Successfully pulled image "image:1" in 0s (0s including waiting)', 'spec.containers{main}'],
      ['Normal', 'Pulling', 'Pulling image "image:1"', 'spec.containers{main}'],
      ['Normal', 'Started', 'Container started', 'spec.containers{main}'],
    ]);
  });

  it('says what it waits for while a container starts', async () => {
    behaviours.main = { startDelay: 5000 };
    await node.createPod('slow');
    const pod = await node.untilPod('slow', ({ status }) => status?.podIP);
    assert.equal(pod.status!.phase, 'Pending');
    assert.deepEqual(statusOf(pod).state, { waiting: { reason: 'ContainerCreating' } });
    assert.deepEqual(conditionsOf(pod), [
      'PodReadyToStartContainers True',
      'Initialized True',
      'Ready False ContainersNotReady containers with unready status: [main]',
      'ContainersReady False ContainersNotReady containers with unready status: [main]',
      'PodScheduled True',
    ]);
    await clock.advance(5000);
    await running('slow');
  });

  describe('ends', () => {
    for (const [exitCode, phase, reason] of [
      [0, 'Succeeded', 'PodCompleted'],
      [3, 'Failed', 'PodFailed'],
    ] as const) {
      it(`${phase} when its container exits with ${exitCode} and is not to be restarted`, async () => {
        behaviours.main = { exitAfter: 60_000, exitCode };
        await node.createPod('job', { restartPolicy: 'Never' });
        await running('job');
        await clock.advance(60_000);
        const pod = await node.untilPod('job', ({ status }) => status?.phase === phase);
        assert.deepEqual(conditionsOf(pod), [
          'PodReadyToStartContainers False',
          phase === 'Succeeded' ? 'Initialized True PodCompleted' : 'Initialized True',
          `Ready False ${reason}`,
          `ContainersReady False ${reason}`,
          'PodScheduled True',
        ]);
        const { state, ready, started, restartCount, containerID } = statusOf(pod);
        assert.deepEqual([ready, started, restartCount], [false, false, 0]);
        assert.deepEqual(state, {
          terminated: {
            exitCode,
            reason: exitCode === 0 ? 'Completed' : 'Error',
            startedAt: '2026-01-01T00:00:00Z',
            finishedAt: '2026-01-01T00:01:00Z',
            containerID,
          },
        });
        await clock.advance(3600_000);
        assert.equal((await runtime.listContainers()).length, 1);
      });
    }

    it('Succeeded only when all containers have, Failed when one has not', async () => {
      behaviours = { good: { exitAfter: 1000 }, bad: { exitAfter: 2000, exitCode: 1 } };
      await node.createPod('mixed', { restartPolicy: 'Never', containers: [container('good'), container('bad')] });
      await node.untilPod('mixed', (pod) => statusOf(pod, 'good').ready && statusOf(pod, 'bad').ready);
      await clock.advance(1000);
      const half = await node.untilPod('mixed', (pod) => statusOf(pod, 'good').state?.terminated);
      assert.equal(half.status!.phase, 'Running');
      assert.deepEqual(conditionsOf(half)[2], 'Ready False ContainersNotReady containers with unready status: [good]');
      await clock.advance(1000);
      await node.untilPod('mixed', ({ status }) => status?.phase === 'Failed');
    });

    it('when it has been active for too long', async () => {
      await node.createPod('late', { activeDeadlineSeconds: 90 });
      await running('late');
      await clock.advance(89_000);
      assert.equal((await node.pod('late')).status!.phase, 'Running');
      await clock.advance(1000);
      const { status } = await node.untilPod('late', (pod) => pod.status?.phase === 'Failed');
      assert.equal(status!.reason, 'DeadlineExceeded');
      assert.equal(status!.message, 'Pod was active on the node longer than the specified deadline');
      assert.equal((await node.untilEvent('DeadlineExceeded')).message, status!.message);
    });
  });

  describe('restarts', () => {
    it('wait 10 s, doubled up to 5 minutes, and the first none', async () => {
      behaviours.main = { exitAfter: 1000, exitCode: 1 };
      await node.createPod('crash');
      const starts: number[] = [];
      for (let restart = 0; restart <= 8; restart++) {
        const pod = await node.untilPod('crash', (p) => {
          const { state, restartCount } = statusOf(p);
          return state?.running !== undefined && restartCount === restart;
        });
        starts.push(seconds(statusOf(pod).state!.running!.startedAt));
        await clock.advance(1000);
        if (restart > 0) await node.untilPod('crash', (p) => statusOf(p).state?.waiting);
        await clock.advance(restart === 0 ? 0 : Math.min(10 * 2 ** (restart - 1), 300) * 1000);
      }
      const gaps = starts.slice(1).map((start, index) => start - starts[index]! - 1);
      assert.deepEqual(gaps, [0, 10, 20, 40, 80, 160, 300, 300]);
    });

    it('are explained while they wait', async () => {
      behaviours.main = { exitAfter: 1000, exitCode: 7, terminationMessage: 'no such table' };
      const { metadata } = await node.createPod('crash');
      await running('crash');
      await clock.advance(1000);
      await node.untilPod('crash', (p) => statusOf(p).restartCount === 1 && statusOf(p).state?.running);
      await clock.advance(1000);
      const pod = await node.untilPod('crash', (p) => statusOf(p).state?.waiting);
      const name = `crash_default(${metadata.uid})`;
      assert.equal(pod.status!.phase, 'Running');
      const { state, lastState, restartCount, ready } = statusOf(pod);
      assert.deepEqual(state, {
        waiting: { reason: 'CrashLoopBackOff', message: `back-off 10s restarting failed container=main pod=${name}` },
      });
      assert.deepEqual([restartCount, ready], [1, false]);
      assert.deepEqual([lastState!.terminated!.exitCode, lastState!.terminated!.message], [7, 'no such table']);
      const event = await node.untilEvent('BackOff', 'crash');
      assert.deepEqual(
        [event.type, event.message],
        ['Warning', `Back-off restarting failed container main in pod ${name}`],
      );
    });

    it('start over after ten minutes of running', async () => {
      behaviours.main = { exitAfter: 1000, exitCode: 1 };
      await node.createPod('crash');
      await running('crash');
      await clock.advance(1000);
      await node.untilPod('crash', (p) => statusOf(p).restartCount === 1 && statusOf(p).state?.running);
      behaviours.main = { exitAfter: 11 * 60_000, exitCode: 1 };
      await clock.advance(1000);
      await node.untilPod('crash', (p) => statusOf(p).state?.waiting);
      await clock.advance(10_000);
      await node.untilPod('crash', (p) => statusOf(p).restartCount === 2 && statusOf(p).state?.running);
      await clock.advance(11 * 60_000);
      await node.untilPod('crash', (p) => statusOf(p).restartCount === 3 && statusOf(p).state?.running);
    });

    it('come after success with Always, and not with OnFailure', async () => {
      behaviours.main = { exitAfter: 1000 };
      await node.createPod('always');
      await node.createPod('on-failure', { restartPolicy: 'OnFailure' });
      await running('always');
      await running('on-failure');
      await clock.advance(1000);
      await node.untilPod('always', (pod) => statusOf(pod).restartCount === 1);
      await node.untilPod('on-failure', ({ status }) => status?.phase === 'Succeeded');
    });

    it('keep the run before and forget older ones', async () => {
      behaviours.main = { exitAfter: 1000, exitCode: 1 };
      await node.createPod('crash');
      for (let restart = 0; restart < 4; restart++) {
        await node.untilPod('crash', (p) => statusOf(p).restartCount === restart && statusOf(p).state?.running);
        await clock.advance(1000);
        await clock.advance(restart === 0 ? 0 : 10_000 * 2 ** (restart - 1));
      }
      await node.untilPod('crash', (p) => statusOf(p).restartCount === 4);
      const attempts = await until(async () => {
        const found = (await runtime.listContainers()).map(({ attempt }) => attempt).sort();
        return found.length === 2 && found;
      });
      assert.deepEqual(attempts, [3, 4]);
    });
  });

  describe('init containers', () => {
    it('run one after the other, before the others', async () => {
      behaviours = { first: { exitAfter: 5000 }, second: { exitAfter: 5000 } };
      await node.createPod('app', { initContainers: [container('first'), container('second')] });
      const one = await node.untilPod('app', (p) => statusOf(p, 'first').state?.running);
      assert.equal(one.status!.phase, 'Pending');
      assert.deepEqual(statusOf(one, 'second').state, { waiting: { reason: 'PodInitializing' } });
      assert.deepEqual(statusOf(one).state, { waiting: { reason: 'PodInitializing' } });
      assert.equal(
        conditionsOf(one)[1],
        'Initialized False ContainersNotInitialized containers with incomplete status: [first second]',
      );
      await clock.advance(5000);
      const two = await node.untilPod('app', (p) => statusOf(p, 'second').state?.running);
      assert.equal(statusOf(two, 'first').ready, true);
      assert.equal(
        conditionsOf(two)[1],
        'Initialized False ContainersNotInitialized containers with incomplete status: [second]',
      );
      await clock.advance(5000);
      assert.equal(conditionsOf(await running('app'))[1], 'Initialized True');
      assert.equal((await node.untilEvent('Started', 'app')).fieldPath.startsWith('spec.'), true);
    });

    it('that fail are tried again, or fail the pod that is not to be restarted', async () => {
      behaviours.setup = { exitAfter: 1000, exitCode: 1 };
      const initContainers = [container('setup')];
      await node.createPod('again', { initContainers });
      await node.createPod('never', { initContainers, restartPolicy: 'Never' });
      for (const name of ['again', 'never']) await node.untilPod(name, (p) => statusOf(p, 'setup').state?.running);
      await clock.advance(1000);
      await node.untilPod('again', (p) => statusOf(p, 'setup').restartCount === 1);
      const failed = await node.untilPod('never', ({ status }) => status?.phase === 'Failed');
      assert.deepEqual(statusOf(failed).state, { waiting: { reason: 'PodInitializing' } });
    });
  });

  describe('sidecars', () => {
    const sidecar = container('proxy', { restartPolicy: 'Always' });

    it('start before the others and keep running beside them', async () => {
      behaviours.proxy = { startDelay: 3000 };
      await node.createPod('app', { initContainers: [sidecar] });
      await node.untilPod('app', ({ status }) => status?.podIP);
      await until(async () => configs.length > 0);
      await clock.settle();
      assert.deepEqual(
        configs.map(({ name }) => name),
        ['proxy'],
      );
      await clock.advance(3000);
      const pod = await running('app');
      assert.deepEqual([statusOf(pod, 'proxy').ready, statusOf(pod, 'proxy').started], [true, true]);
    });

    it('are restarted when they end, and end last and do not keep a job from ending', async () => {
      behaviours = { proxy: { exitAfter: 2000, exitCode: 1 }, main: { exitAfter: 60_000 } };
      await node.createPod('job', { initContainers: [sidecar], restartPolicy: 'Never' });
      await running('job');
      behaviours.proxy = { stopAfter: 2000 };
      await clock.advance(2000);
      await node.untilPod('job', (p) => statusOf(p, 'proxy').restartCount === 1 && statusOf(p, 'proxy').state?.running);
      await clock.advance(58_000);
      await node.untilEvent('Killing', 'job');
      await clock.advance(2000);
      const pod = await node.untilPod('job', ({ status }) => status?.phase === 'Succeeded');
      const end = (name: string): number => seconds(statusOf(pod, name).state!.terminated!.finishedAt);
      assert.deepEqual([end('main'), end('proxy')], [60, 62]);
    });
  });

  describe('deletion', () => {
    it('sends SIGTERM, waits, says how it ended, and then lets the object go', async () => {
      behaviours.main = { stopAfter: 4000, stopCode: 0 };
      await node.createPod('web', { terminationGracePeriodSeconds: 30 });
      await running('web');
      const seen: string[] = [];
      const watch = node.pods.watch(
        { namespace: 'default' },
        {
          events: (events) => {
            for (const { type, object } of events) seen.push(`${type} ${object.status?.phase}`);
          },
          ended: () => undefined,
        },
      );
      await node.pods.delete({ namespace: 'default', name: 'web' });
      assert.equal((await node.untilEvent('Killing', 'web')).message, 'Stopping container main');
      await clock.advance(3999);
      assert.equal((await node.pod('web')).status!.phase, 'Running');
      await clock.advance(1);
      await node.untilGone('web');
      watch.close();
      assert.deepEqual(seen.slice(-2), ['MODIFIED Succeeded', 'DELETED Succeeded']);
      await nothingLeft();
      assert.deepEqual(await runtime.listContainers(), []);
    });

    it('kills what does not listen when the grace period is over', async () => {
      behaviours.main = { stopAfter: Number.POSITIVE_INFINITY };
      await node.createPod('deaf', { terminationGracePeriodSeconds: 10 });
      await running('deaf');
      await node.pods.delete({ namespace: 'default', name: 'deaf' });
      await node.untilEvent('Killing', 'deaf');
      await clock.advance(9999);
      assert.notEqual(await node.podOrNothing('deaf'), undefined);
      await clock.advance(1);
      await node.untilGone('deaf');
    });

    it('can be hurried', async () => {
      behaviours.main = { stopAfter: Number.POSITIVE_INFINITY };
      await node.createPod('deaf', { terminationGracePeriodSeconds: 3600 });
      await running('deaf');
      await node.pods.delete({ namespace: 'default', name: 'deaf' });
      await node.untilEvent('Killing', 'deaf');
      await node.pods.delete({ namespace: 'default', name: 'deaf' }, { gracePeriodSeconds: 5 });
      await clock.advance(5000);
      await node.untilGone('deaf');
    });

    it('by force takes the object at once, and the containers after it', async () => {
      behaviours.main = { stopAfter: 1000 };
      await node.createPod('web');
      await running('web');
      await node.pods.delete({ namespace: 'default', name: 'web' }, { gracePeriodSeconds: 0 });
      assert.equal(await node.podOrNothing('web'), undefined);
      await clock.settle();
      assert.equal((await runtime.listContainers())[0]!.state, 'running');
      await clock.advance(1000);
      await nothingLeft();
    });

    it('runs the pre-stop hook first, on the time of the grace period', async () => {
      const commands: string[] = [];
      behaviours.main = {
        exec: (command) => {
          commands.push(`${command.join(' ')} at ${(clock.now() - Date.UTC(2026, 0, 1)) / 1000}`);
          return new Promise((resolve) => clock.setTimeout(() => resolve({}), 3000));
        },
      };
      const lifecycle = { preStop: { exec: { command: ['drain'] } } };
      await node.createPod('web', { containers: [container('main', { lifecycle })] });
      await running('web');
      await node.pods.delete({ namespace: 'default', name: 'web' });
      await node.untilEvent('Killing', 'web');
      await clock.advance(2999);
      assert.deepEqual(commands, ['drain at 0']);
      assert.equal((await runtime.listContainers())[0]!.state, 'running');
      await clock.advance(1);
      await node.untilGone('web');
    });

    it('does not wait for a post-start hook', async () => {
      behaviours.main = { exec: () => new Promise(() => undefined) };
      const lifecycle = { postStart: { exec: { command: ['hang'] } } };
      await node.createPod('web', { containers: [container('main', { lifecycle })] });
      await until(async () => (await runtime.listContainers())[0]?.state === 'running');
      await node.pods.delete({ namespace: 'default', name: 'web' });
      await node.untilGone('web');
    });

    it('does not wait for a pre-stop hook longer than the grace period', async () => {
      behaviours.main = { exec: () => new Promise(() => undefined) };
      const lifecycle = { preStop: { exec: { command: ['hang'] } } };
      const spec = { terminationGracePeriodSeconds: 5, containers: [container('main', { lifecycle })] };
      await node.createPod('web', spec);
      await running('web');
      await node.pods.delete({ namespace: 'default', name: 'web' });
      await node.untilEvent('Killing', 'web');
      await clock.advance(5000);
      await node.untilGone('web');
    });

    it('ends while finalizers keep the object, and is not begun again', async () => {
      await node.createPod('held', {}, { finalizers: ['example.com/hold'] });
      await running('held');
      await node.pods.delete({ namespace: 'default', name: 'held' });
      await node.untilPod('held', ({ status }) => status?.phase === 'Succeeded');
      await node.pods.patch({ namespace: 'default', name: 'held' }, { metadata: { labels: { touched: 'yes' } } });
      await clock.advance(60_000);
      await nothingLeft();
      await node.pods.patch({ namespace: 'default', name: 'held' }, { metadata: { finalizers: null } });
      await node.untilGone('held');
    });

    it('of a pod whose name is taken again leaves the new one alone', async () => {
      behaviours.main = { stopAfter: 5000 };
      await node.createPod('web');
      await running('web');
      await node.pods.delete({ namespace: 'default', name: 'web' }, { gracePeriodSeconds: 0 });
      const { metadata } = await node.createPod('web');
      await running('web');
      await clock.advance(5000);
      const [sandbox] = await until(async () => {
        const left = await runtime.listSandboxes();
        return left.length === 1 && left;
      });
      assert.equal(sandbox!.config.uid, metadata.uid);
      assert.equal((await node.pod('web')).metadata.uid, metadata.uid);
    });
  });

  describe('probes', () => {
    it('keep a container unready until it says that it is ready', async () => {
      let exitCode = 1;
      behaviours.main = { exec: () => ({ exitCode, stdout: 'not yet' }) };
      const readinessProbe = {
        exec: { command: ['ready'] },
        initialDelaySeconds: 5,
        periodSeconds: 10,
        successThreshold: 2,
      };
      await node.createPod('web', { containers: [container('main', { readinessProbe })] });
      const started = await node.untilPod('web', ({ status }) => status?.phase === 'Running');
      assert.deepEqual([statusOf(started).started, statusOf(started).ready], [true, false]);
      await clock.advance(5000);
      const event = await node.untilEvent('Unhealthy', 'web');
      assert.deepEqual([event.type, event.message], ['Warning', 'Readiness probe failed: not yet']);
      exitCode = 0;
      await clock.advance(10_000);
      assert.equal(statusOf(await node.pod('web')).ready, false);
      await clock.advance(10_000);
      await running('web');
      exitCode = 1;
      await clock.advance(30_000);
      const unready = await node.untilPod('web', (p) => !statusOf(p).ready);
      assert.equal(unready.status!.phase, 'Running');
      assert.equal(statusOf(unready).restartCount, 0);
    });

    it('restart what is no longer alive', async () => {
      let exitCode = 0;
      behaviours.main = { exec: () => ({ exitCode }), stopCode: 143 };
      const livenessProbe = { exec: { command: ['alive'] }, periodSeconds: 10, failureThreshold: 3 };
      await node.createPod('web', { containers: [container('main', { livenessProbe })] });
      await running('web');
      await clock.advance(60_000);
      assert.equal(statusOf(await node.pod('web')).restartCount, 0);
      exitCode = 1;
      await clock.advance(20_000);
      exitCode = 0;
      await clock.advance(10_000);
      exitCode = 1;
      await clock.advance(20_000);
      assert.equal(statusOf(await node.pod('web')).restartCount, 0);
      await clock.advance(10_000);
      const pod = await node.untilPod('web', (p) => statusOf(p).restartCount === 1 && statusOf(p).state?.running);
      assert.equal(statusOf(pod).lastState!.terminated!.exitCode, 143);
      const killing = await node.untilEvent('Killing', 'web');
      assert.equal(killing.message, 'Container main failed liveness probe, will be restarted');
    });

    it('wait with the others until a container has started', async () => {
      const asked: string[] = [];
      let started = 1;
      behaviours.main = {
        exec: ([what]) => {
          asked.push(what!);
          return { exitCode: what === 'started' ? started : 0 };
        },
      };
      await node.createPod('slow', {
        containers: [
          container('main', {
            startupProbe: { exec: { command: ['started'] }, periodSeconds: 5, failureThreshold: 10 },
            livenessProbe: { exec: { command: ['alive'] } },
            readinessProbe: { exec: { command: ['ready'] } },
          }),
        ],
      });
      const pod = await node.untilPod('slow', ({ status }) => status?.phase === 'Running');
      assert.deepEqual([statusOf(pod).started, statusOf(pod).ready], [false, false]);
      await clock.advance(20_000);
      assert.deepEqual([...new Set(asked)], ['started']);
      started = 0;
      await clock.advance(5000);
      await running('slow');
      await clock.advance(10_000);
      assert.deepEqual([...new Set(asked.slice(6))].sort(), ['alive', 'ready']);
    });

    it('restart what does not start', async () => {
      behaviours.main = { exec: () => ({ exitCode: 1 }) };
      const startupProbe = { exec: { command: ['started'] }, periodSeconds: 1, failureThreshold: 2 };
      await node.createPod('slow', { containers: [container('main', { startupProbe })] });
      await node.untilPod('slow', ({ status }) => status?.phase === 'Running');
      await clock.advance(2000);
      await node.untilPod('slow', (p) => statusOf(p).restartCount === 1);
      const killing = await node.untilEvent('Killing', 'slow');
      assert.equal(killing.message, 'Container main failed startup probe, will be restarted');
    });

    it('that take too long have failed', async () => {
      behaviours.main = { exec: () => new Promise(() => undefined) };
      const readinessProbe = { exec: { command: ['hang', 'on'] }, timeoutSeconds: 2 };
      await node.createPod('web', { containers: [container('main', { readinessProbe })] });
      await node.untilPod('web', ({ status }) => status?.phase === 'Running');
      await clock.advance(2000);
      assert.equal(
        (await node.untilEvent('Unhealthy')).message,
        'Readiness probe errored and resulted in unknown state: command timed out: "hang on" timed out after 2s',
      );
    });
  });

  describe('what containers need', () => {
    it('is waited for: a missing configuration says what is missing', async () => {
      const env = [{ name: 'MODE', valueFrom: { configMapKeyRef: { name: 'settings', key: 'mode' } } }];
      await node.createPod('app', { containers: [container('main', { env })] });
      const waiting = (reason: string) => node.untilPod('app', (p) => statusOf(p).state?.waiting?.reason === reason);
      const pod = await waiting('CreateContainerConfigError');
      assert.equal(statusOf(pod).state!.waiting!.message, 'configmap "settings" not found');
      assert.equal((await node.untilEvent('Failed', 'app')).message, 'Error: configmap "settings" not found');
      const configMaps = node.client.resource(kinds.ConfigMap);
      await configMaps.create({ metadata: { name: 'settings', namespace: 'default' }, data: { other: 'x' } });
      await clock.advance(10_000);
      await node.untilPod(
        'app',
        (p) => statusOf(p).state?.waiting?.message === "couldn't find key mode in ConfigMap default/settings",
      );
      await configMaps.patch({ namespace: 'default', name: 'settings' }, { data: { mode: 'fast' } });
      await clock.advance(10_000);
      await running('app');
      assert.equal(configs.at(-1)!.env.MODE, 'fast');
    });

    it('is waited for: a missing volume', async () => {
      const volumes = [{ name: 'certs', secret: { secretName: 'tls' } }];
      const volumeMounts = [{ name: 'certs', mountPath: '/certs' }];
      await node.createPod('app', { volumes, containers: [container('main', { volumeMounts })] });
      const event = await node.untilEvent('FailedMount', 'app');
      assert.deepEqual(
        [event.type, event.message],
        ['Warning', 'MountVolume.SetUp failed for volume "certs" : secret "tls" not found'],
      );
      assert.deepEqual(statusOf(await node.pod('app')).state, { waiting: { reason: 'ContainerCreating' } });
      const data = { 'tls.crt': Buffer.from('certificate').toString('base64') };
      await node.client.resource(kinds.Secret).create({ metadata: { name: 'tls', namespace: 'default' }, data });
      await clock.advance(10_000);
      await running('app');
    });

    it('an image that cannot be pulled is tried again, less and less often', async () => {
      missingImages['image:1'] = 'manifest unknown';
      await node.createPod('app');
      await node.untilPod('app', (p) => statusOf(p).state?.waiting?.reason === 'ErrImagePull');
      await clock.advance(1000);
      const pod = await node.untilPod('app', (p) => statusOf(p).state?.waiting?.reason === 'ImagePullBackOff');
      assert.equal(
        statusOf(pod).state!.waiting!.message,
        'Back-off pulling image "image:1": ErrImagePull: manifest unknown',
      );
      assert.equal(pod.status!.phase, 'Pending');
      delete missingImages['image:1'];
      await clock.advance(10_000);
      await running('app');
      const messages = (await node.events()).map(({ message }) => message);
      for (const message of [
        'Failed to pull image "image:1": manifest unknown',
        'Error: ErrImagePull',
        'Back-off pulling image "image:1"',
        'Error: ImagePullBackOff',
      ]) {
        assert.ok(messages.includes(message), message);
      }
    });

    it('an image that must be there already', async () => {
      await node.createPod('app', { containers: [container('main', { imagePullPolicy: 'Never' })] });
      const pod = await node.untilPod('app', (p) => statusOf(p).state?.waiting?.reason === 'ErrImageNeverPull');
      assert.equal(
        statusOf(pod).state!.waiting!.message,
        'Container image "image:1" is not present with pull policy of Never',
      );
    });

    it('a command that cannot run is reported and restarted with back-off', async () => {
      behaviours.main = { startError: 'exec: "x": executable file not found in $PATH' };
      await node.createPod('app');
      const pod = await node.untilPod('app', (p) => statusOf(p).state?.waiting?.reason === 'CrashLoopBackOff');
      assert.deepEqual(
        [statusOf(pod).lastState!.terminated!.reason, statusOf(pod).lastState!.terminated!.message],
        ['ContainerCannotRun', 'exec: "x": executable file not found in $PATH'],
      );
      assert.ok(
        (await node.events()).some((e) => e.message === 'Error: exec: "x": executable file not found in $PATH'),
      );
    });

    it('a post-start hook that fails takes the container down', async () => {
      behaviours.main = { exec: () => ({ exitCode: 1 }), stopCode: 143 };
      const lifecycle = { postStart: { exec: { command: ['warm', 'up'] } } };
      await node.createPod('app', { containers: [container('main', { lifecycle })] });
      await node.untilEvent('FailedPostStartHook', 'app');
      await node.untilPod('app', (p) => statusOf(p).restartCount === 1);
      assert.ok((await node.events()).some((e) => e.reason === 'Killing' && e.message === 'FailedPostStartHook'));
    });
  });

  describe('after a restart of the agent', () => {
    it('what runs is taken over, and what ended stays as it was', async () => {
      behaviours = { short: { exitAfter: 1000 } };
      await node.createPod('web');
      await node.createPod('job', { restartPolicy: 'Never', containers: [container('short')] });
      await running('web');
      await clock.advance(1000);
      await node.untilPod('job', ({ status }) => status?.phase === 'Succeeded');
      const before = [await node.pod('web'), await node.pod('job')];
      await node.agent.stop();
      node.agent = node.newAgent();
      await node.agent.start();
      await clock.advance(60_000);
      const after = [await node.pod('web'), await node.pod('job')];
      assert.deepEqual(
        after.map(({ status }) => status),
        before.map(({ status }) => status),
      );
      await node.pods.delete({ namespace: 'default', name: 'web' });
      await node.untilGone('web');
      await node.pods.delete({ namespace: 'default', name: 'job' });
      await node.untilGone('job');
      await nothingLeft();
    });

    it('what the API no longer has is cleared away', async () => {
      await node.createPod('web');
      await running('web');
      await node.agent.stop();
      await node.pods.delete({ namespace: 'default', name: 'web' }, { gracePeriodSeconds: 0 });
      node.agent = node.newAgent();
      await node.agent.start();
      await nothingLeft();
    });
  });

  it('looks after many pods at once', async () => {
    const names = Array.from({ length: 300 }, (_, index) => `pod-${index}`);
    await Promise.all(names.map((name) => node.createPod(name)));
    for (const name of names) await running(name);
    assert.equal((await runtime.listContainers()).filter(({ state }) => state === 'running').length, 300);
  }).timeout(30_000);
});
