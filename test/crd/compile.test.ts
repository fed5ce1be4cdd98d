import assert from 'node:assert/strict';
import { alwaysAllow } from '../../src/apis/authorizer.ts';
import { compileCrd } from '../../src/crd/compile.ts';
import type { CustomResourceDefinition } from '../../src/crd/types.ts';
import { errorText } from '../../src/machinery/field.ts';
import type { JsonObject } from '../../src/machinery/json.ts';
import type { ApiObject } from '../../src/machinery/object.ts';
import { compileSchema } from '../../src/schema/compile.ts';

const context = { now: 0, user: { name: 'u', groups: [] }, dryRun: false, authorizer: alwaysAllow };

function definition(version: object = {}, spec: object = {}): CustomResourceDefinition {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'widgets', kind: 'Widget', shortNames: ['w'], categories: ['all'] },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                metadata: { type: 'object', properties: { name: { type: 'string', maxLength: 3 } } },
                spec: {
                  type: 'object',
                  properties: {
                    size: { type: 'integer', default: 1 },
                    color: { type: 'string' },
                    template: {
                      type: 'object',
                      'x-kubernetes-embedded-resource': true,
                      'x-kubernetes-preserve-unknown-fields': true,
                    },
                  },
                },
                status: { type: 'object', properties: { ready: { type: 'integer' }, since: { type: 'string' } } },
              },
            },
          },
          ...version,
        },
      ],
      ...spec,
    },
  } as CustomResourceDefinition;
}

const widget = (fields: object = {}): ApiObject => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name: 'a' },
  ...fields,
});

