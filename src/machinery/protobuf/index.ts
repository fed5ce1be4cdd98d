export { type Envelope, readEnvelope, writeEnvelope } from './envelope.ts';
export {
  boolValue,
  bytesValue,
  convertedValue,
  doubleValue,
  type FieldType,
  int32Value,
  int64Value,
  type MessageType,
  maxDepth,
  messageValue,
  readMessage,
  stringValue,
  type ValueType,
  writeMessage,
} from './message.ts';
export {
  fieldsV1Value,
  intOrStringValue,
  jsonValue,
  listValue,
  microTimeValue,
  quantityValue,
  rawExtensionValue,
  timeValue,
} from './values.ts';
export { delimited, fixed64, ProtobufError, varint, WireReader, type WireType, WireWriter } from './wire.ts';
