import assert from 'node:assert/strict';
import fc from 'fast-check';
import { withConversions } from '../../src/machinery/apply/conversion.ts';
import {
  type ApplyRequest,
  type ApplyResult,
  apply,
  trackUpdate,
  type UpdateRequest,
  withoutIdleTimes,
} from '../../src/machinery/apply/field-manager.ts';
import {
  type FieldSet,
  fieldSet,
  hasPath,
  intersection,
  isEmptySet,
  union,
} from '../../src/machinery/apply/field-set.ts';
import { fieldPath } from '../../src/machinery/apply/path-element.ts';
import { fromScaleManagedFields, toScaleManagedFields } from '../../src/machinery/apply/scale.ts';
import { objectType } from '../../src/machinery/apply/type.ts';
import { toFieldSet } from '../../src/machinery/apply/typed.ts';
import type { JsonObject } from '../../src/machinery/json.ts';
import type { ApiObject, ManagedFieldsEntry } from '../../src/machinery/object.ts';
import type { Schema } from '../../src/machinery/schema.ts';
import { StatusError } from '../../src/machinery/status.ts';

const container: Schema = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    image: { type: 'string' },
    ports: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['containerPort', 'protocol'],
      items: {
        type: 'object',
        properties: { containerPort: { type: 'integer' }, protocol: { type: 'string', default: 'TCP' } },
      },
    },
  },
};
const schema: Schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        replicas: { type: 'integer' },
        paused: { type: 'boolean' },
        selector: { type: 'object', 'x-kubernetes-map-type': 'atomic', additionalProperties: { type: 'string' } },
        containers: {
          type: 'array',
          items: container,
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
        },
      },
    },
    status: { type: 'object', properties: { ready: { type: 'integer' } } },
  },
};

const at = (second: number): string => `2026-01-01T00:00:${String(second).padStart(2, '0')}Z`;
const deployment = (spec: JsonObject, metadata: JsonObject = {}, rest: JsonObject = {}): ApiObject =>
  ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default', ...metadata },
    spec,
    ...rest,
  }) as unknown as ApiObject;

const base = { apiVersion: 'apps/v1', kind: 'Deployment', schema, time: at(0) } as const;

/** The object as the store would hold it after a write that was not an apply. */
function update(live: ApiObject | undefined, updated: ApiObject, request: Partial<UpdateRequest> = {}): ApiObject {
  const managedFields = trackUpdate({ ...base, manager: 'updater', live, updated, ...request });
  const { managedFields: _, ...metadata } = updated.metadata;
  return { ...updated, metadata: { ...metadata, uid: '1', ...(managedFields.length === 0 ? {} : { managedFields }) } };
}

function applied(live: ApiObject | undefined, config: ApiObject, request: Partial<ApplyRequest> = {}): ApplyResult {
  const result = apply({ ...base, manager: 'applier', force: false, live, config, ...request });
  const { object } = result;
  return object === live ? result : { ...result, object: { ...object, metadata: { ...object.metadata, uid: '1' } } };
}

const managers = (object: ApiObject): ManagedFieldsEntry[] => object.metadata.managedFields ?? [];
const summary = (object: ApiObject): string[] =>
  managers(object).map((e) =>
    [e.manager, e.operation, e.time?.slice(17, 19) ?? 'never', JSON.stringify(e.fieldsV1)].join(' '),
  );

function refused(run: () => unknown, code: number, message: string): StatusError {
  let caught: unknown;
  try {
    run();
  } catch (error) {
    caught = error;
  }
  assert.ok(caught instanceof StatusError, String(caught));
  assert.equal(caught.message, message);
  assert.equal(caught.code, code);
  return caught;
}

