/**
 * What a CustomResourceDefinition must be, in the words, paths and order of Kubernetes.
 * Source: apiextensions-apiserver `pkg/apis/apiextensions/validation/validation.go`. Metadata is validated like that of
 * all objects; {@link validateCrdName} adds what its name must be.
 */
import { parseRuleFieldPath } from '../cel/rule-path.ts';
import { duplicate, type FieldError, FieldPath, invalid, notSupported, required, tooMany } from '../machinery/field.ts';
import { deepEqual } from '../machinery/json.ts';
import { byteLength, isDns1035Label, isDns1123Subdomain } from '../machinery/names.ts';
import { validateImmutableField } from '../machinery/object-meta.ts';
import type { Schema } from '../machinery/schema.ts';
import { validateApiApproval } from './api-approval.ts';
import { validateConversion } from './conversion-validation.ts';
import { type InternalSpec, internalForm, shownVersions, type VersionedParts } from './internal-form.ts';
import { validateCrdSchema } from './schema-validation.ts';
import { unsupportedField } from './structural.ts';
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceSubresources,
  JsonSchemaProps,
} from './types.ts';
import { someSchema, strictOptions, updateOptions, type ValidationOptions } from './validation-options.ts';

const specPath = FieldPath.of('spec');
const statusPath = FieldPath.of('status');
const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];
const maxSelectableFields = 8;

/** What is wrong with a new definition, its metadata aside. */
export function validateCrd(crd: CustomResourceDefinition): FieldError[] {
  return [
    ...validateSpec(crd, strictOptions()),
    ...validateStatus(crd),
    ...validateApiApproval(crd),
    ...validatePreserveUnknownFields(crd),
  ];
}

/** What is wrong with a changed definition, its metadata aside. What the old one has already may stay. */
export function validateCrdUpdate(crd: CustomResourceDefinition, old: CustomResourceDefinition): FieldError[] {
  const options = updateOptions(old);
  const errors = validateSpec(crd, options);
  const immutable = (now: unknown, before: unknown, ...fields: string[]): void => {
    errors.push(...validateImmutableField(now ?? '', before ?? '', FieldPath.of('spec', ...fields)));
  };
  if (options.requireImmutableNames) {
    immutable(crd.spec.scope, old.spec.scope, 'scope');
    immutable(crd.spec.names?.kind, old.spec.names?.kind, 'names', 'kind');
  }
  immutable(crd.spec.group, old.spec.group, 'group');
  immutable(crd.spec.names?.plural, old.spec.names?.plural, 'names', 'plural');
  return [
    ...errors,
    ...validateStatus(crd),
    ...validateApiApproval(crd, old),
    ...validatePreserveUnknownFields(crd, old),
  ];
}

/** What is wrong with a changed status. */
export function validateCrdStatus(crd: CustomResourceDefinition): FieldError[] {
  return validateNames(crd.status?.acceptedNames, statusPath.child('acceptedNames'));
}

/** The name of a definition says which resource it defines. */
export function validateCrdName(name: string, crd: CustomResourceDefinition, prefix = false): string[] {
  const errors = isDns1123Subdomain(prefix ? name.replace(/-$/, 'a') : name);
  const wanted = `${crd.spec.names?.plural ?? ''}.${crd.spec.group ?? ''}`;
  return name === wanted ? errors : [...errors, 'must be spec.names.plural+"."+spec.group'];
}

