import assert from 'node:assert/strict';
import { alwaysAllow } from '../../src/apis/authorizer.ts';
import {
  cronJobType,
  daemonSetType,
  deploymentType,
  jobType,
  replicaSetType,
  statefulSetType,
} from '../../src/apis/index.ts';
import type { ResourceType } from '../../src/apis/resource-type.ts';
import type { CronJob, DaemonSet, Deployment, Job, ReplicaSet, StatefulSet } from '../../src/apis/types.ts';
import { created, createErrors, uid, updateErrors, warningsOf } from './create.ts';

const labels = { app: 'web' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'nginx' }] } };
const workload = (type: ResourceType, spec: object = {}): object => ({
  apiVersion: type.group === '' ? 'v1' : `${type.group}/v1`,
  kind: type.names.kind,
  metadata: { name: 'web' },
  spec: { selector: { matchLabels: labels }, template, ...spec },
});

const mismatch =
  'spec.template.metadata.labels: Invalid value: map[string]string{"app":"web"}: `selector` does not match template `labels`';

describe('workloads', () => {
  for (const type of [deploymentType, replicaSetType, statefulSetType, daemonSetType]) {
    const { kind } = type.names;
    it(`${kind}: are accepted as they are`, () => assert.deepEqual(createErrors(type, workload(type)), []));

    it(`${kind}: must select the pods that they make`, () => {
      const selector = { matchLabels: { app: 'other' } };
      assert.deepEqual(createErrors(type, workload(type, { selector })), [mismatch]);
      const [empty] = createErrors(type, workload(type, { selector: {} }));
      assert.match(
        empty!,
        /^spec\.selector: Invalid value: v1\.LabelSelector\{MatchLabels:map\[string\]string\(nil\), MatchExpressions:\[\]v1\.LabelSelectorRequirement\(nil\)\}: empty selector is invalid for (deployment|statefulset|daemonset)$/,
      );
    });

    it(`${kind}: keep their pods running`, () => {
      const once = { ...template, spec: { ...template.spec, restartPolicy: 'Never' } };
      assert.deepEqual(createErrors(type, workload(type, { template: once })), [
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
      ]);
    });

    it(`${kind}: warn of their template`, () => {
      const old = { ...template, spec: { ...template.spec, nodeSelector: { 'beta.kubernetes.io/arch': 'amd64' } } };
      assert.deepEqual(warningsOf(type, workload(type, { template: old })), [
        'spec.template.spec.nodeSelector[beta.kubernetes.io/arch]: deprecated since v1.14; use "kubernetes.io/arch" instead',
      ]);
    });
  }
});

describe('deployments', () => {
  it('have the defaults of Kubernetes', () => {
    const { spec, status } = created<Deployment>(deploymentType, workload(deploymentType));
    const { template: pods, selector: _, ...rest } = spec!;
    assert.deepEqual(rest, {
      progressDeadlineSeconds: 600,
      replicas: 1,
      revisionHistoryLimit: 10,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    });
    assert.equal('enableServiceLinks' in pods.spec!, false);
    assert.equal(pods.spec!.containers[0]!.imagePullPolicy, 'Always');
    assert.deepEqual(status, {});
  });

  it('are refused without a selector, in the words of Kubernetes', () => {
    const object = workload(deploymentType, { selector: null });
    assert.deepEqual(createErrors(deploymentType, object), ['spec.selector: Required value', mismatch]);
  });

  it('roll by numbers that make sense', () => {
    const rolling = (rollingUpdate: object): string[] =>
      createErrors(deploymentType, workload(deploymentType, { strategy: { rollingUpdate } }));
    assert.deepEqual(rolling({ maxSurge: 0, maxUnavailable: 0 }), [
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0',
    ]);
    assert.deepEqual(rolling({ maxUnavailable: '101%' }), [
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
    ]);
    assert.deepEqual(rolling({ maxUnavailable: -1 }), [
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: -1: must be greater than or equal to 0',
    ]);
    assert.match(
      rolling({ maxSurge: 'many' })[0]!,
      /^spec\.strategy\.rollingUpdate\.maxSurge: Invalid value: "many": a valid percent string/,
    );
    assert.deepEqual(
      createErrors(deploymentType, workload(deploymentType, { strategy: { type: 'Recreate', rollingUpdate: {} } })),
      ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
    );
    assert.deepEqual(
      createErrors(deploymentType, workload(deploymentType, { progressDeadlineSeconds: 5, minReadySeconds: 5 })),
      ['spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds'],
    );
  });

  it('keep their selector', () => {
    const errors = updateErrors<Deployment>(deploymentType, workload(deploymentType), ({ spec }) => {
      spec!.selector = { matchLabels: { app: 'other' } };
      spec!.template.metadata!.labels = { app: 'other' };
    });
    assert.deepEqual(errors, [
      'spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string{"app":"other"}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: field is immutable',
    ]);
  });

  it('count their replicas without contradiction', () => {
    const old = created<Deployment>(deploymentType, workload(deploymentType));
    const object = { ...old, status: { replicas: 1, readyReplicas: 2, availableReplicas: 3 } };
    const errors = deploymentType.strategy.validateStatusUpdate!(object, old, {
      now: 0,
      user: { name: '', groups: [] },
      dryRun: false,
      authorizer: alwaysAllow,
    });
    assert.deepEqual(
      errors.map(({ field, detail }) => `${field}: ${detail}`),
      [
        'status.readyReplicas: cannot be greater than status.replicas',
        'status.availableReplicas: cannot be greater than status.replicas',
        'status.availableReplicas: cannot be greater than readyReplicas',
      ],
    );
  });
});

