/**
 * Makes the schemas of Kubernetes' own kinds: `node scripts/generate-schemas.mjs [output directory]`.
 *
 * The types, formats, required fields and descriptions come from the models that `@kubernetes/client-node` generates from
 * Kubernetes' OpenAPI document, and from `kubernetes-types` (`field-descriptions.mjs`). They are read as text, never
 * imported. What neither carries stands in the overlays,
 * `src/apis/<group>/<version>.overlay.json`. Of a definition an overlay may say:
 *
 *   map           `atomic`: the whole is replaced, never merged
 *   maps          the same of fields: `atomic` or `granular`
 *   mergedLists   lists of type map by their keys, merged by the first one in strategic patches
 *   mapLists      lists of type map that strategic patches replace
 *   sets, atomic, plainLists   lists of type set; atomic in spite of a merge key; of no type (all others are atomic)
 *   strategies    patch strategies other than `merge`
 *   quantities    strings that are quantities; `types`: fields of another scalar
 *   pointers      optional scalars whose zero value means something, required fields that may be absent
 *   enums         fields that have one of a few values: the name of a list under the overlay's own `enums`, or core's
 *   union         of these fields one is set, which one `discriminator` says
 *   always        fields that Kubernetes writes even when they are unset
 *   atomicBytes   bytes that call themselves a list
 *   schema, description, descriptions   definitions that no model has, and words that the models lack
 *
 * Per package of definitions (`io.k8s.api.apps.v1`) two files are written: `<package>.json` with the structure that
 * serving needs, and `<package>.descriptions.json` with the words that only OpenAPI needs.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fieldDescriptions } from './field-descriptions.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const output = resolve(process.argv[2] ?? join(root, 'src/apis/generated'));
const generated = join(root, 'node_modules/kubernetes-models-data/dist/gen');

const metaPackage = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const scalars = {
  Quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  IntOrString: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  Time: `${metaPackage}.Time`,
  MicroTime: `${metaPackage}.MicroTime`,
  FieldsV1: `${metaPackage}.FieldsV1`,
  RawExtension: 'io.k8s.apimachinery.pkg.runtime.RawExtension',
  JSON: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON',
  JSONSchemaPropsOrArray: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray',
  JSONSchemaPropsOrBool: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool',
  JSONSchemaPropsOrStringArray: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray',
  CustomResourceSubresourceStatus:
    'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceStatus',
};
/** Groups whose definitions do not live under `io.k8s.api.<first label of the group>`. */
const packages = {
  '': 'io.k8s.api.core',
  'apiextensions.k8s.io': 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions',
  'apiregistration.k8s.io': 'io.k8s.kube-aggregator.pkg.apis.apiregistration',
  'internal.apiserver.k8s.io': 'io.k8s.api.apiserverinternal',
};
/** Models that every group uses. */
const metaModels = new Set(
  `APIGroup APIGroupList APIResource APIResourceList APIVersions Condition DeleteOptions FieldSelectorRequirement
  GroupResource GroupVersionForDiscovery LabelSelector LabelSelectorRequirement ListMeta ManagedFieldsEntry ObjectMeta
  OwnerReference Preconditions ServerAddressByClientCIDR ShardInfo Status StatusCause StatusDetails WatchEvent`.split(
    /\s+/,
  ),
);

const models = readModels();
/** The group, version and kind of each model that is a kind. */
const kinds = new Map();
const definitionOf = nameDefinitions();
/** Lists of values by package and name. */
const enumerations = new Map();
const overlays = readOverlays();
const written = write();
console.log(`schemas: ${models.size} definitions in ${written} packages`);