function validateSpec(crd: CustomResourceDefinition, given: ValidationOptions): FieldError[] {
  const spec = internalForm(crd.spec);
  const { top } = spec;
  const errors: FieldError[] = [];
  const preserves = spec.preserveUnknownFields === true;
  let options = given;
  const requireStructural = (): void => {
    options = { ...options, schema: { ...options.schema, requireStructural: true } };
  };

  errors.push(...validateGroup(spec.group ?? ''));
  errors.push(...validateChoice(spec.scope, specPath.child('scope'), ['Cluster', 'Namespaced']));
  if (!preserves) requireStructural();
  errors.push(...validateSchemasPresent(spec, options));
  if (someSchema(spec, (schema) => schema.default !== undefined)) {
    requireStructural();
    if (preserves) {
      const why = 'must be false in order to use defaults in the schema';
      errors.push(invalid(specPath.child('preserveUnknownFields'), true, why));
    }
  }
  if (someSchema(spec, hasExtensions)) requireStructural();

  errors.push(...validateVersions(spec, options));
  errors.push(...validateRequiredNames(spec.names));
  errors.push(...validateNames(spec.names, specPath.child('names')));
  errors.push(...validateParts(top, specPath, 'validation', spec, options));
  if (spec.conversion !== undefined && spec.conversion.strategy !== 'None' && preserves) {
    errors.push(
      invalid(
        specPath.child('conversion').child('strategy'),
        spec.conversion.strategy,
        'must be None if spec.preserveUnknownFields is true',
      ),
    );
  }
  errors.push(...validateConversion(spec.conversion, specPath.child('conversion'), options.conversion));
  return errors;
}

function hasExtensions(schema: JsonSchemaProps): boolean {
  return (
    schema['x-kubernetes-embedded-resource'] === true ||
    schema['x-kubernetes-preserve-unknown-fields'] !== undefined ||
    schema['x-kubernetes-int-or-string'] === true ||
    (schema['x-kubernetes-list-map-keys'] ?? []).length > 0 ||
    schema['x-kubernetes-list-type'] !== undefined ||
    (schema['x-kubernetes-validations'] ?? []).length > 0
  );
}

function validateGroup(group: string): FieldError[] {
  const path = specPath.child('group');
  if (group === '') return [required(path)];
  const problems = isDns1123Subdomain(group);
  if (problems.length > 0) return [invalid(path, group, problems.join(','))];
  return group.includes('.') ? [] : [invalid(path, group, 'should be a domain with at least one dot')];
}

function validateChoice(value: string | undefined, path: FieldPath, accepted: readonly string[]): FieldError[] {
  if (value === undefined || value === '') return [required(path)];
  return accepted.includes(value) ? [] : [notSupported(path, value, accepted)];
}

function validateSchemasPresent(spec: InternalSpec, options: ValidationOptions): FieldError[] {
  if (spec.top.schema?.openAPIV3Schema !== undefined) return [];
  if (!options.requireSchema && spec.preserveUnknownFields === true) return [];
  return spec.versions.flatMap((version, i) => {
    if (version.schema?.openAPIV3Schema !== undefined || (!options.requireSchema && !version.served)) return [];
    const path = specPath.child('versions').index(i).child('schema').child('openAPIV3Schema');
    return [required(path)];
  });
}

function validateVersions(spec: InternalSpec, options: ValidationOptions): FieldError[] {
  const errors: FieldError[] = [];
  const path = specPath.child('versions');
  for (const [i, version] of spec.versions.entries()) {
    const at = path.index(i);
    const problems = isDns1035Label(version.name ?? '');
    if (problems.length > 0) errors.push(invalid(at.child('name'), version.name ?? '', problems.join(',')));
    for (const problem of deprecationProblems(version.deprecated === true, version.deprecationWarning)) {
      errors.push(invalid(at.child('deprecationWarning'), version.deprecationWarning, problem));
    }
    errors.push(...validateParts(version, at, 'schema', spec, options, version.name));
  }
  const names = spec.versions.map(({ name }) => name);
  if (new Set(names).size < names.length) {
    errors.push(invalid(path, shownVersions(spec.versions), 'must contain unique version names'));
  }
  if (spec.versions.filter(({ storage }) => storage).length !== 1) {
    errors.push(invalid(path, shownVersions(spec.versions), 'must have exactly one version marked as storage version'));
  }
  const first = names[0] ?? '';
  const problems = first === '' ? [] : isDns1035Label(first);
  if (problems.length > 0) errors.push(invalid(specPath.child('version'), first, problems.join(',')));
  return errors;
}

function deprecationProblems(deprecated: boolean, warning: string | undefined): string[] {
  if (warning === undefined) return [];
  if (!deprecated) return ['can only be set for deprecated versions'];
  const problems: string[] = [];
  if (byteLength(warning) > 256) problems.push('must be <= 256 characters long');
  if (warning === '') problems.push('must not be an empty string');
  const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.exec(warning);
  if (unprintable !== null) {
    const index = byteLength(warning.slice(0, unprintable.index));
    problems.push(`must only contain printable UTF-8 characters; non-printable character found at index ${index}`);
  }
  return problems;
}

