import assert from 'node:assert/strict';
import { validateCrd, validateCrdName, validateCrdStatus, validateCrdUpdate } from '../../src/crd/crd-validation.ts';
import { shownSchema } from '../../src/crd/internal-form.ts';
import type { CustomResourceDefinition, JsonSchemaProps } from '../../src/crd/types.ts';
import { errorText } from '../../src/machinery/field.ts';
import { definition } from './definition.ts';

const problems = (crd: CustomResourceDefinition): string[] => validateCrd(crd).map(errorText);
const label =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

describe('validation of custom resource definitions', () => {
  it('finds nothing wrong with what is right', () => {
    assert.deepEqual(problems(definition()), []);
  });

  const v2 = { name: 'v2', served: true, storage: false, schema: { openAPIV3Schema: { type: 'object' } } };
  const v1 = { ...v2, name: 'v1', storage: true };
  const cases: [what: string, crd: CustomResourceDefinition, expected: string[]][] = [
    ['no group', definition({ spec: { group: '' } }), ['spec.group: Required value']],
    [
      'a group of one label',
      definition({ spec: { group: 'example' } }),
      ['spec.group: Invalid value: "example": should be a domain with at least one dot'],
    ],
    [
      'a strange scope',
      definition({ spec: { scope: 'Galaxy' } }),
      ['spec.scope: Unsupported value: "Galaxy": supported values: "Cluster", "Namespaced"'],
    ],
    ['no scope', definition({ spec: { scope: '' } }), ['spec.scope: Required value']],
    [
      'a plural in upper case',
      definition({ names: { plural: 'Widgets' } }),
      [`spec.names.plural: Invalid value: "Widgets": ${label}`],
    ],
    [
      'a kind with a space',
      definition({ names: { kind: 'My Kind' } }),
      [`spec.names.kind: Invalid value: "My Kind": may have mixed case, but should otherwise match: ${label}`],
    ],
    [
      'a list named like its items',
      definition({ names: { listKind: 'Widget' } }),
      ['spec.names.listKind: Invalid value: "Widget": kind and listKind may not be the same'],
    ],
    [
      'no names',
      definition({ names: { singular: '', listKind: '' } }),
      ['spec.names.singular: Required value', 'spec.names.listKind: Required value'],
    ],
    [
      'a bad short name',
      definition({ names: { shortNames: ['w', 'W'] } }),
      [`spec.names.shortNames[1]: Invalid value: "W": ${label}`],
    ],
    [
      'a bad category',
      definition({ names: { categories: ['A'] } }),
      [`spec.names.categories[0]: Invalid value: "A": ${label}`],
    ],
    [
      'two versions to store',
      definition({ spec: { versions: [v1, { ...v2, storage: true }] }, status: { storedVersions: ['v1', 'v2'] } }),
      [
        'spec.versions: Invalid value: [{"Name":"v1","Served":true,"Storage":true,"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources":null,"AdditionalPrinterColumns":null,"SelectableFields":null},{"Name":"v2","Served":true,"Storage":true,"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources":null,"AdditionalPrinterColumns":null,"SelectableFields":null}]: must have exactly one version marked as storage version',
      ],
    ],
    [
      'a version named like a number',
      definition({ version: { name: '1' }, status: { storedVersions: ['1'] } }),
      [`spec.versions[0].name: Invalid value: "1": ${label}`, `spec.version: Invalid value: "1": ${label}`],
    ],
    [
      'no schema',
      definition({ version: { schema: undefined } }),
      ['spec.versions[0].schema.openAPIV3Schema: Required value'],
    ],
    [
      'a warning of a version that is not deprecated',
      definition({ version: { deprecationWarning: 'go away' } }),
      ['spec.versions[0].deprecationWarning: Invalid value: "go away": can only be set for deprecated versions'],
    ],
    [
      'an empty warning',
      definition({ version: { deprecated: true, deprecationWarning: '' } }),
      ['spec.versions[0].deprecationWarning: Invalid value: "": must not be an empty string'],
    ],
    [
      'a warning with a bell',
      definition({ version: { deprecated: true, deprecationWarning: 'é\x07' } }),
      [
        'spec.versions[0].deprecationWarning: Invalid value: "é\\a": must only contain printable UTF-8 characters; non-printable character found at index 2',
      ],
    ],
    [
      'a column of no type and with a bad path',
      definition({ version: { additionalPrinterColumns: [{ name: 'A', type: '', jsonPath: 'spec.a' }] } }),
      [
        'spec.additionalPrinterColumns[0].type: Required value: must be one of boolean,date,integer,number,string',
        'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "spec.a": must be a simple json path starting with .',
      ],
    ],
    [
      'a column with strange type and format, and no name',
      definition({ version: { additionalPrinterColumns: [{ name: '', type: 'text', format: 'x', jsonPath: '' }] } }),
      [
        'spec.additionalPrinterColumns[0].name: Required value',
        'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
        'spec.additionalPrinterColumns[0].format: Invalid value: "x": must be one of byte,date,date-time,double,float,int32,int64,password',
        'spec.additionalPrinterColumns[0].JSONPath: Required value',
      ],
    ],
    [
      'scale paths in the wrong places',
      definition({
        version: {
          subresources: {
            scale: { specReplicasPath: '.status.a', statusReplicasPath: 'b', labelSelectorPath: '.metadata.c' },
          },
        },
      }),
      [
        'spec.subresources.scale.specReplicasPath: Invalid value: ".status.a": should be a json path under .spec',
        'spec.subresources.scale.statusReplicasPath: Invalid value: "b": must be a simple json path starting with .',
        'spec.subresources.scale.labelSelectorPath: Invalid value: ".metadata.c": should be a json path under either .spec or .status',
      ],
    ],
    [
      'parts that differ between versions where they stand',
      definition({
        spec: {
          versions: [v1, { ...v2, subresources: { scale: { specReplicasPath: '', statusReplicasPath: '.status.r' } } }],
        },
      }),
      ['spec.versions[1].subresources.scale.specReplicasPath: Required value'],
    ],
    [
      'preserveUnknownFields',
      definition({ spec: { preserveUnknownFields: true } }),
      [
        'spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
      ],
    ],
    [
      'a group of the community without its approval',
      definition({ spec: { group: 'x.k8s.io' } }),
      [
        'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
      ],
    ],
    [
      'a group of the community with its approval',
      definition({
        spec: { group: 'x.k8s.io' },
        metadata: {
          annotations: { 'api-approved.kubernetes.io': 'https://github.com/kubernetes/enhancements/pull/1' },
        },
      }),
      [],
    ],
    [
      'no stored version',
      definition({ status: { storedVersions: null } }),
      ['status.storedVersions: Invalid value: null: must have at least one stored version'],
    ],
    [
      'a stored version that is gone',
      definition({ status: { storedVersions: ['v1', 'v0'] } }),
      [
        'status.storedVersions[1]: Invalid value: "v0": missing from spec.versions; v0 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v0 and removes v0 from status.storedVersions',
      ],
    ],
  ];
  for (const [what, crd, expected] of cases) it(`judges ${what}`, () => assert.deepEqual(problems(crd), expected));

  it('judges names', () => {
    assert.deepEqual(validateCrdName('widgets.example.com', definition()), []);
    assert.deepEqual(validateCrdName('gadgets.example.com', definition()), [
      'must be spec.names.plural+"."+spec.group',
    ]);
    assert.equal(validateCrdName('Widgets', definition()).length, 2);
  });

  it('judges accepted names', () => {
    const crd = definition({ status: { acceptedNames: { plural: 'W', kind: 'Widget' } } });
    assert.deepEqual(validateCrdStatus(crd).map(errorText), [
      `status.acceptedNames.plural: Invalid value: "W": ${label}`,
    ]);
  });
});

