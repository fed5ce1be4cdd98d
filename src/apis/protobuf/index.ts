/**
 * Kubernetes' own kinds in protobuf: message types made from our schemas, which know the fields' types, and from tables of
 * field numbers, a file a package.
 */

import type { JsonObject } from '../../machinery/json.ts';
import {
  boolValue,
  bytesValue,
  doubleValue,
  type FieldType,
  fieldsV1Value,
  int32Value,
  int64Value,
  intOrStringValue,
  jsonValue,
  listValue,
  type MessageType,
  messageValue,
  microTimeValue,
  quantityValue,
  rawExtensionValue,
  readMessage,
  stringValue,
  timeValue,
  type ValueType,
  WireReader,
  WireWriter,
  writeMessage,
} from '../../machinery/protobuf/index.ts';
import type { Schema } from '../../machinery/schema.ts';
import { presenceOf, schemaOf } from '../schemas.ts';
import { admissionregistrationV1 } from './admissionregistration-v1.ts';
import { apiextensionsV1 } from './apiextensions-v1.ts';
import { apiregistrationV1 } from './apiregistration-v1.ts';
import { appsV1 } from './apps-v1.ts';
import { authenticationV1 } from './authentication-v1.ts';
import { authorizationV1 } from './authorization-v1.ts';
import { autoscalingV1 } from './autoscaling-v1.ts';
import { autoscalingV2 } from './autoscaling-v2.ts';
import { batchV1 } from './batch-v1.ts';
import { certificatesV1 } from './certificates-v1.ts';
import { coordinationV1 } from './coordination-v1.ts';
import { coreV1 } from './core-v1.ts';
import { discoveryV1 } from './discovery-v1.ts';
import { eventsV1 } from './events-v1.ts';
import { flowcontrolV1 } from './flowcontrol-v1.ts';
import { schemaOrArray, schemaOrBool, schemaOrStrings } from './json-schema.ts';
import { metaV1 } from './meta-v1.ts';
import { networkingV1 } from './networking-v1.ts';
import { nodeV1 } from './node-v1.ts';
import { policyV1 } from './policy-v1.ts';
import { rbacV1 } from './rbac-v1.ts';
import { schedulingV1 } from './scheduling-v1.ts';
import { storageV1 } from './storage-v1.ts';
import { type MessageTable, numberedFields } from './table.ts';

const metaV1Package = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const apiextensionsPackage = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';

/** By the package of the definitions. Others have no messages: their kinds are JSON only. */
export const messageTables: Readonly<Record<string, MessageTable>> = {
  'io.k8s.api.admissionregistration.v1': admissionregistrationV1,
  'io.k8s.api.apps.v1': appsV1,
  'io.k8s.api.authentication.v1': authenticationV1,
  'io.k8s.api.authorization.v1': authorizationV1,
  'io.k8s.api.autoscaling.v1': autoscalingV1,
  'io.k8s.api.autoscaling.v2': autoscalingV2,
  'io.k8s.api.batch.v1': batchV1,
  'io.k8s.api.certificates.v1': certificatesV1,
  'io.k8s.api.coordination.v1': coordinationV1,
  'io.k8s.api.core.v1': coreV1,
  'io.k8s.api.discovery.v1': discoveryV1,
  'io.k8s.api.events.v1': eventsV1,
  'io.k8s.api.flowcontrol.v1': flowcontrolV1,
  'io.k8s.api.networking.v1': networkingV1,
  'io.k8s.api.node.v1': nodeV1,
  'io.k8s.api.policy.v1': policyV1,
  'io.k8s.api.rbac.v1': rbacV1,
  'io.k8s.api.scheduling.v1': schedulingV1,
  'io.k8s.api.storage.v1': storageV1,
  'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1': apiregistrationV1,
  [apiextensionsPackage]: apiextensionsV1,
  [metaV1Package]: metaV1,
};

const types = new Map<string, MessageType>();

/** The message of a definition such as `io.k8s.api.core.v1.Pod`; `undefined` when it has none. */
export function messageOf(definition: string): MessageType | undefined {
  const known = types.get(definition);
  if (known !== undefined) return known;
  const dot = definition.lastIndexOf('.');
  const name = definition.slice(dot + 1);
  const table = messageTables[definition.slice(0, dot)];
  const row = table?.[name];
  if (table === undefined || row === undefined) return undefined;
  const made: MessageType = { name, fields: fieldsOf(row, table, name, definition) };
  types.set(definition, made);
  return made;
}

