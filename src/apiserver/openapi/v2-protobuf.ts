/**
 * The v2 document in protobuf, which is the only form that kubectl before 1.27 asks for: it validates and explains by it.
 * The messages are those of gnostic (`openapiv2/OpenAPIv2.proto`): maps are lists of names and values, and vendor
 * extensions hold YAML text.
 */
import { isJsonObject, type JsonObject, type JsonValue, stringifyJson } from '../../machinery/json.ts';
import { delimited, fixed64, varint, type WireType, WireWriter } from '../../machinery/protobuf/index.ts';

/** How a member of an object becomes a field: writes the tag, and what follows it, once or more often. */
type Put = (to: WireWriter, number: number, value: JsonValue) => void;

interface Message {
  /** By the name of the member. What is not named is not in the message. */
  readonly fields: Readonly<Record<string, readonly [number: number, put: Put]>>;
  /** The field of the members that begin with `x-`. */
  readonly extensions?: number;
  /** The field of all other members: names with values. */
  readonly others?: readonly [number: number, put: Put];
}

/** The members of a document that are no maps. */
export function encodeHead(head: JsonObject): Buffer {
  return encoded((to) => writeMembers(to, documentMessage, head));
}

/** An entry of the document's paths. */
export function encodePath(path: string, item: JsonObject): Buffer {
  return encoded((to) => writeNamed(to, 2, path, item, pathItem));
}

/** An entry of the document's definitions. */
export function encodeDefinition(name: string, definition: JsonObject): Buffer {
  return encoded((to) => writeNamed(to, 1, name, definition, schema));
}

/** What stands before so many bytes of entries. */
export function encodeEntriesTag(map: 'paths' | 'definitions', length: number): Buffer {
  return encoded((to) => {
    to.tag(map === 'paths' ? 8 : 9, delimited);
    to.int64(length);
  });
}

function encoded(write: (to: WireWriter) => void): Buffer {
  const to = new WireWriter();
  write(to);
  return Buffer.from(to.finish());
}

function writeMembers(to: WireWriter, { fields, extensions, others }: Message, object: JsonObject): void {
  for (const name of Object.keys(object)) {
    const value = object[name];
    if (value === undefined) continue;
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field !== undefined) field[1](to, field[0], value);
    else if (extensions !== undefined && name.startsWith('x-')) writeNamed(to, extensions, name, value, any);
    else if (others !== undefined) writeNamed(to, others[0], name, value, others[1]);
  }
}

function writeNamed(to: WireWriter, number: number, name: string, value: JsonValue, put: Put): void {
  inside(to, number, () => {
    string(to, 1, name);
    put(to, 2, value);
  });
}

function inside(to: WireWriter, number: number, write: () => void): void {
  to.tag(number, delimited);
  const start = to.begin();
  write();
  to.end(start);
}

// ------------------------------------------------------------------------------------------------- ways to put members

function scalar(wire: WireType, write: (to: WireWriter, value: JsonValue) => void): Put {
  return (to, number, value) => {
    to.tag(number, wire);
    write(to, value);
  };
}

const string = scalar(delimited, (to, value) => to.string(String(value)));
const boolean = scalar(varint, (to, value) => to.bool(value === true));
const integer = scalar(varint, (to, value) => to.int64(value as number | bigint));
const double = scalar(fixed64, (to, value) => to.double(Number(value)));

/** `Any`: JSON is YAML. */
const any: Put = (to, number, value) => inside(to, number, () => string(to, 2, stringifyJson(value)));

const each =
  (put: Put): Put =>
  (to, number, value) => {
    for (const item of value as JsonValue[]) put(to, number, item);
  };

/** The message is asked for when it is first needed: schemas hold schemas. */
function message(of: () => Message): Put {
  let known: Message | undefined;
  return (to, number, value) => {
    known ??= of();
    to.tag(number, delimited);
    const start = to.begin();
    writeMembers(to, known, value as JsonObject);
    to.end(start);
  };
}

/** A message around the one thing that it may hold: `choose` says as which of its fields. */
const oneOf =
  (choose: (value: JsonValue) => readonly [number: number, put: Put]): Put =>
  (to, number, value) => {
    const [field, put] = choose(value);
    inside(to, number, () => put(to, field, value));
  };

/** Names with values, as a message of its own. */
const map = (put: Put): Put => message(() => ({ fields: {}, others: [1, put] }));

const isReference = (value: JsonValue): boolean => isJsonObject(value) && value.$ref !== undefined;
const reference = message(() => ({ fields: { $ref: [1, string], description: [2, string] } }));

// ----------------------------------------------------------------------------------------------------------- messages

const externalDocs = message(() => ({ fields: { description: [1, string], url: [2, string] }, extensions: 3 }));

const schema = message(() => schemaMessage);

