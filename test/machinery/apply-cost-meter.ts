/**
 * Measures what server-side apply costs for huge objects, and prints it as JSON: by case, the microseconds for one size and
 * for four times that. A process of its own: in one whose heap is full of other tests, collecting it counts too.
 */
import assert from 'node:assert/strict';
import { apply, trackUpdate } from '../../src/machinery/apply/field-manager.ts';
import type { ApiObject } from '../../src/machinery/object.ts';
import type { Schema } from '../../src/machinery/schema.ts';
import { StatusError } from '../../src/machinery/status.ts';

const schema: Schema = {
  type: 'object',
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { type: 'object' },
    spec: {
      type: 'object',
      properties: {
        items: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: { type: 'object', properties: { name: { type: 'string' }, value: { type: 'string' } } },
        },
        names: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
        data: { type: 'object', additionalProperties: { type: 'string' } },
      },
    },
  },
};

type Order = (index: number) => number;
const inOrder: Order = (index) => index;

function huge(count: number, value: unknown, order: Order = inOrder): ApiObject {
  const indexes = Array.from({ length: count }, (_, index) => order(index));
  return {
    apiVersion: 'example.com/v1',
    kind: 'Huge',
    metadata: { name: 'huge' },
    spec: {
      items: indexes.map((index) => ({ name: `item-${index}`, value })),
      names: indexes.map((index) => `name-${index}`),
      data: Object.fromEntries(indexes.map((index) => [`key-${index}`, value])),
    },
  };
}

const write = { apiVersion: 'example.com/v1', kind: 'Huge', schema, time: '2026-01-01T00:00:00Z' };

/** What b has applied over what a has applied. */
function shared(count: number): ApiObject {
  const first = apply({ ...write, live: undefined, config: huge(count, 'a'), manager: 'a', force: false });
  const live = structuredClone(first.object);
  live.metadata.uid = 'uid';
  const second = apply({ ...write, live, config: huge(count, 'b'), manager: 'b', force: true });
  return structuredClone(second.object);
}

function refused(run: () => unknown): void {
  assert.throws(run, StatusError);
}

const applied =
  (config: (count: number) => ApiObject, manager = 'b') =>
  (live: ApiObject, count: number): void => {
    apply({ ...write, live, config: config(count), manager, force: true });
  };

const cases: readonly [string, (live: ApiObject, count: number) => void][] = [
  ['what is there already', applied((count) => huge(count, 'b'))],
  ['other values', applied((count) => huge(count, 'c'))],
  ['the same elements in reverse', applied((count) => huge(count, 'b', (index) => count - 1 - index))],
  ['the same elements out of order', applied((count) => huge(count, 'b', (index) => (index * 7919) % count))],
  ['half of the elements', applied((count) => huge(count / 2, 'b'))],
  ['none of the elements, but others', applied((count) => huge(count, 'b', (index) => count + index))],
  [
    'what conflicts everywhere',
    (live, count) => refused(() => apply({ ...write, live, config: huge(count, 'c'), manager: 'a', force: false })),
  ],
  [
    'what is wrong everywhere',
    (live, count) => refused(() => apply({ ...write, live, config: huge(count, 1), manager: 'a', force: true })),
  ],
  [
    'the same element all over',
    (live, count) =>
      refused(() => apply({ ...write, live, config: huge(count, 'c', () => 0), manager: 'a', force: true })),
  ],
  [
    'an update of everything',
    (live, count) => {
      trackUpdate({ ...write, live, updated: huge(count, 'c'), manager: 'c' });
    },
  ],
];

/** The least time of several runs on this process' own clock, in microseconds: what the machine does besides counts little. */
function cost(run: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i++) {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, user + system);
  }
  return least;
}

// Far enough apart that what is quadratic takes sixteen times as long, not four.
const few = 500;
const many = 4 * few;
const small = shared(few);
const large = shared(many);
const costs = cases.map(([title, run]) => {
  cost(() => run(small, few));
  return { title, once: cost(() => run(small, few)), fourTimes: cost(() => run(large, many)) };
});
process.stdout.write(JSON.stringify(costs));
