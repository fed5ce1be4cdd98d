import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  type Condition,
  findCondition,
  isConditionFalse,
  isConditionTrue,
  removeCondition,
  setCondition,
} from '../../src/machinery/conditions.ts';
import { fnv32a, podTemplateHash, safeEncode } from '../../src/machinery/hash.ts';
import { scaledValueFromIntOrPercent } from '../../src/machinery/int-or-percent.ts';
import { controllerReference, getControllerOf, hasOwner, isControlledBy } from '../../src/machinery/owner-reference.ts';

describe('owner references', () => {
  const owner = { metadata: { name: 'web', uid: 'u1' } };
  const reference = controllerReference(owner, { group: 'apps', version: 'v1', kind: 'ReplicaSet' });

  it('name the owner and hold back its foreground deletion', () => {
    assert.deepEqual(reference, {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      name: 'web',
      uid: 'u1',
      controller: true,
      blockOwnerDeletion: true,
    });
  });

  it('tell the one controller among the owners', () => {
    const other = { apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'u2' };
    const pod = { metadata: { ownerReferences: [other, reference] } };
    assert.equal(getControllerOf(pod), reference);
    assert.ok(isControlledBy(pod, owner));
    assert.ok(!isControlledBy(pod, { metadata: { name: 'web', uid: 'u3' } }));
    assert.ok(hasOwner(pod, 'u2'));
    assert.ok(!hasOwner({ metadata: {} }, 'u2'));
    assert.equal(getControllerOf({ metadata: { ownerReferences: [other] } }), undefined);
  });
});

describe('hashes for names', () => {
  it('are FNV-1a', () => {
    assert.equal(fnv32a(''), 0x811c9dc5);
    assert.equal(fnv32a('a'), 0xe40c292c);
    assert.equal(fnv32a('foobar'), 0xbf9cf968);
  });

  it('spell no words', () => {
    assert.equal(
      safeEncode('0123456789'),
      '456789bcdf'.replace(/./g, (_, i: number) => safeEncode(String(i))),
    );
    assert.match(safeEncode('4294967295'), /^[bcdfghjklmnpqrstvwxz2456789]{10}$/);
  });

  it('are the same for equal templates, and others when the name is taken', () => {
    const hash = podTemplateHash({
      metadata: { labels: { a: 'b' } },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
    assert.equal(
      podTemplateHash({
        spec: { containers: [{ image: 'i', name: 'c', env: undefined }] },
        metadata: { labels: { a: 'b' } },
      }),
      hash,
    );
    assert.notEqual(podTemplateHash({ spec: { containers: [{ name: 'c', image: 'j' }] } }), hash);
    assert.notEqual(podTemplateHash({ a: 1 }, 1), podTemplateHash({ a: 1 }, 0));
  });
});

describe('integers or percentages', () => {
  it('are scaled and rounded', () => {
    assert.equal(scaledValueFromIntOrPercent(3, 10, true), 3);
    assert.equal(scaledValueFromIntOrPercent('25%', 10, true), 3);
    assert.equal(scaledValueFromIntOrPercent('25%', 10, false), 2);
    assert.equal(scaledValueFromIntOrPercent('100%', 7, false), 7);
    assert.equal(scaledValueFromIntOrPercent('0%', 7, true), 0);
  });

  it('are refused when they are neither', () => {
    assert.throws(() => scaledValueFromIntOrPercent('3', 10, true), {
      message: 'invalid value for IntOrString: invalid type: string is not a percentage',
    });
    assert.throws(() => scaledValueFromIntOrPercent('x%', 10, true), {
      message: 'invalid value for IntOrString: invalid value "x%": strconv.Atoi: parsing "x": invalid syntax',
    });
  });
});

describe('conditions', () => {
  const ready: Condition = { type: 'Ready', status: 'True', reason: 'R', message: '', lastTransitionTime: 't0' };

  it('keep the time of their last change of status', () => {
    const { lastTransitionTime: _, ...fresh } = ready;
    const first = setCondition<Omit<Condition, 'lastTransitionTime'> & { lastTransitionTime?: string }>(
      [],
      fresh,
      't1',
    );
    assert.equal(first[0]?.lastTransitionTime, 't1');
    const reworded = setCondition(first, { ...fresh, reason: 'Other' }, 't2');
    assert.deepEqual(reworded, [{ ...fresh, reason: 'Other', lastTransitionTime: 't1' }]);
    const flipped = setCondition(reworded, { ...fresh, status: 'False' }, 't3');
    assert.equal(flipped[0]?.lastTransitionTime, 't3');
    assert.equal(setCondition(flipped, { ...fresh, status: 'False' }, 't4'), flipped);
    assert.equal(first[0]?.reason, 'R');
  });

  it('are found and removed by type', () => {
    const list = [ready, { ...ready, type: 'Scaled', status: 'False' as const }];
    assert.ok(isConditionTrue(list, 'Ready'));
    assert.ok(isConditionFalse(list, 'Scaled'));
    assert.ok(!isConditionTrue(undefined, 'Ready'));
    assert.equal(findCondition(list, 'None'), undefined);
    assert.deepEqual(removeCondition(list, 'Ready'), [list[1]]);
    assert.equal(removeCondition(list, 'None'), list);
  });

  it('are one of each type, however they are set', () => {
    const step = fc.record({
      type: fc.constantFrom('A', 'B'),
      status: fc.constantFrom('True' as const, 'False' as const),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        let list: { type: string; status: string; lastTransitionTime?: string }[] = [];
        steps.forEach((one, i) => {
          const before = findCondition(list, one.type);
          list = setCondition(list, one, `t${i}`);
          const after = findCondition(list, one.type);
          assert.equal(after?.lastTransitionTime === `t${i}`, before?.status !== one.status);
        });
        assert.equal(new Set(list.map(({ type }) => type)).size, list.length);
      }),
    );
  });
});
