/** What is written in the measurements: custom objects of 1 KiB, and a Deployment as people have them. */
import type { Endpoint } from './connection.ts';
import { Connection } from './connection.ts';

export const items = '/apis/bench.example.com/v1/namespaces/default/items';

const definition = JSON.stringify({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'items.bench.example.com' },
  spec: {
    group: 'bench.example.com',
    names: { plural: 'items', singular: 'item', kind: 'Item', listKind: 'ItemList' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: {
                  sequence: { type: 'integer' },
                  size: { type: 'integer', minimum: 0 },
                  text: { type: 'string', maxLength: 10_000 },
                  entries: {
                    type: 'array',
                    items: { type: 'object', properties: { name: { type: 'string' }, value: { type: 'string' } } },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
});

/** Resolves when items can be created. */
export async function defineItems(endpoint: Endpoint): Promise<void> {
  const connection = await Connection.open(endpoint);
  await connection.send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
  while ((await connection.send('GET', items)).code !== 200) await new Promise((resolve) => setTimeout(resolve, 5));
  connection.close();
}

const text = 'x'.repeat(400);
const entries = Array.from({ length: 6 }, (_, i) => ({ name: `entry-${i}`, value: `value-of-entry-${i}` }));

/** About 1 KiB of JSON. One object in a hundred carries the label `rare=yes`. */
export function item(name: string, sequence: number, extra: object = {}): string {
  return JSON.stringify({
    apiVersion: 'bench.example.com/v1',
    kind: 'Item',
    metadata: {
      name,
      labels: { app: 'bench', rare: sequence % 100 === 0 ? 'yes' : 'no' },
      annotations: { 'bench.example.com/note': 'written by the benchmark' },
      ...extra,
    },
    spec: { sequence, size: 1024, text, entries },
  });
}

export const deployments = '/apis/apps/v1/namespaces/default/deployments';

export function deployment(name: string, revision: number): string {
  const labels = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': 'bench' };
  return JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels, annotations: { revision: String(revision) } },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: ['app', 'proxy'].map((container) => ({
            name: container,
            image: `registry.example.com/${container}:v1`,
            args: ['--verbose', `--revision=${revision}`],
            ports: [{ name: 'http', containerPort: container === 'app' ? 8080 : 9090 }],
            env: Array.from({ length: 8 }, (_, i) => ({ name: `VARIABLE_${i}`, value: `value ${i}` })),
            resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
            readinessProbe: { httpGet: { path: '/ready', port: 'http' }, periodSeconds: 5 },
          })),
        },
      },
    },
  });
}
