/**
 * The messages of `k8s.io/apimachinery` with a JSON form of their own.
 * Source: `metav1.Time`, `metav1.MicroTime`, `resource.Quantity`, `intstr.IntOrString`, `runtime.RawExtension`.
 */
import { JsonSyntaxError, parseJson, stringifyJson } from '../json.ts';
import { Quantity, QuantityError } from '../quantity.ts';
import { formatSeconds, parseTime, TimeError } from '../time.ts';
import { convertedValue, int32Value, int64Value, type MessageType, stringValue, type ValueType } from './message.ts';
import { delimited, ProtobufError } from './wire.ts';

/** A message of scalars, numbered from one in their order. */
function message(name: string, fields: Readonly<Record<string, ValueType>>): MessageType {
  return {
    name,
    fields: [
      undefined,
      ...Object.entries(fields).map(([field, value]) => ({
        shape: 'one' as const,
        name: field,
        value,
        omitEmpty: false,
      })),
    ],
  };
}

/** The first moment that Go's times know, which is their zero value: the first of January of the year 1. */
const zeroSeconds = -62_135_596_800;
const endSeconds = 253_402_300_800; // the year 10000

const timestamp = message('Timestamp', { seconds: int64Value, nanos: int32Value });

function time(format: (seconds: number, nanos: number) => string, nanosOf: (text: string) => number): ValueType {
  return convertedValue(
    timestamp,
    ({ seconds, nanos }) => {
      // Nothing at all is the zero time, and so is its second.
      if (seconds === undefined && nanos === undefined) return undefined;
      const at = Number(seconds ?? 0);
      if (at === zeroSeconds && (nanos ?? 0) === 0) return undefined;
      if (at < zeroSeconds || at >= endSeconds) {
        throw new ProtobufError('Time.MarshalJSON: year outside of range [0,9999]');
      }
      return format(at, Number(nanos ?? 0));
    },
    (value) => {
      if (value === null) return {};
      const text = String(value);
      try {
        const nanos = nanosOf(text);
        return { seconds: Math.floor(parseTime(text) / 1000), ...(nanos === 0 ? {} : { nanos }) };
      } catch (error) {
        throw error instanceof TimeError ? new ProtobufError(error.message) : error;
      }
    },
  );
}

/** Whole seconds: what a client sends beyond them is cut off. */
export const timeValue = time(
  (seconds) => formatSeconds(seconds * 1000),
  () => 0,
);

export const microTimeValue = time(
  (seconds, nanos) => {
    const micros = Math.trunc(nanos / 1000);
    const whole = seconds + Math.floor(micros / 1e6);
    const text = formatSeconds(whole * 1000);
    return `${text.slice(0, -1)}.${String(((micros % 1e6) + 1e6) % 1e6).padStart(6, '0')}Z`;
  },
  (text) => Number((/\.(\d{1,6})/.exec(text)?.[1] ?? '').padEnd(6, '0')) * 1000,
);

export const quantityValue = convertedValue(
  message('Quantity', { string: stringValue }),
  ({ string }) => {
    if (string === undefined) return '0';
    try {
      return Quantity.parse(string as string).toString();
    } catch (error) {
      throw error instanceof QuantityError ? new ProtobufError(error.message) : error;
    }
  },
  (value) => ({ string: String(value) }),
);

export const intOrStringValue = convertedValue(
  message('IntOrString', { type: int64Value, intVal: int32Value, strVal: stringValue }),
  ({ type = 0, intVal = 0, strVal = '' }) => {
    if (type === 0) return intVal;
    if (type === 1) return strVal;
    throw new ProtobufError('impossible IntOrString.Type');
  },
  (value) => (typeof value === 'string' ? { type: 1, strVal: value } : { type: 0, intVal: value }),
);

/** JSON text inside a message: `RawExtension`, `FieldsV1`, `JSON`. */
function json(name: string): ValueType {
  return {
    wire: delimited,
    zero: () => null,
    read(from) {
      let text: Uint8Array | undefined;
      const outer = from.enter();
      while (!from.done) {
        from.tag(name);
        if (from.field === 1) {
          from.expect(delimited, 'raw');
          text = from.bytes();
        } else from.skip();
      }
      from.leave(outer);
      if (text === undefined || text.length === 0) return undefined;
      try {
        return parseJson(text);
      } catch (error) {
        throw error instanceof JsonSyntaxError ? new ProtobufError(error.message) : error;
      }
    },
    write(to, value) {
      const start = to.begin();
      to.tag(1, delimited);
      to.string(stringifyJson(value));
      to.end(start);
    },
  };
}

export const rawExtensionValue = json('RawExtension');
export const fieldsV1Value = json('FieldsV1');
export const jsonValue = json('JSON');

/** A list inside a map or another list, which stands in a message of its own: `ExtraValue`. */
export function listValue(name: string, item: ValueType): ValueType {
  const type: MessageType = {
    name,
    fields: [undefined, { shape: 'list', name: 'items', value: item, omitEmpty: false }],
  };
  return convertedValue(
    type,
    ({ items = [] }) => items,
    (value) => ({ items: value }),
  );
}
