/** An operator as its author writes it, against the real API server, in process and over HTTP. */
import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { admissionPlugins } from '../../src/admission/index.ts';
import { builtinTypes } from '../../src/apis/index.ts';
import { type ApiServer, createServer } from '../../src/apiserver/server.ts';
import { tokenAuthenticator } from '../../src/auth/authenticate.ts';
import { inProcessTransport } from '../../src/client/in-process.ts';
import {
  CustomResourceDefinition,
  createClient,
  Deployment,
  Event,
  httpTransport,
  Namespace,
  type ObjectOf,
  type Transport,
} from '../../src/client/index.ts';
import { crdResourceType } from '../../src/crd/custom-resource-definition.ts';
import { StatusError } from '../../src/machinery/status.ts';
import { defineResource, Manager, rule, Type } from '../../src/runtime/index.ts';
import { openMemoryStore } from '../../src/storage/index.ts';

const Memcached = defineResource({
  group: 'cache.example.com',
  version: 'v1',
  kind: 'Memcached',
  shortNames: ['mc'],
  spec: Type.Object({ size: Type.Integer({ minimum: 1, default: 1 }) }),
  status: Type.Object({ ready: Type.Integer() }),
  rules: [rule('self.spec.size <= 5', 'at most five')],
  columns: [{ name: 'Ready', type: 'integer', jsonPath: '.status.ready' }],
  scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.ready' },
});
type Memcached = ObjectOf<typeof Memcached>;

function deployment({ metadata, spec }: Memcached) {
  const labels = { app: metadata.name! };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: metadata.name! },
    spec: {
      replicas: spec.size,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'memcached', image: 'memcached:1.6' }] } },
    },
  };
}

const admin = { name: 'admin', groups: ['system:masters'] };
const key = { namespace: 'default', name: 'sample' };

interface Cluster {
  readonly transport: Transport;
  close(): Promise<void>;
}

async function openServer(): Promise<{ server: ApiServer; stop: () => Promise<void> }> {
  const store = openMemoryStore();
  const server = createServer({
    store,
    types: [...builtinTypes(), crdResourceType],
    admission: admissionPlugins,
    authenticators: [tokenAuthenticator(new Map([['secret', admin]]))],
  });
  await server.start();
  return {
    server,
    stop: async () => {
      await server.stop();
      await store.close();
    },
  };
}

async function inProcess(): Promise<Cluster> {
  const { server, stop } = await openServer();
  return { transport: inProcessTransport(server, { user: admin }), close: stop };
}

async function overHttp(): Promise<Cluster> {
  const { server, stop } = await openServer();
  const listener = http.createServer(server.handler);
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  return {
    transport: httpTransport({ server: `http://127.0.0.1:${port}`, token: 'secret' }),
    close: async () => {
      await stop();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

/** Resolves with the object as soon as it satisfies a condition. */
async function eventually<T extends { metadata: object }>(
  events: AsyncIterable<{ type: string; object: T }>,
  condition: (object: T, type: string) => boolean,
): Promise<T> {
  for await (const { type, object } of events) if (condition(object, type)) return object;
  return assert.fail('the watch has ended');
}

for (const [name, open] of [
  ['in process', inProcess],
  ['over HTTP', overHttp],
] as const) {
  describe(`an operator ${name}`, () => {
    let cluster: Cluster;
    let manager: Manager;
    const errors: unknown[] = [];

    beforeEach(async () => {
      errors.length = 0;
      cluster = await open();
      const client = createClient(cluster.transport);
      await client.resource(Namespace).create({ metadata: { name: 'default' } });
      await client.resource(CustomResourceDefinition).create(Memcached.crd());
      await eventually(
        client.resource(CustomResourceDefinition).events({ resourceVersion: '0' }),
        ({ status }) =>
          status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false,
      );
      manager = new Manager({
        transport: cluster.transport,
        logger: {
          debug: () => undefined,
          info: () => undefined,
          warn: (fields) => errors.push(fields),
          error: (fields) => errors.push(fields),
        },
      });
      manager
        .controller(Memcached)
        .owns(Deployment)
        .reconcile(async (object, ctx) => {
          const [applied] = await ctx.apply(deployment(object));
          const ready = (applied as unknown as Deployment).status?.readyReplicas ?? 0;
          ctx.status({ ready });
          const enough = ready >= object.spec.size;
          ctx.condition('Available', enough, enough ? 'MinimumReplicas' : 'TooFew', `${ready} of ${object.spec.size}`);
          if (enough) ctx.event('Normal', 'Ready', 'all are there');
        })
        .finalize(async ({ metadata }, ctx) => {
          const gone = ctx.cache(Deployment).get(ctx.key) === undefined;
          if (!gone)
            await ctx.client.resource(Deployment).delete({ namespace: metadata.namespace, name: metadata.name! });
        });
      await manager.start();
    });

    afterEach(async () => {
      await manager.stop();
      await cluster.transport.close();
      await cluster.close();
    });

    it('holds what its object says, to the end', async () => {
      const client = createClient(cluster.transport);
      const objects = client.resource(Memcached);
      const follow = () => objects.events({ namespace: 'default', resourceVersion: '0' });
      await objects.create({ metadata: key, spec: { size: 2 } });
      const waiting = await eventually(follow(), ({ status }) => status?.conditions !== undefined);
      assert.equal(waiting.status?.conditions?.[0]?.message, '0 of 2');
      const owned = await client.resource(Deployment).get(key);
      assert.equal(owned.spec?.replicas, 2);
      assert.equal(owned.metadata.ownerReferences?.[0]?.kind, 'Memcached');

      await client.resource(Deployment).patchStatus(key, { status: { replicas: 2, readyReplicas: 2 } });
      const ready = await eventually(follow(), ({ status }) => status?.ready === 2);
      assert.deepEqual(
        ready.status?.conditions?.map(({ type, status, reason }) => [type, status, reason]),
        [['Available', 'True', 'MinimumReplicas']],
      );
      await eventually(
        client.resource(Event).events({ namespace: 'default', resourceVersion: '0' }),
        ({ reason }) => reason === 'Ready',
      );

      await objects.updateScale(key, { metadata: key, spec: { replicas: 3 } });
      await eventually(
        client.resource(Deployment).events({ namespace: 'default', resourceVersion: '0' }),
        ({ spec }) => spec?.replicas === 3,
      );

      await objects.delete(key);
      await eventually(
        objects.events({ namespace: 'default', resourceVersion: ready.metadata.resourceVersion! }),
        (_, type) => type === 'DELETED',
      );
      await assert.rejects(client.resource(Deployment).get(key), /deployments\.apps "sample" not found/);
      assert.deepEqual(errors, []);
    });

    it('is protected by the rules and defaults of its schema', async () => {
      const objects = createClient(cluster.transport).resource(Memcached);
      await assert.rejects(objects.create({ metadata: key, spec: { size: 0 } }), (error: StatusError) => {
        assert.ok(error instanceof StatusError);
        assert.equal(
          error.message,
          'Memcached.cache.example.com "sample" is invalid: spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1',
        );
        return true;
      });
      await assert.rejects(
        objects.create({ metadata: key, spec: { size: 6 } }),
        /^StatusError: Memcached\.cache\.example\.com "sample" is invalid: .*: Invalid value: at most five$/,
      );
      const created = await objects.create({ metadata: key } as never);
      assert.deepEqual(created.spec, { size: 1 });
    });
  });
}