describe('tracking updates', () => {
  it('gives what is created to its creator, but what the server owns', () => {
    const created = update(undefined, deployment({ replicas: 1 }, { labels: { a: '1' }, uid: 'u', generation: 1 }));
    assert.deepEqual(managers(created), [
      {
        manager: 'updater',
        operation: 'Update',
        apiVersion: 'apps/v1',
        time: at(0),
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
          'f:spec': { '.': {}, 'f:replicas': {} },
        },
      },
    ]);
    assert.deepEqual(Object.keys(managers(created)[0] as object), [
      'manager',
      'operation',
      'apiVersion',
      'time',
      'fieldsType',
      'fieldsV1',
    ]);
  });

  it('does not give anyone what an object of the kind has from the start', () => {
    const initial = deployment({}, { name: '' }, { status: {} });
    const created = update(undefined, deployment({ replicas: 1 }, {}, { status: {} }), { initial });
    assert.deepEqual(summary(created), ['updater Update 00 {"f:spec":{"f:replicas":{}}}']);
  });

  it('answers the same list when nobody comes to own anything else', () => {
    const created = update(undefined, deployment({ replicas: 1 }));
    const again = { ...base, manager: 'other', time: at(9), live: created };
    assert.equal(trackUpdate({ ...again, updated: structuredClone(created) }), created.metadata.managedFields);
    const { managedFields: _, ...metadata } = created.metadata;
    assert.equal(trackUpdate({ ...again, updated: { ...created, metadata } }), created.metadata.managedFields);
  });

  it('moves what is changed, forgets what is gone, and keeps other times', () => {
    const first = update(undefined, deployment({ replicas: 1, paused: true, selector: { a: '1' } }));
    const second = update(first, deployment({ replicas: 2, selector: { a: '1' } }), { manager: 'scaler', time: at(5) });
    assert.deepEqual(summary(second), [
      'updater Update 00 {"f:spec":{".":{},"f:selector":{}}}',
      'scaler Update 05 {"f:spec":{"f:replicas":{}}}',
    ]);
  });

  it('keeps managers of the main resource and of a subresource apart', () => {
    const first = update(undefined, deployment({ replicas: 1 }));
    const reported = update(first, { ...first, status: { ready: 1 } }, { subresource: 'status', time: at(3) });
    assert.deepEqual(managers(reported)[1], {
      manager: 'updater',
      operation: 'Update',
      apiVersion: 'apps/v1',
      time: at(3),
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:status': { '.': {}, 'f:ready': {} } },
      subresource: 'status',
    });
  });

  it('gives nobody what the endpoint resets', () => {
    const resetFields = fieldSet(fieldPath('status'));
    const created = update(undefined, deployment({ replicas: 1 }, {}, { status: { ready: 1 } }), { resetFields });
    assert.deepEqual(summary(created), ['updater Update 00 {"f:spec":{".":{},"f:replicas":{}}}']);
    const live = { ...created, status: { ready: 1 } };
    const tracked = trackUpdate({
      ...base,
      manager: 'x',
      live,
      updated: { ...live, status: { ready: 2 } },
      resetFields,
    });
    assert.equal(tracked, created.metadata.managedFields);
  });

  it('lets clients set managers, but not with nonsense nor through a subresource', () => {
    const live = update(undefined, deployment({ replicas: 1 }));
    const [entry] = managers(live) as [ManagedFieldsEntry];
    const given = (managedFields: unknown): ApiObject =>
      ({ ...live, metadata: { ...live.metadata, managedFields } }) as ApiObject;
    const renamed = update(live, given([{ ...entry, manager: 'renamed' }]));
    assert.deepEqual(summary(renamed), ['renamed Update 00 {"f:spec":{".":{},"f:replicas":{}}}']);
    for (const nonsense of [
      [{ ...entry, operation: 'Delete' }],
      [{ ...entry, fieldsType: 'FieldsV2' }],
      [{ ...entry, fieldsType: '' }],
      [{ ...entry, apiVersion: '' }],
      [{ ...entry, fieldsV1: { 'v:{': {} } }],
      [{ ...entry, fieldsV1: 'x' }],
      ['x'],
    ]) {
      assert.equal(trackUpdate({ ...base, manager: 'x', live, updated: given(nonsense) }), managers(live));
    }
    const fromStatus = { ...base, manager: 'x', live, updated: given([]), subresource: 'status' };
    assert.equal(trackUpdate(fromStatus), managers(live));
  });

  it('forgets all managers on request, until the next apply', () => {
    const live = update(undefined, deployment({ replicas: 1 }));
    for (const reset of [[], [{}]]) {
      const updated = { ...live, metadata: { ...live.metadata, managedFields: reset as ManagedFieldsEntry[] } };
      const cleared = update(live, updated);
      assert.equal(cleared.metadata.managedFields, undefined);
      assert.equal(update(cleared, deployment({ replicas: 2 })).metadata.managedFields, undefined);
      const { object } = applied(cleared, deployment({ paused: true }), { time: at(4) });
      assert.deepEqual(summary(object), [
        'applier Apply 04 {"f:spec":{"f:paused":{}}}',
        'before-first-apply Update 04 {"f:spec":{".":{},"f:replicas":{}}}',
      ]);
    }
  });

  it('merges the oldest of more than ten updates', () => {
    let live = update(undefined, deployment({}, { labels: { m0: 'x' } }), { manager: 'm0' });
    for (let n = 1; n <= 12; n++) {
      const labels = { ...live.metadata.labels, [`m${n}`]: 'x' };
      live = update(live, deployment({}, { labels }), { manager: `m${n}`, time: at(n) });
    }
    assert.equal(managers(live).length, 10);
    const [ancient] = managers(live) as [ManagedFieldsEntry];
    assert.equal(ancient.manager, 'ancient-changes');
    assert.equal(ancient.time, at(3));
    const labels = (ancient.fieldsV1 as unknown as Record<string, FieldSet>)['f:metadata']?.['f:labels'] as FieldSet;
    assert.deepEqual(Object.keys(labels), ['.', 'f:m0', 'f:m1', 'f:m2', 'f:m3']);
  });

  it('takes back new times when all told nothing changed', () => {
    const live = update(undefined, deployment({ replicas: 1 }));
    const later = managers(live).map((entry) => ({ ...entry, time: at(7) }));
    const idle = { ...live, metadata: { ...live.metadata, managedFields: later } };
    assert.equal(withoutIdleTimes(idle, live), managers(live));
    assert.equal(withoutIdleTimes({ ...idle, spec: { replicas: 2 } }, live), later);
  });
});

