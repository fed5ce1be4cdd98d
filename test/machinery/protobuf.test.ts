import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../src/machinery/json.ts';
import {
  boolValue,
  bytesValue,
  delimited,
  doubleValue,
  type FieldType,
  int32Value,
  int64Value,
  intOrStringValue,
  jsonValue,
  listValue,
  type MessageType,
  messageValue,
  microTimeValue,
  ProtobufError,
  quantityValue,
  readEnvelope,
  readMessage,
  stringValue,
  timeValue,
  type ValueType,
  WireReader,
  WireWriter,
  writeEnvelope,
  writeMessage,
} from '../../src/machinery/protobuf/index.ts';

const one = (name: string, value: ValueType, omitEmpty = false): FieldType => ({
  shape: 'one',
  name,
  value,
  omitEmpty,
});
const list = (name: string, value: ValueType): FieldType => ({ shape: 'list', name, value, omitEmpty: false });
const map = (name: string, value: ValueType): FieldType => ({ shape: 'map', name, value, omitEmpty: false });

const inner: MessageType = { name: 'Inner', fields: [undefined, one('deep', int32Value)] };
const everything: MessageType = {
  name: 'Everything',
  fields: [
    undefined,
    one('text', stringValue, true),
    one('kept', stringValue),
    one('flag', boolValue, true),
    one('small', int32Value),
    one('large', int64Value),
    one('ratio', doubleValue),
    one('bytes', bytesValue),
    one(
      'self',
      messageValue(() => everything),
    ),
    list('words', stringValue),
    list('numbers', int64Value),
    map('labels', stringValue),
    map('counts', int32Value),
    map(
      'objects',
      messageValue(() => everything),
    ),
    { shape: 'inline', message: inner },
    map('extra', listValue('Extra', stringValue)),
  ],
};

const hex = (text: string): Uint8Array => Buffer.from(text.replace(/\s/g, ''), 'hex');

function read(bytes: Uint8Array, type = everything): JsonObject {
  const object: JsonObject = {};
  readMessage(type, new WireReader(bytes), object);
  return object;
}

function write(object: JsonObject, type = everything): Buffer {
  const to = new WireWriter();
  writeMessage(type, to, object);
  return to.finish();
}

const fails = (bytes: Uint8Array, message: string | RegExp): void =>
  assert.throws(
    () => read(bytes),
    (error) => {
      assert.ok(error instanceof ProtobufError, String(error));
      if (typeof message === 'string') assert.equal(error.message, message);
      else assert.match(error.message, message);
      return true;
    },
  );

describe('protobuf on the wire', () => {
  it('reads every int64 as it was written, and as a number where that is exact', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const to = new WireWriter();
        to.int64(value);
        const back = new WireReader(to.finish()).int64();
        assert.equal(BigInt(back), value);
        assert.equal(typeof back, Number.isSafeInteger(Number(value)) ? 'number' : 'bigint');
      }),
    );
    for (const edge of [0, 127, 128, 2 ** 28 - 1, 2 ** 28, 2 ** 53 - 1, -1, -(2 ** 53 - 1)]) {
      const to = new WireWriter();
      to.int64(edge);
      assert.equal(new WireReader(to.finish()).int64(), edge);
    }
  });

  it('reads every int32, whose negative numbers take ten bytes', () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        const to = new WireWriter();
        to.int64(value);
        assert.equal(new WireReader(to.finish()).int32(), value);
      }),
    );
    assert.equal(new WireReader(hex('ffffffffffffffffff01')).int32(), -1);
  });

  it('writes lengths of every size before what they measure', () => {
    for (const length of [0, 1, 126, 127, 128, 16_383, 16_384, 100_000]) {
      const kept = 'x'.repeat(length);
      assert.deepEqual(read(write({ self: { kept, small: 7 }, large: 1 })), { self: { kept, small: 7 }, large: 1 });
    }
  });

  it('passes over fields that it does not know, of every wire type', () => {
    //                   varint    eight bytes             bytes         group with a field      four bytes
    const unknown = hex('f807 05   f907 0102030405060708   fa07 02 aabb  fb07 0801 fc07          fd07 01020304');
    assert.deepEqual(read(Buffer.concat([unknown, write({ small: 3 }), unknown])), { small: 3 });
  });

  it('refuses what is broken, in the words of gogo/protobuf', () => {
    fails(hex('0a'), 'unexpected EOF');
    fails(hex('0a05 6161'), 'unexpected EOF');
    fails(hex('0affffffff0f 61'), 'unexpected EOF');
    fails(hex('0a ffffffffffffffffff01'), 'proto: negative length found during unmarshaling');
    fails(hex('20 ffffffffffffffffffff01'), 'proto: integer overflow');
    fails(hex('31 0102'), 'unexpected EOF');
    fails(hex('0c'), 'proto: Everything: wiretype end group for non-group');
    fails(hex('00'), 'proto: Everything: illegal tag 0 (wire type 0)');
    fails(hex('08 01'), 'proto: wrong wireType = 0 for field Text');
    fails(hex('4a 00 20 01 22 00'), 'proto: wrong wireType = 2 for field Small');
    fails(hex('fe07'), 'proto: illegal wireType 6');
    fails(hex('fb07 fb07 fc07'), 'unexpected EOF');
  });

  it('refuses messages that nest without end', () => {
    let nested: Uint8Array = new Uint8Array();
    for (let depth = 0; depth < 5000; depth++) {
      const to = new WireWriter();
      to.tag(8, delimited);
      to.bytes(nested);
      nested = Buffer.from(to.finish());
    }
    fails(nested, /messages nest deeper than 100$/);
  });

  it('ends every read of random bytes with an object or a ProtobufError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          read(bytes);
        } catch (error) {
          assert.ok(error instanceof ProtobufError, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('ends every read of a message cut short or bent with an object or a ProtobufError', () => {
    const whole = write({ text: 'a', self: { words: ['x', 'y'], labels: { k: 'v' }, deep: 1 }, numbers: [1, 2 ** 40] });
    for (let at = 0; at < whole.length; at++) {
      for (const bytes of [
        whole.subarray(0, at),
        Buffer.concat([whole.subarray(0, at), hex('ff'), whole.subarray(at + 1)]),
      ]) {
        try {
          read(bytes);
        } catch (error) {
          assert.ok(error instanceof ProtobufError, String(error));
        }
      }
    }
  });
});

