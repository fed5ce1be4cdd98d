import assert from 'node:assert/strict';
import { alwaysAllow } from '../../src/apis/authorizer.ts';
import { crdResourceType } from '../../src/crd/custom-resource-definition.ts';
import type { CustomResourceDefinition } from '../../src/crd/types.ts';
import { errorText } from '../../src/machinery/field.ts';
import type { JsonObject } from '../../src/machinery/json.ts';
import { compileSchema } from '../../src/schema/compile.ts';
import { definition } from './definition.ts';

const context = { now: 0, user: { name: 'u', groups: [] }, dryRun: false, authorizer: alwaysAllow };
const { strategy } = crdResourceType;
const decoder = compileSchema(crdResourceType.versions[0]!.schema);

describe('CustomResourceDefinition as a resource', () => {
  it('fills in names and conversion', () => {
    const draft = definition({ names: { singular: '', listKind: undefined } });
    delete draft.spec.conversion;
    strategy.default?.(draft);
    assert.equal(draft.spec.names.singular, 'widget');
    assert.equal(draft.spec.names.listKind, 'WidgetList');
    assert.deepEqual(draft.spec.conversion, { strategy: 'None' });
  });

  it('fills in the port of a conversion webhook', () => {
    const service = { namespace: 'a', name: 'b' };
    const draft = definition({ spec: { conversion: { strategy: 'Webhook', webhook: { clientConfig: { service } } } } });
    strategy.default?.(draft);
    assert.equal(draft.spec.conversion?.webhook?.clientConfig?.service?.port, 443);
  });

  it('starts with a status of its own', () => {
    const draft = definition({
      status: { acceptedNames: { plural: 'forged', kind: 'Forged' }, storedVersions: ['v9'] },
    });
    strategy.prepareForCreate?.(draft, context);
    assert.deepEqual(draft.status, {
      conditions: null,
      acceptedNames: { plural: '', kind: '' },
      storedVersions: ['v1'],
    });
  });

  it('adds a new storage version to those that were stored', () => {
    const old = definition();
    const draft = definition({ version: { name: 'v2' } });
    strategy.prepareForUpdate?.(draft, old, context);
    assert.deepEqual(draft.status?.storedVersions, ['v1', 'v2']);
  });

  it('knows its fields, also in items and additionalProperties', () => {
    const draft = definition({
      schema: {
        type: 'object',
        properties: {
          list: { type: 'array', items: { type: 'string', what: 1 } },
          map: { type: 'object', additionalProperties: { type: 'string', ever: 1 } },
          open: { type: 'object', additionalProperties: true },
          value: { type: 'object', default: { any: { thing: 1 } } },
        },
      } as never,
    });
    const at = 'spec.versions[0].schema.openAPIV3Schema.properties';
    assert.deepEqual(decoder.prune(draft as unknown as JsonObject), [
      `${at}.list.items.what`,
      `${at}.map.additionalProperties.ever`,
    ]);
    strategy.default?.(draft);
    assert.deepEqual(draft.spec.versions[0]?.schema?.openAPIV3Schema?.properties?.value?.default, {
      any: { thing: 1 },
    });
    assert.equal(draft.spec.versions[0]?.schema?.openAPIV3Schema?.properties?.open?.additionalProperties, true);
  });

  it('takes nulls for nothing, except inside values', () => {
    const draft = definition({
      schema: {
        type: 'object',
        description: null,
        properties: {
          a: { type: 'string', default: null, enum: [null, 'x'], items: null, additionalProperties: null },
          b: { type: 'object', default: { c: null } },
          list: { type: 'array', items: { type: 'string', default: null } },
        },
      } as never,
    });
    strategy.default?.(draft);
    assert.deepEqual(draft.spec.versions[0]?.schema?.openAPIV3Schema, {
      type: 'object',
      properties: {
        a: { type: 'string', enum: [null, 'x'] },
        b: { type: 'object', default: { c: null } },
        list: { type: 'array', items: { type: 'string' } },
      },
    });
  });

  const decoded = (schema: object): string | undefined =>
    decoder.decodeError({ spec: { versions: [{ schema: { openAPIV3Schema: schema } }] } } as unknown as JsonObject);
  const field = (path: string, type: string, value: string): string =>
    `json: cannot unmarshal ${value} into Go struct field JSONSchemaProps.${path} of type ${type}`;
  const wrong: [what: string, schema: object, error: string][] = [
    [
      'a bound that is no number',
      { properties: { a: { minimum: '5' } } },
      field('spec.versions.schema.openAPIV3Schema.properties.minimum', 'float64', 'string'),
    ],
    ['a list for additionalProperties', { additionalProperties: [] }, 'boolean or JSON schema expected'],
    ['a wrong type in additionalProperties', { additionalProperties: { type: 5 } }, field('type', 'string', 'number')],
    ['a wrong type in items', { items: { nullable: 'yes' } }, field('nullable', 'bool', 'string')],
    ['a wrong type in a list of items', { items: [{ title: true }] }, field('title', 'string', 'bool')],
  ];
  for (const [what, schema, error] of wrong) {
    it(`is decoded as Go decodes it: ${what}`, () => assert.equal(decoded(schema), error));
  }

  it('is decoded as Go decodes it: other fields, and what is right', () => {
    assert.equal(
      decoder.decodeError({ spec: { versions: [{ served: 'yes' }] } }),
      'json: cannot unmarshal string into Go struct field CustomResourceDefinitionVersion.spec.versions.served of type bool',
    );
    assert.equal(decoded({ additionalProperties: true, items: { type: 'string' }, default: { any: 1 } }), undefined);
  });

  it('must be named after what it defines', () => {
    const crd = definition({ metadata: { name: 'gadgets.example.com' } });
    assert.deepEqual((strategy.validate?.(crd, context) ?? []).map(errorText), [
      'metadata.name: Invalid value: "gadgets.example.com": must be spec.names.plural+"."+spec.group',
    ]);
  });

  it('warns of formats that nothing checks, of each once', () => {
    const withFormat = (...formats: string[]): CustomResourceDefinition =>
      definition({
        schema: {
          type: 'object',
          properties: Object.fromEntries(formats.map((format, i) => [`f${i}`, { type: 'string', format }])),
        },
      });
    assert.deepEqual(strategy.warnings?.(withFormat('semver', 'date', 'semver'), undefined, context), [
      'unrecognized format "semver"',
    ]);
    assert.deepEqual(strategy.warnings?.(withFormat('semver', 'x'), withFormat('semver'), context), [
      'unrecognized format "x"',
    ]);
  });

  it('waits for its custom resources before it goes', () => {
    const draft = definition({ metadata: { deletionTimestamp: '1970-01-01T00:00:01Z' } });
    assert.equal(strategy.pendingFinalizers?.(draft), true);
    strategy.prepareForDelete?.(draft);
    assert.deepEqual(draft.metadata.finalizers, ['customresourcecleanup.apiextensions.k8s.io']);
    assert.deepEqual(draft.status?.conditions, [
      {
        lastTransitionTime: '1970-01-01T00:00:01Z',
        message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
        reason: 'InstanceDeletionPending',
        status: 'True',
        type: 'Terminating',
      },
    ]);
    assert.equal(strategy.pendingFinalizers?.(draft), false);
  });
});