describe('validation of conversions', () => {
  const service = { namespace: 'ns', name: 'n', port: 443 };
  const webhook = (change: object): CustomResourceDefinition =>
    definition({
      spec: { conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], ...change } } },
    });
  const clientPath = 'spec.conversion.webhookClientConfig';
  const cases: [what: string, crd: CustomResourceDefinition, expected: string[]][] = [
    ['a service', webhook({ clientConfig: { service: { ...service, path: '/convert' } } }), []],
    ['no webhook', webhook({}), [`${clientPath}: Required value: required when strategy is set to Webhook`]],
    [
      'a strange strategy',
      definition({ spec: { conversion: { strategy: 'Magic' } } }),
      ['spec.conversion.strategy: Unsupported value: "Magic": supported values: "None", "Webhook"'],
    ],
    [
      'a webhook without the strategy',
      definition({ spec: { conversion: { strategy: 'None', webhook: { clientConfig: { url: 'https://h' } } } } }),
      [`${clientPath}: Forbidden: should not be set when strategy is not set to Webhook`],
    ],
    [
      'both service and URL',
      webhook({ clientConfig: { service, url: 'https://h' } }),
      [`${clientPath}: Required value: exactly one of url or service is required`],
    ],
    [
      'a URL with everything that it must not have',
      webhook({ clientConfig: { url: 'http://u@h/p?q#f' } }),
      [
        `${clientPath}.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
        `${clientPath}.url: Invalid value: "u": user information is not permitted in the URL`,
        `${clientPath}.url: Invalid value: "f": fragments are not permitted in the URL`,
        `${clientPath}.url: Invalid value: "q": query parameters are not permitted in the URL`,
      ],
    ],
    [
      'a service with a bad port and path',
      webhook({ clientConfig: { service: { ...service, port: 0, path: 'a//b' } } }),
      [
        `${clientPath}.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive`,
        `${clientPath}.service.path: Invalid value: "a//b": must start with a '/'`,
        `${clientPath}.service.path: Invalid value: "a//b": segment[0] may not be empty`,
        `${clientPath}.service.path: Invalid value: "a//b": segment[1] may not be empty`,
      ],
    ],
    [
      'review versions that nobody speaks',
      webhook({ clientConfig: { service }, conversionReviewVersions: ['v9', 'v9'] }),
      [
        'spec.conversion.conversionReviewVersions[1]: Invalid value: "v9": duplicate version',
        'spec.conversion.conversionReviewVersions: Invalid value: ["v9","v9"]: must include at least one of v1, v1beta1',
      ],
    ],
    [
      'no review versions',
      webhook({ clientConfig: { service }, conversionReviewVersions: null }),
      ['spec.conversion.conversionReviewVersions: Required value'],
    ],
  ];
  for (const [what, crd, expected] of cases) it(`judges ${what}`, () => assert.deepEqual(problems(crd), expected));
});

describe('validation of schemas', () => {
  const root = 'spec.validation.openAPIV3Schema';
  const within = (schema: JsonSchemaProps): JsonSchemaProps => ({ type: 'object', properties: { f: schema } });
  const f = `${root}.properties[f]`;
  const empty = JSON.stringify(shownSchema({}));
  const cases: [what: string, schema: JsonSchemaProps, expected: string[]][] = [
    ['no type', {}, [`${root}.type: Required value: must not be empty at the root`]],
    [
      'a list at the root',
      { type: 'array', items: { type: 'string' } },
      [`${root}.type: Invalid value: "array": must be object at the root`],
    ],
    ['no type of a field', within({}), [`${f}.type: Required value: must not be empty for specified object fields`]],
    [
      'no type of items',
      within({ type: 'array', items: {} }),
      [`${f}.items.type: Required value: must not be empty for specified array items`],
    ],
    ['no items', within({ type: 'array' }), [`${f}.items: Required value: must be specified`]],
    [
      'a strange type',
      within({ type: 'text' } as unknown as JsonSchemaProps),
      [
        `${f}.type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"`,
      ],
    ],
    ['a field that takes anything', within({ 'x-kubernetes-preserve-unknown-fields': true }), []],
    [
      'preserving nothing',
      within({ type: 'object', 'x-kubernetes-preserve-unknown-fields': false } as JsonSchemaProps),
      [`${f}.x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined`],
    ],
    [
      'int-or-string',
      within({ 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }),
      [],
    ],
    [
      'int-or-string with more beside it',
      within({
        'x-kubernetes-int-or-string': true,
        allOf: [{ anyOf: [{ type: 'integer' }, { type: 'string' }] }, { pattern: '^a' }],
      }),
      [],
    ],
    [
      'structure inside a validation',
      within({ type: 'string', anyOf: [{ type: 'string', description: 'x' }] }),
      [
        `${f}.anyOf[0].description: Forbidden: must be empty to be structural`,
        `${f}.anyOf[0].type: Forbidden: must be empty to be structural`,
      ],
    ],
    [
      'a field that only a validation knows',
      { type: 'object', oneOf: [{ properties: { a: { minimum: 1 } }, required: ['a'] }] },
      [`${root}.properties[a]: Required value: because it is defined in ${root}.oneOf[0].properties[a]`],
    ],
    [
      'properties and additionalProperties',
      within({ type: 'object', properties: { a: { type: 'string' } }, additionalProperties: { type: 'string' } }),
      [`${f}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`],
    ],
    [
      'additionalProperties at the root',
      { type: 'object', additionalProperties: { type: 'string' } },
      [`${root}.additionalProperties: Forbidden: must not be used at the root`],
    ],
    [
      'metadata with more than names',
      { type: 'object', properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } } },
      [
        `${root}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`,
      ],
    ],
    [
      'a pattern for the name',
      {
        type: 'object',
        properties: { metadata: { type: 'object', properties: { name: { type: 'string', pattern: '^a' } } } },
      },
      [],
    ],
    [
      'a nullable root',
      { type: 'object', nullable: true },
      [`${root}.nullable: Forbidden: nullable cannot be true at the root`],
    ],
    [
      'a pattern that Go cannot read',
      within({ type: 'string', pattern: '(?=a)' }),
      [
        `${f}.pattern: Invalid value: "(?=a)": must be a valid regular expression, but isn't: error parsing regexp: invalid or unsupported Perl syntax: \`(?=\``,
      ],
    ],
    [
      'fields that Kubernetes does not support',
      { type: 'object', id: 'x', $ref: 'y', definitions: { a: { type: 'string' } }, uniqueItems: true },
      [
        `${root}.id: Forbidden: id is not supported`,
        `${root}.definitions: Forbidden: definitions is not supported`,
        `${root}.$ref: Forbidden: $ref is not supported`,
        `${root}.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`,
      ],
    ],
    [
      'a list of schemas for items',
      within({ type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['a'], items: [null] }),
      [
        `${f}.items: Forbidden: items must be a schema object and not an array`,
        `${f}.items: Invalid value: {"Schema":null,"JSONSchemas":[${empty}]}: must only have a single schema if x-kubernetes-list-type is map`,
      ],
    ],
    [
      'a list type on what is no list',
      within({ type: 'string', 'x-kubernetes-list-type': 'set' }),
      [`${f}.type: Invalid value: "string": must be array if x-kubernetes-list-type is specified`],
    ],
    [
      'a set of objects that are not atomic',
      within({ type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'object' } }),
      [
        `${f}.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set`,
      ],
    ],
    [
      'a map of lists without keys',
      within({ type: 'array', 'x-kubernetes-list-type': 'map', items: { type: 'object' } }),
      [`${f}.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`],
    ],
    [
      'a key that may be absent',
      within({
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name', 'what'],
        items: { type: 'object', properties: { name: { type: 'string' } } },
      }),
      [
        `${f}.x-kubernetes-list-map-keys: Invalid value: ["name","what"]: entries must all be names of item properties`,
        `${f}.items.properties[name].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
      ],
    ],
    [
      'keys without the type',
      within({ type: 'array', 'x-kubernetes-list-map-keys': ['a'], items: { type: 'object' } }),
      [`${f}.x-kubernetes-list-type: Required value: must be map if x-kubernetes-list-map-keys is non-empty`],
    ],
    [
      'a strange map type',
      within({ type: 'object', 'x-kubernetes-map-type': 'flat' } as unknown as JsonSchemaProps),
      [`${f}.x-kubernetes-map-type: Unsupported value: "flat": supported values: "atomic", "granular"`],
    ],
    [
      'an embedded resource without fields',
      within({ type: 'object', 'x-kubernetes-embedded-resource': true }),
      [
        `${f}.properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields`,
      ],
    ],
  ];
  for (const [what, schema, expected] of cases) {
    it(`judges ${what}`, () => assert.deepEqual(problems(definition({ schema })), expected));
  }

  it('allows little at the root when status is a subresource', () => {
    const crd = definition({ schema: { type: 'object', maxProperties: 5 }, version: { subresources: { status: {} } } });
    const [only, ...more] = problems(crd);
    assert.deepEqual(more, []);
    assert.match(
      only ?? '',
      /^spec\.validation\.openAPIV3Schema: Invalid value: \{"ID":"","Schema":"".*"MaxProperties":5/,
    );
    assert.match(
      only ?? '',
      /: only \[Description Type Format .* XValidations\] fields are allowed at the root of the schema if the status subresource is enabled$/,
    );
  });
});

describe('validation of defaults', () => {
  const root = 'spec.validation.openAPIV3Schema';
  const embedded: JsonSchemaProps = {
    type: 'object',
    'x-kubernetes-embedded-resource': true,
    properties: { kind: { type: 'string' }, metadata: { type: 'object' }, spec: { type: 'object' } },
  };
  const cases: [what: string, schema: JsonSchemaProps, expected: string[]][] = [
    ['a right one', { type: 'object', properties: { a: { type: 'integer', default: 1, minimum: 1 } } }, []],
    [
      'one of a wrong type',
      { type: 'object', properties: { a: { type: 'integer', default: 'x' } } },
      [`${root}.properties[a].default: Invalid value: "string":  in body must be of type integer: "string"`],
    ],
    [
      'one with an unknown field and a wrong one',
      {
        type: 'object',
        properties: {
          a: { type: 'object', default: { b: 0, c: 1 }, properties: { b: { type: 'integer', minimum: 1 } } },
        },
      },
      [
        `${root}.properties[a].default: Invalid value: {"b":0,"c":1}: must not have unknown fields`,
        `${root}.properties[a].default.b: Invalid value: 0: b in body should be greater than or equal to 1`,
      ],
    ],
    [
      'one of metadata',
      { type: 'object', properties: { metadata: { type: 'object', default: {} } } },
      [`${root}.properties[metadata].default: Forbidden: must not be set in top-level metadata`],
    ],
    [
      'one that makes bad metadata in an embedded resource',
      {
        type: 'object',
        properties: {
          e: {
            ...embedded,
            properties: { ...embedded.properties, metadata: { type: 'object', default: { labels: { a: '!' } } } },
          },
        },
      },
      [
        `${root}.properties[e].properties[metadata].default: Invalid value: {"labels":{"a":"!"}}: must result in valid metadata: metadata.labels: Invalid value: "!": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
      ],
    ],
  ];
  for (const [what, schema, expected] of cases) {
    it(`judges ${what}`, () => assert.deepEqual(problems(definition({ schema })), expected));
  }
});