/** What stands in a version, or at the top when all versions agree. */
function validateParts(
  parts: VersionedParts,
  path: FieldPath,
  schemaField: 'schema' | 'validation',
  spec: InternalSpec,
  options: ValidationOptions,
  version?: string,
): FieldError[] {
  const errors: FieldError[] = [];
  const schema = parts.schema?.openAPIV3Schema;
  if (schema !== undefined) {
    const status = version === undefined ? anyStatus(spec) : statusOf(spec, version);
    const compileRules = !options.oldSchemas.some((old) => deepEqual(old, schema));
    const where = path.child(schemaField).child('openAPIV3Schema');
    errors.push(...validateCrdSchema(schema, where, status, { ...options.schema, compileRules }));
  }
  errors.push(...validateSubresources(parts.subresources, path.child('subresources')));
  for (const [i, column] of (parts.additionalPrinterColumns ?? []).entries()) {
    errors.push(...validateColumn(column, path.child('additionalPrinterColumns').index(i)));
  }
  const { selectableFields = [] } = parts;
  if (selectableFields.length > 0) {
    if (schema === undefined) {
      const when =
        schemaField === 'validation'
          ? 'validations.schema is included'
          : 'version.schema.openAPIV3Schema is not included';
      errors.push(invalid(path.child('selectableFields'), '', `may only be set when ${when}`));
    } else errors.push(...validateSelectableFields(selectableFields, schema, path, options));
  }
  return errors;
}

function anyStatus(spec: InternalSpec): boolean {
  return [spec.top, ...spec.versions].some(({ subresources }) => subresources?.status !== undefined);
}

function statusOf(spec: InternalSpec, version: string): boolean {
  const perVersion = spec.versions.some(({ subresources }) => subresources !== undefined);
  const parts = perVersion ? spec.versions.find(({ name }) => name === version) : spec.top;
  return parts?.subresources?.status !== undefined;
}

function validateRequiredNames(names: CustomResourceDefinitionNames | undefined): FieldError[] {
  return (['plural', 'singular', 'kind', 'listKind'] as const)
    .filter((name) => (names?.[name] ?? '') === '')
    .map((name) => required(specPath.child('names').child(name)));
}

function validateNames(names: CustomResourceDefinitionNames | undefined, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const check = (name: string | undefined, at: FieldPath, mixedCase = false): void => {
    if (name === undefined) return;
    const problems = isDns1035Label(mixedCase ? name.toLowerCase() : name).join(',');
    if (problems === '') return;
    errors.push(
      invalid(at, name, mixedCase ? `may have mixed case, but should otherwise match: ${problems}` : problems),
    );
  };
  const { plural, singular, kind, listKind, shortNames = [], categories = [] } = names ?? {};
  check(plural || undefined, path.child('plural'));
  check(singular || undefined, path.child('singular'));
  check(kind || undefined, path.child('kind'), true);
  check(listKind || undefined, path.child('listKind'), true);
  for (const [i, name] of shortNames.entries()) check(name, path.child('shortNames').index(i));
  if (kind !== undefined && kind !== '' && kind === listKind) {
    errors.push(invalid(path.child('listKind'), listKind, 'kind and listKind may not be the same'));
  }
  for (const [i, category] of categories.entries()) check(category, path.child('categories').index(i));
  return errors;
}

function validateSubresources(subresources: CustomResourceSubresources | undefined, path: FieldPath): FieldError[] {
  const scale = subresources?.scale;
  if (scale === undefined) return [];
  const check = (
    field: string,
    value: string | undefined,
    roots: readonly string[],
    optional = false,
  ): FieldError[] => {
    const at = path.child('scale').child(field);
    if (value === undefined || value === '') return optional ? [] : [required(at)];
    const simple = validateSimplePath(value, at);
    if (simple.length > 0) return simple;
    if (roots.some((root) => value.startsWith(`${root}.`))) return [];
    return [
      invalid(at, value, `should be a json path under ${roots.length > 1 ? 'either ' : ''}${roots.join(' or ')}`),
    ];
  };
  return [
    ...check('specReplicasPath', scale.specReplicasPath, ['.spec']),
    ...check('statusReplicasPath', scale.statusReplicasPath, ['.status']),
    ...check('labelSelectorPath', scale.labelSelectorPath, ['.spec', '.status'], true),
  ];
}

