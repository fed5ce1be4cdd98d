import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createVirtualClock } from '../../src/clock/virtual.ts';
import { type Health, podActions } from '../../src/node/agent/pod-actions.ts';
import { podState, restartsAfter } from '../../src/node/agent/pod-state.ts';
import { RestartBackoff } from '../../src/node/agent/restart-backoff.ts';
import { statusPatch } from '../../src/node/agent/status-writer.ts';
import type { ContainerStatus } from '../../src/node/container-runtime.ts';
import { container } from './test-node.ts';

const healthy: Health = { started: () => true, failed: () => undefined };
const sandbox = {
  id: 's',
  config: { uid: 'u', namespace: 'n', name: 'p' },
  state: 'ready',
  ip: '',
  createdAt: 0,
} as const;

function ran(name: string, state: ContainerStatus['state'], exitCode = 0, attempt = 0): ContainerStatus {
  const times = { createdAt: attempt, startedAt: 0, finishedAt: 0 };
  const rest = { imageId: '', signal: 0, reason: '', message: '', logPath: '' };
  return {
    id: `${name}-${attempt}`,
    sandboxId: 's',
    name,
    attempt,
    image: 'image:1',
    state,
    exitCode,
    ...times,
    ...rest,
  };
}

function decide(spec: object, containers: ContainerStatus[], health = healthy) {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: {}, spec: { containers: [container('main')], ...spec } };
  const { start, kill, ended, createSandbox } = podActions(pod, podState([sandbox], containers), health);
  return { start: start.map(({ name }) => name), kill: kill.map(({ message }) => message), ended, createSandbox };
}

const nothing = { start: [], kill: [], ended: false, createSandbox: false };

describe('what is done next for a pod', () => {
  const sidecar = container('side', { restartPolicy: 'Always' });
  const init = [container('first'), sidecar, container('last')];

  for (const [what, spec, containers, expected] of [
    ['everything, at first', { containers: [container('a'), container('b')] }, [], { start: ['a', 'b'] }],
    ['nothing, while all runs', {}, [ran('main', 'running')], {}],
    ['the next start, after an end', {}, [ran('main', 'exited', 1), ran('main', 'exited', 1, 1)], { start: ['main'] }],
    [
      'the end, after success that is enough',
      { restartPolicy: 'OnFailure' },
      [ran('main', 'exited', 0)],
      { ended: true },
    ],
    [
      'a start, after failure that is not',
      { restartPolicy: 'OnFailure' },
      [ran('main', 'exited', 1)],
      { start: ['main'] },
    ],
    ['the end, after failure for good', { restartPolicy: 'Never' }, [ran('main', 'exited', 1)], { ended: true }],
    ['what an agent that died had only created', {}, [ran('main', 'created')], { start: ['main'] }],
    ['the first init container alone', { initContainers: init }, [], { start: ['first'] }],
    ['nothing, while an init container runs', { initContainers: init }, [ran('first', 'running')], {}],
    ['the sidecar after it', { initContainers: init }, [ran('first', 'exited')], { start: ['side'] }],
    [
      'the next one, beside the sidecar',
      { initContainers: init },
      [ran('first', 'exited'), ran('side', 'running')],
      { start: ['last'] },
    ],
    [
      'the sidecar again, while the next one runs',
      { initContainers: init },
      [ran('first', 'exited'), ran('side', 'exited', 1), ran('last', 'running')],
      { start: ['side'] },
    ],
    [
      'the others, when the last one is done',
      { initContainers: init },
      [ran('first', 'exited'), ran('side', 'running'), ran('last', 'exited')],
      { start: ['main'] },
    ],
    [
      'no init container again, once the others run',
      { initContainers: init },
      [ran('side', 'running'), ran('main', 'running')],
      {},
    ],
    [
      'the end, though the sidecar runs',
      { initContainers: init, restartPolicy: 'Never' },
      [ran('first', 'exited'), ran('side', 'running'), ran('last', 'exited'), ran('main', 'exited')],
      { ended: true },
    ],
    [
      'the end, when an init container has failed for good',
      { initContainers: init, restartPolicy: 'Never' },
      [ran('first', 'exited', 1)],
      { ended: true },
    ],
    [
      'the init container again, when it may',
      { initContainers: init },
      [ran('first', 'exited', 1)],
      { start: ['first'] },
    ],
    [
      'a kill, when the image has changed',
      { containers: [container('main', { image: 'image:2' })] },
      [ran('main', 'running')],
      { kill: ['Container main definition changed, will be restarted'] },
    ],
  ] as const) {
    it(`is ${what}`, () => assert.deepEqual(decide(spec, [...containers]), { ...nothing, ...expected }));
  }

  it('waits for a sidecar that has not started', () => {
    const health: Health = { ...healthy, started: () => false };
    assert.deepEqual(decide({ initContainers: [sidecar] }, [ran('side', 'running')], health), nothing);
  });

  it('is a kill, when a probe says so', () => {
    const health: Health = { ...healthy, failed: () => 'liveness' };
    assert.deepEqual(decide({}, [ran('main', 'running')], health), {
      ...nothing,
      kill: ['Container main failed liveness probe, will be restarted'],
    });
  });

  it('is a new sandbox, when there is none or it is lost', () => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: {}, spec: { containers: [container('main')] } };
    assert.equal(podActions(pod, podState([], []), healthy).createSandbox, true);
    const lost = { ...sandbox, state: 'not-ready' as const };
    assert.equal(podActions(pod, podState([lost], [ran('main', 'exited')]), healthy).createSandbox, true);
    const never = { ...pod, spec: { ...pod.spec, restartPolicy: 'Never' } };
    assert.equal(podActions(never, podState([lost], [ran('main', 'exited')]), healthy).ended, true);
  });
});

