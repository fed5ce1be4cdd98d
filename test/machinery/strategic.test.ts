import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { JsonObject } from '../../src/machinery/json.ts';
import type { Schema } from '../../src/machinery/schema.ts';
import { StatusError } from '../../src/machinery/status.ts';
import { createThreeWayMergePatch, createTwoWayMergePatch } from '../../src/machinery/strategic/create.ts';
import { strategicMergePatch } from '../../src/machinery/strategic/merge.ts';

const port: Schema = {
  definition: 'io.k8s.api.core.v1.ContainerPort',
  type: 'object',
  properties: { containerPort: { type: 'integer' }, protocol: { type: 'string' }, name: { type: 'string' } },
};
const container: Schema = {
  definition: 'io.k8s.api.core.v1.Container',
  type: 'object',
  properties: {
    name: { type: 'string' },
    image: { type: 'string' },
    args: { type: 'array', items: { type: 'string' } },
    ports: {
      type: 'array',
      items: port,
      'x-kubernetes-patch-strategy': 'merge',
      'x-kubernetes-patch-merge-key': 'containerPort',
    },
  },
};
const spec: Schema = {
  definition: 'io.k8s.api.core.v1.PodSpec',
  type: 'object',
  properties: {
    containers: {
      type: 'array',
      items: container,
      'x-kubernetes-patch-strategy': 'merge',
      'x-kubernetes-patch-merge-key': 'name',
    },
    finalizers: { type: 'array', items: { type: 'string' }, 'x-kubernetes-patch-strategy': 'merge' },
    strategy: {
      definition: 'io.k8s.api.apps.v1.DeploymentStrategy',
      type: 'object',
      properties: { type: { type: 'string' }, rollingUpdate: { type: 'object', additionalProperties: {} } },
      'x-kubernetes-patch-strategy': 'retainKeys',
    },
    nodeSelector: { type: 'object', additionalProperties: { type: 'string' } },
    affinity: { type: 'object', additionalProperties: {}, 'x-kubernetes-patch-strategy': 'replace' },
  },
};

const apply = (original: JsonObject, patch: JsonObject): JsonObject => strategicMergePatch(original, patch, spec);

function refused(original: JsonObject, patch: JsonObject, code: number, message: string): void {
  assert.throws(
    () => apply(original, patch),
    (error: unknown) => {
      assert.ok(error instanceof StatusError, String(error));
      assert.equal(error.message, message);
      assert.equal(error.code, code);
      return true;
    },
  );
}

