/**
 * How server-side apply sees a schema: what a value may be (a scalar, a list, a map) and whether its parts have owners of
 * their own. Source: `k8s.io/kube-openapi/pkg/schemaconv`, `sigs.k8s.io/structured-merge-diff/schema`.
 */
import type { JsonValue } from '../json.ts';
import type { Schema } from '../schema.ts';
import { fieldElement, type PathElement } from './path-element.ts';

/** Where several are given, a value may be any of them. */
export interface Type {
  scalar?: Scalar;
  list?: ListType;
  map?: MapType;
}

export type Scalar = 'numeric' | 'string' | 'boolean' | 'untyped';

export interface ListType {
  element: Type;
  /** Atomic: the list as a whole has owners. Otherwise each element has, and is known by its keys or its value. */
  atomic: boolean;
  /** The fields that tell elements apart, as declared; none: the list is a set of scalars. */
  keys: readonly string[];
  sortedKeys: readonly string[];
}

export interface MapType {
  /** Declared fields. */
  fields: ReadonlyMap<string, FieldType>;
  /** The type of all other fields; absent: there may be none. */
  element?: Type;
  atomic: boolean;
}

export interface FieldType {
  /** `f:` and the name. */
  readonly name: PathElement;
  type: Type;
  /** Stands in for the field as a key of a list element that lacks it. */
  readonly default?: JsonValue;
  /** The server's own field, which nobody owns: `metadata.uid`. */
  readonly untracked?: boolean;
  /** Holds such fields, and so stays when everything else in it is given up: `metadata`. */
  readonly permanent?: boolean;
}

/** What nothing is known of: maps have granular fields, lists are atomic. */
export const deducedType: Type = { scalar: 'untyped' };
const untypedAtomic: Type = { scalar: 'untyped' };
untypedAtomic.list = { element: untypedAtomic, atomic: true, keys: [], sortedKeys: [] };
untypedAtomic.map = { fields: new Map(), element: untypedAtomic, atomic: true };
deducedType.list = { element: untypedAtomic, atomic: true, keys: [], sortedKeys: [] };
deducedType.map = { fields: new Map(), element: deducedType, atomic: false };

const rootTypes = new WeakMap<Schema, Type>();

/** The type of whole objects with this schema; without one, of objects of which nothing but their metadata is known. */
export function objectType(schema: Schema | undefined): Type {
  if (schema === undefined) return deducedObject;
  let type = rootTypes.get(schema);
  if (type === undefined) {
    type = rootType(typeOf(schema, false));
    rootTypes.set(schema, type);
  }
  return type;
}

/** What was made of schemas: they are shared between kinds, and may be recursive. */
const types = new WeakMap<Schema, Type>();
/** The same, below `x-kubernetes-preserve-unknown-fields`. */
const preservingTypes = new WeakMap<Schema, Type>();

function typeOf(schema: Schema, inherited: boolean): Type {
  const preserve = inherited || schema['x-kubernetes-preserve-unknown-fields'] === true;
  const known = preserve ? preservingTypes : types;
  const seen = known.get(schema);
  if (seen !== undefined) return seen;
  const type: Type = {};
  known.set(schema, type);
  switch (schema.type) {
    case 'object':
      type.map = mapType(schema, preserve);
      break;
    case 'array':
      type.list = listType(schema, preserve);
      break;
    case 'integer':
    case 'number':
      type.scalar = 'numeric';
      break;
    case 'boolean':
      type.scalar = 'boolean';
      break;
    case 'string':
      type.scalar = isPlainString(schema) ? 'string' : 'untyped';
      break;
    default:
      type.scalar = 'untyped';
      type.list = listType(schema, preserve);
      type.map = mapType(schema, preserve);
  }
  return type;
}

/** Strings of a format, and quantities, may also be written as numbers. */
function isPlainString({ format, definition }: Schema): boolean {
  return (format === undefined || format === 'byte') && definition !== 'io.k8s.apimachinery.pkg.api.resource.Quantity';
}

