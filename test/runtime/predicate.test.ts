import assert from 'node:assert/strict';
import type { TypedObject } from '../../src/client/index.ts';
import {
  annotationsChanged,
  anyOf,
  generationChanged,
  labelsChanged,
  type Predicate,
} from '../../src/runtime/index.ts';

const object = (metadata: TypedObject['metadata']): TypedObject => ({ metadata });

/** Which of these predicates let an update pass. */
function passing(now: TypedObject['metadata'], old: TypedObject['metadata']): string[] {
  const predicates: Record<string, Predicate<TypedObject>> = { generationChanged, labelsChanged, annotationsChanged };
  return Object.keys(predicates).filter((name) => predicates[name]?.updated?.(object(now), object(old)));
}

describe('predicates', () => {
  it('see what has changed', () => {
    const old = { uid: 'u', generation: 1, labels: { a: '1' }, annotations: { b: '1' } };
    assert.deepEqual(passing({ ...old, resourceVersion: '2' }, old), []);
    assert.deepEqual(passing({ ...old, generation: 2 }, old), ['generationChanged']);
    assert.deepEqual(passing({ ...old, deletionTimestamp: 'now' }, old), ['generationChanged']);
    assert.deepEqual(passing({ ...old, uid: 'v' }, old), ['generationChanged']);
    assert.deepEqual(passing({ ...old, labels: { a: '2' } }, old), ['labelsChanged']);
    assert.deepEqual(passing({ ...old, labels: { a: '1', c: '1' } }, old), ['labelsChanged']);
    assert.deepEqual(passing({ uid: 'u', generation: 1 }, old), ['labelsChanged', 'annotationsChanged']);
    assert.deepEqual(passing({ ...old, annotations: { b: '2' } }, old), ['annotationsChanged']);
  });

  it('join: what any of them lets pass, passes', () => {
    const never: Predicate<TypedObject> = { added: () => false, updated: () => false, deleted: () => false };
    const labels = anyOf(never, labelsChanged);
    const plain = object({ labels: { a: '1' } });
    assert.equal(labels.updated?.(plain, plain), false);
    assert.equal(labels.updated?.(object({ labels: { a: '2' } }), plain), true);
    // What a predicate leaves out, it lets pass.
    assert.equal(labels.added?.(plain), true);
    assert.equal(anyOf(never).added?.(plain), false);
    assert.equal(anyOf(never).deleted?.(plain), false);
  });
});