describe('protobuf messages', () => {
  const scalars = {
    text: fc.string({ minLength: 1 }),
    kept: fc.string({ unit: 'grapheme' }),
    flag: fc.constant(true),
    small: fc.integer(),
    large: fc.maxSafeInteger(),
    ratio: fc.double({ noNaN: true }),
    bytes: fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64')),
    words: fc.array(fc.string(), { minLength: 1 }),
    numbers: fc.array(fc.maxSafeInteger(), { minLength: 1 }),
    labels: fc.dictionary(fc.string(), fc.string(), { minKeys: 1 }),
    counts: fc.dictionary(fc.string(), fc.integer(), { minKeys: 1 }),
    deep: fc.integer(),
    extra: fc.dictionary(fc.string(), fc.array(fc.string()), { minKeys: 1 }),
  };
  const options: { requiredKeys: []; noNullPrototype: true } = { requiredKeys: [], noNullPrototype: true };
  const flat = fc.record(scalars, options);
  const nested = { self: flat, objects: fc.dictionary(fc.string(), flat, { minKeys: 1, maxKeys: 3 }) };
  const messages = fc.record({ ...scalars, ...nested, self: fc.record({ ...scalars, ...nested }, options) }, options);

  it('come back as they were written', () => {
    fc.assert(
      fc.property(messages, (object) => {
        assert.deepEqual(plain(read(write(object as JsonObject))), plain(object as JsonObject));
      }),
    );
  });

  it('leave out the zeros that Go leaves out of JSON, and keep the others', () => {
    assert.deepEqual(read(hex('0a00 1200 1800 2000')), { kept: '', small: 0 });
    assert.deepEqual(read(hex('0a0161 0a00')), {}, 'the last value counts');
  });

  it('read lists of numbers packed and one by one', () => {
    assert.deepEqual(read(hex('5203 01ac02 5005')), { numbers: [1, 300, 5] });
  });

  it('join what is given twice', () => {
    assert.deepEqual(read(Buffer.concat([write({ self: { small: 1 } }), write({ self: { large: 2 } })])), {
      self: { small: 1, large: 2 },
    });
  });

  it('read map entries without a key or a value', () => {
    assert.deepEqual(read(hex('5a00 5a03 0a0161 6203 0a0162')), { labels: { '': '', a: '' }, counts: { b: 0 } });
  });

  it('take a key called __proto__ for a key', () => {
    const { labels } = read(write({ labels: JSON.parse('{"__proto__":"x"}') as JsonObject }));
    assert.deepEqual(Object.entries(labels as JsonObject), [['__proto__', 'x']]);
  });

  it('are not written from values of other types', () => {
    const wrong: JsonObject[] = [
      { text: 1 },
      { small: 'x' },
      { large: 1.5 },
      { self: [] },
      { words: 'x' },
      { labels: [] },
    ];
    for (const object of wrong) assert.throws(() => write(object), ProtobufError, JSON.stringify(object));
  });
});

