/**
 * Values in the errors of built-in kinds, as kube-apiserver has long printed them: with Go's `%#v`, the names of types
 * included (`map[string]string{"app":"web"}`). Schemas know the types, and the tables of protobuf fields the order of what
 * a struct holds. What Go would print with the address of a pointer is left as JSON: nobody can know it.
 */
import { type FieldError, Verbatim } from '../machinery/field.ts';
import { goQuote } from '../machinery/go-text.ts';
import type { Schema } from '../machinery/schema.ts';
import { messageTables } from './protobuf/index.ts';
import { numberedFields } from './protobuf/table.ts';
import { presenceOf } from './schemas.ts';

/** `schema` is that of the object that the errors are about. */
export function withGoValues(errors: readonly FieldError[], schema: Schema): FieldError[] {
  return errors.map((error) => {
    const { badValue } = error;
    if (badValue === undefined || badValue === null) return { ...error, badValue: 'null' };
    if (typeof badValue !== 'object' || badValue instanceof Verbatim) return error;
    const found = placeOf(error.field, schema, badValue);
    const text = found === undefined ? undefined : printed(badValue, found.schema, found.field);
    return text === undefined ? error : { ...error, badValue: new Verbatim(text) };
  });
}

interface Place {
  readonly schema: Schema;
  /** The name of the field, for the lists of which Go has a type of its own. */
  readonly field: string;
}

/** Where a path leads. Errors about an entry of a list or a map may show the whole of it. */
function placeOf(path: string, root: Schema, value: object): Place | undefined {
  let at: Place = { schema: root, field: '' };
  let parent = at;
  for (const [, name = '', key] of path.matchAll(/([^.[\]]+)|\[([^\]]*)\]/g)) {
    const { properties, items, additionalProperties } = at.schema;
    const next = key === undefined ? properties?.[name] : (items ?? additionalProperties);
    if (next === undefined || typeof next === 'boolean') return undefined;
    parent = at;
    at = { schema: next, field: key === undefined ? name : at.field };
  }
  const type = Array.isArray(value) ? 'array' : 'object';
  return [at, parent].find(({ schema }) => schema.type === type);
}

/** Lists whose items have a type of their own in Go, by field. */
const namedStrings: Readonly<Record<string, string>> = {
  accessModes: 'core.PersistentVolumeAccessMode',
  operations: 'admissionregistration.OperationType',
  policyTypes: 'networking.PolicyType',
  scopes: 'core.ResourceQuotaScope',
  validationActions: 'admissionregistration.ValidationAction',
  volumeLifecycleModes: 'storage.VolumeLifecycleMode',
};

/** `undefined`: there is a pointer in it, or something else that cannot be known. */
function printed(value: unknown, schema: Schema, field: string): string | undefined {
  switch (schema.type) {
    case 'string':
      return schema.definition === undefined ? goQuote((value ?? '') as string) : undefined;
    case 'integer':
      return String(value ?? 0);
    case 'boolean':
      return String(value ?? false);
    case 'array':
      return printedList((value ?? []) as unknown[], schema, field);
    case 'object':
      return schema.additionalProperties === undefined
        ? printedStruct((value ?? {}) as Record<string, unknown>, schema)
        : printedMap((value ?? {}) as Record<string, unknown>, schema);
    default:
      return schema['x-kubernetes-int-or-string'] === true ? printedIntOrString(value ?? 0) : undefined;
  }
}

function printedList(values: readonly unknown[], schema: Schema, field: string): string | undefined {
  const type = goType(schema, field);
  if (type === undefined || schema.items === undefined) return undefined;
  if (values.length === 0) return `${type}(nil)`;
  const items = values.map((value) => printed(value, schema.items!, ''));
  return items.includes(undefined) ? undefined : `${type}{${items.join(', ')}}`;
}

