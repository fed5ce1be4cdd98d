/**
 * What field management costs a write, in microseconds. Run: `npx tsx bench/machinery/apply.ts`.
 *
 * The objects are what an API server holds: a ConfigMap-like object of 1 KiB and a Deployment of 1.5 KiB.
 */
import { type ApplyRequest, apply, trackUpdate, type UpdateRequest } from '../../src/machinery/apply/field-manager.ts';
import type { ApiObject } from '../../src/machinery/object.ts';
import type { Schema } from '../../src/machinery/schema.ts';

const text: Schema = { type: 'string' };
const integer: Schema = { type: 'integer' };
const texts: Schema = { type: 'object', additionalProperties: text };
const object = (properties: Record<string, Schema>): Schema => ({ type: 'object', properties });
const mapList = (items: Schema, ...keys: string[]): Schema => ({
  type: 'array',
  items,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': keys,
});

const configMapSchema = object({ apiVersion: text, kind: text, metadata: object({}), data: texts });
const resources = object({ limits: texts, requests: texts });
const probe = object({ httpGet: object({ path: text, port: integer, scheme: text }), periodSeconds: integer });
const containerSchema = object({
  name: text,
  image: text,
  imagePullPolicy: text,
  args: { type: 'array', items: text },
  env: mapList(object({ name: text, value: text }), 'name'),
  ports: mapList(
    object({ containerPort: integer, protocol: { type: 'string', default: 'TCP' }, name: text }),
    'containerPort',
    'protocol',
  ),
  resources,
  livenessProbe: probe,
  readinessProbe: probe,
  terminationMessagePath: text,
  terminationMessagePolicy: text,
});
const deploymentSchema = object({
  apiVersion: text,
  kind: text,
  metadata: object({}),
  spec: object({
    replicas: integer,
    progressDeadlineSeconds: integer,
    revisionHistoryLimit: integer,
    selector: { ...object({ matchLabels: texts }), 'x-kubernetes-map-type': 'atomic' },
    strategy: object({ type: text, rollingUpdate: object({ maxSurge: text, maxUnavailable: text }) }),
    template: object({
      metadata: object({ labels: texts, annotations: texts }),
      spec: object({
        containers: mapList(containerSchema, 'name'),
        dnsPolicy: text,
        restartPolicy: text,
        schedulerName: text,
        terminationGracePeriodSeconds: integer,
      }),
    }),
  }),
  status: object({ replicas: integer, readyReplicas: integer, observedGeneration: integer }),
});

const configMap: ApiObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name: 'settings',
    namespace: 'default',
    labels: { app: 'web', tier: 'front' },
    annotations: { note: 'x' },
  },
  data: Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`key-${i}`, 'value '.repeat(8)])),
};
const labels = { app: 'web', tier: 'front' };
const container = (name: string) => ({
  name,
  image: `registry.example/${name}:1.2.3`,
  args: ['--verbose', '--port=8080'],
  env: ['A', 'B', 'C', 'D'].map((key) => ({ name: key, value: 'some value' })),
  ports: [{ containerPort: 8080, name: 'http' }],
  resources: { limits: { cpu: '500m', memory: '128Mi' }, requests: { cpu: '100m', memory: '64Mi' } },
  readinessProbe: { httpGet: { path: '/ready', port: 8080, scheme: 'HTTP' }, periodSeconds: 5 },
  livenessProbe: { httpGet: { path: '/live', port: 8080, scheme: 'HTTP' }, periodSeconds: 10 },
});
const deployment: ApiObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default', labels },
  spec: {
    replicas: 3,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [container('web'), container('sidecar')] } },
  },
};

const time = '2026-01-01T00:00:00Z';
const copy = (value: ApiObject): ApiObject => JSON.parse(JSON.stringify(value)) as ApiObject;
const managed = (value: ApiObject, managedFields: ReturnType<typeof trackUpdate>): ApiObject => ({
  ...value,
  metadata: { ...value.metadata, uid: '1', managedFields },
});

function measure(name: string, run: () => unknown): void {
  for (let i = 0; i < 3000; i++) run();
  const rounds = 5000;
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 5; attempt++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < rounds; i++) run();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / rounds / 1000);
  }
  console.log(`${name.padEnd(58)} ${best.toFixed(2).padStart(8)} µs`);
}

const write = { manager: 'controller', time } as const;
const configWrite = { ...write, apiVersion: 'v1', schema: configMapSchema };
const created = managed(configMap, trackUpdate({ ...configWrite, live: undefined, updated: configMap }));
const again = copy(created);
const changed = { ...created, data: { ...(created.data as object), 'key-3': 'other' } };
const parsedChange = copy(changed);
const labelled = { ...created, metadata: { ...created.metadata, labels: { ...labels, extra: 'yes' } } };

const tracked = (name: string, request: UpdateRequest): void => measure(name, () => trackUpdate(request));

tracked('track: create, 1 KiB', { ...configWrite, live: undefined, updated: configMap });
tracked('track: update that changes nothing, parts shared', { ...configWrite, live: created, updated: { ...created } });
tracked('track: update that changes nothing, parsed anew', { ...configWrite, live: created, updated: again });
tracked('track: one field changed by its owner, parts shared', { ...configWrite, live: created, updated: changed });
tracked('track: one field changed by another, parsed anew', {
  ...configWrite,
  manager: 'other',
  live: created,
  updated: parsedChange,
});
tracked('track: one label added by another, parts shared', {
  ...configWrite,
  manager: 'other',
  live: created,
  updated: labelled,
});

const applyWrite = { ...write, apiVersion: 'apps/v1', kind: 'Deployment', schema: deploymentSchema, force: false };
const first = apply({ ...applyWrite, live: undefined, config: deployment }).object;
const live = {
  ...first,
  metadata: { ...first.metadata, uid: '1' },
  status: { replicas: 3, readyReplicas: 3, observedGeneration: 1 },
};
const observed = managed(
  live,
  trackUpdate({
    ...write,
    live: first,
    updated: live,
    apiVersion: 'apps/v1',
    schema: deploymentSchema,
    subresource: 'status',
  }),
);
const scaled = copy(deployment);
(scaled.spec as { replicas: number }).replicas = 5;
const fewer = copy(deployment);
(fewer.spec as { template: { spec: { containers: unknown[] } } }).template.spec.containers.pop();

const applying = (name: string, request: ApplyRequest): void => measure(name, () => apply(request));

tracked('track: create, Deployment of 1.5 KiB', {
  ...write,
  apiVersion: 'apps/v1',
  schema: deploymentSchema,
  live: undefined,
  updated: deployment,
});
applying('apply: create, Deployment', { ...applyWrite, live: undefined, config: deployment });
applying('apply: the same again', { ...applyWrite, live: observed, config: deployment });
applying('apply: one field changed', { ...applyWrite, live: observed, config: scaled });
applying('apply: a container given up', { ...applyWrite, live: observed, config: fewer });