const schemaMessage: Message = {
  fields: {
    $ref: [1, string],
    format: [2, string],
    title: [3, string],
    description: [4, string],
    default: [5, any],
    multipleOf: [6, double],
    maximum: [7, double],
    exclusiveMaximum: [8, boolean],
    minimum: [9, double],
    exclusiveMinimum: [10, boolean],
    maxLength: [11, integer],
    minLength: [12, integer],
    pattern: [13, string],
    maxItems: [14, integer],
    minItems: [15, integer],
    uniqueItems: [16, boolean],
    maxProperties: [17, integer],
    minProperties: [18, integer],
    required: [19, each(string)],
    enum: [20, each(any)],
    additionalProperties: [21, oneOf((value) => (isJsonObject(value) ? [1, schema] : [2, boolean]))],
    type: [22, oneOf((value) => [1, Array.isArray(value) ? each(string) : string])],
    items: [23, oneOf((value) => [1, Array.isArray(value) ? each(schema) : schema])],
    allOf: [24, each(schema)],
    properties: [25, map(schema)],
    externalDocs: [29, externalDocs],
    example: [30, any],
  },
  extensions: 31,
};

/** What a value outside a body may be: the same fields in the same order in several messages, from a number on. */
function primitive(first: number): Message['fields'] {
  const puts: readonly (readonly [string, Put])[] = [
    ['type', string],
    ['format', string],
    ['items', message(() => primitiveItems)],
    ['collectionFormat', string],
    ['default', any],
    ['maximum', double],
    ['exclusiveMaximum', boolean],
    ['minimum', double],
    ['exclusiveMinimum', boolean],
    ['maxLength', integer],
    ['minLength', integer],
    ['pattern', string],
    ['maxItems', integer],
    ['minItems', integer],
    ['uniqueItems', boolean],
    ['enum', each(any)],
    ['multipleOf', double],
  ];
  return Object.fromEntries(puts.map(([name, put], i) => [name, [first + i, put] as const]));
}

const primitiveItems: Message = { fields: primitive(1), extensions: 18 };

const parameterFields: Message['fields'] = {
  required: [1, boolean],
  in: [2, string],
  description: [3, string],
  name: [4, string],
};
const headerOrPath: Message = { fields: { ...parameterFields, ...primitive(5) }, extensions: 22 };
const formOrQuery: Message = {
  fields: { ...parameterFields, allowEmptyValue: [5, boolean], ...primitive(6) },
  extensions: 23,
};

const bodyParameter = message(() => ({
  fields: {
    description: [1, string],
    name: [2, string],
    in: [3, string],
    required: [4, boolean],
    schema: [5, schema],
  },
  extensions: 6,
}));

const nonBodyParameter: Put = oneOf((value) => {
  switch ((value as JsonObject).in) {
    case 'header':
      return [1, message(() => headerOrPath)];
    case 'formData':
      return [2, message(() => formOrQuery)];
    case 'query':
      return [3, message(() => formOrQuery)];
    default:
      return [4, message(() => headerOrPath)];
  }
});

const parameter: Put = oneOf((value) =>
  (value as JsonObject).in === 'body' ? [1, bodyParameter] : [2, nonBodyParameter],
);
const parameterOrReference: Put = oneOf((value) => (isReference(value) ? [2, reference] : [1, parameter]));

const response = message(() => ({
  fields: {
    description: [1, string],
    schema: [2, oneOf(() => [1, schema])],
    headers: [3, map(message(() => ({ fields: { ...primitive(1), description: [18, string] }, extensions: 19 })))],
    examples: [4, map(any)],
  },
  extensions: 5,
}));
const responseOrReference: Put = oneOf((value) => (isReference(value) ? [2, reference] : [1, response]));

const operation = message(() => ({
  fields: {
    tags: [1, each(string)],
    summary: [2, string],
    description: [3, string],
    externalDocs: [4, externalDocs],
    operationId: [5, string],
    produces: [6, each(string)],
    consumes: [7, each(string)],
    parameters: [8, each(parameterOrReference)],
    responses: [9, message(() => ({ fields: {}, others: [1, responseOrReference], extensions: 2 }))],
    schemes: [10, each(string)],
    deprecated: [11, boolean],
  },
  extensions: 13,
}));

const pathItem = message(() => ({
  fields: {
    $ref: [1, string],
    get: [2, operation],
    put: [3, operation],
    post: [4, operation],
    delete: [5, operation],
    options: [6, operation],
    head: [7, operation],
    patch: [8, operation],
    parameters: [9, each(parameterOrReference)],
  },
  extensions: 10,
}));

const info = message(() => ({
  fields: { title: [1, string], version: [2, string], description: [3, string], termsOfService: [4, string] },
  extensions: 7,
}));

/**
 * Without what a Kubernetes document does not have, or what no client reads: security, tags, shared parameters. Paths (8) and
 * definitions (9) are written entry by entry.
 */
const documentMessage: Message = {
  fields: {
    swagger: [1, string],
    info: [2, info],
    host: [3, string],
    basePath: [4, string],
    schemes: [5, each(string)],
    consumes: [6, each(string)],
    produces: [7, each(string)],
    externalDocs: [15, externalDocs],
  },
  extensions: 16,
};
