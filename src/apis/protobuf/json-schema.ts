/**
 * The three places of a JSON schema where a schema or something else may stand.
 * Source: `k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1` (types_jsonschema.go, marshal.go).
 */
import type { JsonValue } from '../../machinery/json.ts';
import {
  boolValue,
  convertedValue,
  type FieldType,
  type MessageType,
  messageValue,
  stringValue,
  type ValueType,
} from '../../machinery/protobuf/index.ts';

type SchemaMessage = () => MessageType;

function union(
  name: string,
  schema: SchemaMessage,
  other: FieldType,
  order: 'schema first' | 'schema last',
): MessageType {
  const one: FieldType = { shape: 'one', name: 'schema', value: messageValue(schema), omitEmpty: false };
  return { name, fields: order === 'schema first' ? [undefined, one, other] : [undefined, other, one] };
}

const isSchema = (value: JsonValue): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

/** `items`: one schema or a list of them. */
export function schemaOrArray(schema: SchemaMessage): ValueType {
  const list: FieldType = { shape: 'list', name: 'jSONSchemas', value: messageValue(schema), omitEmpty: false };
  return convertedValue(
    union('JSONSchemaPropsOrArray', schema, list, 'schema first'),
    (message) => message.jSONSchemas ?? message.schema,
    (value) => (isSchema(value) ? { schema: value } : { jSONSchemas: value }),
  );
}

/** `additionalProperties`: a schema, or whether there may be any. */
export function schemaOrBool(schema: SchemaMessage): ValueType {
  const allows: FieldType = { shape: 'one', name: 'allows', value: boolValue, omitEmpty: false };
  return convertedValue(
    union('JSONSchemaPropsOrBool', schema, allows, 'schema last'),
    (message) => message.schema ?? message.allows ?? false,
    (value) => (isSchema(value) ? { schema: value, allows: true } : { allows: value }),
  );
}

/** `dependencies`: a schema or a list of names. */
export function schemaOrStrings(schema: SchemaMessage): ValueType {
  const property: FieldType = { shape: 'list', name: 'property', value: stringValue, omitEmpty: false };
  return convertedValue(
    union('JSONSchemaPropsOrStringArray', schema, property, 'schema first'),
    (message) => message.property ?? message.schema,
    (value) => (isSchema(value) ? { schema: value } : { property: value }),
  );
}
