import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { decodeMessage, encodeMessage, messageOf, messageTables } from '../../src/apis/protobuf/index.ts';
import { numberedFields } from '../../src/apis/protobuf/table.ts';
import { presenceOf, schemaOf } from '../../src/apis/schemas.ts';
import { type JsonObject, type JsonValue, parseJson } from '../../src/machinery/json.ts';
import {
  delimited,
  type MessageType,
  ProtobufError,
  readEnvelope,
  WireWriter,
} from '../../src/machinery/protobuf/index.ts';
import type { Schema } from '../../src/machinery/schema.ts';
import { compileSchema } from '../../src/schema/compile.ts';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const apiextensions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';

const definitions = Object.entries(messageTables).flatMap(([name, table]) =>
  Object.keys(table).map((short) => ({ definition: `${name}.${short}`, table, row: table[short]! })),
);
/** Messages that stand only inside others. */
const inlined = new Set(
  definitions.flatMap(({ definition, row }) =>
    numberedFields(row)
      .filter((field) => field.inline)
      .map((field) => definition.replace(/\w+$/, field.name)),
  ),
);
const hasSchema = (definition: string): boolean => {
  try {
    return schemaOf(definition) !== undefined;
  } catch {
    return false;
  }
};
const published = definitions.filter(({ definition }) => hasSchema(definition));

function fieldNames(row: string, table: Readonly<Record<string, string>>): string[] {
  return numberedFields(row).flatMap(({ name, inline }) => (inline ? fieldNames(table[name]!, table) : [name]));
}

describe('the tables of field numbers', () => {
  it('hold every field of every schema, and no other', () => {
    for (const { definition, table, row } of published) {
      const properties = Object.keys(schemaOf(definition).properties ?? {});
      const found = fieldNames(row, table);
      const missing = properties.filter((name) => !found.includes(name));
      // A whole object's type stands in the envelope.
      const inEnvelope = properties.includes('metadata') || /Options$/.test(definition) ? ['apiVersion', 'kind'] : [];
      assert.deepEqual(
        missing,
        inEnvelope.filter((name) => properties.includes(name)),
        definition,
      );
      assert.deepEqual(
        found.filter((name) => !properties.includes(name)),
        [],
        definition,
      );
    }
    assert.ok(published.length > 500, String(published.length));
  });

  it('have no schema only where a message is inlined', () => {
    for (const { definition } of definitions) {
      if (!hasSchema(definition)) assert.ok(inlined.has(definition), definition);
    }
  });

  it('give no number twice', () => {
    for (const { definition, row } of definitions) {
      const numbers = numberedFields(row).map(({ number }) => number);
      assert.ok(
        numbers.every((number, i) => number > (numbers[i - 1] ?? 0)),
        `${definition}: ${numbers}`,
      );
    }
  });

  it('know numbers that follow, numbers of their own and inlined messages', () => {
    assert.deepEqual(numberedFields(' a b=4 ...Rest d '), [
      { number: 1, name: 'a', inline: false },
      { number: 4, name: 'b', inline: false },
      { number: 5, name: 'Rest', inline: true },
      { number: 6, name: 'd', inline: false },
    ]);
    assert.deepEqual(numberedFields(''), []);
  });

  it('make a message of every definition', () => {
    for (const { definition } of published) {
      const message = messageOf(definition);
      assert.ok(message !== undefined, definition);
      // Value types of fields are asked for what they hold only when it is needed: an empty one asks.
      for (const field of message.fields) {
        if (field !== undefined && field.shape !== 'inline') assert.ok(field.value.zero() !== undefined);
      }
    }
  });

  it('have no messages for what is no Kubernetes kind, or has no protobuf form', () => {
    for (const name of ['io.k8s.api.core.v1.Nothing', 'com.example.v1.Widget', 'Widget', `${meta}.Patch`]) {
      assert.equal(messageOf(name), undefined, name);
    }
  });
});

// ----------------------------------------------------------------------------------------------------- round trips

