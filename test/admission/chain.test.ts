/** The chain itself, and plugins of whoever embeds the server. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { AdmissionPlugin, AdmissionRequest } from '../../src/admission/chain.ts';
import { admissionChain, admissionForbidden, Reinvocation, replaceDraft } from '../../src/admission/chain.ts';
import { EndpointIndex, Matcher, type Rule } from '../../src/admission/matching.ts';
import type { ApiObject } from '../../src/machinery/object.ts';
import {
  builtinTypes,
  createServer,
  dynamicAdmission,
  inProcessTransport,
  openMemoryStore,
  systemAdministrator,
} from './embedded.ts';

const request = (more: Partial<AdmissionRequest> = {}): AdmissionRequest =>
  ({
    operation: 'CREATE',
    group: 'apps',
    version: 'v1',
    resource: 'deployments',
    kind: 'Deployment',
    apiVersion: 'apps/v1',
    subresource: '',
    namespace: 'default',
    name: 'web',
    object: undefined,
    oldObject: undefined,
    type: deploymentType,
    ...more,
  }) as AdmissionRequest;
const deploymentType = builtinTypes().find(({ names }) => names.kind === 'Deployment')!;

describe('the admission chain', () => {
  const plugin = (name: string, log: string[], later = false): AdmissionPlugin => ({
    name,
    mutate: () => {
      if (!later) return void log.push(`mutate ${name}`);
      return Promise.resolve().then(() => void log.push(`mutate ${name}`));
    },
    validate: () => void log.push(`validate ${name}`),
  });

  it('runs in order, and waits for nobody who does not make it wait', async () => {
    const log: string[] = [];
    const quick = admissionChain([plugin('a', log), plugin('b', log)]);
    assert.equal(quick.mutate(request()), undefined);
    assert.equal(quick.validate(request()), undefined);
    assert.deepEqual(log.splice(0), ['mutate a', 'mutate b', 'validate a', 'validate b']);
    const slow = admissionChain([plugin('a', log, true), plugin('b', log)]);
    await slow.mutate(request());
    assert.deepEqual(log, ['mutate a', 'mutate b']);
  });

  it('runs a second time when somebody asks for it, and never a third', async () => {
    const log: string[] = [];
    const asking: AdmissionPlugin = {
      name: 'asking',
      mutate(of) {
        of.reinvocation ??= new Reinvocation();
        of.reinvocation.wanted = true;
        log.push(of.reinvocation.again ? 'again' : 'first');
      },
    };
    await admissionChain([plugin('a', log), asking]).mutate(request());
    assert.deepEqual(log, ['mutate a', 'first', 'mutate a', 'again']);
  });

  it('ends with the first refusal', () => {
    const log: string[] = [];
    const no: AdmissionPlugin = {
      name: 'no',
      validate: (of) => {
        throw admissionForbidden(of, 'no');
      },
    };
    assert.throws(() => admissionChain([no, plugin('a', log)]).validate(request()), {
      message: 'deployments.apps "web" is forbidden: no',
    });
    assert.deepEqual(log, []);
  });

  it('knows objects without a name by what they have', () => {
    const object = { metadata: { generateName: 'web-' } } as ApiObject;
    assert.match(admissionForbidden(request({ name: '', object }), 'x').message, /"web-"/);
    assert.match(admissionForbidden(request({ name: '' }), 'x').message, /"Unknown"/);
  });

  it('replaces a draft where it stands', () => {
    const draft = { apiVersion: 'v1', kind: 'A', metadata: {}, old: 1 } as ApiObject;
    replaceDraft(draft, { apiVersion: 'v1', kind: 'A', metadata: { name: 'x' }, fresh: 2 });
    assert.deepEqual(draft, { apiVersion: 'v1', kind: 'A', metadata: { name: 'x' }, fresh: 2 });
  });
});

describe('a server of one’s own', () => {
  it('runs plain functions as plugins, and handlers as webhooks', async () => {
    const store = openMemoryStore();
    const server = createServer({
      store,
      types: builtinTypes(),
      admission: [
        {
          name: 'Owners',
          mutate({ object, operation, context }) {
            if (operation === 'CREATE' && object !== undefined) {
              object.metadata.annotations = { ...object.metadata.annotations, by: context.user.name };
            }
          },
          validate(of) {
            if (of.resource === 'secrets') throw admissionForbidden(of, 'no secrets here');
          },
        },
        ...dynamicAdmission,
      ],
    });
    await server.start();
    const transport = inProcessTransport(server, { user: systemAdministrator });
    const create = (resource: string, kind: string): Promise<ApiObject> => {
      const target = { group: '', version: 'v1', resource, namespace: 'default' };
      return transport.request({
        verb: 'create',
        target,
        body: { apiVersion: 'v1', kind, metadata: { name: 'x' } },
      });
    };
    const made = await create('configmaps', 'ConfigMap');
    assert.deepEqual(made.metadata.annotations, { by: 'admin' });
    await assert.rejects(create('secrets', 'Secret'), /secrets "x" is forbidden: no secrets here/);
    await server.stop();
    await store.close();
  });
});

describe('rules', () => {
  const rule = (more: Partial<Rule> = {}): Rule => ({
    apiGroups: ['apps'],
    apiVersions: ['v1'],
    operations: ['CREATE'],
    resources: ['deployments'],
    ...more,
  });
  const matches = (rules: Rule[], of: Partial<AdmissionRequest> = {}, matchPolicy = 'Exact'): boolean => {
    const matcher = new Matcher({ resourceRules: rules, matchPolicy }, false);
    const fits = matcher.fits(request(of));
    return fits !== undefined && matcher.match(fits, request(of)) !== undefined;
  };

  const cases: readonly (readonly [what: string, rule: Rule, of: Partial<AdmissionRequest>, matches: boolean])[] = [
    ['what they name', rule(), {}, true],
    ['no other operation', rule(), { operation: 'DELETE' }, false],
    ['no other group', rule({ apiGroups: ['batch'] }), {}, false],
    ['no other version', rule({ apiVersions: ['v2'] }), {}, false],
    [
      'everything by stars',
      rule({ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*'] }),
      {},
      true,
    ],
    ['no subresource by a star', rule({ resources: ['*'] }), { subresource: 'scale' }, false],
    ['no subresource by the resource', rule(), { subresource: 'scale' }, false],
    ['a subresource by its name', rule({ resources: ['deployments/scale'] }), { subresource: 'scale' }, true],
    ['a subresource of any resource', rule({ resources: ['*/scale'] }), { subresource: 'scale' }, true],
    ['all subresources of a resource', rule({ resources: ['deployments/*'] }), { subresource: 'status' }, true],
    ['the resource by all its subresources', rule({ resources: ['deployments/*'] }), {}, true],
    ['all of all', rule({ resources: ['*/*'] }), { subresource: 'x' }, true],
    ['namespaced ones only', rule({ scope: 'Namespaced' }), {}, true],
    ['cluster-wide ones only', rule({ scope: 'Cluster' }), {}, false],
    ['the names they list', rule({ resourceNames: ['web'] }), {}, true],
    ['no other names', rule({ resourceNames: ['other'] }), {}, false],
  ];
  for (const [what, of, asked, expected] of cases) {
    it(`match ${what}`, () => {
      assert.equal(matches([of], asked), expected);
    });
  }

  it('of webhooks match nothing where there are none, of bindings everything', () => {
    assert.equal(new Matcher({}, false).fits(request()), undefined);
    assert.notEqual(new Matcher({}, true).fits(request({ subresource: 'scale' })), undefined);
  });

  it('are indexed: candidates are those that would match by themselves', () => {
    const value = (...values: string[]) => fc.subarray(values, { minLength: 1 });
    const rules = fc.record({
      apiGroups: value('apps', 'batch', '*'),
      apiVersions: value('v1', 'v2', '*'),
      operations: value('CREATE', 'UPDATE', '*'),
      resources: value('deployments', 'deployments/scale', '*', '*/*', 'jobs'),
      scope: fc.constantFrom('*', 'Namespaced', 'Cluster'),
    });
    fc.assert(
      fc.property(
        fc.array(rules, { maxLength: 8 }),
        fc.constantFrom('CREATE' as const, 'UPDATE' as const),
        fc.constantFrom('', 'scale'),
        (all, operation, subresource) => {
          const index = new EndpointIndex(all, (of, asked) =>
            new Matcher({ resourceRules: [of] }, false).fits(asked) === undefined ? undefined : of,
          );
          const asked = { operation, subresource };
          const expected = all.filter((of) => matches([of], asked));
          assert.deepEqual(index.candidates(request(asked)), expected);
          // The second answer is remembered.
          assert.deepEqual(index.candidates(request(asked)), expected);
        },
      ),
    );
  });
});