describe('applying', () => {
  it('creates, owns what is mentioned, and changes nothing the second time', () => {
    const config = deployment({ replicas: 1, containers: [{ name: 'a', image: 'x' }] });
    const first = applied(undefined, config);
    assert.equal(first.changed, true);
    assert.deepEqual(first.object.spec, config.spec);
    assert.deepEqual(summary(first.object), [
      'applier Apply 00 {"f:spec":{"f:containers":{"k:{\\"name\\":\\"a\\"}":{".":{},"f:image":{},"f:name":{}}},"f:replicas":{}}}',
    ]);
    const second = applied(first.object, config, { time: at(9) });
    assert.deepEqual([second.changed, second.object === first.object], [false, true]);
  });

  it('removes what is given up, and keeps what others own or nobody gave up', () => {
    const first = applied(
      undefined,
      deployment({
        replicas: 1,
        paused: true,
        containers: [
          { name: 'a', image: 'x' },
          { name: 'b', image: 'y' },
        ],
      }),
    ).object;
    const shared = applied(first, deployment({ paused: true }), { manager: 'friend', time: at(1) }).object;
    const labelled = update(
      shared,
      { ...shared, metadata: { ...shared.metadata, labels: { a: '1' } } },
      { time: at(2) },
    );
    const { object } = applied(labelled, deployment({ containers: [{ name: 'b', image: 'z' }] }), { time: at(3) });
    assert.deepEqual(object.spec, { paused: true, containers: [{ name: 'b', image: 'z' }] });
    assert.deepEqual(object.metadata.labels, { a: '1' });
    assert.deepEqual(
      managers(object).map((entry) => entry.manager),
      ['friend', 'applier', 'updater'],
    );
  });

  it('gives up labels without touching the rest of metadata', () => {
    const first = applied(
      undefined,
      deployment({ replicas: 1 }, { labels: { a: '1' }, annotations: { n: 'x' } }),
    ).object;
    const live = { ...first, metadata: { ...first.metadata, generation: 3 } };
    const { object } = applied(live, deployment({ replicas: 1 }), { time: at(1) });
    const { managedFields: _, ...metadata } = object.metadata;
    assert.deepEqual(metadata, { name: 'web', namespace: 'default', uid: '1', generation: 3 });
    assert.deepEqual(summary(object), ['applier Apply 01 {"f:spec":{"f:replicas":{}}}']);
  });

  it('shares a field with whoever sets the same value', () => {
    const first = applied(undefined, deployment({ replicas: 1 })).object;
    const { object, changed } = applied(first, deployment({ replicas: 1 }), { manager: 'friend', time: at(5) });
    assert.equal(changed, true);
    // Nothing of the object changed, so there is no time at which the friend changed it.
    assert.deepEqual(summary(object), [
      'friend Apply never {"f:spec":{"f:replicas":{}}}',
      'applier Apply 00 {"f:spec":{"f:replicas":{}}}',
    ]);
  });

  it('of nothing to an object without managers is no change', () => {
    const { spec: _, ...live } = deployment({}, { uid: '1' });
    assert.equal(applied(live as ApiObject, live as ApiObject).changed, false);
  });

  it('finds the element that a default key names', () => {
    const live = update(
      undefined,
      deployment({ containers: [{ name: 'a', ports: [{ containerPort: 80, protocol: 'TCP' }] }] }),
    );
    const { object } = applied(live, deployment({ containers: [{ name: 'a', ports: [{ containerPort: 80 }] }] }));
    assert.deepEqual(object.spec, live.spec);
  });

  it('conflicts in the words of Kubernetes', () => {
    const live = update(undefined, deployment({ replicas: 1 }), { manager: 'kubectl-client-side-apply' });
    const one = refused(
      () => applied(live, deployment({ replicas: 2 })),
      409,
      'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas',
    );
    assert.equal(one.reason, 'Conflict');
    assert.deepEqual(one.status.details, {
      causes: [
        {
          reason: 'FieldManagerConflict',
          message: 'conflict with "kubectl-client-side-apply" using apps/v1',
          field: '.spec.replicas',
        },
      ],
    });
    const status = update(live, { ...live, status: { ready: 1 } }, { manager: 'kubelet', subresource: 'status' });
    const several = applied(status, deployment({ containers: [{ name: 'c', image: 'x' }] }), {
      manager: 'third',
    }).object;
    refused(
      () =>
        applied(
          several,
          deployment({ replicas: 2, containers: [{ name: 'c', image: 'y' }] }, {}, { status: { ready: 2 } }),
        ),
      409,
      'Apply failed with 3 conflicts: conflicts with "kubectl-client-side-apply" using apps/v1:\n- .spec.replicas\n' +
        'conflicts with "kubelet" with subresource "status" using apps/v1:\n- .status.ready\n' +
        'conflicts with "third":\n- .spec.containers[name="c"].image',
    );
  });

  it('takes fields by force', () => {
    const live = update(undefined, deployment({ replicas: 1, paused: true }));
    const { object } = applied(live, deployment({ replicas: 2 }), { force: true, time: at(1) });
    assert.deepEqual(summary(object), [
      'applier Apply 01 {"f:spec":{"f:replicas":{}}}',
      'updater Update 00 {"f:spec":{".":{},"f:paused":{}}}',
    ]);
  });

  it('refuses what is no configuration of the object', () => {
    const live = update(undefined, deployment({ replicas: 1 }));
    refused(
      () => applied(live, { ...deployment({}), apiVersion: 'apps/v2' }),
      400,
      'invalid object type: apps/v2, Kind=Deployment',
    );
    refused(
      () => applied(live, { ...deployment({}), kind: 'Pod', apiVersion: 'v1' }),
      400,
      'invalid object type: /v1, Kind=Pod',
    );
    refused(() => applied(live, deployment({}, { managedFields: [] })), 400, 'metadata.managedFields must be nil');
    refused(
      () => applied(live, deployment({ replica: 1 })),
      500,
      'failed to create typed patch object (default/web; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema',
    );
    refused(
      () => applied(live, deployment({ containers: [{ name: 'a' }, { name: 'a' }] })),
      500,
      'failed to create typed patch object (default/web; apps/v1, Kind=Deployment): .spec.containers: duplicate entries for key [name="a"]',
    );
  });

  it('follows fields through other versions, and drops managers of versions that are no more', () => {
    const other: Schema = {
      type: 'object',
      properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } },
    };
    const versions = {
      schema: (apiVersion: string) => (apiVersion === 'apps/v2' ? other : undefined),
      convert: (object: ApiObject, apiVersion: string): ApiObject => {
        const { replicas, size } = object.spec as { replicas?: number; size?: number };
        const value = replicas ?? size;
        const name = apiVersion === 'apps/v2' ? 'size' : 'replicas';
        return { ...object, apiVersion, spec: value === undefined ? {} : { [name]: value } };
      },
    };
    const entry = (apiVersion: string, fieldsV1: JsonObject): ManagedFieldsEntry => ({
      manager: apiVersion,
      operation: 'Apply',
      apiVersion,
      time: at(0),
      fieldsType: 'FieldsV1',
      fieldsV1,
    });
    const managedFields = [
      entry('apps/v0', { 'f:spec': { 'f:x': {} } }),
      entry('apps/v2', { 'f:spec': { 'f:size': {} } }),
    ];
    const live = deployment({ replicas: 1 }, { uid: '1', managedFields: managedFields as unknown as JsonObject[] });
    refused(
      () => applied(live, deployment({ replicas: 2 }), { versions }),
      409,
      'Apply failed with 1 conflict: conflict with "apps/v2": .spec.size',
    );
    const { object } = applied(live, deployment({ replicas: 1 }), { versions });
    assert.deepEqual(
      managers(object)
        .map((e) => e.manager)
        .sort(),
      ['applier', 'apps/v2'],
    );
  });

  it('goes on from client-side apply as kubectl, and keeps its note', () => {
    const note = (config: ApiObject): string => JSON.stringify(config);
    const config = deployment({ replicas: 1, paused: true });
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': note(config) };
    const live = update(undefined, deployment({ replicas: 1, paused: true }, { annotations }), {
      manager: 'kubectl-client-side-apply',
    });
    const { object } = applied(live, deployment({ replicas: 2 }), { manager: 'kubectl', time: at(1) });
    assert.equal((object.spec as JsonObject).replicas, 2);
    assert.equal(
      object.metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration'],
      '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"default"},"spec":{"replicas":2}}\n',
    );
    refused(
      () => applied(live, deployment({ replicas: 2 }), { manager: 'someone' }),
      409,
      'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas',
    );
    const scaled = update(live, { ...live, spec: { replicas: 5, paused: true } }, { manager: 'scaler' });
    refused(
      () => applied(scaled, deployment({ replicas: 2, paused: false }), { manager: 'kubectl' }),
      409,
      'Apply failed with 1 conflict: conflict with "scaler" using apps/v1: .spec.replicas',
    );
  });
});