describe('strategic merge patch', () => {
  it('merges lists by their merge key, and what the patch names comes first', () => {
    const original = { containers: [{ name: 'a', image: 'a:1', args: ['x'] }, { name: 'b' }] };
    const patch = { containers: [{ name: 'c' }, { name: 'a', image: 'a:2', args: ['y'] }] };
    assert.deepEqual(apply(original, patch), {
      containers: [{ name: 'c' }, { name: 'a', image: 'a:2', args: ['y'] }, { name: 'b' }],
    });
  });

  it('merges nested lists by their own key', () => {
    const original = { containers: [{ name: 'a', ports: [{ containerPort: 80 }, { containerPort: 443 }] }] };
    const patch = { containers: [{ name: 'a', ports: [{ containerPort: 443, name: 'https' }] }] };
    assert.deepEqual(apply(original, patch), {
      containers: [{ name: 'a', ports: [{ containerPort: 80 }, { containerPort: 443, name: 'https' }] }],
    });
  });

  it('unites lists of scalars and deletes from them', () => {
    const original = { finalizers: ['a', 'b'] };
    assert.deepEqual(apply(original, { finalizers: ['b', 'c'] }), { finalizers: ['a', 'b', 'c'] });
    assert.deepEqual(apply(original, { '$deleteFromPrimitiveList/finalizers': ['a', 'z'] }), { finalizers: ['b'] });
    assert.deepEqual(apply({}, { '$deleteFromPrimitiveList/finalizers': ['a'] }), {});
  });

  it('orders by $setElementOrder, server-only elements where the server had them', () => {
    const original = { finalizers: ['a', 'b', 'c', 'd'] };
    assert.deepEqual(apply(original, { '$setElementOrder/finalizers': ['d', 'b'] }), {
      finalizers: ['a', 'c', 'd', 'b'],
    });
    assert.deepEqual(apply(original, { '$setElementOrder/finalizers': ['e', 'd'], finalizers: ['e'] }), {
      finalizers: ['e', 'a', 'b', 'c', 'd'],
    });
  });

  it('carries out $patch directives', () => {
    const original = { containers: [{ name: 'a' }, { name: 'b' }], nodeSelector: { x: '1', y: '2' } };
    assert.deepEqual(apply(original, { containers: [{ $patch: 'delete', name: 'a' }] }).containers, [{ name: 'b' }]);
    assert.deepEqual(apply(original, { containers: [{ $patch: 'replace' }, { name: 'c' }] }).containers, [
      { name: 'c' },
    ]);
    assert.deepEqual(apply(original, { nodeSelector: { $patch: 'replace', z: '3' } }).nodeSelector, { z: '3' });
    assert.deepEqual(apply(original, { nodeSelector: { $patch: 'delete' } }).nodeSelector, {});
    assert.deepEqual(apply({}, { containers: [{ name: 'a' }, { $patch: 'delete', name: 'b' }] }), {
      containers: [{ name: 'a' }],
    });
  });

  it('keeps only what $retainKeys names', () => {
    const original = { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } };
    assert.deepEqual(apply(original, { strategy: { $retainKeys: ['type'], type: 'Recreate' } }), {
      strategy: { type: 'Recreate' },
    });
    refused(
      original,
      { strategy: { $retainKeys: ['type'], rollingUpdate: {} } },
      400,
      'invalid patch format of retainKeys',
    );
  });

  it('deletes at null, replaces what is declared to be replaced, and lists without a strategy', () => {
    const original = { nodeSelector: { a: '1', b: '2' }, affinity: { x: 1 } };
    assert.deepEqual(apply(original, { nodeSelector: { a: null }, affinity: { y: 2 } }), {
      nodeSelector: { b: '2' },
      affinity: { y: 2 },
    });
    assert.deepEqual(apply({}, { nodeSelector: { a: null } }), { nodeSelector: {} });
  });

  it('takes any key as data', () => {
    const patch = JSON.parse('{"nodeSelector":{"__proto__":"1","constructor":"2"}}') as JsonObject;
    assert.equal(JSON.stringify(apply({ nodeSelector: {} }, patch)), JSON.stringify(patch));
    assert.equal(JSON.stringify(createTwoWayMergePatch({ nodeSelector: {} }, patch, spec)), JSON.stringify(patch));
  });

  it('refuses as Kubernetes does', () => {
    const original = { containers: [{ name: 'a' }, { name: 'b' }], nodeSelector: {}, finalizers: ['x'] };
    refused(
      original,
      { '$setElementOrder/containers': [{ name: 'a' }, { name: 'b' }], containers: [{ name: 'b' }, { name: 'a' }] },
      500,
      "The order in patch list:\n[map[name:b] map[name:a]]\n doesn't match $setElementOrder list:\n[map[name:a] map[name:b]]\n",
    );
    refused(
      original,
      { containers: [{ image: 'x' }] },
      500,
      'map: map[image:x] does not contain declared merge key: name',
    );
    refused(
      original,
      { nodeSelector: { $patch: 'shred' } },
      500,
      'unknown patch type: shred in map: map[$patch:shred]',
    );
    refused(original, { containers: [{ $patch: 'merge' }] }, 500, 'merging lists cannot yet be specified in the patch');
    refused(original, { '$deleteFromPrimitiveList-finalizers': [] }, 400, 'invalid patch format of primitive list');
    refused(original, { $setElementOrder: [] }, 400, 'invalid patch format of setElementOrder list');
    refused(original, { finalizers: [['x']] }, 422, 'the server rejected our request due to an error in our request');
    refused(original, { finalizers: [1] }, 500, 'list element types are not identical: [[x] [1]]');
    refused(original, { '$setElementOrder/finalizers': 'x' }, 500, 'expected a []interface {}, but received a string');
    refused(
      { data: { a: {} } },
      { data: { a: {} } },
      500,
      'unable to find api field in struct PodSpec for the json field "data"',
    );
  });
});

describe('making strategic merge patches', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const containers = fc.uniqueArray(fc.record({ name, image: fc.constantFrom('x', 'y') }, { requiredKeys: ['name'] }), {
    selector: (element) => element.name,
  });
  const object: fc.Arbitrary<JsonObject> = fc.record(
    {
      containers,
      finalizers: fc.uniqueArray(name),
      nodeSelector: fc.dictionary(name, name),
      strategy: fc.record({ type: name, rollingUpdate: fc.dictionary(name, fc.nat(3)) }, { requiredKeys: [] }),
    },
    { requiredKeys: ['containers', 'finalizers'], noNullPrototype: true },
  ) as fc.Arbitrary<JsonObject>;

  it('two-way: the patch takes one object to the other', () => {
    fc.assert(
      fc.property(object, object, (original, modified) => {
        const patch = createTwoWayMergePatch(original, modified, spec);
        assert.deepEqual(JSON.parse(JSON.stringify(apply(original, patch))), JSON.parse(JSON.stringify(modified)));
      }),
    );
  });

  it('two-way: equal objects need no patch', () => {
    fc.assert(fc.property(object, (o) => assert.deepEqual(createTwoWayMergePatch(o, structuredClone(o), spec), {})));
  });

  it('three-way: keeps what others added, deletes what the configuration dropped', () => {
    const last = { containers: [{ name: 'a' }, { name: 'b' }], nodeSelector: { x: '1' } };
    const now = { containers: [{ name: 'a', image: 'new' }] };
    const live = { containers: [{ name: 'a' }, { name: 'b' }, { name: 'sidecar' }], nodeSelector: { x: '1', y: '2' } };
    const patch = createThreeWayMergePatch(last, now, live, spec, { overwrite: true });
    assert.deepEqual(apply(live, patch), {
      containers: [{ name: 'a', image: 'new' }, { name: 'sidecar' }],
    });
  });

  it('three-way: without overwrite, a change by others is a conflict', () => {
    assert.throws(
      () =>
        createThreeWayMergePatch(
          { nodeSelector: { x: '1' } },
          { nodeSelector: { x: '2' } },
          { nodeSelector: { x: '3' } },
          spec,
          { overwrite: false },
        ),
      {
        message:
          'patch:\nnodeSelector:\n  x: "2"\n\nconflicts with changes made from original to current:\nnodeSelector:\n  x: "3"\n\n',
      },
    );
  });
});