describe('objects of built-in kinds', () => {
  const kinds = published.filter(
    ({ definition }) =>
      schemaOf(definition)['x-kubernetes-group-version-kind'] !== undefined && !definition.endsWith('List'),
  );

  it('come back from protobuf as they were', () => {
    for (const { definition } of kinds) {
      const message = messageOf(definition)!;
      fc.assert(
        fc.property(objectOf(definition, 5), (object) => {
          assert.deepEqual(decodeMessage(message, encodeMessage(message, object)), object, definition);
        }),
        { numRuns: 8 },
      );
    }
  });

  it('come back when fields that nobody knows stand between theirs', () => {
    const message = messageOf('io.k8s.api.core.v1.Pod')!;
    fc.assert(
      fc.property(objectOf('io.k8s.api.core.v1.Pod', 4), (object) => {
        const unknown = new WireWriter();
        unknown.tag(1000, delimited);
        unknown.string('from the future');
        const bytes = Buffer.concat([unknown.finish(), encodeMessage(message, object), unknown.finish()]);
        assert.deepEqual(decodeMessage(message, bytes), object);
      }),
      { numRuns: 20 },
    );
  });

  it('are refused, and nothing worse, when their bytes are bent', () => {
    const message = messageOf('io.k8s.api.apps.v1.Deployment')!;
    const edit = fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.boolean() });
    fc.assert(
      fc.property(objectOf('io.k8s.api.apps.v1.Deployment', 5), edit, (object, { at, byte, cut }) => {
        const bytes = Buffer.from(encodeMessage(message, object));
        const index = at % (bytes.length + 1);
        if (index < bytes.length) bytes[index] = byte;
        try {
          decodeMessage(message, cut ? bytes.subarray(0, index) : bytes);
        } catch (error) {
          assert.ok(error instanceof ProtobufError, String(error));
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** Objects of a definition in the form in which Go writes them: no zero where Go leaves it out, no empty list or map. */
function objectOf(definition: string, depth: number): fc.Arbitrary<JsonObject> {
  const { properties = {}, required = [] } = schemaOf(definition);
  const { pointers = [], always = [] } = presenceOf(definition);
  const known = namesIn(messageOf(definition)!);
  const members: Record<string, fc.Arbitrary<JsonValue>> = {};
  for (const [name, schema] of Object.entries(properties)) {
    if (!known.has(name)) continue;
    const omitted = !pointers.includes(name) && !always.includes(name) && !required.includes(name);
    const value = valueOfSchema(schema, depth, omitted);
    if (value !== undefined) members[name] = value;
  }
  return fc.record(members, { requiredKeys: [], noNullPrototype: true }) as fc.Arbitrary<JsonObject>;
}

function namesIn(message: MessageType): Set<string> {
  return new Set(
    message.fields.flatMap((field) =>
      field === undefined ? [] : field.shape === 'inline' ? [...namesIn(field.message)] : [field.name],
    ),
  );
}

const text = fc.string({ maxLength: 5 });
const seconds = fc.date({ min: new Date('0002-01-01'), max: new Date('9999-01-01'), noInvalidDate: true });
const anyJson: fc.Arbitrary<JsonValue> = fc.oneof(
  text,
  fc.integer(),
  fc.boolean(),
  fc.constant<JsonValue>([1, null, { a: 'b' }]),
);

const specials: Readonly<Record<string, (depth: number) => fc.Arbitrary<JsonValue> | undefined>> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': () => fc.constantFrom('0', '100m', '1Gi', '12', '5k'),
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': () => fc.oneof(fc.integer(), text),
  'io.k8s.apimachinery.pkg.runtime.RawExtension': () => fc.constant({ kind: 'Any', list: [1, null] }),
  [`${meta}.FieldsV1`]: () => fc.constant({ 'f:metadata': { 'f:labels': {} } }),
  [`${meta}.Time`]: () => seconds.map((date) => `${date.toISOString().slice(0, 19)}Z`),
  [`${meta}.MicroTime`]: () => seconds.map((date) => `${date.toISOString().slice(0, -1)}456Z`),
  [`${apiextensions}.JSON`]: () => anyJson,
  [`${apiextensions}.JSONSchemaPropsOrArray`]: (depth) =>
    depth <= 0 ? undefined : objectOf(`${apiextensions}.JSONSchemaProps`, depth - 2),
  [`${apiextensions}.JSONSchemaPropsOrBool`]: (depth) =>
    depth <= 0 ? fc.boolean() : fc.oneof(fc.boolean(), objectOf(`${apiextensions}.JSONSchemaProps`, depth - 2)),
  [`${apiextensions}.JSONSchemaPropsOrStringArray`]: () => fc.array(text, { minLength: 1, maxLength: 3 }),
};

function valueOfSchema(schema: Schema, depth: number, nonZero: boolean): fc.Arbitrary<JsonValue> | undefined {
  const { definition, type, format } = schema;
  if (definition !== undefined) {
    const special = specials[definition];
    if (special !== undefined) return special(depth);
    return depth <= 0 ? undefined : objectOf(definition, depth - 1);
  }
  switch (type) {
    case 'boolean':
      return nonZero ? fc.constant(true) : fc.boolean();
    case 'integer':
      return nonZero ? integer(format).filter((value) => value !== 0) : integer(format);
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => value !== 0);
    case 'string': {
      if (format === 'byte')
        return fc.uint8Array({ minLength: 1 }).map((bytes) => Buffer.from(bytes).toString('base64'));
      return nonZero ? text.filter((value) => value !== '') : text;
    }
    case 'array': {
      const item = valueOfSchema(schema.items!, depth, false);
      return item && (fc.array(item, { minLength: 1, maxLength: 2 }) as fc.Arbitrary<JsonValue>);
    }
    default: {
      if (typeof schema.additionalProperties !== 'object') return undefined;
      const entry = valueOfSchema(schema.additionalProperties, depth, false);
      return (
        entry &&
        (fc.dictionary(text, entry, { minKeys: 1, maxKeys: 2, noNullPrototype: true }) as fc.Arbitrary<JsonValue>)
      );
    }
  }
}

function integer(format: string | undefined): fc.Arbitrary<number | bigint> {
  return format === 'int32' ? fc.integer() : fc.oneof(fc.maxSafeInteger(), fc.constant(2n ** 62n + 1n));
}

// ------------------------------------------------------------------------------------------- what kubectl really sends

describe('what kubectl 1.36 sends', () => {
  const bodies: readonly (readonly [string, string, string, string, JsonObject])[] = [
    [
      'a namespace',
      'v1',
      'io.k8s.api.core.v1.Namespace',
      'azhzAAoPCgJ2MRIJTmFtZXNwYWNlEhwKFAoEdGVhbRIAGgAiACoAMgA4AEIAEgAaAgoAGgAiAA==',
      { metadata: { name: 'team' }, spec: {} },
    ],
    [
      'a deployment',
      'apps/v1',
      'io.k8s.api.apps.v1.Deployment',
      'azhzAAoVCgdhcHBzL3YxEgpEZXBsb3ltZW50EsABCiIKA3dlYhIAGgNmb28iACoAMgA4AEIAWgoKA2FwcBIDd2ViEosBCAISDAoKCgNhcHASA3dlYhpxChwKABIAGgAiACoAMgA4AEIAWgoKA2FwcBIDd2ViElESMwoFbmdpbngSCm5naW54OjEuMjcqADIKCgAQABhQIgAqAEIAagByAIABAIgBAJABAKIBABoAMgBCAEoAUgBYAGAAaACCAQCKAQCaAQDCAQAiAgoAKAA4ABoMCAAQABgAIAAoADgAGgAiAA==',
      {
        metadata: { name: 'web', namespace: 'foo', labels: { app: 'web' } },
        spec: {
          replicas: 2,
          selector: { matchLabels: { app: 'web' } },
          template: {
            metadata: { labels: { app: 'web' } },
            spec: {
              containers: [{ name: 'nginx', image: 'nginx:1.27', ports: [{ containerPort: 80 }], resources: {} }],
            },
          },
          strategy: {},
        },
      },
    ],
    [
      'a disruption budget',
      'policy/v1',
      'io.k8s.api.policy.v1.PodDisruptionBudget',
      'azhzAAogCglwb2xpY3kvdjESE1BvZERpc3J1cHRpb25CdWRnZXQSOQoUCgFwEgAaA2ZvbyIAKgAyADgAQgASFQoJCAEQABoDNTAlEggKBgoBYRIBYhoKCAAYACAAKAAwABoAIgA=',
      {
        metadata: { name: 'p', namespace: 'foo' },
        spec: { minAvailable: '50%', selector: { matchLabels: { a: 'b' } } },
      },
    ],
    [
      'a token request',
      'authentication.k8s.io/v1',
      'io.k8s.api.authentication.v1.TokenRequest',
      'azhzAAooChhhdXRoZW50aWNhdGlvbi5rOHMuaW8vdjESDFRva2VuUmVxdWVzdBIdChAKABIAGgAiACoAMgA4AEIAEgMg2AQaBAoAEgAaACIA',
      { metadata: {}, spec: { expirationSeconds: 600 } },
    ],
  ];
  for (const [what, apiVersion, definition, body, expected] of bodies) {
    it(`is read: ${what}`, () => {
      const envelope = readEnvelope(Buffer.from(body, 'base64'));
      assert.deepEqual([envelope.apiVersion, envelope.kind], [apiVersion, definition.replace(/.*\./, '')]);
      const decoded = decodeMessage(messageOf(definition)!, envelope.raw);
      delete decoded.status; // what the server writes
      assert.deepEqual(decoded, expected);
    });
  }
});

// ------------------------------------------------------------------------------------------------ what Kubernetes writes

const samples = new URL('../../.tools/kubernetes-samples/', import.meta.url);

describe("Kubernetes' own samples of every kind", () => {
  it('are in protobuf what they are in JSON', function () {
    if (!existsSync(samples)) this.skip();
    let count = 0;
    for (const file of readdirSync(samples).filter((name) => name.endsWith('.pb'))) {
      const { apiVersion, kind, raw } = readEnvelope(readFileSync(new URL(file, samples)));
      const [version = '', group = 'core'] = apiVersion.split('/').reverse();
      const definition = `io.k8s.api.${group.split('.', 1)[0]}.${version}.${kind}`;
      const message = messageOf(definition);
      if (message === undefined) continue;
      const json = parseJson(readFileSync(new URL(file.replace('.pb', '.json'), samples))) as JsonObject;
      delete json.apiVersion;
      delete json.kind;
      // A newer release may have fields that the schemas do not know.
      compileSchema(schemaOf(definition)).prune(json);
      const decoded = decodeMessage(message, raw);
      assert.deepEqual(decoded, json, file);
      assert.deepEqual(decodeMessage(message, encodeMessage(message, decoded)), decoded, file);
      count++;
    }
    assert.ok(count > 60, String(count));
  });
});
