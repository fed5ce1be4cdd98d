/** What every {@link Transport} does, whatever lies between it and the API server. */
import assert from 'node:assert/strict';
import {
  ConfigMap,
  createClient,
  Deployment,
  Namespace,
  Pod,
  type Transport,
  type TransportWatchRequest,
} from '../../src/client/index.ts';
import type { ApiObject, WatchEvent } from '../../src/machinery/object.ts';
import { StatusError } from '../../src/machinery/status.ts';

/** A transport to a new server that serves the built-in kinds and has the namespace `default`. */
export interface OpenTransport {
  readonly transport: Transport;
  /** Ends the transport and the server. */
  close(): Promise<void>;
}

const key = (name: string) => ({ namespace: 'default', name });
const configMap = (name: string, data: Record<string, string> = {}, labels: Record<string, string> = {}) => ({
  metadata: { ...key(name), labels },
  data,
});
const configMaps = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' };

/** Follows a watch; `until` resolves when what has come satisfies a condition, or rejects when the watch ends before. */
function follow(transport: Transport, request: TransportWatchRequest) {
  const events: WatchEvent[] = [];
  let ended: { error: Error | undefined } | undefined;
  let wake: () => void = () => undefined;
  const watch = transport.watch(request, {
    events(batch) {
      events.push(...batch);
      wake();
    },
    ended(error) {
      assert.equal(ended, undefined, 'ended comes once');
      ended = { error };
      wake();
    },
  });
  const waitFor = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise<void>((resolve) => (wake = resolve));
  };
  return {
    events,
    close: () => watch.close(),
    names: () =>
      events.filter(({ type }) => type !== 'BOOKMARK').map(({ type, object }) => `${type} ${object.metadata.name}`),
    until: async (condition: () => boolean): Promise<void> => {
      await waitFor(() => condition() || ended !== undefined);
      assert.ok(condition(), `the watch has ended before: ${ended?.error}`);
    },
    end: async (): Promise<Error | undefined> => {
      await waitFor(() => ended !== undefined);
      return ended?.error;
    },
  };
}

async function refusal(promise: Promise<unknown>): Promise<StatusError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof StatusError, `not a StatusError: ${error}`);
    return error;
  }
  return assert.fail('the request was not refused');
}