/** Reads a message of a definition that has one ({@link messageOf}). @throws ProtobufError */
export function decodeMessage(type: MessageType, bytes: Uint8Array): JsonObject {
  const object: JsonObject = {};
  readMessage(type, new WireReader(bytes), object);
  return object;
}

/** @throws ProtobufError when a value is not of its field's type */
export function encodeMessage(type: MessageType, object: JsonObject): Buffer {
  const to = new WireWriter();
  writeMessage(type, to, object);
  return to.finish();
}

/** `owner` is the definition whose properties the fields are in JSON: an inlined message's are the outer one's. */
function fieldsOf(row: string, table: MessageTable, message: string, owner: string): (FieldType | undefined)[] {
  const { properties = {}, required = [] } = schemaOf(owner);
  const { pointers = [], always = [] } = presenceOf(owner);
  const fields: (FieldType | undefined)[] = [];
  for (const { number, name, inline } of numberedFields(row)) {
    if (inline) {
      const inner = table[name];
      if (inner === undefined) throw new Error(`${message} inlines ${name}, which has no field numbers`);
      fields[number] = { shape: 'inline', message: { name, fields: fieldsOf(inner, table, name, owner) } };
      continue;
    }
    const schema = properties[name];
    if (schema === undefined) throw new Error(`${owner} has a number for ${name}, which it does not have`);
    const omitEmpty = !pointers.includes(name) && !always.includes(name) && !required.includes(name);
    fields[number] = { name, omitEmpty: omitEmpty && isScalar(schema), ...shapeOf(schema, `${message}.${name}`) };
  }
  // Without holes, so that looking up a number is quick.
  return Array.from(fields);
}

function isScalar({ type, definition }: Schema): boolean {
  return definition === undefined && type !== undefined && type !== '' && type !== 'object' && type !== 'array';
}

function shapeOf(schema: Schema, path: string): { shape: 'one' | 'list' | 'map'; value: ValueType } {
  if (schema.definition === undefined) {
    if (schema.items !== undefined) return { shape: 'list', value: valueType(schema.items, path) };
    if (typeof schema.additionalProperties === 'object') {
      return { shape: 'map', value: valueType(schema.additionalProperties, path) };
    }
  }
  return { shape: 'one', value: valueType(schema, path) };
}

/** Definitions whose JSON is not an object of their fields. */
const special: Readonly<Record<string, ValueType>> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': quantityValue,
  'io.k8s.apimachinery.pkg.runtime.RawExtension': rawExtensionValue,
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': intOrStringValue,
  [`${metaV1Package}.FieldsV1`]: fieldsV1Value,
  [`${metaV1Package}.MicroTime`]: microTimeValue,
  [`${metaV1Package}.Time`]: timeValue,
  [`${apiextensionsPackage}.JSON`]: jsonValue,
  [`${apiextensionsPackage}.JSONSchemaPropsOrArray`]: schemaOrArray(jsonSchemaMessage),
  [`${apiextensionsPackage}.JSONSchemaPropsOrBool`]: schemaOrBool(jsonSchemaMessage),
  [`${apiextensionsPackage}.JSONSchemaPropsOrStringArray`]: schemaOrStrings(jsonSchemaMessage),
};

function jsonSchemaMessage(): MessageType {
  return messageOf(`${apiextensionsPackage}.JSONSchemaProps`)!;
}

function valueType(schema: Schema, path: string): ValueType {
  const { definition, type, format, items } = schema;
  if (definition !== undefined) {
    return (
      special[definition] ??
      messageValue(() => {
        const message = messageOf(definition);
        if (message === undefined) throw new Error(`there are no field numbers of ${definition}, which ${path} holds`);
        return message;
      })
    );
  }
  switch (type) {
    case 'boolean':
      return boolValue;
    case 'integer':
      return format === 'int32' ? int32Value : int64Value;
    case 'number':
      return doubleValue;
    case 'string':
      return format === 'byte' ? bytesValue : stringValue;
    case 'array':
      return listValue(path, valueType(items!, path));
    default:
      throw new Error(`protobuf has no type for ${path}`);
  }
}
