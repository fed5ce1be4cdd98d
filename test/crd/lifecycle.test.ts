import assert from 'node:assert/strict';
import type { ApiObject } from '../../src/machinery/object.ts';
import { type Answer, type Api, assertFailure, startApi } from '../apiserver/support/api.ts';

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const merge = 'application/merge-patch+json';

const text = { type: 'string' };
const spec = (properties: object, extra: object = {}) => ({
  openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties, ...extra } } },
});
const version = (name: string, schema: object, extra: object = {}) => ({
  name,
  served: true,
  storage: false,
  schema,
  ...extra,
});

function define(plural: string, versions: object[], extra: { spec?: object; names?: object } = {}): ApiObject {
  const kind = plural[0]!.toUpperCase() + plural.slice(1, -1);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.example.com` },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural, kind, ...extra.names },
      versions,
      ...extra.spec,
    },
  };
}

const path = (plural: string, name = 'v1'): string => `/apis/example.com/${name}/namespaces/default/${plural}`;
const object = (kind: string, name: string, body: object = {}, apiVersion = 'example.com/v1'): ApiObject => ({
  apiVersion,
  kind,
  metadata: { name },
  ...body,
});

describe('a definition in its life', () => {
  let api: Api;
  before(async () => {
    api = await startApi();
  });
  after(() => api[Symbol.asyncDispose]());

  /** Asks until the answer is right: definitions take effect in turns of their own. */
  const until = async (ask: () => Promise<Answer>, right: (answer: Answer) => boolean): Promise<Answer> => {
    for (let attempt = 0; ; attempt++) {
      const answer = await ask();
      if (right(answer)) return answer;
      assert.ok(attempt < 200, answer.text);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const create = async (definition: ApiObject): Promise<void> => {
    await api.ok('POST', definitions, definition);
    await condition(definition.metadata.name!, 'Established', 'True');
  };
  const condition = async (name: string, type: string, status: string) => {
    const found = (answer: Answer) =>
      answer.json.status?.conditions?.find((one: { type: string }) => one.type === type);
    const answer = await until(
      () => api.send('GET', `${definitions}/${name}`),
      (got) => found(got)?.status === status,
    );
    return found(answer);
  };
  const change = (name: string, patch: object) => api.ok('PATCH', `${definitions}/${name}`, patch, merge);

  it('is established at once', async () => {
    await create(define('ones', [version('v1', spec({}), { storage: true })]));
    const { status } = await api.ok('GET', `${definitions}/ones.example.com`);
    assert.deepEqual(
      status.conditions.map(({ lastTransitionTime: _, ...rest }: { lastTransitionTime: string }) => rest),
      [
        { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' },
        {
          type: 'Established',
          status: 'True',
          reason: 'InitialNamesAccepted',
          message: 'the initial names have been accepted',
        },
      ],
    );
    assert.deepEqual(status.acceptedNames, { plural: 'ones', singular: 'one', kind: 'One', listKind: 'OneList' });
    assert.deepEqual(status.storedVersions, ['v1']);
  });

  describe('with several versions', () => {
    const both = { a: text, b: text };
    before(async () => {
      await create(
        define('twos', [
          version('v1', spec(both), { storage: true }),
          version('v2', spec(both)),
          version('v1beta1', spec(both), { deprecated: true }),
          version('v1alpha1', spec(both), { deprecated: true, deprecationWarning: 'do not' }),
          version('v1alpha2', spec(both), { served: false }),
        ]),
      );
      await api.ok('POST', path('twos'), object('Two', 'old', { spec: { a: '1' } }));
    });

    it('serves those that are served', async () => {
      const { apiVersion, spec: found } = await api.ok('GET', `${path('twos', 'v2')}/old`);
      assert.deepEqual([apiVersion, found], ['example.com/v2', { a: '1' }]);
      assert.equal((await api.send('GET', path('twos', 'v1alpha2'))).code, 404);
    });

    it('warns of deprecated ones', async () => {
      const warned = async (name: string) => (await api.send('GET', path('twos', name))).warnings;
      assert.deepEqual(await warned('v1beta1'), ['example.com/v1beta1 Two is deprecated; use example.com/v2 Two']);
      assert.deepEqual(await warned('v1alpha1'), ['do not']);
      assert.deepEqual(await warned('v2'), []);
    });

    it('warns in the shortest words when there is nothing better', async () => {
      await create(define('lates', [version('v1', spec({}), { storage: true, deprecated: true })]));
      assert.deepEqual((await api.send('GET', path('lates'))).warnings, ['example.com/v1 Late is deprecated']);
    });

    it('reads old objects after the storage version has changed, and stores them anew on the next write', async () => {
      const { resourceVersion } = (await api.ok('GET', `${path('twos')}/old`)).metadata;
      const current = await api.ok('GET', `${definitions}/twos.example.com`);
      for (const one of current.spec.versions) one.storage = one.name === 'v2';
      await api.ok('PUT', `${definitions}/twos.example.com`, current);
      const { json } = await until(
        () => api.send('GET', `${definitions}/twos.example.com`),
        (answer) => answer.json.status.storedVersions.length === 2,
      );
      assert.deepEqual(json.status.storedVersions, ['v1', 'v2']);
      for (const name of ['v1', 'v2']) {
        const read = await api.ok('GET', `${path('twos', name)}/old`);
        assert.deepEqual([read.apiVersion, read.metadata.resourceVersion], [`example.com/${name}`, resourceVersion]);
      }
      await api.ok('POST', path('twos'), object('Two', 'new', { spec: { b: '2' } }));
      for (const name of ['v1', 'v2']) {
        const list = await api.ok('GET', path('twos', name));
        assert.deepEqual(
          list.items.map((item: ApiObject) => [item.apiVersion, item.metadata.name]),
          [
            [`example.com/${name}`, 'new'],
            [`example.com/${name}`, 'old'],
          ],
        );
      }
      // A write that changes nothing still moves the object to the new version.
      const same = await api.ok('PATCH', `${path('twos')}/old`, {}, merge);
      assert.notEqual(same.metadata.resourceVersion, resourceVersion);
      const again = await api.ok('PATCH', `${path('twos')}/old`, {}, merge);
      assert.equal(again.metadata.resourceVersion, same.metadata.resourceVersion);
    });

    it('does not let a version go that objects may be stored in', async () => {
      const current = await api.ok('GET', `${definitions}/twos.example.com`);
      current.spec.versions = current.spec.versions.filter(({ name }: { name: string }) => name !== 'v1');
      const answer = await api.send('PUT', `${definitions}/twos.example.com`, { body: current });
      assertFailure(
        answer,
        422,
        'Invalid',
        'CustomResourceDefinition.apiextensions.k8s.io "twos.example.com" is invalid: status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions',
      );
    });

    it('ends the watches of a version that is no longer served, and no others', async () => {
      const from = (await api.ok('GET', path('twos'))).metadata.resourceVersion;
      const going = await api.watch(`${path('twos', 'v1beta1')}?watch=1&resourceVersion=${from}`);
      const staying = await api.watch(`${path('twos')}?watch=1&resourceVersion=${from}`);
      const current = await api.ok('GET', `${definitions}/twos.example.com`);
      for (const one of current.spec.versions) if (one.name === 'v1beta1') one.served = false;
      await api.ok('PUT', `${definitions}/twos.example.com`, current);
      assert.equal(await going.next(), undefined);
      await api.ok('POST', path('twos'), object('Two', 'later'));
      assert.equal((await staying.next())?.object.metadata.name, 'later');
      staying.close();
      assert.equal((await api.send('GET', path('twos', 'v1beta1'))).code, 404);
    });
  });

  describe('when its schema changes', () => {
    before(async () => {
      await create(define('threes', [version('v1', spec({ a: text, gone: text }), { storage: true })]));
      await api.ok('POST', path('threes'), object('Three', 'old', { spec: { a: '1', gone: 'x' } }));
      await api.ok('POST', path('threes'), object('Three', 'bare'));
    });

    it('shows stored objects with the new defaults and without fields that are gone', async () => {
      const before = await api.ok('GET', `${path('threes')}/old`);
      const watch = await api.watch(`${path('threes')}?watch=1&resourceVersion=${before.metadata.resourceVersion}`);
      await watch.next();
      const schema = spec({ a: text, size: { type: 'integer', default: 3 } }, { default: {} });
      await change('threes.example.com', { spec: { versions: [version('v1', schema, { storage: true })] } });
      const { json } = await until(
        () => api.send('GET', `${path('threes')}/old`),
        (answer) => answer.json.spec.size === 3,
      );
      assert.deepEqual(json.spec, { a: '1', size: 3 });
      // Reading changes nothing.
      assert.equal(json.metadata.resourceVersion, before.metadata.resourceVersion);
      assert.deepEqual(
        (await api.ok('GET', path('threes'))).items.map((item: ApiObject) => item.spec),
        [{ size: 3 }, { a: '1', size: 3 }],
      );
      const labelled = await api.ok('PATCH', `${path('threes')}/old`, { metadata: { labels: { a: 'b' } } }, merge);
      assert.deepEqual(labelled.spec, { a: '1', size: 3 });
      const event = await watch.next();
      assert.deepEqual([event?.type, event?.object.spec], ['MODIFIED', { a: '1', size: 3 }]);
      watch.close();
    });

    it('shows again what is still stored when the field comes back', async () => {
      await api.ok('POST', path('threes'), object('Three', 'kept', { spec: { a: 'kept' } }));
      const without = spec({ size: { type: 'integer' } });
      await change('threes.example.com', { spec: { versions: [version('v1', without, { storage: true })] } });
      await until(
        () => api.send('GET', `${path('threes')}/kept`),
        (answer) => answer.json.spec.a === undefined,
      );
      const back = spec({ a: text, size: { type: 'integer' } });
      await change('threes.example.com', { spec: { versions: [version('v1', back, { storage: true })] } });
      const { json } = await until(
        () => api.send('GET', `${path('threes')}/kept`),
        (answer) => answer.json.spec.a !== undefined,
      );
      assert.equal(json.spec.a, 'kept');
    });

    it('ends table watches whose columns have changed, and no others', async () => {
      const from = (await api.ok('GET', path('threes'))).metadata.resourceVersion;
      const watched = `${path('threes')}?watch=1&resourceVersion=${from}`;
      const tables = await api.watch(watched, { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
      const objects = await api.watch(watched);
      const one = version('v1', spec({ a: text }), { storage: true });
      const columns = [{ name: 'A', type: 'string', jsonPath: '.spec.a' }];
      await change('threes.example.com', { spec: { versions: [{ ...one, additionalPrinterColumns: columns }] } });
      assert.equal(await tables.next(), undefined);
      await api.ok('POST', path('threes'), object('Three', 'after-columns'));
      assert.equal((await objects.next())?.object.metadata.name, 'after-columns');
      objects.close();
    });

    it('ends watches in process like those over HTTP', async () => {
      await create(define('locals', [version('v1', spec({}), { storage: true }), version('v2', spec({}))]));
      const ended = new Promise<Error | undefined>((resolve) => {
        api.cluster.transport.watch(
          {
            target: { group: 'example.com', version: 'v2', resource: 'locals', namespace: 'default' },
            options: {},
          },
          { events: () => undefined, ended: resolve },
        );
      });
      const current = await api.ok('GET', `${definitions}/locals.example.com`);
      current.spec.versions[1].served = false;
      // The watch is on when a request of its turn is answered.
      await api.ok('GET', path('locals', 'v2'));
      await api.ok('PUT', `${definitions}/locals.example.com`, current);
      assert.equal(await ended, undefined);
    });

    it('answers every request meanwhile', async () => {
      const asked: Promise<Answer>[] = [];
      for (let i = 0; i < 40; i++) {
        asked.push(api.send('GET', `${path('threes')}/old`));
        asked.push(api.send('POST', path('threes'), { body: object('Three', `meanwhile-${i}`) }));
        if (i % 10 === 0) {
          const schema = spec({ a: text, size: { type: 'integer', default: i } });
          await change('threes.example.com', { spec: { versions: [version('v1', schema, { storage: true })] } });
        }
      }
      const codes = new Set((await Promise.all(asked)).map(({ code }) => code));
      assert.deepEqual([...codes].sort(), [200, 201]);
    });
  });

  it('keeps its scope, group and names', async () => {
    await create(define('fours', [version('v1', spec({}), { storage: true })]));
    const refused = async (patch: object, field: string) => {
      const answer = await api.send('PATCH', `${definitions}/fours.example.com`, {
        body: { spec: patch },
        type: merge,
      });
      assert.equal(answer.code, 422, answer.text);
      assert.ok(
        answer.json.details.causes.some(
          (cause: { field: string; message: string }) =>
            cause.field === field && /field is immutable$/.test(cause.message),
        ),
        answer.text,
      );
    };
    await refused({ scope: 'Cluster' }, 'spec.scope');
    await refused({ group: 'example.org' }, 'spec.group');
    await refused({ names: { plural: 'fives' } }, 'spec.names.plural');
    await refused({ names: { kind: 'Five' } }, 'spec.names.kind');
  });

  it('gets names when the definition that has them goes', async () => {
    await create(define('holders', [version('v1', spec({}), { storage: true })], { names: { shortNames: ['hd'] } }));
    await api.ok(
      'POST',
      definitions,
      define('hopefuls', [version('v1', spec({}), { storage: true })], { names: { shortNames: ['hd'] } }),
    );
    const refused = await condition('hopefuls.example.com', 'NamesAccepted', 'False');
    assert.equal(refused.reason, 'ShortNamesConflict');
    assert.equal(refused.message, '"hd" is already in use');
    const pending = await condition('hopefuls.example.com', 'Established', 'False');
    assert.equal(pending.reason, 'NotAccepted');
    assert.equal(pending.message, 'not all names are accepted');
    assert.equal((await api.send('GET', path('hopefuls'))).code, 404);
    await api.ok('DELETE', `${definitions}/holders.example.com`);
    await condition('hopefuls.example.com', 'Established', 'True');
    assert.equal((await api.send('GET', path('hopefuls'))).code, 200);
  });

  it('in a protected group needs approval', async () => {
    const definition = define('guards', [version('v1', spec({}), { storage: true })]);
    definition.metadata.name = 'guards.sigs.k8s.io';
    (definition.spec as { group: string }).group = 'sigs.k8s.io';
    const answer = await api.send('POST', definitions, { body: definition });
    assertFailure(
      answer,
      422,
      'Invalid',
      'CustomResourceDefinition.apiextensions.k8s.io "guards.sigs.k8s.io" is invalid: metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
    );
    definition.metadata.annotations = {
      'api-approved.kubernetes.io': 'https://github.com/kubernetes/kubernetes/pull/1',
    };
    await create(definition);
    const approved = await condition('guards.sigs.k8s.io', 'KubernetesAPIApprovalPolicyConformant', 'True');
    assert.equal(approved.reason, 'ApprovedAnnotation');
  });

  describe('when it is deleted', () => {
    it('takes its objects with it, step by step', async () => {
      await create(define('sixes', [version('v1', spec({}), { storage: true })], { names: { kind: 'Six' } }));
      for (let i = 0; i < 20; i++) await api.ok('POST', path('sixes'), object('Six', `six-${i}`));
      await api.ok('POST', path('sixes'), {
        ...object('Six', 'held'),
        metadata: { name: 'held', finalizers: ['example.com/hold'] },
      });
      const from = (await api.ok('GET', definitions)).metadata.resourceVersion;
      const watch = await api.watch(`${definitions}?watch=1&resourceVersion=${from}`);
      const objects = await api.watch(`${path('sixes')}?watch=1`);
      await objects.take(21);

      const deleted = await api.ok('DELETE', `${definitions}/sixes.example.com`);
      assert.deepEqual(deleted.metadata.finalizers, ['customresourcecleanup.apiextensions.k8s.io']);
      const steps = await watch.take(2);
      const terminating = steps.map(({ object: seen }) => {
        const { lastTransitionTime: _, ...rest } = seen.status.conditions.find(
          ({ type }: { type: string }) => type === 'Terminating',
        );
        return rest;
      });
      assert.deepEqual(terminating, [
        {
          type: 'Terminating',
          status: 'True',
          reason: 'InstanceDeletionPending',
          message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
        },
        {
          type: 'Terminating',
          status: 'True',
          reason: 'InstanceDeletionInProgress',
          message: 'CustomResource deletion is in progress',
        },
      ]);

      const gone = await objects.take(21);
      assert.equal(gone.filter(({ type }) => type === 'DELETED').length, 20);
      const held = gone.find(({ type }) => type === 'MODIFIED')!;
      assert.equal(held.object.metadata.name, 'held');
      assert.ok(held.object.metadata.deletionTimestamp);

      assertFailure(
        await api.send('POST', path('sixes'), { body: object('Six', 'late') }),
        405,
        'MethodNotAllowed',
        'create not allowed while custom resource definition is terminating',
        { group: 'example.com', kind: 'sixes' },
      );
      const { resources } = await api.ok('GET', '/apis/example.com/v1');
      const discovered = resources.find(({ name }: { name: string }) => name === 'sixes');
      assert.deepEqual(discovered.verbs, ['delete', 'deletecollection', 'get', 'list', 'watch']);

      // A definition that waits holds up nobody else.
      await create(define('sevens', [version('v1', spec({}), { storage: true })]));

      await api.ok('PATCH', `${path('sixes')}/held`, { metadata: { finalizers: null } }, merge);
      assert.equal((await objects.next())?.type, 'DELETED');
      assert.equal(await objects.next(), undefined);
      for (;;) {
        const event = await watch.next();
        if (event?.type === 'DELETED') {
          assert.equal(event.object.metadata.name, 'sixes.example.com');
          break;
        }
      }
      watch.close();
      assert.equal((await api.send('GET', path('sixes'))).code, 404);
    });

    it('comes again without the objects that it had', async () => {
      const definition = define('eights', [version('v1', spec({}), { storage: true })]);
      await create(definition);
      await api.ok('POST', path('eights'), object('Eight', 'a'));
      await api.ok('DELETE', `${definitions}/eights.example.com`);
      await until(
        () => api.send('GET', `${definitions}/eights.example.com`),
        ({ code }) => code === 404,
      );
      await create(definition);
      assert.deepEqual((await api.ok('GET', path('eights'))).items, []);
    });
  });
});