describe('replica sets, stateful sets and daemon sets', () => {
  it('start from a status of zeros', () => {
    assert.deepEqual(created<ReplicaSet>(replicaSetType, workload(replicaSetType)).status, { replicas: 0 });
    assert.deepEqual(created<StatefulSet>(statefulSetType, workload(statefulSetType)).status, {
      availableReplicas: 0,
      replicas: 0,
    });
    assert.deepEqual(created<DaemonSet>(daemonSetType, workload(daemonSetType)).status, {
      currentNumberScheduled: 0,
      desiredNumberScheduled: 0,
      numberMisscheduled: 0,
      numberReady: 0,
    });
  });

  it('have the defaults of Kubernetes', () => {
    const claims = { volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }] };
    const set = created<StatefulSet>(statefulSetType, workload(statefulSetType, claims)).spec!;
    assert.equal(set.podManagementPolicy, 'OrderedReady');
    assert.deepEqual(set.updateStrategy, { type: 'RollingUpdate', rollingUpdate: { partition: 0 } });
    assert.deepEqual(set.persistentVolumeClaimRetentionPolicy, { whenDeleted: 'Retain', whenScaled: 'Retain' });
    assert.equal(set.serviceName, '');
    assert.deepEqual(set.volumeClaimTemplates, [
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { creationTimestamp: null, name: 'data' },
        spec: { accessModes: ['ReadWriteOnce'], resources: {}, volumeMode: 'Filesystem' },
        status: { phase: 'Pending' },
      },
    ]);
    const daemons = created<DaemonSet>(daemonSetType, workload(daemonSetType));
    assert.deepEqual(daemons.spec!.updateStrategy, {
      type: 'RollingUpdate',
      rollingUpdate: { maxSurge: 0, maxUnavailable: 1 },
    });
    assert.deepEqual(daemons.metadata.annotations, { 'deprecated.daemonset.template.generation': '1' });
  });

  it('say which fields of a stateful set may change', () => {
    const errors = updateErrors<StatefulSet>(statefulSetType, workload(statefulSetType), ({ spec }) => {
      spec!.replicas = 3;
      spec!.serviceName = 'other';
    });
    assert.deepEqual(errors, [
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ]);
  });

  it('let a daemon set surge or be unavailable, not both and not neither', () => {
    const rolling = (rollingUpdate: object): string[] =>
      createErrors(daemonSetType, workload(daemonSetType, { updateStrategy: { rollingUpdate } }));
    assert.deepEqual(rolling({ maxSurge: 1 }), [
      'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero',
    ]);
    assert.deepEqual(rolling({ maxSurge: 0, maxUnavailable: 0 }), [
      'spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0',
    ]);
    assert.deepEqual(rolling({ maxSurge: '10%', maxUnavailable: 0 }), []);
  });
});