describe('validation of selectable fields', () => {
  const schema: JsonSchemaProps = {
    type: 'object',
    properties: {
      metadata: { type: 'object', properties: { name: { type: 'string' } } },
      spec: {
        type: 'object',
        properties: { color: { type: 'string' }, list: { type: 'array', items: { type: 'string' } } },
      },
    },
  };
  const check = (...paths: string[]): string[] =>
    problems(definition({ schema, version: { selectableFields: paths.map((jsonPath) => ({ jsonPath })) } }));

  it('accepts scalars', () => assert.deepEqual(check('.spec.color'), []));
  it('refuses everything else', () => {
    const at = (i: number): string => `spec.selectableFields[${i}].jsonPath`;
    assert.deepEqual(
      check('', '.spec.size', '.spec.list', '.metadata.name', '.spec.color', '.spec.color', ".spec['color']"),
      [
        `${at(0)}: Required value`,
        `${at(1)}: Invalid value: ".spec.size": is an invalid path: does not refer to a valid field`,
        `${at(2)}: Invalid value: ".spec.list": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.`,
        `${at(3)}: Invalid value: ".metadata.name": must not point to fields in metadata`,
        `${at(5)}: Duplicate value: ".spec.color"`,
        `${at(6)}: Invalid value: ".spec['color']": is an invalid path: array notation is not allowed`,
      ],
    );
  });
});