describe('a compiled custom resource definition', () => {
  it('is a resource type like any other', () => {
    const type = compileCrd(definition());
    assert.equal(type.group, 'example.com');
    assert.deepEqual(type.names, {
      plural: 'widgets',
      singular: 'widget',
      kind: 'Widget',
      listKind: 'WidgetList',
      shortNames: ['w'],
      categories: ['all'],
    });
    assert.equal(type.scope, 'Namespaced');
    assert.equal(type.storageVersion, 'v1');
    assert.equal(type.versions[0]?.typeErrors, 'validation');
    assert.equal(type.versions[0]?.status, false);
    assert.equal(type.strategy.generation, true);
    assert.equal(type.strategy.allowUnconditionalUpdate, false);
  });

  it('is compiled once for one spec', () => {
    const crd = definition();
    assert.equal(compileCrd(crd), compileCrd({ ...crd, metadata: { name: 'other' } }));
    assert.notEqual(compileCrd(crd), compileCrd(definition()));
  });

  it('orders versions by priority, whatever their order in the definition', () => {
    const names = ['foo10', 'v1alpha1', 'v11beta2', 'v1', 'v2', 'v10', 'foo1', 'v3beta1', 'v12alpha1', 'v10beta3'];
    const versions = names.map((name, i) => ({ name, served: true, storage: i === 0 }));
    const type = compileCrd(definition({}, { versions }));
    assert.deepEqual(
      type.versions.map(({ name }) => name),
      ['v10', 'v2', 'v1', 'v11beta2', 'v10beta3', 'v3beta1', 'v12alpha1', 'v1alpha1', 'foo1', 'foo10'],
    );
    assert.equal(type.storageVersion, 'foo10');
  });

  it('knows the fields that all objects have, and those of embedded ones', () => {
    const schema = compileSchema(compileCrd(definition()).versions[0]!.schema);
    const draft = {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: 'a', labels: { a: 'b' }, foo: 1 },
      spec: {
        extra: 1,
        template: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', bar: 1 }, any: { thing: 1 } },
      },
      other: 1,
    };
    assert.deepEqual(schema.prune(draft as JsonObject), [
      'metadata.foo',
      'other',
      'spec.extra',
      'spec.template.metadata.bar',
    ]);
    schema.applyDefaults(draft as JsonObject);
    assert.deepEqual((draft.spec as JsonObject).size, 1);
    assert.deepEqual((draft.spec.template as JsonObject).any, { thing: 1 });
  });

  it('restricts names as its schema says', () => {
    const schema = compileSchema(compileCrd(definition()).versions[0]!.schema);
    assert.deepEqual(schema.validate(widget({ metadata: { name: 'long' } }) as unknown as JsonObject).map(errorText), [
      'metadata.name: Too long: may not be more than 3 bytes',
    ]);
  });

  it('shows name and age when the definition adds no column', () => {
    const columns = compileCrd(definition()).versions[0]!.columns;
    assert.deepEqual(
      columns.map(({ name, type }) => [name, type]),
      [
        ['Name', 'string'],
        ['Age', 'date'],
      ],
    );
    const object = widget({ metadata: { name: 'a', creationTimestamp: '1970-01-01T00:00:00Z' } });
    assert.deepEqual(
      columns.map((column) => column.cell(object, 300_000)),
      ['a', '5m'],
    );
  });

  it('shows the columns that the definition adds, each by its type', () => {
    const additionalPrinterColumns = [
      { name: 'Color', type: 'string', jsonPath: '.spec.color' },
      { name: 'Size', type: 'integer', jsonPath: '.spec.size', priority: 1, description: 'How big.' },
      { name: 'SizeText', type: 'string', jsonPath: '.spec.size' },
      { name: 'Object', type: 'string', jsonPath: '.spec' },
      { name: 'Since', type: 'date', jsonPath: '.status.since' },
      { name: 'Wrong', type: 'integer', jsonPath: '.spec.color' },
      { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
      { name: 'Unreadable', type: 'string', jsonPath: '.spec[' },
      { name: 'Flag', type: 'boolean', jsonPath: '.spec.flag' },
    ];
    const columns = compileCrd(definition({ additionalPrinterColumns })).versions[0]!.columns;
    const object = widget({
      spec: { color: 'red', size: 3, flag: true },
      status: { since: 'never', conditions: [{ type: 'Ready', status: 'True' }] },
    });
    assert.deepEqual(
      columns.slice(1).map((column) => column.cell(object, 0)),
      ['red', 3, '3', '{"color":"red","flag":true,"size":3}', '<invalid>', null, 'True', null, true],
    );
    assert.deepEqual(
      columns.slice(1).map((column) => column.cell(widget(), 0)),
      [null, null, null, null, null, null, null, null, null],
    );
    assert.equal(columns[1]?.description, 'Custom resource definition column (in JSONPath format): .spec.color');
    assert.equal(columns[2]?.description, 'How big.');
    assert.equal(columns[2]?.priority, 1);
  });

  it('selects by the fields that the definition names', () => {
    const selectableFields = [{ jsonPath: '.spec.color' }, { jsonPath: '.spec.size' }];
    const fields = compileCrd(definition({ selectableFields })).versions[0]!.selectableFields;
    assert.deepEqual(
      fields.map(({ name }) => name),
      ['spec.color', 'spec.size'],
    );
    assert.deepEqual(
      fields.map(({ value }) => value(widget({ spec: { size: 3 } }))),
      ['', '3'],
    );
  });

  it('checks what scale reads', () => {
    const subresources = {
      status: {},
      scale: {
        specReplicasPath: '.spec.size',
        statusReplicasPath: '.status.ready',
        labelSelectorPath: '.status.since',
      },
    };
    const type = compileCrd(definition({ subresources }));
    const check = (fields: object): string[] =>
      (type.strategy.validate?.(widget(fields), context) ?? []).map(errorText);
    assert.equal(type.versions[0]?.status, true);
    assert.deepEqual(check({ spec: { size: 2 } }), []);
    assert.deepEqual(check({ spec: { size: -1 } }), [
      '.spec.size: Invalid value: -1: should be a non-negative integer',
    ]);
    assert.deepEqual(check({ spec: { size: 2 ** 31 } }), [
      '.spec.size: Invalid value: 2147483648: should be less than or equal to 2147483647',
    ]);
    assert.deepEqual(check({ spec: { size: 'x' } }), [
      '.spec.size: Invalid value: 0: .spec.size accessor error: x is of the type string, expected int64',
    ]);
    assert.deepEqual(check({ status: { since: 5 } }), [
      '.status.since: Invalid value: "": .status.since accessor error: 5 is of the type int64, expected string',
    ]);
  });

  it('starts without a status but the default one, where status is a subresource', () => {
    const status = { type: 'object', properties: { phase: { type: 'string', default: 'New' } } };
    const schema = (change: object) => ({
      schema: { openAPIV3Schema: { type: 'object', properties: { status: { ...status, ...change } } } },
    });
    const created = (version: object): unknown => {
      const draft = widget({ status: { phase: 'Done' } });
      compileCrd(definition(version)).strategy.prepareForCreate?.(draft, context);
      return draft.status;
    };
    assert.deepEqual(created(schema({})), { phase: 'Done' });
    assert.deepEqual(created({ ...schema({}), subresources: { status: {} } }), undefined);
    assert.deepEqual(created({ ...schema({ default: {} }), subresources: { status: {} } }), { phase: 'New' });
  });

  it('says what to use in place of a deprecated version', () => {
    const version = (name: string, change: object = {}) => ({ name, served: true, storage: false, ...change });
    const versions = [
      version('v1alpha1', { deprecated: true }),
      version('v1beta1', { deprecated: true, deprecationWarning: 'beware' }),
      version('v1beta2'),
      version('v1', { storage: true }),
      version('v2', { served: false }),
      version('v3alpha1', { deprecated: true }),
    ];
    const warnings = Object.fromEntries(
      compileCrd(definition({}, { versions })).versions.map((one) => [one.name, one.deprecationWarning]),
    );
    assert.deepEqual(warnings, {
      v2: undefined,
      v1: undefined,
      v1beta2: undefined,
      v1beta1: 'beware',
      v3alpha1: 'example.com/v3alpha1 Widget is deprecated; use example.com/v1 Widget',
      v1alpha1: 'example.com/v1alpha1 Widget is deprecated; use example.com/v1 Widget',
    });
  });

  it('shows and stores only what each version knows', async () => {
    const schema = (properties: object) => ({
      openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } },
    });
    const text = { type: 'string' };
    const versions = [
      { name: 'v1', served: true, storage: false, schema: schema({ a: text, b: text }) },
      { name: 'v2', served: true, storage: true, schema: schema({ a: text, c: { ...text, default: 'new' } }) },
    ];
    const type = compileCrd(definition({}, { versions }));
    const object = Object.freeze(widget({ spec: Object.freeze({ a: 'x', b: 'y' }) }));
    const [stored] = (await type.convert?.([object], 'v2')) ?? [];
    assert.deepEqual(stored, { ...object, apiVersion: 'example.com/v2', spec: { a: 'x', c: 'new' } });
    assert.deepEqual(await type.convert?.([stored!], 'v1'), [
      { ...stored, apiVersion: 'example.com/v1', spec: { a: 'x' } },
    ]);
    assert.equal(compileCrd(definition()).convert, undefined);
  });

  it('warns of new finalizers that others may choose too', () => {
    const { strategy } = compileCrd(definition());
    const finalizers = (...names: string[]): ApiObject => widget({ metadata: { name: 'a', finalizers: names } });
    const warning = (name: string): string =>
      `metadata.finalizers: "${name}": prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers`;
    assert.deepEqual(strategy.warnings?.(finalizers('b', 'a', 'orphan', 'example.com/c'), undefined, context), [
      warning('a'),
      warning('b'),
    ]);
    assert.deepEqual(strategy.warnings?.(finalizers('b', 'a'), finalizers('a'), context), [warning('b')]);
  });

  describe('with rules', () => {
    const rules = [
      { rule: 'self.size <= self.limit' },
      { rule: 'self.size >= oldSelf.size', message: 'never shrinks' },
    ];
    const size = { type: 'integer' };
    const type = compileCrd(
      definition({
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                required: ['size', 'limit'],
                properties: { size, limit: size, color: { type: 'string', maxLength: 3 } },
                'x-kubernetes-validations': rules,
              },
            },
          },
        },
      }),
    );
    const create = (spec: object): string[] =>
      (type.strategy.validate?.(widget({ spec }), context) ?? []).map(errorText);
    const update = (spec: object, old: object): string[] =>
      (type.strategy.validateUpdate?.(widget({ spec }), widget({ spec: old }), context) ?? []).map(errorText);

    it('checks new objects by those that need no old one', () => {
      assert.deepEqual(create({ size: 1, limit: 2 }), []);
      assert.deepEqual(create({ size: 3, limit: 2 }), ['spec: Invalid value: failed rule: self.size <= self.limit']);
    });

    it('checks changes by all of them', () => {
      assert.deepEqual(update({ size: 1, limit: 5 }, { size: 2, limit: 5 }), ['spec: Invalid value: never shrinks']);
    });

    it('lets pass what was wrong before and has not changed', () => {
      assert.deepEqual(update({ size: 3, limit: 2 }, { size: 3, limit: 2 }), []);
    });

    it('says so when the schema leaves nothing to check', () => {
      assert.deepEqual(create({ size: 3 }), [
        '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
      ]);
    });
  });
});
