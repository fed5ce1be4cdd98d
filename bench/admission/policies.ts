/**
 * What policies cost a write: 20 that match a Deployment, with the expressions of the documentation, and 500 that are about
 * something else. The plugins run as in the server, over the draft itself.
 */
import { type AdmissionRequest, admissionChain } from '../../src/admission/chain.ts';
import { dynamicAdmission } from '../../src/admission/dynamic.ts';
import type { AdmissionHost, CurrentObjects } from '../../src/admission/host.ts';
import { WebhookHandlers } from '../../src/admission/webhook/handlers.ts';
import { alwaysAllow } from '../../src/apis/authorizer.ts';
import { builtinTypes } from '../../src/apis/index.ts';
import type { ResourceAccess, ResourceType } from '../../src/apis/resource-type.ts';
import { systemClock } from '../../src/clock/clock.ts';
import { deepFreeze } from '../../src/machinery/json.ts';
import type { ApiObject } from '../../src/machinery/object.ts';
import type { Figure } from '../server/figure.ts';

const expressions: readonly (readonly [expression: string, variables?: Readonly<Record<string, string>>])[] = [
  ['object.spec.replicas <= 5'],
  ["object.spec.template.spec.containers.all(c, c.image.startsWith('registry.example.com/'))"],
  ["has(object.metadata.labels) && 'team' in object.metadata.labels"],
  ["!(request.userInfo.username in ['nobody', 'guest'])"],
  [
    'variables.containers.all(c, c.image.startsWith(variables.registry))',
    {
      containers: 'object.spec.template.spec.containers',
      registry:
        "'registry' in namespaceObject.metadata.labels ? namespaceObject.metadata.labels['registry'] : 'registry.'",
    },
  ],
];

const namespace: ApiObject = deepFreeze({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'default', labels: { 'kubernetes.io/metadata.name': 'default' } },
});

function policies(count: number, resource: string): ApiObject[] {
  return Array.from({ length: count }, (_, i) => {
    const [expression, variables = {}] = expressions[i % expressions.length]!;
    return policyObject('ValidatingAdmissionPolicy', `${resource}-${i}`, {
      failurePolicy: 'Fail',
      matchConstraints: {
        matchPolicy: 'Equivalent',
        resourceRules: [
          {
            apiGroups: ['apps'],
            apiVersions: ['v1'],
            operations: ['CREATE', 'UPDATE'],
            resources: [resource],
            scope: '*',
          },
        ],
      },
      variables: Object.entries(variables).map(([name, text]) => ({ name, expression: text })),
      validations: [{ expression }],
    });
  });
}

function policyObject(kind: string, name: string, spec: unknown): ApiObject {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind,
    metadata: { name, uid: `${kind}/${name}`, generation: 1 },
    spec,
  };
}

function hostOf(
  objects: Readonly<Record<string, readonly ApiObject[]>>,
  types: readonly ResourceType[],
): AdmissionHost {
  const access = { peek: () => namespace, peekAll: () => [] } as unknown as ResourceAccess;
  const sources = new Map<string, CurrentObjects>(
    Object.entries(objects).map(([plural, all]) => [
      plural,
      { ready: true, start: () => Promise.resolve(), version: 1, objects: () => all },
    ]),
  );
  return {
    access,
    handlers: new WebhookHandlers(),
    webhooks: { clock: systemClock, resolveService: () => Promise.reject(new Error('none')) },
    convert: (_, object) => Promise.resolve(object),
    resources: {
      generation: 1,
      get: (group, plural) => types.find((type) => type.group === group && type.names.plural === plural),
      all: () => types,
    },
    source: ({ plural }) => sources.get(plural),
  };
}

/** Microseconds of one validation of a write: the best of some short runs. */
function costOf(bound: readonly ApiObject[]): number {
  const types = builtinTypes();
  const bindings = bound.map(({ metadata }) =>
    policyObject('ValidatingAdmissionPolicyBinding', metadata.name!, {
      policyName: metadata.name,
      validationActions: ['Deny'],
    }),
  );
  const host = hostOf({ validatingadmissionpolicies: bound, validatingadmissionpolicybindings: bindings }, types);
  const chain = admissionChain(dynamicAdmission.map((plugin) => plugin(host)));
  const type = types.find(({ names }) => names.kind === 'Deployment')!;
  const request = (): AdmissionRequest => ({ ...frame, type, object: draft, access: host.access });
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 8; run++) {
    const rounds = 2000;
    const start = performance.now();
    for (let i = 0; i < rounds; i++) {
      const one = request();
      if (chain.mutate(one) !== undefined || chain.validate(one) !== undefined) throw new Error('it waits');
    }
    best = Math.min(best, ((performance.now() - start) * 1000) / rounds);
  }
  return best;
}

const draft: ApiObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default', labels: { app: 'web', team: 'a' } },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [1, 2, 3].map((i) => ({ name: `c${i}`, image: `registry.example.com/app:${i}` })) },
    },
  },
};

const frame: Omit<AdmissionRequest, 'type' | 'object' | 'access'> = {
  operation: 'CREATE',
  group: 'apps',
  version: 'v1',
  resource: 'deployments',
  kind: 'Deployment',
  apiVersion: 'apps/v1',
  subresource: '',
  namespace: 'default',
  name: 'web',
  oldObject: undefined,
  options: undefined,
  context: { now: 0, user: { name: 'admin', groups: ['system:masters'] }, dryRun: false, authorizer: alwaysAllow },
  warn: () => undefined,
  conform: () => undefined,
};

export async function admission(): Promise<Figure[]> {
  const matching = costOf(policies(20, 'deployments'));
  const others = costOf(policies(500, 'statefulsets'));
  const none = costOf([]);
  return [
    { figure: '20 policies that match, a write', ours: `${matching.toFixed(1)} µs`, target: '≤ 60 µs' },
    { figure: '500 policies that do not match, a write', ours: `${others.toFixed(2)} µs` },
    { figure: 'no policies, a write', ours: `${none.toFixed(2)} µs` },
  ];
}