describe('protobuf values with a form of their own', () => {
  const through = (type: ValueType, value: JsonValue): JsonValue | undefined =>
    read(write({ value }, holder(type)), holder(type)).value;
  const from = (type: ValueType, bytes: string): JsonValue | undefined =>
    read(Buffer.concat([Buffer.from([0x0a, hex(bytes).length]), hex(bytes)]), holder(type)).value;
  const refused = (type: ValueType, bytes: string, message: string): void =>
    assert.throws(() => from(type, bytes), new ProtobufError(message));

  it('are times in whole seconds', () => {
    assert.equal(through(timeValue, '2026-01-31T09:30:00Z'), '2026-01-31T09:30:00Z');
    assert.equal(through(timeValue, '1969-12-31T23:59:59Z'), '1969-12-31T23:59:59Z');
    assert.equal(through(timeValue, '2026-01-31T10:30:00.75+01:00'), '2026-01-31T09:30:00Z');
    assert.equal(from(timeValue, '0801 108094ebdc03'), '1970-01-01T00:00:01Z', 'nanoseconds are cut off');
    assert.equal(from(timeValue, '0800 1000'), '1970-01-01T00:00:00Z');
  });

  it('are no time when nothing is written, or the first of January of the year 1', () => {
    assert.equal(from(timeValue, ''), undefined);
    assert.equal(from(timeValue, '0880 92b8c398feffffff01'), undefined);
  });

  it('refuse times that have no RFC 3339 form', () => {
    refused(timeValue, '08 80808080808001', 'Time.MarshalJSON: year outside of range [0,9999]');
    refused(timeValue, '08 ffffffffffffffff7f', 'Time.MarshalJSON: year outside of range [0,9999]');
    assert.throws(() => through(timeValue, 'yesterday'), ProtobufError);
  });

  it('are times in microseconds', () => {
    for (const text of ['2026-01-31T09:30:00.123456Z', '1969-12-31T23:59:59.500000Z', '2026-01-31T09:30:00.000000Z']) {
      assert.equal(through(microTimeValue, text), text);
    }
  });

  it('are quantities, spelled as Kubernetes spells them', () => {
    assert.equal(through(quantityValue, '100m'), '100m');
    assert.equal(through(quantityValue, '0.5'), '500m');
    assert.equal(from(quantityValue, ''), '0');
    refused(
      quantityValue,
      '0a0178',
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
  });

  it('are integers or strings', () => {
    for (const value of [0, 8080, -1, '', 'http', '50%']) assert.equal(through(intOrStringValue, value), value);
    assert.equal(from(intOrStringValue, ''), 0);
    refused(intOrStringValue, '0802', 'impossible IntOrString.Type');
  });

  it('are JSON in JSON', () => {
    for (const value of [{ a: [1, 'x', null] }, [], 'text', false, 1234567890123456789n, null]) {
      assert.deepEqual(through(jsonValue, value) ?? null, value);
    }
    assert.equal(from(jsonValue, ''), undefined);
    assert.throws(() => from(jsonValue, '0a017b'), ProtobufError);
  });

  function holder(type: ValueType): MessageType {
    return { name: 'Holder', fields: [undefined, one('value', type)] };
  }
});

describe('the envelope of protobuf bodies', () => {
  it('comes back as it was written', () => {
    const raw = Buffer.from([1, 2, 3]);
    const {
      apiVersion,
      kind,
      raw: back,
    } = readEnvelope(writeEnvelope({ apiVersion: 'apps/v1', kind: 'Deployment', raw }));
    assert.deepEqual([apiVersion, kind, [...back]], ['apps/v1', 'Deployment', [1, 2, 3]]);
  });

  it('refuses what is no envelope, in words of Kubernetes', () => {
    const refuses = (bytes: Uint8Array, message: string): void =>
      assert.throws(() => readEnvelope(bytes), new ProtobufError(message));
    const prefix = 'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]';
    refuses(Buffer.from(''), 'empty data');
    refuses(Buffer.from('k8s'), prefix);
    refuses(Buffer.from('{"kind":"Pod"}'), prefix);
    refuses(Buffer.from('k8s\0'), 'empty body');
    refuses(Buffer.from('k8s\0\x08\x01', 'latin1'), 'proto: wrong wireType = 0 for field TypeMeta');
    refuses(Buffer.from('k8s\0\x12\x05', 'latin1'), 'unexpected EOF');
  });

  it('says nothing of the kind when nothing is said', () => {
    assert.deepEqual(readEnvelope(Buffer.from('k8s\0\x12\x00', 'latin1')), {
      apiVersion: '',
      kind: '',
      raw: Buffer.alloc(0),
    });
  });
});

/** Without the difference between 0 and -0, which integers do not know. */
function plain(object: JsonObject): unknown {
  return JSON.parse(JSON.stringify(object, (_, value) => (Object.is(value, -0) ? 0 : value)));
}