describe('applying, as a law', () => {
  const name = fc.constantFrom('a', 'b', 'c');
  const spec = fc.record(
    {
      replicas: fc.nat(2),
      paused: fc.boolean(),
      containers: fc.uniqueArray(fc.record({ name, image: name }, { requiredKeys: ['name'], noNullPrototype: true }), {
        selector: (c) => c.name,
      }),
    },
    { requiredKeys: [], noNullPrototype: true },
  );
  const step = fc.record({
    manager: fc.constantFrom('x', 'y', 'z'),
    spec,
    operation: fc.constantFrom('apply', 'update'),
  });
  const type = objectType(schema);
  const setsOf = (object: ApiObject): FieldSet[] => managers(object).map((e) => e.fieldsV1 as unknown as FieldSet);

  const play = (steps: readonly { manager: string; spec: object; operation: string }[]): ApiObject | undefined => {
    let live: ApiObject | undefined;
    for (const [n, { manager, spec: wanted, operation }] of steps.entries()) {
      const object = deployment(wanted as JsonObject);
      live =
        operation === 'apply'
          ? applied(live, object, { manager, force: true, time: at(n) }).object
          : update(live, object, { manager, time: at(n) });
    }
    return live;
  };

  it('changes nothing the second time, and does what it says', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 6 }), spec, (steps, wanted) => {
        const config = deployment(wanted as JsonObject);
        // An object that nobody manages has a manager of old from its next apply on.
        fc.pre(steps.length > 0 || !isEmptySet(toFieldSet(config as unknown as JsonObject, type)));
        const once = applied(play(steps), config, { force: true, time: at(30) }).object;
        const again = applied(once, config, { time: at(40) });
        assert.equal(again.changed, false);
        assert.equal(again.object, once);
        const mine = managers(once).find((e) => e.manager === 'applier')?.fieldsV1 ?? {};
        assert.deepEqual(mine, toFieldSet(config as unknown as JsonObject, type));
      }),
    );
  });

  it('leaves every owned field in the object, and gives an updated field to one', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), fc.nat(2), (steps, replicas) => {
        const live = play(steps) as ApiObject;
        const present = toFieldSet(live as unknown as JsonObject, type);
        const owned = setsOf(live).reduce(union, {});
        assert.ok(isEmptySet(intersection(owned, fieldSet(fieldPath('status')))));
        for (const path of [fieldPath('spec', 'replicas'), fieldPath('spec', 'paused')]) {
          if (hasPath(owned, path)) assert.ok(hasPath(present, path), JSON.stringify(owned));
        }
        const changed = { ...live, spec: { ...(live.spec as object), replicas: replicas + 10 } };
        const owners = setsOf(update(live, changed, { manager: 'w', time: at(50) })).filter((s) =>
          hasPath(s, fieldPath('spec', 'replicas')),
        );
        // An object that nobody manages is not managed from an update on.
        assert.equal(owners.length, managers(live).length === 0 ? 0 : 1);
      }),
    );
  });

  it('without force either conflicts or agrees with force', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 5 }), spec, (steps, wanted) => {
        const live = play(steps);
        const config = deployment(wanted as JsonObject);
        const forced = applied(live, config, { force: true }).object;
        try {
          assert.deepEqual(applied(live, config).object, forced);
        } catch (error) {
          if (!(error instanceof StatusError)) throw error;
          assert.equal(error.reason, 'Conflict');
        }
      }),
    );
  });
});

