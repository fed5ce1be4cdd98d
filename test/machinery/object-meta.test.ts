import assert from 'node:assert/strict';
import { coerceEmbedded, validateEmbedded } from '../../src/machinery/embedded-resource.ts';
import { errorText, FieldPath } from '../../src/machinery/field.ts';
import type { JsonObject, JsonValue } from '../../src/machinery/json.ts';
import type { ObjectMeta } from '../../src/machinery/object.ts';
import {
  coerceObjectMeta,
  validateConditions,
  validateDeleteOptions,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from '../../src/machinery/object-meta.ts';
import type { Schema } from '../../src/machinery/schema.ts';

const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

const create = (metadata: ObjectMeta, namespaced = true): string[] =>
  validateObjectMeta({ metadata }, { namespaced }).map(errorText);

const update = (now: ObjectMeta, before: ObjectMeta): string[] =>
  validateObjectMetaUpdate({ metadata: now }, { metadata: before }).map(errorText);

describe('metadata of a new object', () => {
  it('is accepted', () => {
    assert.deepEqual(create({ name: 'a', generateName: 'a-', namespace: 'b', labels: { a: '' } }), []);
    assert.deepEqual(create({ name: 'a' }, false), []);
  });

  const refused: [string, ObjectMeta, boolean, string[]][] = [
    [
      'without name and namespace',
      {},
      true,
      ['metadata.name: Required value: name or generateName is required', 'metadata.namespace: Required value'],
    ],
    [
      'with a bad name and generateName',
      { name: 'A', generateName: 'B', namespace: 'x' },
      true,
      [`metadata.generateName: Invalid value: "B": ${subdomain}`, `metadata.name: Invalid value: "A": ${subdomain}`],
    ],
    [
      'with a namespace it cannot have',
      { name: 'a', namespace: 'b' },
      false,
      ['metadata.namespace: Forbidden: not allowed on this type'],
    ],
    [
      'with a bad namespace',
      { name: 'a', namespace: 'b.c' },
      true,
      ['metadata.namespace: Invalid value: "b.c": must not contain dots'],
    ],
    [
      'with annotations of more than 256 KiB',
      { name: 'a', annotations: { a: 'é'.repeat(128 * 1024) } },
      false,
      ['metadata.annotations: Too long: may not be more than 262144 bytes'],
    ],
    [
      'with owners that are none',
      { name: 'a', ownerReferences: [{ apiVersion: 'a/b/c', kind: '', name: '', uid: '' }] },
      false,
      [
        'metadata.ownerReferences.apiVersion: Invalid value: "a/b/c": version must not be empty',
        'metadata.ownerReferences.kind: Invalid value: "": kind must not be empty',
        'metadata.ownerReferences.name: Invalid value: "": name must not be empty',
        'metadata.ownerReferences.uid: Invalid value: "": uid must not be empty',
      ],
    ],
    [
      'with two controllers',
      {
        name: 'a',
        ownerReferences: [
          { apiVersion: 'v1', kind: 'Pod', name: 'x', uid: '1', controller: true },
          { uid: '2', name: 'y', kind: 'Pod', apiVersion: 'v1', controller: true },
        ],
      },
      false,
      [
        'metadata.ownerReferences: Invalid value: [{"apiVersion":"v1","kind":"Pod","name":"x","uid":"1","controller":true},{"apiVersion":"v1","kind":"Pod","name":"y","uid":"2","controller":true}]: Only one reference can have Controller set to true. Found "true" in references for Pod/x and Pod/y',
      ],
    ],
    [
      'owned by an event',
      { name: 'a', ownerReferences: [{ apiVersion: 'v1', kind: 'Event', name: 'x', uid: '1' }] },
      false,
      [
        'metadata.ownerReferences: Invalid value: {"apiVersion":"v1","kind":"Event","name":"x","uid":"1"}: /v1, Kind=Event is disallowed from being an owner',
      ],
    ],
    [
      'with finalizers that exclude each other',
      { name: 'a', finalizers: ['orphan', 'foregroundDeletion'] },
      false,
      [
        'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set',
      ],
    ],
    [
      'with managed fields of an unknown kind',
      {
        name: 'a',
        managedFields: [
          {
            manager: 'a\nb',
            operation: 'Merge' as 'Apply',
            apiVersion: 'v1',
            fieldsType: 'V2' as 'FieldsV1',
            fieldsV1: {},
          },
          { manager: 'm'.repeat(129), operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: {} },
        ],
      },
      false,
      [
        'metadata.managedFields[0].operation: Invalid value: "Merge": must be `Apply` or `Update`',
        'metadata.managedFields[0].fieldsType: Invalid value: "V2": must be `FieldsV1`',
        'metadata.managedFields[0].manager: Invalid value: "a\\nb": invalid character U+000A (at position 1)',
        'metadata.managedFields[1].manager: Too long: may not be more than 128 bytes',
      ],
    ],
    [
      'with a negative generation',
      { name: 'a', generation: -1 },
      false,
      ['metadata.generation: Invalid value: -1: must be greater than or equal to 0'],
    ],
  ];
  for (const [what, metadata, namespaced, expected] of refused) {
    it(`is refused ${what}`, () => assert.deepEqual(create(metadata, namespaced), expected));
  }
});

describe('finalizers of built-in kinds', () => {
  it('are standard ones, or have a domain', () => {
    const metadata: ObjectMeta = { name: 'a', resourceVersion: '1', finalizers: ['orphan', 'a.b/c', 'mine'] };
    const expected = [
      'metadata.finalizers[2]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    ];
    const rules = { namespaced: false, qualifiedFinalizers: true };
    assert.deepEqual(validateObjectMeta({ metadata }, rules).map(errorText), expected);
    assert.deepEqual(
      validateObjectMetaUpdate({ metadata }, { metadata }, FieldPath.of('metadata'), rules).map(errorText),
      expected,
    );
    assert.deepEqual(create(metadata, false), []);
  });
});

describe('metadata of a changed object', () => {
  const before: ObjectMeta = {
    name: 'a',
    namespace: 'b',
    uid: 'u',
    resourceVersion: '1',
    generation: 2,
    creationTimestamp: '2024-01-01T00:00:00Z',
  };

  it('may change its labels and annotations', () => {
    assert.deepEqual(update({ ...before, labels: { a: 'b' }, annotations: { c: 'd' } }, before), []);
  });

  it('may not change what identifies the object', () => {
    assert.deepEqual(update({ name: 'x', generation: 1, deletionGracePeriodSeconds: 3 }, before), [
      'metadata.resourceVersion: Invalid value: "": must be specified for an update',
      'metadata.generation: Invalid value: 1: must not be decremented',
      'metadata.name: Invalid value: "x": field is immutable',
      'metadata.namespace: Invalid value: "": field is immutable',
      'metadata.uid: Invalid value: "": field is immutable',
      'metadata.creationTimestamp: Invalid value: null: field is immutable',
      'metadata.deletionGracePeriodSeconds: Invalid value: 3: field is immutable',
    ]);
  });

  it('gets no new finalizers when the object is being deleted', () => {
    const deleted = { ...before, deletionTimestamp: '2024-01-01T00:00:00Z', finalizers: ['a.b/c'] };
    assert.deepEqual(update({ ...deleted, finalizers: [] }, deleted), []);
    assert.deepEqual(update({ ...deleted, finalizers: ['a.b/z', 'a.b/c', 'a.b/d'] }, deleted), [
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"a.b/d", "a.b/z"}',
    ]);
  });
});

describe('metadata of no known type', () => {
  const coerce = (metadata: JsonValue, typed = false): [JsonValue | undefined, string | undefined, string[]] => {
    const object: JsonObject = { metadata };
    const { error, unknown } = coerceObjectMeta(object, typed ? 'ConfigMap' : '');
    return [object.metadata, error, unknown];
  };

  it('loses unknown fields and empty values, and gets whole seconds of UTC', () => {
    assert.deepEqual(
      coerce({
        foo: 1,
        name: 'a',
        namespace: '',
        labels: { a: null, b: 'c' },
        annotations: {},
        finalizers: [],
        generation: 0,
        creationTimestamp: null,
        deletionTimestamp: '2024-01-01T01:00:00.5+01:00',
        deletionGracePeriodSeconds: 0,
        ownerReferences: [{ name: 'o', bar: 1, controller: false }],
        managedFields: [{ manager: 'm', fieldsV1: { 'f:x': {} }, time: '2024-01-01T00:00:00Z' }],
      }),
      [
        {
          name: 'a',
          deletionTimestamp: '2024-01-01T00:00:00Z',
          deletionGracePeriodSeconds: 0,
          labels: { a: '', b: 'c' },
          ownerReferences: [{ apiVersion: '', kind: '', name: 'o', uid: '', controller: false }],
          managedFields: [{ manager: 'm', time: '2024-01-01T00:00:00Z', fieldsV1: { 'f:x': {} } }],
        },
        undefined,
        ['metadata.foo', 'metadata.ownerReferences[0].bar'],
      ],
    );
    assert.deepEqual(coerce(null), [{}, undefined, []]);
  });

  const refused: [JsonValue, string][] = [
    [42, 'json: cannot unmarshal number into Go value of type v1.ObjectMeta'],
    [{ name: 42 }, 'json: cannot unmarshal number into Go struct field ObjectMeta.name of type string'],
    [{ labels: { a: true } }, 'json: cannot unmarshal bool into Go struct field ObjectMeta.labels of type string'],
    [
      { annotations: 'x' },
      'json: cannot unmarshal string into Go struct field ObjectMeta.annotations of type map[string]string',
    ],
    [{ finalizers: {} }, 'json: cannot unmarshal object into Go struct field ObjectMeta.finalizers of type []string'],
    [{ generation: 1.5 }, 'json: cannot unmarshal number 1.5 into Go struct field ObjectMeta.generation of type int64'],
    [
      { ownerReferences: [{ uid: 1 }] },
      'json: cannot unmarshal number into Go struct field OwnerReference.ownerReferences.uid of type types.UID',
    ],
    [
      { creationTimestamp: 'yesterday' },
      'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"',
    ],
  ];
  for (const [metadata, message] of refused) {
    it(`is refused: ${JSON.stringify(metadata)}`, () => {
      const [after, error] = coerce(metadata);
      assert.equal(error, message);
      assert.deepEqual(after, metadata);
    });
  }

  it('is named from the root where the object has a type', () => {
    assert.equal(
      coerce({ labels: { a: 1 } }, true)[1],
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    );
  });

  it('takes __proto__ for a key like others', () => {
    const [after] = coerce(JSON.parse('{"labels":{"__proto__":"x"}}'));
    assert.deepEqual(Object.keys((after as { labels: JsonObject }).labels), ['__proto__']);
  });
});

describe('embedded resources', () => {
  const schema: Schema = {
    type: 'object',
    properties: {
      template: { type: 'object', 'x-kubernetes-embedded-resource': true },
      list: { type: 'array', items: { type: 'object', 'x-kubernetes-embedded-resource': true } },
    },
    additionalProperties: { type: 'object', 'x-kubernetes-embedded-resource': true },
  };
  const whole = (): JsonObject => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', foo: 1 } });

  it('lose unknown fields of their metadata wherever they stand', () => {
    const value: JsonObject = { template: whole(), list: [whole()], other: whole() };
    assert.deepEqual(coerceEmbedded(value, schema).unknown, [
      'template.metadata.foo',
      'list[0].metadata.foo',
      'other.metadata.foo',
    ]);
    assert.deepEqual(value.list, [{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } }]);
  });

  it('must have types that are strings', () => {
    const { error } = coerceEmbedded({ template: { kind: 42 } }, schema, { path: FieldPath.of('spec') });
    assert.equal(errorText(error!), 'spec.template.kind: Invalid value: 42: must be a string');
  });

  it('must name their type, and nothing else', () => {
    assert.deepEqual(
      validateEmbedded(
        { template: { kind: '%', apiVersion: 'a/b/c', metadata: { namespace: 'x' } }, list: [{}] },
        schema,
      ).map(errorText),
      [
        'template.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
        `template.kind: Invalid value: "%": may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`,
        'list[0].apiVersion: Required value',
        'list[0].kind: Required value',
      ],
    );
    assert.deepEqual(validateEmbedded(whole(), undefined, { isResourceRoot: true }), []);
  });
});