function mapType(schema: Schema, preserve: boolean): MapType {
  const fields = new Map<string, FieldType>();
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    fields.set(name, {
      name: fieldElement(name),
      type: typeOf(property, preserve),
      ...(property.default === undefined ? {} : { default: property.default }),
    });
  }
  const map: MapType = { fields, atomic: schema['x-kubernetes-map-type'] === 'atomic' };
  const others = schema.additionalProperties;
  if (typeof others === 'object') map.element = typeOf(others, preserve);
  else if (others === true || (others === undefined && (preserve || fields.size === 0))) map.element = deducedType;
  if (schema['x-kubernetes-embedded-resource'] === true) declareMeta(fields, metadataType);
  return map;
}

function listType(schema: Schema, preserve: boolean): ListType {
  const relation = schema['x-kubernetes-list-type'] ?? 'atomic';
  const keys = relation === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : [];
  return {
    element: schema.items === undefined ? untypedAtomic : typeOf(schema.items, preserve),
    atomic: relation === 'atomic',
    keys,
    sortedKeys: [...keys].sort(),
  };
}

/** The server's own fields of metadata. Source: apimachinery's managed fields, `stripMeta`. */
const untrackedMeta = [
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'clusterName',
  'generation',
  'managedFields',
  'resourceVersion',
];

function rootType(type: Type): Type {
  if (type.map === undefined) return type;
  const fields = new Map(type.map.fields);
  const own = fields.get('metadata')?.type.map;
  const meta = own !== undefined && own.fields.size > 0 ? own : metadataType.map;
  const metaFields = new Map(meta?.fields);
  for (const name of untrackedMeta) {
    const field = metaFields.get(name);
    metaFields.set(name, { name: fieldElement(name), type: field?.type ?? deducedType, untracked: true });
  }
  const metadata = { map: { ...(meta as MapType), fields: metaFields } };
  fields.set('metadata', { name: fieldElement('metadata'), type: metadata, permanent: true });
  for (const name of ['apiVersion', 'kind']) {
    fields.set(name, { name: fieldElement(name), type: text, untracked: true });
  }
  return { ...type, map: { ...type.map, fields } };
}

function declareMeta(fields: Map<string, FieldType>, metadata: Type): void {
  for (const name of ['apiVersion', 'kind']) {
    if (!fields.has(name)) fields.set(name, { name: fieldElement(name), type: text });
  }
  fields.set('metadata', { name: fieldElement('metadata'), type: metadata });
}

const text: Type = { scalar: 'string' };

const ownerReference: Schema = {
  type: 'object',
  'x-kubernetes-map-type': 'atomic',
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    name: { type: 'string' },
    uid: { type: 'string' },
    controller: { type: 'boolean' },
    blockOwnerDeletion: { type: 'boolean' },
  },
};

/** `metav1.ObjectMeta`, for custom resources, whose schemas leave it out. */
const metadataType: Type = typeOf(
  {
    type: 'object',
    properties: {
      name: { type: 'string' },
      generateName: { type: 'string' },
      namespace: { type: 'string' },
      selfLink: { type: 'string' },
      uid: { type: 'string' },
      resourceVersion: { type: 'string' },
      generation: { type: 'integer' },
      creationTimestamp: { type: 'string', format: 'date-time' },
      deletionTimestamp: { type: 'string', format: 'date-time' },
      deletionGracePeriodSeconds: { type: 'integer' },
      labels: { type: 'object', additionalProperties: { type: 'string' } },
      annotations: { type: 'object', additionalProperties: { type: 'string' } },
      ownerReferences: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['uid'],
        items: ownerReference,
      },
      finalizers: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
      managedFields: { type: 'array', 'x-kubernetes-list-type': 'atomic', items: { type: 'object' } },
    },
  },
  false,
);

const deducedObject: Type = rootType({ map: { fields: new Map(), element: deducedType, atomic: false } });