describe('jobs', () => {
  const pods = { spec: { ...template.spec, restartPolicy: 'Never' } };
  const job = (spec: object = {}): object => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'once' },
    spec: { template: pods, ...spec },
  });

  it('select their own pods', () => {
    const { metadata, spec } = created<Job>(jobType, job());
    const generated = {
      'batch.kubernetes.io/controller-uid': uid,
      'batch.kubernetes.io/job-name': 'once',
      'controller-uid': uid,
      'job-name': 'once',
    };
    assert.deepEqual(spec!.selector, { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } });
    assert.deepEqual(spec!.template.metadata!.labels, generated);
    assert.deepEqual(metadata.labels, generated);
    assert.deepEqual(
      [spec!.completions, spec!.parallelism, spec!.backoffLimit, spec!.completionMode, spec!.suspend],
      [1, 1, 6, 'NonIndexed', false],
    );
    assert.deepEqual(createErrors(jobType, job()), []);
  });

  it('must have pods that end', () => {
    assert.deepEqual(createErrors(jobType, job({ template })), [
      'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ]);
  });

  it('refuse what another job has generated', () => {
    const errors = createErrors(
      jobType,
      job({ template: { ...pods, metadata: { labels: { 'controller-uid': 'x' } } } }),
    );
    assert.equal(errors.length, 1);
    assert.match(
      errors[0]!,
      /^spec\.template\.metadata\.labels\[controller-uid\]: Invalid value: .*: must be '6ccdd4fa/,
    );
  });

  it('keep their completions and template', () => {
    const errors = updateErrors<Job>(jobType, job(), ({ spec }) => {
      spec!.completions = 2;
      spec!.parallelism = 5;
      spec!.template.spec!.containers[0]!.image = 'other';
    });
    assert.equal(errors[0], 'spec.completions: Invalid value: 2: field is immutable');
    assert.match(errors[1]!, /^spec\.template: Invalid value: .*: field is immutable$/);
    assert.equal(errors.length, 2);
  });

  const schedules: readonly (readonly [schedule: string, ...errors: string[]])[] = [
    ['*/5 * * * *'],
    ['@daily'],
    ['@every 1h30m'],
    ['0 9-17 * jan-mar mon-fri'],
    ['', 'spec.schedule: Required value'],
    ['* * * *', 'spec.schedule: Invalid value: "* * * *": expected exactly 5 fields, found 4: [* * * *]'],
    ['60 * * * *', 'spec.schedule: Invalid value: "60 * * * *": end of range (60) above maximum (59): 60'],
    ['5-1 * * * *', 'spec.schedule: Invalid value: "5-1 * * * *": beginning of range (5) beyond end of range (1): 5-1'],
    ['*/0 * * * *', 'spec.schedule: Invalid value: "*/0 * * * *": step of range should be a positive number: */0'],
    ['@never', 'spec.schedule: Invalid value: "@never": unrecognized descriptor: @never'],
    [
      'TZ=UTC 0 * * * *',
      'spec.schedule: Invalid value: "TZ=UTC 0 * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
    ],
  ];
  for (const [schedule, ...errors] of schedules) {
    it(`are made at ${JSON.stringify(schedule)}${errors.length === 0 ? '' : ': refused'}`, () => {
      const object = {
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        metadata: { name: 'often' },
        spec: { schedule, jobTemplate: { spec: { template: pods } } },
      };
      assert.deepEqual(createErrors(cronJobType, object), errors);
    });
  }

  it('are made by CronJobs whose template is left without the defaults of a job', () => {
    const object = {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'often' },
      spec: { schedule: '@daily', jobTemplate: { spec: { template: pods } } },
    };
    const { spec } = created<CronJob>(cronJobType, object);
    assert.equal(spec!.concurrencyPolicy, 'Allow');
    assert.deepEqual([spec!.successfulJobsHistoryLimit, spec!.failedJobsHistoryLimit], [3, 1]);
    assert.deepEqual(Object.keys(spec!.jobTemplate.spec!), ['template']);
    assert.equal(spec!.jobTemplate.spec!.template.spec!.dnsPolicy, 'ClusterFirst');
  });
});