describe('validation of rules', () => {
  const path = 'spec.validation.openAPIV3Schema.x-kubernetes-validations[0]';
  const check = (rule: object): string[] =>
    problems(
      definition({
        schema: {
          type: 'object',
          properties: { a: { type: 'object', properties: { 'b.c': { type: 'string' } } } },
          'x-kubernetes-validations': [{ rule: 'true', ...rule }],
        },
      }),
    );
  const cases: [what: string, rule: object, expected: string[]][] = [
    ['a right one', { message: 'm', reason: 'FieldValueInvalid', fieldPath: ".a['b.c']" }, []],
    ['no expression', { rule: ' ' }, [`${path}.rule: Required value: rule is not specified`]],
    ['a blank message', { message: ' ' }, [`${path}.message: Invalid value: " ": must be non-empty if specified`]],
    [
      'a message of two lines',
      { message: 'a\nb' },
      [`${path}.message: Invalid value: "a\\nb": must not contain line breaks`],
    ],
    [
      'an expression of two lines without a message',
      { rule: 'true ||\nfalse' },
      [`${path}.message: Required value: message must be specified if rule contains line breaks`],
    ],
    [
      'a strange reason',
      { reason: 'Because' },
      [
        `${path}.reason: Unsupported value: "Because": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"`,
      ],
    ],
    ['a path to nowhere', { fieldPath: '.a.b' }, [`${path}.fieldPath: Invalid value: ".a.b": must be a valid path`]],
  ];
  for (const [what, rule, expected] of cases) it(`judges ${what}`, () => assert.deepEqual(check(rule), expected));

  const root = 'spec.validation.openAPIV3Schema';
  const ruled = (rule: string, change: object = {}): JsonSchemaProps => ({
    type: 'object',
    properties: {
      size: { type: 'integer', 'x-kubernetes-validations': [{ rule, ...change }] },
      list: { type: 'array', items: { type: 'string' } },
    },
  });
  const detail = (schema: JsonSchemaProps): string[] =>
    validateCrd(definition({ schema })).map((error) => `${error.field}: ${error.detail}`);

  it('compiles expressions', () => {
    assert.deepEqual(detail(ruled('self > 0')), []);
    const [only, ...more] = detail(ruled("self > 'x'"));
    assert.deepEqual(more, []);
    assert.match(
      only ?? '',
      /^spec\.validation\.openAPIV3Schema\.properties\[size\]\.x-kubernetes-validations\[0\]\.rule: compilation failed: ERROR: <input>:1:6: found no matching overload/,
    );
  });

  it('refuses expressions that may cost too much', () => {
    const schema = ruled('self > 0');
    schema.properties!.list!.items = {
      type: 'string',
      'x-kubernetes-validations': [{ rule: "self.matches('a+') && self.contains('b')" }],
    };
    assert.equal(
      detail(schema)[0]?.startsWith(
        `${root}.properties[list].items.x-kubernetes-validations[0].rule: estimated rule cost exceeds budget by factor of`,
      ),
      true,
    );
  });

  it('compiles nothing where the schema is wrong', () => {
    const schema = ruled("self > 'x'");
    assert.deepEqual(detail({ ...schema, nullable: true }).length, 2);
    schema.properties!.size!.uniqueItems = true;
    assert.deepEqual(detail(schema), [
      `${root}.properties[size].uniqueItems: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`,
    ]);
  });

  it('runs rules on defaults', () => {
    const schema = ruled('self > 5', { message: 'too small' });
    schema.properties!.size!.default = 1;
    assert.deepEqual(detail(schema), [`${root}.properties[size].default: too small`]);
  });

  it('compiles only what an update changes', () => {
    const bad = definition({ schema: ruled("self > 'x'") });
    assert.deepEqual(validateCrdUpdate(bad, bad), []);
    assert.equal(validateCrdUpdate(bad, definition({ schema: ruled('self > 0') })).length, 1);
  });
});