function validateSimplePath(value: string, path: FieldPath): FieldError[] {
  return value.startsWith('.') ? [] : [invalid(path, value, 'must be a simple json path starting with .')];
}

function validateColumn(column: CustomResourceColumnDefinition, path: FieldPath): FieldError[] {
  const { name = '', type = '', format = '', jsonPath = '' } = column as Partial<CustomResourceColumnDefinition>;
  const errors: FieldError[] = [];
  if (name === '') errors.push(required(path.child('name')));
  const oneOf = (values: readonly string[]): string => `must be one of ${values.join(',')}`;
  if (type === '') errors.push(required(path.child('type'), oneOf(columnTypes)));
  else if (!columnTypes.includes(type)) errors.push(invalid(path.child('type'), type, oneOf(columnTypes)));
  if (format !== '' && !columnFormats.includes(format)) {
    errors.push(invalid(path.child('format'), format, oneOf(columnFormats)));
  }
  if (jsonPath === '') errors.push(required(path.child('JSONPath')));
  else errors.push(...validateSimplePath(jsonPath, path.child('JSONPath')));
  return errors;
}

function validateSelectableFields(
  fields: readonly { jsonPath: string }[],
  schema: JsonSchemaProps,
  parent: FieldPath,
  options: ValidationOptions,
): FieldError[] {
  const errors: FieldError[] = [];
  const path = parent.child('selectableFields');
  const unsupported = unsupportedField(schema);
  if (unsupported !== undefined) {
    errors.push(invalid(parent.child('schema').child('openAPIV3Schema'), '', unsupported));
  }
  const seen: (readonly string[])[] = [];
  for (const [i, { jsonPath = '' }] of fields.entries()) {
    const at = path.index(i).child('jsonPath');
    if (jsonPath === '') {
      errors.push(required(at));
      continue;
    }
    const found = parseRuleFieldPath(jsonPath, schema as Schema, { arrayNotation: false });
    if (typeof found === 'string') {
      errors.push(invalid(at, jsonPath, `is an invalid path: ${found}`));
      continue;
    }
    if (found.names[0] === 'metadata') errors.push(invalid(at, jsonPath, 'must not point to fields in metadata'));
    if (!['string', 'boolean', 'integer'].includes(found.schema.type ?? '')) {
      errors.push(
        invalid(
          at,
          jsonPath,
          'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
        ),
      );
    }
    if (seen.some((names) => deepEqual(names, found.names))) errors.push(duplicate(at, jsonPath));
    else seen.push(found.names);
  }
  const added = fields.some(({ jsonPath }) => !options.oldSelectableFields.has(jsonPath));
  if (seen.length > maxSelectableFields && added) errors.push(tooMany(path, seen.length, maxSelectableFields));
  return errors;
}

function validateStatus(crd: CustomResourceDefinition): FieldError[] {
  const errors = validateCrdStatus(crd);
  const path = statusPath.child('storedVersions');
  const stored = crd.status?.storedVersions ?? [];
  const versions = crd.spec.versions ?? [];
  if (stored.length === 0) {
    return [...errors, invalid(path, null, 'must have at least one stored version')];
  }
  for (const { name, storage } of versions) {
    if (storage && !stored.includes(name)) errors.push(invalid(path, stored, `must have the storage version ${name}`));
  }
  for (const [i, name] of stored.entries()) {
    if (versions.some((version) => version.name === name)) continue;
    errors.push(
      invalid(
        path.index(i),
        name,
        `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`,
      ),
    );
  }
  return errors;
}

function validatePreserveUnknownFields(crd: CustomResourceDefinition, old?: CustomResourceDefinition): FieldError[] {
  if (old?.spec.preserveUnknownFields === true || crd.spec.preserveUnknownFields !== true) return [];
  return [
    invalid(
      specPath.child('preserveUnknownFields'),
      true,
      'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
    ),
  ];
}