describe('conversions that take time', () => {
  it('are waited for, each once, and what fails is thrown', async () => {
    const live = deployment({ replicas: 1 });
    const asked: string[] = [];
    const convert = async (object: ApiObject, apiVersion: string): Promise<ApiObject> => {
      asked.push(`${object.apiVersion} ${apiVersion}`);
      return { ...object, apiVersion };
    };
    const there = await withConversions((c) => c(c(c(live, 'apps/v2'), 'apps/v3'), 'apps/v2').apiVersion, convert);
    assert.equal(there, 'apps/v2');
    assert.deepEqual(asked, ['apps/v1 apps/v2', 'apps/v2 apps/v3', 'apps/v3 apps/v2']);
    const failing = withConversions(
      (c) => c(live, 'apps/v2'),
      () => Promise.reject(new Error('no webhook')),
    );
    await assert.rejects(failing, { message: 'no webhook' });
    const throwing = withConversions(() => refused(() => undefined, 0, ''), convert);
    await assert.rejects(throwing, assert.AssertionError);
  });
});

describe('managed fields of a scale', () => {
  const paths = new Map([['apps/v1', fieldPath('spec', 'replicas')]]);

  it('are those of the replicas, there and back', () => {
    const live = update(undefined, deployment({ replicas: 1, paused: true }));
    const scale = toScaleManagedFields(live.metadata.managedFields, paths);
    assert.deepEqual(scale, [
      {
        manager: 'updater',
        operation: 'Update',
        apiVersion: 'autoscaling/v1',
        time: at(0),
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:spec': { 'f:replicas': {} } },
      },
    ]);
    const scaler: ManagedFieldsEntry = {
      manager: 'scaler',
      operation: 'Update',
      apiVersion: 'autoscaling/v1',
      time: at(2),
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:spec': { 'f:replicas': {} } },
      subresource: 'scale',
    };
    const back = fromScaleManagedFields(live.metadata.managedFields, [scaler], 'apps/v1', paths);
    assert.deepEqual(
      back.map((e) => [e.manager, e.apiVersion, e.subresource, JSON.stringify(e.fieldsV1)]),
      [
        ['scaler', 'apps/v1', 'scale', '{"f:spec":{"f:replicas":{}}}'],
        ['updater', 'apps/v1', undefined, '{"f:spec":{".":{},"f:paused":{}}}'],
      ],
    );
  });

  it('drop managers of unknown versions', () => {
    const live = update(undefined, deployment({ replicas: 1 }));
    const elsewhere = new Map([['apps/v2', fieldPath('spec', 'size')]]);
    assert.deepEqual(toScaleManagedFields(live.metadata.managedFields, elsewhere), []);
    assert.deepEqual(fromScaleManagedFields(live.metadata.managedFields, [], 'apps/v2', elsewhere), []);
  });
});