describe('validation of changed definitions', () => {
  const established = { conditions: [{ type: 'Established', status: 'True' }] };
  const update = (crd: CustomResourceDefinition, old: CustomResourceDefinition): string[] =>
    validateCrdUpdate(crd, old).map(errorText);

  it('keeps group and plural for ever, scope and kind once established', () => {
    const changed = definition({
      spec: { group: 'example.org', scope: 'Cluster' },
      names: { plural: 'gadgets', kind: 'Gadget' },
    });
    assert.deepEqual(update(changed, definition({ status: established })), [
      'spec.scope: Invalid value: "Cluster": field is immutable',
      'spec.names.kind: Invalid value: "Gadget": field is immutable',
      'spec.group: Invalid value: "example.org": field is immutable',
      'spec.names.plural: Invalid value: "gadgets": field is immutable',
    ]);
    assert.equal(update(changed, definition()).length, 2);
  });

  it('lets pass what the old definition has already', () => {
    const set: JsonSchemaProps = {
      type: 'object',
      properties: { s: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'object' } } },
    };
    const loose: JsonSchemaProps = {
      type: 'object',
      properties: { d: { type: 'object', default: { what: 1 }, properties: { a: { type: 'string' } } } },
    };
    for (const schema of [set, loose]) {
      assert.equal(update(definition({ schema }), definition()).length, 1);
      assert.deepEqual(update(definition({ schema }), definition({ schema })), []);
    }
    const preserving = definition({ spec: { preserveUnknownFields: true } });
    assert.deepEqual(update(preserving, preserving), []);
    const unapproved = definition({ spec: { group: 'x.k8s.io' } });
    assert.deepEqual(update(unapproved, unapproved), []);
  });

  it('checks the certificates of an established definition', () => {
    const bundle = (caBundle: string): CustomResourceDefinition =>
      definition({
        status: established,
        spec: {
          conversion: {
            strategy: 'Webhook',
            webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: 'https://h', caBundle } },
          },
        },
      });
    const bad = bundle(Buffer.from('none').toString('base64'));
    assert.match(
      update(bad, bundle(''))[0] ?? '',
      /^spec\.conversion\.webhookClientConfig\.caBundle: Invalid value: .*: unable to load root certificates: /,
    );
    assert.deepEqual(update(bad, bad), []);
  });
});