function printedMap(values: Record<string, unknown>, schema: Schema): string | undefined {
  const type = goType(schema, '');
  if (type === undefined) return undefined;
  const keys = Object.keys(values).sort();
  if (keys.length === 0) return `${type}(nil)`;
  return `${type}{${keys.map((key) => `${goQuote(key)}:${goQuote(String(values[key]))}`).join(', ')}}`;
}

function printedStruct(value: Record<string, unknown>, schema: Schema): string | undefined {
  const type = goType(schema, '');
  const row = schema.definition === undefined ? undefined : rowOf(schema.definition);
  if (type === undefined || row === undefined) return undefined;
  const { pointers = [], always = [] } = presenceOf(schema.definition!);
  const fields: string[] = [];
  for (const { name, inline } of fieldsOf(schema.definition!, row)) {
    const property = schema.properties?.[name];
    if (inline || property === undefined) return undefined;
    const isStruct = property.properties !== undefined || property['x-kubernetes-int-or-string'] === true;
    const isValue = schema.required?.includes(name) === true || always.includes(name);
    let text: string | undefined;
    if (pointers.includes(name) || (isStruct && !isValue)) {
      const target = goType(property, name);
      if ((value[name] ?? undefined) !== undefined || target === undefined) return undefined;
      text = `(*${target})(nil)`;
    } else text = printed(value[name], property, name);
    if (text === undefined) return undefined;
    fields.push(`${goFieldName(name)}:${text}`);
  }
  return `${type}{${fields.join(', ')}}`;
}

const printedIntOrString = (value: unknown): string =>
  typeof value === 'number'
    ? `intstr.IntOrString{Type:0, IntVal:${value}, StrVal:""}`
    : `intstr.IntOrString{Type:1, IntVal:0, StrVal:${goQuote(String(value))}}`;

function goType(schema: Schema, field: string): string | undefined {
  const { type, format, definition, items, additionalProperties } = schema;
  if (schema['x-kubernetes-int-or-string'] === true) return 'intstr.IntOrString';
  switch (type) {
    case 'string':
      return definition === undefined ? 'string' : undefined;
    case 'boolean':
      return 'bool';
    case 'integer':
      return format;
    case 'array': {
      const item = namedStrings[field] ?? (items === undefined ? undefined : goType(items, ''));
      return item === undefined ? undefined : `[]${item}`;
    }
    case 'object': {
      if (typeof additionalProperties === 'object') {
        return goType(additionalProperties, '') === 'string' ? 'map[string]string' : undefined;
      }
      const [, name, version, kind] = /([a-z]+)\.(v\w+)\.(\w+)$/.exec(definition ?? '') ?? [];
      if (kind === undefined) return undefined;
      return name === 'meta' ? `${version}.${kind}` : `${name}.${kind}`;
    }
    default:
      return undefined;
  }
}

function rowOf(definition: string): string | undefined {
  const dot = definition.lastIndexOf('.');
  return messageTables[definition.slice(0, dot)]?.[definition.slice(dot + 1)];
}

/** Internal types have their fields in the order of v1's numbers, but for this one. */
const ordered: Readonly<Record<string, readonly string[]>> = {
  'io.k8s.api.core.v1.ServicePort': ['name', 'protocol', 'appProtocol', 'port', 'targetPort', 'nodePort'],
};

function fieldsOf(definition: string, row: string): readonly { readonly name: string; readonly inline: boolean }[] {
  const order = ordered[definition];
  return order === undefined ? numberedFields(row) : order.map((name) => ({ name, inline: false }));
}

/** Words that Go writes in capitals. */
const initialisms: Readonly<Record<string, string>> = { ip: 'IP', uid: 'UID', url: 'URL', api: 'API', cidr: 'CIDR' };

function goFieldName(name: string): string {
  const [, first = '', rest = ''] = /^([a-z]+)(.*)$/.exec(name) ?? [];
  return (initialisms[first] ?? first.slice(0, 1).toUpperCase() + first.slice(1)) + rest;
}