describe('whether a container is started again', () => {
  it('is said by its own rules, then its own policy, then the pod', () => {
    const spec = { containers: [], restartPolicy: 'Never' };
    const rule = (operator: string, values: number[]) => ({ action: 'Restart', exitCodes: { operator, values } });
    assert.equal(restartsAfter(container('c'), spec, 1), false);
    assert.equal(restartsAfter(container('c', { restartPolicy: 'OnFailure' }), spec, 1), true);
    assert.equal(restartsAfter(container('c', { restartPolicy: 'OnFailure' }), spec, 0), false);
    const only42 = container('c', { restartPolicy: 'Never', restartPolicyRules: [rule('In', [42])] });
    assert.deepEqual([restartsAfter(only42, spec, 42), restartsAfter(only42, spec, 1)], [true, false]);
    const but42 = container('c', { restartPolicy: 'Never', restartPolicyRules: [rule('NotIn', [42])] });
    assert.deepEqual([restartsAfter(but42, spec, 42), restartsAfter(but42, spec, 1)], [false, true]);
  });
});

describe('restart back-off', () => {
  it('never waits less after more failures, nor more than the longest', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 500_000 }), { minLength: 1, maxLength: 20 }), (runs) => {
        const clock = createVirtualClock(0);
        const backoff = new RestartBackoff(clock);
        let last = 0;
        for (const run of runs) {
          const since = clock.now() + run;
          const wait = backoff.remaining('c', since);
          assert.ok(wait <= 300_000 + run);
          backoff.next('c', since);
          assert.ok(backoff.wait('c') >= last && backoff.wait('c') <= 300_000);
          last = backoff.wait('c');
        }
      }),
    );
  });
});

describe('the patch of a status', () => {
  const condition = (type: string, status: string, more: object = {}) => ({ type, status, ...more });

  it('holds what has changed, and nothing else', () => {
    const before = {
      phase: 'Pending',
      hostIP: '1.2.3.4',
      reason: 'Old',
      conditions: [condition('A', 'True'), condition('B', 'False', { reason: 'R', message: 'm' })],
    };
    const after = { phase: 'Running', hostIP: '1.2.3.4', conditions: [condition('A', 'True'), condition('B', 'True')] };
    assert.deepEqual(statusPatch(before, after), {
      phase: 'Running',
      reason: null,
      '$setElementOrder/conditions': [{ type: 'A' }, { type: 'B' }],
      conditions: [{ type: 'B', status: 'True', reason: null, message: null }],
    });
    assert.equal(statusPatch(after, after), undefined);
  });

  it('replaces addresses, which would be merged', () => {
    assert.deepEqual(statusPatch({ podIPs: [{ ip: '10.0.0.1' }] }, { podIPs: [{ ip: '10.0.0.2' }] }), {
      podIPs: [{ ip: '10.0.0.2' }, { $patch: 'replace' }],
    });
    assert.deepEqual(statusPatch({}, { podIPs: [{ ip: '10.0.0.2' }] }), { podIPs: [{ ip: '10.0.0.2' }] });
  });
});
