/** What a write of a built-in object costs before it is stored, and what the kinds cost a start. Needs a build. */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
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
  lifecycle: { preStop: { exec: { command: ['/bin/sh', '-c', 'sleep 5'] } } },
  startupProbe: { httpGet: { path: '/startz', port: 'http' }, periodSeconds: 2, failureThreshold: 30 },
  envFrom: [{ configMapRef: { name: `${name}-environment`, optional: true } }],
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

/** CPU time of this process in milliseconds: what else the machine does is not in it. */
const cpu = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const runs = 5;

function measure(name: string, type: ResourceType, text: string): void {
  const { schema } = type.versions[0]!;
  const rounds = 3000;
  const decode = (draft: ApiObject): void => {
    const compiled = compileSchema(schema);
    if (compiled.decodeError(draft as unknown as JsonObject) !== undefined) throw new Error('refused');
    compiled.prune(draft as unknown as JsonObject);
  };
  const check = (draft: ApiObject): void => {
    type.strategy.default?.(draft);
    type.strategy.prepareForCreate?.(draft, context);
    const errors = type.strategy.validate!(draft, context);
    if (errors.length > 0) throw new Error(JSON.stringify(errors));
  };
  const results = Array.from({ length: runs + 1 }, () => {
    const drafts = Array.from({ length: rounds }, () => JSON.parse(text) as ApiObject);
    const start = cpu();
    for (const draft of drafts) decode(draft);
    const decoded = cpu();
    for (const draft of drafts) check(draft);
    return [decoded - start, cpu() - decoded].map((milliseconds) => (milliseconds * 1000) / rounds);
  }).slice(1);
  const of = (part: number): string =>
    results
      .map((result) => result[part]!)
      .sort((a, b) => a - b)
      .map((microseconds) => microseconds.toFixed(0))
      .join(' ');
  console.log(
    `${name} (${text.length} bytes), µs of CPU in ${runs} runs: decode and prune ${of(0)}; default and validate ${of(1)}`,
  );
}

measure('Deployment', deploymentType, deployment);
measure('Pod', podType, pod);

// Processes of their own: what is measured is the first use, of what was built, bundled as the command line is.
const built = fileURLToPath(new URL('../../dist/apis/', import.meta.url));
const bundle = join(built, 'bench.mjs');
buildSync({
  entryPoints: [join(built, 'index.js')],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'esm',
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
});
const script = `
  const before = process.cpuUsage();
  const { rss } = process.memoryUsage();
  const { builtinTypes } = await import(${JSON.stringify(bundle)});
  const types = builtinTypes();
  const said = () => {
    const { user, system } = process.cpuUsage(before);
    const mib = (process.memoryUsage().rss - rss) / 2 ** 20;
    return ((user + system) / 1000).toFixed(0) + ' ms of CPU, ' + mib.toFixed(1) + ' MiB of RSS';
  };
  const start = said();
  for (const type of types) for (const { schema } of type.versions) void schema.type;
  console.log(types.length + ' kinds: a start takes ' + start + '; with every schema read ' + said());
`;
for (let run = 0; run < runs; run++) {
  process.stdout.write(execFileSync(process.execPath, ['--input-type=module', '-e', script]));
}
rmSync(bundle);
console.log(
  `load of the machine: ${loadavg()
    .map((load) => load.toFixed(1))
    .join(' ')} on ${availableParallelism()} processors`,
);
