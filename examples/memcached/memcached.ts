import { ageColumn, Deployment, defineResource, type Manager, type ObjectOf, rule, Type } from 'setpoint';

/** One schema: the static type, the CustomResourceDefinition, validation, defaults and what kubectl shows. */
export const Memcached = defineResource({
  group: 'cache.example.com',
  version: 'v1',
  kind: 'Memcached',
  shortNames: ['mc'],
  spec: Type.Object({
    size: Type.Integer({ minimum: 1, maximum: 100, default: 1, description: 'How many instances there are.' }),
    memory: Type.String({ pattern: '^[0-9]+[MG]i$', default: '64Mi', maxLength: 20 }),
  }),
  status: Type.Object({ ready: Type.Integer() }),
  rules: [
    rule("self.spec.size <= 5 || self.spec.memory.endsWith('Mi')", 'at most five instances of a gigabyte or more'),
  ],
  columns: [
    { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
    { name: 'Ready', type: 'integer', jsonPath: '.status.ready' },
    ageColumn,
  ],
  scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.ready' },
});

/** Makes a Deployment for every Memcached, and says in its status how far that is. */
export function addMemcached(manager: Manager): void {
  manager
    .controller(Memcached)
    .owns(Deployment)
    .reconcile(async (memcached, ctx) => {
      const { size } = memcached.spec;
      const [deployment] = await ctx.apply(deploymentFor(memcached));
      const ready = deployment.status?.readyReplicas ?? 0;
      ctx.status({ ready });
      ctx.condition(
        'Available',
        ready >= size,
        ready >= size ? 'AllReady' : 'Waiting',
        `${ready} of ${size} are ready`,
      );
    });
}

function deploymentFor({ metadata, spec }: ObjectOf<typeof Memcached>): Deployment {
  const labels = { app: 'memcached', instance: metadata.name! };
  const command = ['sh', '-c', 'echo "caching in $MEMORY"; exec sleep 100000'];
  const container = {
    name: 'memcached',
    image: 'memcached:1.6',
    command,
    env: [{ name: 'MEMORY', value: spec.memory }],
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: metadata.name! },
    spec: {
      replicas: spec.size,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container] } },
    },
  };
}
