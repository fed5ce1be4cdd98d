import assert from 'node:assert/strict';
import type { JsonObject } from '../../src/machinery/json.ts';
import type { Schema } from '../../src/machinery/schema.ts';
import { compileSchema } from '../../src/schema/compile.ts';

const container: Schema = {
  definition: 'io.k8s.api.core.v1.Container',
  type: 'object',
  properties: {
    name: { type: 'string' },
    ports: {
      type: 'array',
      items: {
        definition: 'io.k8s.api.core.v1.ContainerPort',
        type: 'object',
        properties: { containerPort: { type: 'integer', format: 'int32' } },
      },
    },
    limits: {
      type: 'object',
      additionalProperties: { definition: 'io.k8s.apimachinery.pkg.api.resource.Quantity', type: 'string' },
    },
  },
};

const schema: Schema = {
  definition: 'io.k8s.api.apps.v1.Deployment',
  type: 'object',
  properties: {
    metadata: {
      definition: 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta',
      type: 'object',
      properties: {
        labels: { type: 'object', additionalProperties: { type: 'string' } },
        creationTimestamp: { type: 'string', format: 'date-time' },
      },
    },
    spec: {
      definition: 'io.k8s.api.apps.v1.DeploymentSpec',
      type: 'object',
      properties: {
        replicas: { type: 'integer', format: 'int32' },
        paused: { type: 'boolean' },
        maxSurge: { type: 'string', format: 'int-or-string' },
        data: { type: 'string', format: 'byte' },
        period: { definition: 'io.k8s.apimachinery.pkg.apis.meta.v1.Duration', type: 'string' },
        renewed: { definition: 'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime', type: 'string', format: 'date-time' },
        raw: {
          definition: 'io.k8s.apimachinery.pkg.runtime.RawExtension',
          type: 'object',
          'x-kubernetes-preserve-unknown-fields': true,
        },
        containers: { type: 'array', items: container },
      },
    },
  },
};

const error = (object: JsonObject): string | undefined => compileSchema(schema).decodeError(object);

describe('decoding into Go types', () => {
  it('takes what Go takes', () => {
    assert.equal(
      error({
        metadata: { labels: { a: 'b' }, creationTimestamp: '2026-02-28T10:00:00.5+02:00' },
        spec: {
          replicas: 2,
          paused: null,
          maxSurge: 1,
          data: 'aGVsbG8=',
          period: '1h30m',
          renewed: '2026-02-28T10:00:00.123456Z',
          raw: ['anything'],
          containers: [{ name: 'a', ports: [{ containerPort: 80 }], limits: { cpu: 1, memory: '1Gi' } }],
          unknown: 1,
        },
      }),
      undefined,
    );
  });

  const field = (struct: string, path: string, type: string, value: string): string =>
    `json: cannot unmarshal ${value} into Go struct field ${struct}.${path} of type ${type}`;
  const quantityForm = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  const cases: [what: string, object: JsonObject, expected: string][] = [
    [
      'a string for an integer',
      { spec: { replicas: '2' } },
      field('DeploymentSpec', 'spec.replicas', 'int32', 'string'),
    ],
    ['a fraction', { spec: { replicas: 1.5 } }, field('DeploymentSpec', 'spec.replicas', 'int32', 'number 1.5')],
    [
      'too great an integer',
      { spec: { replicas: 2 ** 31 } },
      field('DeploymentSpec', 'spec.replicas', 'int32', 'number 2147483648'),
    ],
    ['a number for a boolean', { spec: { paused: 1 } }, field('DeploymentSpec', 'spec.paused', 'bool', 'number')],
    ['a list for a struct', { spec: [] }, field('Deployment', 'spec', 'v1.DeploymentSpec', 'array')],
    [
      'an object for a list',
      { spec: { containers: {} } },
      field('DeploymentSpec', 'spec.containers', '[]v1.Container', 'object'),
    ],
    [
      'a string for an item',
      { spec: { containers: ['x'] } },
      field('DeploymentSpec', 'spec.containers', 'v1.Container', 'string'),
    ],
    [
      'a value deep in lists',
      { spec: { containers: [{ ports: [{ containerPort: true }] }] } },
      field('ContainerPort', 'spec.containers.ports.containerPort', 'int32', 'bool'),
    ],
    [
      'a value of a map',
      { metadata: { labels: { a: 1 } } },
      field('ObjectMeta', 'metadata.labels', 'string', 'number'),
    ],
    ['a map', { metadata: { labels: 'x' } }, field('ObjectMeta', 'metadata.labels', 'map[string]string', 'string')],
    ['a number for bytes', { spec: { data: 1 } }, field('DeploymentSpec', 'spec.data', '[]uint8', 'number')],
    ['broken base64', { spec: { data: 'a!bc' } }, 'illegal base64 data at input byte 1'],
    ['unfinished base64', { spec: { data: 'aGVsbG8' } }, 'illegal base64 data at input byte 4'],
    [
      'a boolean for int-or-string',
      { spec: { maxSurge: true } },
      'json: cannot unmarshal bool into Go value of type int32',
    ],
    ['words for a quantity', { spec: { containers: [{ limits: { cpu: 'lots' } }] } }, quantityForm],
    ['a strange unit', { spec: { containers: [{ limits: { cpu: '1mi' } }] } }, "unable to parse quantity's suffix"],
    ['a boolean for a quantity', { spec: { containers: [{ limits: { cpu: true } }] } }, quantityForm],
    [
      'a number for a time',
      { metadata: { creationTimestamp: 5 } },
      'json: cannot unmarshal number into Go value of type string',
    ],
    [
      'no time',
      { metadata: { creationTimestamp: 'soon' } },
      'parsing time "soon" as "2006-01-02T15:04:05Z07:00": cannot parse "soon" as "2006"',
    ],
    [
      'a time without a zone',
      { metadata: { creationTimestamp: '2026-01-02T03:04:05' } },
      'parsing time "2026-01-02T03:04:05" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "Z07:00"',
    ],
    [
      'a day that is not',
      { metadata: { creationTimestamp: '2026-02-30T00:00:00Z' } },
      'parsing time "2026-02-30T00:00:00Z": day out of range',
    ],
    [
      'a micro time without micros',
      { spec: { renewed: '2026-01-02T03:04:05Z' } },
      'parsing time "2026-01-02T03:04:05Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"',
    ],
    ['a duration without a unit', { spec: { period: '5' } }, 'time: missing unit in duration "5"'],
  ];
  for (const [what, object, expected] of cases) {
    it(`refuses ${what}`, () => assert.equal(error(object), expected));
  }

  it('names the first of two errors', () => {
    assert.match(error({ spec: { paused: 'x', replicas: 'x' } }) ?? '', /spec\.paused/);
  });

  it('leaves fields without a Go type to validation', () => {
    const custom: Schema = {
      type: 'object',
      properties: { ...schema.properties, spec: { type: 'object', properties: { replicas: { type: 'integer' } } } },
    };
    assert.equal(compileSchema(custom).decodeError({ spec: { replicas: 'x' } }), undefined);
    assert.equal(
      compileSchema(custom).decodeError({ metadata: { labels: [] } }),
      'json: cannot unmarshal array into Go struct field ObjectMeta.labels of type map[string]string',
    );
  });
});