describe('options and conditions', () => {
  it('of deletion', () => {
    assert.deepEqual(validateDeleteOptions({ propagationPolicy: 'Orphan', dryRun: ['All'] }), []);
    assert.deepEqual(
      validateDeleteOptions({ orphanDependents: true, propagationPolicy: 'Later', dryRun: ['Some'] }).map(errorText),
      [
        'propagationPolicy: Invalid value: "Later": orphanDependents and deletionPropagation cannot be both set',
        'propagationPolicy: Unsupported value: "Later": supported values: "Foreground", "Background", "Orphan", "nil"',
        'dryRun: Unsupported value: ["Some"]: supported values: "All"',
      ],
    );
  });

  it('of status', () => {
    const good = { type: 'Ready', status: 'True', reason: 'Good', lastTransitionTime: '2024-01-01T00:00:00Z' };
    assert.deepEqual(validateConditions([good], FieldPath.of('c')), []);
    assert.deepEqual(
      validateConditions(
        [good, { ...good, status: 'Yes', reason: '', lastTransitionTime: null }],
        FieldPath.of('c'),
      ).map(errorText),
      [
        'c[1].type: Duplicate value: "Ready"',
        'c[1].status: Unsupported value: "Yes": supported values: "False", "True", "Unknown"',
        'c[1].lastTransitionTime: Required value: must be set',
        'c[1].reason: Required value: must be set',
      ],
    );
  });
});