export function transportContract(open: () => Promise<OpenTransport>): void {
  let opened: OpenTransport;
  let transport: Transport;
  const client = () => createClient(transport);

  beforeEach(async () => {
    opened = await open();
    ({ transport } = opened);
  });
  afterEach(() => opened.close());

  describe('requests', () => {
    it('creates, gets, updates and deletes', async () => {
      const maps = client().resource(ConfigMap);
      const created = await maps.create(configMap('one', { a: '1' }));
      assert.equal(created.kind, 'ConfigMap');
      assert.equal(created.apiVersion, 'v1');
      assert.ok(created.metadata.uid);
      assert.deepEqual(await maps.get(key('one')), created);
      const updated = await maps.update({ ...created, data: { a: '2' } });
      assert.notEqual(updated.metadata.resourceVersion, created.metadata.resourceVersion);
      const deleted = await maps.delete(key('one'));
      assert.equal(deleted.kind, 'Status');
      assert.equal((deleted as unknown as { details: { uid: string } }).details.uid, created.metadata.uid);
      const missing = await refusal(maps.get(key('one')));
      assert.equal(missing.message, 'configmaps "one" not found');
      assert.deepEqual([missing.code, missing.reason], [404, 'NotFound']);
      assert.deepEqual(missing.status.details, { name: 'one', kind: 'configmaps' });
    });

    it('answers with frozen objects and leaves bodies alone', async () => {
      const maps = client().resource(ConfigMap);
      const body = configMap('one', { a: '1' });
      const before = structuredClone(body);
      const created = await maps.create(body);
      body.data.a = 'changed';
      assert.deepEqual({ ...body, data: before.data }, before);
      const list = await maps.list({ namespace: 'default' });
      for (const object of [
        created,
        await maps.get(key('one')),
        list.items.find(({ metadata }) => metadata.name === 'one')!,
      ]) {
        assert.equal(object.data?.a, '1');
        assert.throws(() => {
          object.data!.a = '3';
        }, TypeError);
        assert.throws(() => {
          object.metadata.labels = {};
        }, TypeError);
      }
    });

    it('refuses with the server’s words', async () => {
      const maps = client().resource(ConfigMap);
      const created = await maps.create(configMap('one'));
      const again = await refusal(maps.create(configMap('one')));
      assert.deepEqual(
        [again.code, again.reason, again.message],
        [409, 'AlreadyExists', 'configmaps "one" already exists'],
      );
      await maps.update({ ...created, data: { a: '1' } });
      const stale = await refusal(maps.update({ ...created, data: { a: '2' } }));
      assert.deepEqual([stale.code, stale.reason], [409, 'Conflict']);
      assert.match(
        stale.message,
        /the object has been modified; please apply your changes to the latest version and try again/,
      );
      const invalid = await refusal(maps.create(configMap('Not_A_Name')));
      assert.deepEqual([invalid.code, invalid.reason], [422, 'Invalid']);
      assert.equal(invalid.status.details?.causes?.[0]?.field, 'metadata.name');
      const unknown = await refusal(
        transport.request({ verb: 'list', target: { ...configMaps, resource: 'nothings' } }),
      );
      assert.deepEqual([unknown.code, unknown.reason], [404, 'NotFound']);
      assert.equal(unknown.message, 'the server could not find the requested resource');
      const gone = await refusal(maps.create({ metadata: { namespace: 'nowhere', name: 'one' } }));
      assert.deepEqual([gone.code, gone.message], [404, 'namespaces "nowhere" not found']);
    });

    it('patches in every way', async () => {
      const client_ = client();
      const maps = client_.resource(ConfigMap);
      await maps.create(configMap('one', { a: '1', b: '2' }));
      const merged = await maps.patch(key('one'), { data: { a: null, c: '3' } });
      assert.deepEqual(merged.data, { b: '2', c: '3' });
      const type = 'application/json-patch+json';
      const edited = await maps.patch(key('one'), [{ op: 'replace', path: '/data/b', value: '4' }], { type });
      assert.deepEqual(edited.data, { b: '4', c: '3' });
      const failed = await refusal(maps.patch(key('one'), [{ op: 'test', path: '/data/b', value: '0' }], { type }));
      assert.equal(failed.code, 422);
      const pods = client_.resource(Pod);
      await pods.create({ metadata: key('p'), spec: { containers: [{ name: 'a', image: 'i' }] } });
      const strategic = await pods.patch(
        key('p'),
        { spec: { containers: [{ name: 'a', image: 'j' }] } },
        { type: 'application/strategic-merge-patch+json' },
      );
      assert.equal(strategic.spec?.containers[0]?.image, 'j');
    });

    it('applies, with owners of fields', async () => {
      const maps = client().resource(ConfigMap);
      const first = await maps.apply(configMap('one', { a: '1' }), { fieldManager: 'first' });
      assert.equal(first.metadata.managedFields?.[0]?.manager, 'first');
      assert.equal(first.metadata.managedFields?.[0]?.operation, 'Apply');
      const conflict = await refusal(maps.apply(configMap('one', { a: '2' }), { fieldManager: 'second' }));
      assert.deepEqual([conflict.code, conflict.reason], [409, 'Conflict']);
      assert.equal(conflict.status.details?.causes?.[0]?.field, '.data.a');
      const forced = await maps.apply(configMap('one', { a: '2' }), { fieldManager: 'second', force: true });
      assert.equal(forced.data?.a, '2');
    });

    it('keeps status and spec apart, and scales', async () => {
      const deployments = client().resource(Deployment);
      const labels = { app: 'web' };
      const created = await deployments.create({
        metadata: key('web'),
        spec: {
          replicas: 2,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ name: 'a', image: 'i' }] } },
        },
      });
      const updated = await deployments.updateStatus({
        ...created,
        spec: { ...created.spec!, replicas: 9 },
        status: { observedGeneration: 1, replicas: 2 },
      });
      assert.deepEqual([updated.spec?.replicas, updated.status?.replicas], [2, 2]);
      const patched = await deployments.patchStatus(key('web'), { status: { readyReplicas: 1 } });
      assert.deepEqual([patched.status?.replicas, patched.status?.readyReplicas], [2, 1]);
      const scale = await deployments.getScale(key('web'));
      assert.deepEqual([scale.spec.replicas, scale.status?.selector], [2, 'app=web']);
      await deployments.updateScale(key('web'), { ...scale, spec: { replicas: 5 } });
      assert.equal((await deployments.get(key('web'))).spec?.replicas, 5);
    });

    it('dry-runs', async () => {
      const maps = client().resource(ConfigMap);
      assert.equal((await maps.create(configMap('one'), { dryRun: 'All' })).metadata.name, 'one');
      assert.equal((await refusal(maps.get(key('one')))).code, 404);
    });

    it('minds preconditions of deletes', async () => {
      const maps = client().resource(ConfigMap);
      await maps.create(configMap('one'));
      const refused = await refusal(maps.delete(key('one'), { preconditions: { uid: 'other' } }));
      assert.deepEqual([refused.code, refused.reason], [409, 'Conflict']);
      assert.equal((await maps.get(key('one'))).metadata.name, 'one');
    });

    it('lists by selectors and by pages, and deletes what is selected', async () => {
      const maps = client().resource(ConfigMap);
      for (const name of ['a', 'b', 'c', 'd', 'e']) {
        await maps.create(configMap(name, {}, { half: name < 'c' ? 'first' : 'second' }));
      }
      const first = await maps.list({ namespace: 'default', labelSelector: 'half=first' });
      assert.equal(first.kind, 'ConfigMapList');
      assert.deepEqual(
        first.items.map(({ metadata }) => metadata.name),
        ['a', 'b'],
      );
      const byField = await maps.list({ namespace: 'default', fieldSelector: 'metadata.name=d' });
      assert.deepEqual(
        byField.items.map(({ metadata }) => metadata.name),
        ['d'],
      );
      const page = await maps.list({ namespace: 'default', limit: 2 });
      assert.equal(page.items.length, 2);
      assert.ok(page.metadata.continue);
      await maps.create(configMap('ab'));
      const paged: string[] = [];
      const rest = await maps.list({ namespace: 'default', limit: 50, continue: page.metadata.continue! });
      for (const { metadata } of [...page.items, ...rest.items]) paged.push(metadata.name ?? '');
      assert.deepEqual(paged, ['a', 'b', 'c', 'd', 'e']);
      const all: string[] = [];
      for await (const { metadata, kind } of maps.listAll({ namespace: 'default', limit: 2 }))
        all.push(`${kind} ${metadata.name}`);
      assert.deepEqual(
        all,
        ['a', 'ab', 'b', 'c', 'd', 'e'].map((name) => `ConfigMap ${name}`),
      );
      await maps.deleteCollection({ namespace: 'default', labelSelector: 'half=second' });
      assert.equal((await maps.list({ namespace: 'default' })).items.length, 3);
    });

    it('does nothing for a signal that is aborted already', async () => {
      const signal = AbortSignal.abort(new Error('no longer wanted'));
      await assert.rejects(client().resource(ConfigMap).create(configMap('one'), { signal }), /no longer wanted/);
      assert.equal((await refusal(client().resource(ConfigMap).get(key('one')))).code, 404);
    });

    it('finds resources of kinds by discovery', async () => {
      const dynamic = await client().dynamic({ apiVersion: 'apps/v1', kind: 'Deployment' });
      assert.deepEqual(
        [dynamic.definition.plural, dynamic.definition.namespaced, dynamic.definition.group],
        ['deployments', true, 'apps'],
      );
      const namespaces = await client().dynamic({ apiVersion: 'v1', kind: 'Namespace' });
      assert.equal((await namespaces.get({ name: 'default' })).metadata.name, 'default');
      const unknown = await refusal(client().dynamic({ apiVersion: 'apps/v1', kind: 'Nothing' }));
      assert.equal(unknown.message, 'no matches for kind "Nothing" in version "apps/v1"');
      const noGroup = await refusal(client().dynamic({ apiVersion: 'no.such/v1', kind: 'Nothing' }));
      assert.equal(noGroup.code, 404);
      const preferred = await client().mapper.preferredResources();
      assert.ok(preferred.some(({ plural, verbs }) => plural === 'pods' && verbs.includes('watch')));
    });
  });

  describe('watches', () => {
    it('never call back before they have returned', async () => {
      let returned = false;
      const seen: boolean[] = [];
      const watch = transport.watch(
        { target: configMaps, options: { resourceVersion: '1' } },
        { events: () => seen.push(returned), ended: () => seen.push(returned) },
      );
      returned = true;
      const followed = follow(transport, { target: configMaps });
      await client().resource(ConfigMap).create(configMap('one'));
      await followed.until(() => followed.names().includes('ADDED one'));
      watch.close();
      followed.close();
      assert.ok(seen.every((after) => after));
    });

    it('tell each change once, in order, from a version on', async () => {
      const maps = client().resource(ConfigMap);
      const { metadata } = await maps.list({ namespace: 'default' });
      const created = await maps.create(configMap('one'));
      await maps.patch(key('one'), { data: { a: '1' } });
      const watch = follow(transport, {
        target: configMaps,
        options: { resourceVersion: metadata.resourceVersion! },
      });
      await maps.delete(key('one'));
      await maps.create(configMap('two'));
      await watch.until(() => watch.names().includes('ADDED two'));
      assert.deepEqual(watch.names(), ['ADDED one', 'MODIFIED one', 'DELETED one', 'ADDED two']);
      assert.deepEqual(watch.events[0]?.object, created);
      const versions = watch.events.map(({ object }) => Number(object.metadata.resourceVersion));
      assert.deepEqual(
        versions,
        [...versions].sort((a, b) => a - b),
      );
      assert.throws(() => {
        watch.events[0]!.object.metadata.labels = {};
      }, TypeError);
      watch.close();
    });

    it('tell only what is selected, coming and going', async () => {
      const maps = client().resource(ConfigMap);
      const watch = follow(transport, {
        target: configMaps,
        options: { labelSelector: 'app=web', resourceVersion: '0' },
      });
      await maps.create(configMap('other'));
      await maps.create(configMap('one', {}, { app: 'web' }));
      await maps.patch(key('one'), { metadata: { labels: { app: null } } });
      await maps.create(configMap('end', {}, { app: 'web' }));
      await watch.until(() => watch.names().includes('ADDED end'));
      assert.deepEqual(watch.names().slice(-3), ['ADDED one', 'DELETED one', 'ADDED end']);
      watch.close();
    });

    it('stream a list, and mark its end', async () => {
      const maps = client().resource(ConfigMap);
      await maps.create(configMap('one'));
      await maps.create(configMap('two'));
      const watch = follow(transport, {
        target: configMaps,
        options: { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: true },
      });
      const marks = (): ApiObject[] =>
        watch.events.filter(({ type }) => type === 'BOOKMARK').map(({ object }) => object);
      await watch.until(() => marks().length > 0);
      assert.deepEqual(watch.names().sort(), ['ADDED one', 'ADDED two']);
      assert.equal(marks()[0]?.metadata.annotations?.['k8s.io/initial-events-end'], 'true');
      assert.ok(Number(marks()[0]?.metadata.resourceVersion) > 0);
      await maps.create(configMap('three'));
      await watch.until(() => watch.names().includes('ADDED three'));
      watch.close();
    });

    it('end with the refusal', async () => {
      const watch = follow(transport, { target: { ...configMaps, resource: 'nothings' } });
      const error = await watch.end();
      assert.ok(error instanceof StatusError);
      assert.equal(error.code, 404);
      const invalid = follow(transport, { target: configMaps, options: { labelSelector: 'a in (' } });
      const refused = await invalid.end();
      assert.ok(refused instanceof StatusError);
      assert.equal(refused.code, 400);
    });

    it('end in order when their time is over', async function () {
      this.timeout(3_000);
      const watch = follow(transport, { target: configMaps, options: { timeoutSeconds: 1 } });
      assert.equal(await watch.end(), undefined);
    });

    it('say nothing after they are closed', async () => {
      const maps = client().resource(ConfigMap);
      const closed = follow(transport, { target: configMaps });
      const other = follow(transport, { target: configMaps });
      await maps.create(configMap('one'));
      await closed.until(() => closed.names().length === 1);
      closed.close();
      closed.close();
      await maps.create(configMap('two'));
      await other.until(() => other.names().length === 2);
      assert.deepEqual(closed.names(), ['ADDED one']);
      other.close();
    });

    it('are iterable by the client', async () => {
      const maps = client().resource(ConfigMap);
      const seen: string[] = [];
      const abort = new AbortController();
      await maps.create(configMap('one'));
      for await (const { type, object } of maps.events({ namespace: 'default', resourceVersion: '0' }, abort.signal)) {
        seen.push(`${type} ${object.metadata.name}`);
        if (seen.length === 1) await maps.patch(key('one'), { data: { a: '1' } });
        else abort.abort();
      }
      assert.deepEqual(seen, ['ADDED one', 'MODIFIED one']);
      await assert.rejects(async () => {
        for await (const _ of client()
          .resource({ ...Namespace, plural: 'nothings' })
          .events({}))
          assert.fail();
      }, /could not find the requested resource/);
    });
  });

  it('serves documents', async () => {
    const version = await transport.document('/version');
    assert.equal(typeof version.gitVersion, 'string');
    assert.equal((await refusal(transport.document('/apis/no.such/v1'))).code, 404);
  });

  it('serves nothing once it is closed', async () => {
    const watch = follow(transport, { target: configMaps });
    await client().resource(ConfigMap).create(configMap('one'));
    await watch.until(() => watch.names().length === 1);
    await transport.close();
    await assert.rejects(client().resource(ConfigMap).get(key('one')), /closed/);
  });
}
