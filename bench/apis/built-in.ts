/** What a write of a built-in object costs before it is stored, and what the kinds cost a start. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { alwaysAllow } from '../../src/apis/authorizer.ts';
import { deploymentType, podType } from '../../src/apis/index.ts';
import type { RequestContext, ResourceType } from '../../src/apis/resource-type.ts';
import type { JsonObject } from '../../src/machinery/json.ts';
import type { ApiObject } from '../../src/machinery/object.ts';
import { compileSchema } from '../../src/schema/compile.ts';

const context: RequestContext = { now: 0, user: { name: 'bench', groups: [] }, dryRun: false, authorizer: alwaysAllow };

const container = (name: string): object => ({
  name,
  image: `registry.example.com/team/${name}:1.2.3`,
  args: ['--listen=:8080', '--log-level=info', '--metrics=:9090'],
  env: [
    { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: 'DATABASE_URL', valueFrom: { secretKeyRef: { name: 'database', key: 'url' } } },
    { name: 'MODE', value: 'production' },
  ],
  ports: [
    { name: 'http', containerPort: 8080 },
    { name: 'metrics', containerPort: 9090 },
  ],
  livenessProbe: { httpGet: { path: '/healthz', port: 'http' }, initialDelaySeconds: 5 },
  readinessProbe: { httpGet: { path: '/readyz', port: 'http' } },
  resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '1', memory: '512Mi' } },
  securityContext: { runAsNonRoot: true, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
  volumeMounts: [
    { name: 'config', mountPath: '/etc/app' },
    { name: 'tmp', mountPath: '/tmp' },
  ],
});

const labels = { 'app.kubernetes.io/name': 'web', 'app.kubernetes.io/part-of': 'shop', tier: 'front' };
const podSpec = {
  serviceAccountName: 'web',
  containers: [container('web'), container('sidecar')],
  volumes: [
    { name: 'config', configMap: { name: 'web' } },
    { name: 'tmp', emptyDir: {} },
  ],
  affinity: {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        {
          weight: 100,
          podAffinityTerm: { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: labels } },
        },
      ],
    },
  },
};
const deployment = JSON.stringify({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop', labels },
  spec: { replicas: 3, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec } },
});
const pod = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'shop', labels },
  spec: podSpec,
});

function measure(name: string, type: ResourceType, text: string): void {
  const { schema } = type.versions[0]!;
  const rounds = 3000;
  const drafts = Array.from({ length: rounds }, () => JSON.parse(text) as ApiObject);
  const run = (draft: ApiObject): void => {
    const compiled = compileSchema(schema);
    if (compiled.decodeError(draft as unknown as JsonObject) !== undefined) throw new Error('refused');
    compiled.prune(draft as unknown as JsonObject);
    type.strategy.default?.(draft);
    type.strategy.prepareForCreate?.(draft, context);
    const errors = type.strategy.validate!(draft, context);
    if (errors.length > 0) throw new Error(JSON.stringify(errors));
  };
  for (let i = 0; i < 500; i++) run(JSON.parse(text) as ApiObject);
  const start = process.hrtime.bigint();
  for (const draft of drafts) run(draft);
  const microseconds = Number(process.hrtime.bigint() - start) / 1000 / rounds;
  console.log(`${name} (${text.length} bytes): decode, prune, default, validate in ${microseconds.toFixed(1)} µs`);
}

measure('Deployment', deploymentType, deployment);
measure('Pod', podType, pod);

// A process of its own: what is measured is the first use.
const script = `
  const before = process.memoryUsage().heapUsed;
  const start = process.hrtime.bigint();
  const { builtinTypes } = await import(${JSON.stringify(new URL('../../src/apis/index.ts', import.meta.url).href)});
  const imported = process.hrtime.bigint();
  for (const type of builtinTypes()) for (const { schema } of type.versions) void schema.type;
  const built = process.hrtime.bigint();
  globalThis.gc?.();
  const ms = (from, to) => (Number(to - from) / 1e6).toFixed(1);
  const mib = ((process.memoryUsage().heapUsed - before) / 2 ** 20).toFixed(1);
  console.log(\`\${builtinTypes().length} kinds: imported in \${ms(start, imported)} ms (compiled by tsx), all schemas in \${ms(imported, built)} ms, \${mib} MiB\`);
`;
process.stdout.write(
  execFileSync(process.execPath, ['--expose-gc', '--import', 'tsx', '--input-type=module', '-e', script], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
  }),
);