/** Every model: its properties in order, which are required, and what the declaration file says of it. */
function readModels() {
  const directory = join(generated, 'models');
  const found = new Map();
  // The package still ships files of models that its index has dropped.
  for (const [, model] of readFileSync(join(directory, 'all.js'), 'utf8').matchAll(/models\/(\w+)\.js'/g)) {
    const code = readFileSync(join(directory, `${model}.js`), 'utf8');
    const list = /\.attributeTypeMap = (\[[\s\S]*?\n\]|\[\]);/.exec(code)?.[1];
    if (list === undefined) continue; // a scalar with code of its own
    found.set(model, { properties: JSON.parse(list), ...readDeclaration(join(directory, `${model}.d.ts`)) });
  }
  return found;
}

function readDeclaration(file) {
  const text = readFileSync(file, 'utf8');
  const comment = (block) =>
    block
      ?.split('\n')
      .map((line) => line.replace(/^\s*\/?\*+\/?\s?/, ''))
      .filter((line) => line !== '')
      .join('\n')
      .trim()
      .replace(/\\&#39;|&#39;/g, "'")
      .replace(/&quot;/g, '"')
      .replace(/&lt;/g, '<')
      .replace(/&gt;/g, '>')
      .replace(/&#96;/g, '`')
      .replace(/&#x3D;/g, '=')
      .replace(/&amp;/g, '&')
      .replace(/\*_\//g, '*/')
      .replace(/\\(["'`\\])/g, '$1');
  const start = text.indexOf('export declare class');
  const description = comment(/\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*$/.exec(text.slice(0, start))?.[0]);
  const required = [];
  const descriptions = {};
  for (const [, block, name, optional] of text
    .slice(start)
    .matchAll(/(?:(\/\*\*(?:(?!\*\/)[\s\S])*\*\/)\s*)?\n\s+'([^'\n]+)'(\?)?: /g)) {
    if (optional === undefined) required.push(name);
    if (block !== undefined) descriptions[name] = comment(block);
  }
  return { description, required, descriptions };
}

/** The OpenAPI name of each model: from the group whose API, or whose kinds, use it. */
function nameDefinitions() {
  const users = new Map(); // model → group versions whose API reaches it
  const reach = (model, groupVersion) => {
    const seen = users.get(model) ?? new Set();
    if (seen.has(groupVersion)) return;
    users.set(model, seen.add(groupVersion));
    for (const property of models.get(model)?.properties ?? []) {
      const target = modelIn(property.type);
      if (target !== undefined) reach(target, groupVersion);
    }
  };
  const index = readFileSync(join(generated, 'types/ObservableAPI.js'), 'utf8');
  for (const [, file] of index.matchAll(/apis\/(\w+V\d\w*Api\.js)"/g)) {
    const code = readFileSync(join(generated, 'apis', file), 'utf8');
    const path = /'\/api(?:s\/([^/']+))?\/(v\d[a-z0-9]*)\//.exec(code);
    if (path === null) continue;
    const declaration = readFileSync(join(generated, 'apis', file.replace('.js', '.d.ts')), 'utf8');
    for (const [, model] of declaration.matchAll(/from '\.\.\/models\/(\w+)\.js'/g)) {
      reach(model, `${path[1] ?? ''}/${path[2]}`);
    }
  }
  const known = [...new Set([...users.values()].flatMap((all) => [...all].map((user) => user.split('/')[0])))];
  const names = new Map();
  for (const model of models.keys()) {
    const parts = /^([A-Za-z]*?)V(\d+(?:(?:alpha|beta)\d+)?)([A-Z].*)$/.exec(model);
    if (parts === null) {
      names.set(model, 'io.k8s.apimachinery.pkg.version.Info');
      continue;
    }
    const [, prefix, digits, name] = parts;
    const version = `v${digits}`;
    if (prefix === '' && metaModels.has(name)) {
      names.set(model, `${metaPackage}.${name}`);
      continue;
    }
    const groups = [...(users.get(model) ?? [])]
      .filter((user) => user.endsWith(`/${version}`))
      .map((user) => user.split('/')[0]);
    if (groups.length === 0) continue; // no API uses it
    const group =
      prefix === '' ? pickGroup(groups, name) : (known.find((g) => first(g) === prefix.toLowerCase()) ?? '');
    if (group === undefined) throw new Error(`which group does the model ${model} belong to? It is used by: ${groups}`);
    names.set(model, `${packages[group] ?? `io.k8s.api.${first(group)}`}.${version}.${name}`);
    if (isKind(models.get(model))) kinds.set(model, { group, version, kind: name });
  }
  return names;
}

function isKind({ properties }) {
  return ['apiVersion', 'kind', 'metadata'].every((field) =>
    properties.some((property) => property.baseName === field),
  );
}

function first(group) {
  return group.split('.')[0];
}

/** What several groups use belongs to the group that is made to be shared; core before all. */
function pickGroup(groups, name) {
  if (/^Scale(Spec|Status)?$/.test(name)) return 'autoscaling';
  if (name === 'Eviction') return 'policy';
  if (/^(TokenRequest|BoundObjectReference)/.test(name)) return 'authentication.k8s.io';
  if (/^TopologySelector/.test(name)) return '';
  if (groups.length < 2) return groups[0];
  return groups.includes('') ? '' : undefined;
}

function modelIn(type) {
  const name = type
    .replace(/^Array<(.*)>$/, '$1')
    .replace(/^\{ \[key: string\]: (.*); \}$/, '$1')
    .replace(/^Array<(.*)>$/, '$1');
  return models.has(name) ? name : undefined;
}

/** Overlays by the full name of the definition. */
function readOverlays() {
  const found = {};
  const apis = join(root, 'src/apis');
  for (const file of readdirSync(apis, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.overlay.json')) continue;
    const { package: name, enums = {}, definitions } = JSON.parse(readFileSync(join(apis, file), 'utf8'));
    for (const [list, values] of Object.entries(enums)) enumerations.set(`${name}.${list}`, values);
    for (const [definition, overlay] of Object.entries(definitions)) found[`${name}.${definition}`] = overlay;
  }
  return found;
}

function write() {
  const packages = new Map();
  const add = (definition, structure, overlay, descriptions) => {
    const dot = definition.lastIndexOf('.');
    const [name, short] = [definition.slice(0, dot), definition.slice(dot + 1)];
    if (!packages.has(name)) packages.set(name, { definitions: {}, presence: {}, descriptions: {} });
    const target = packages.get(name);
    target.definitions[short] = structure;
    const presence = {
      ...(overlay.pointers && { pointers: overlay.pointers }),
      ...(overlay.always && { always: overlay.always }),
    };
    if (Object.keys(presence).length > 0) target.presence[short] = presence;
    target.descriptions[short] = descriptions;
  };
  const left = new Set(Object.keys(overlays));
  for (const [model, { properties, required, description, descriptions }] of models) {
    const definition = definitionOf.get(model);
    if (definition === undefined) continue;
    left.delete(definition);
    const overlay = overlays[definition] ?? {};
    checkOverlay(definition, overlay, new Set(properties.map((property) => property.baseName)));
    const structure = { type: 'object' };
    if (overlay.map !== undefined) structure['x-kubernetes-map-type'] = overlay.map;
    if (overlay.union !== undefined) structure['x-kubernetes-unions'] = [unionOf(overlay.union)];
    if (properties.length > 0) {
      structure.properties = Object.fromEntries(
        properties.map((property) => [property.baseName, propertySchema(property, overlay, definition)]),
      );
    }
    if (required.length > 0) structure.required = required;
    if (kinds.has(model)) structure['x-kubernetes-group-version-kind'] = [kinds.get(model)];
    const fields = { ...describedElsewhere(definition, properties), ...descriptions, ...overlay.descriptions };
    add(definition, structure, overlay, { description, fields });
  }
  for (const definition of left) {
    const { schema, description, descriptions = {} } = overlays[definition];
    if (schema === undefined) throw new Error(`there is an overlay for ${definition}, which does not exist`);
    add(definition, schema, {}, { description, fields: descriptions });
  }
  mkdirSync(output, { recursive: true });
  for (const [name, { definitions, presence, descriptions }] of packages) {
    save(`${name}.json`, { definitions, presence });
    save(`${name}.descriptions.json`, descriptions);
  }
  return packages.size;
}

/** The models say nothing of fields that refer to another definition; of the newest, what that one says must do. */
function describedElsewhere(definition, properties) {
  const known = fieldDescriptions(definition);
  const fields = {};
  for (const { baseName, type } of properties) {
    const description = known[baseName] ?? models.get(type)?.description;
    if (description !== undefined) fields[baseName] = description;
  }
  return fields;
}

function checkOverlay(definition, overlay, fields) {
  for (const [attribute, value] of Object.entries(overlay)) {
    if (typeof value !== 'object' || attribute === 'union') continue;
    for (const field of Array.isArray(value) ? value : Object.keys(value)) {
      if (!fields.has(field))
        throw new Error(`the overlay's ${attribute} name ${definition}.${field}, which does not exist`);
    }
  }
}

function propertySchema({ baseName: field, type, format }, overlay, definition) {
  const scalar = overlay.types?.[field] ?? (overlay.quantities?.includes(field) ? 'Quantity' : undefined);
  const schema = schemaOf(type, format, scalar);
  if (schema.type === 'array') {
    let keys = overlay.mapLists?.[field] ?? overlay.mergedLists?.[field];
    // Kubernetes' conditions are alike wherever they stand.
    if (field === 'conditions' && definition.endsWith('Status') && keys === undefined) keys = ['type'];
    if (overlay.sets?.includes(field)) schema['x-kubernetes-list-type'] = 'set';
    else if (keys !== undefined && !overlay.atomic?.includes(field)) {
      schema['x-kubernetes-list-type'] = 'map';
      schema['x-kubernetes-list-map-keys'] = keys;
    } else if (!overlay.plainLists?.includes(field) && !(field === 'items' && definition.endsWith('List'))) {
      schema['x-kubernetes-list-type'] = 'atomic';
    }
    if (keys !== undefined && overlay.mapLists?.[field] === undefined) {
      schema['x-kubernetes-patch-strategy'] = 'merge';
      schema['x-kubernetes-patch-merge-key'] = keys[0];
    }
  }
  // Go's []byte is a list, and some say so.
  if (overlay.atomicBytes?.includes(field)) schema['x-kubernetes-list-type'] = 'atomic';
  if (overlay.maps?.[field] !== undefined) schema['x-kubernetes-map-type'] = overlay.maps[field];
  if (overlay.strategies?.[field] !== undefined) schema['x-kubernetes-patch-strategy'] = overlay.strategies[field];
  if (overlay.defaults?.[field] !== undefined) schema.default = overlay.defaults[field];
  const list = overlay.enums?.[field];
  if (list !== undefined) (schema.items ?? schema).enum = enumeration(list, definition);
  return schema;
}

/** Fields by the names that they have in Go, as OpenAPI has them. */
function unionOf({ discriminator, fields }) {
  const named = Object.fromEntries(fields.map((field) => [field, field[0].toUpperCase() + field.slice(1)]));
  return { ...(discriminator && { discriminator }), 'fields-to-discriminateBy': named };
}

function enumeration(list, definition) {
  const own = `${definition.slice(0, definition.lastIndexOf('.'))}.${list}`;
  const values = enumerations.get(own) ?? enumerations.get(`io.k8s.api.core.v1.${list}`);
  if (values === undefined)
    throw new Error(`the overlay of ${definition} names the list ${list}, which does not exist`);
  return values;
}

/** Leaves a file that would not change alone, so that its time stamp says when the schema last changed. */
function save(name, content) {
  const file = join(output, name);
  const text = JSON.stringify(content);
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
}

function schemaOf(type, format, scalar) {
  const list = /^Array<(.*)>$/.exec(type)?.[1];
  if (list !== undefined) return { type: 'array', items: schemaOf(list, format, scalar) };
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1];
  if (map !== undefined) return { type: 'object', additionalProperties: schemaOf(map, format, scalar) };
  if (scalar !== undefined) return { $ref: scalars[scalar] };
  switch (type) {
    case 'string':
      return format === '' ? { type: 'string' } : { type: 'string', format };
    case 'boolean':
      return { type: 'boolean' };
    case 'number':
      return format.startsWith('int') ? { type: 'integer', format } : { type: 'number', format };
    case 'Date':
      return { $ref: scalars.Time };
    case 'V1MicroTime':
      return { $ref: scalars.MicroTime };
    case 'IntOrString':
      return { $ref: scalars.IntOrString };
    case 'any':
      return { $ref: scalars.RawExtension };
  }
  const definition = definitionOf.get(type);
  if (definition === undefined) throw new Error(`no schema is known for the type ${type}`);
  return { $ref: definition };
}
