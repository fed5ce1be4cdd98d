import assert from 'node:assert/strict';
import { builtinTypes } from '../../src/apis/index.ts';
import type { ApiObject } from '../../src/machinery/object.ts';
import { created, createErrors } from './create.ts';

const find = (kind: string) => builtinTypes().find(({ names }) => names.kind === kind)!;

describe('built-in kinds', () => {
  it('have names of their own', () => {
    const plurals = builtinTypes().map(({ group, names }) => `${names.plural}.${group}`);
    assert.equal(new Set(plurals).size, plurals.length);
    // Events are served by two groups, under the same names.
    const own = builtinTypes().filter((type) => type.storedAs === undefined);
    const shorts = own.flatMap(({ names }) => names.shortNames);
    assert.equal(new Set(shorts).size, shorts.length);
  });

  it('show the columns of kubectl', () => {
    const columns = (kind: string, wide: boolean): string[] =>
      find(kind)
        .versions[0]!.columns.filter(({ priority }) => wide || priority === 0)
        .map(({ name }) => name);
    assert.deepEqual(columns('Pod', false), ['Name', 'Ready', 'Status', 'Restarts', 'Age']);
    assert.deepEqual(columns('Pod', true).slice(5), ['IP', 'Node', 'Nominated Node', 'Readiness Gates']);
    assert.deepEqual(columns('Deployment', false), ['Name', 'Ready', 'Up-to-date', 'Available', 'Age']);
    assert.deepEqual(columns('Service', false), ['Name', 'Type', 'Cluster-IP', 'External-IP', 'Port(s)', 'Age']);
    assert.deepEqual(columns('Node', false), ['Name', 'Status', 'Roles', 'Age', 'Version']);
    assert.deepEqual(columns('Event', false), ['Last Seen', 'Type', 'Reason', 'Object', 'Message']);
    assert.deepEqual(columns('ClusterRole', false), ['Name', 'Created At']);
  });

  it('fill every cell and every selectable field of an empty object', () => {
    for (const type of builtinTypes()) {
      const version = type.versions[0]!;
      const apiVersion = type.group === '' ? version.name : `${type.group}/${version.name}`;
      const object = created<ApiObject>(type, { apiVersion, kind: type.names.kind, metadata: { name: 'x' } });
      for (const { name, cell } of version.columns) {
        const value = cell(object, Date.parse('2026-01-31T09:30:00Z'));
        assert.notEqual(value, undefined, `${type.names.kind} ${name}`);
      }
      for (const { name, value } of version.selectableFields) {
        assert.equal(typeof value(object), 'string', `${type.names.kind} ${name}`);
      }
    }
  });

  it('find what is wrong with an empty object, and no more than that', () => {
    for (const type of builtinTypes()) {
      const version = type.versions[0]!;
      const apiVersion = type.group === '' ? version.name : `${type.group}/${version.name}`;
      const errors = createErrors(type, {
        apiVersion,
        kind: type.names.kind,
        metadata: { name: 'x', namespace: 'default' },
      });
      for (const error of errors)
        assert.match(error, /^\S+: (Required|Invalid|Unsupported|Duplicate|Forbidden)/, type.names.kind);
    }
  });

  it('are as they were after being defaulted once more', () => {
    for (const type of builtinTypes()) {
      const version = type.versions[0]!;
      const apiVersion = type.group === '' ? version.name : `${type.group}/${version.name}`;
      const once = created<ApiObject>(type, { apiVersion, kind: type.names.kind, metadata: { name: 'x' } });
      const twice = structuredClone(once);
      type.strategy.default?.(twice);
      assert.deepEqual(twice, once, type.names.kind);
    }
  });

  it('belong to the category `all` as in Kubernetes', () => {
    const all = builtinTypes().filter(({ names }) => names.categories.includes('all'));
    assert.deepEqual(all.map(({ names }) => names.plural).sort(), [
      'cronjobs',
      'daemonsets',
      'deployments',
      'horizontalpodautoscalers',
      'jobs',
      'pods',
      'replicasets',
      'replicationcontrollers',
      'services',
      'statefulsets',
    ]);
  });
});
