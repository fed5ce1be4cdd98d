/**
 * The file of `--audit-policy-file`, and what is written where there is none.
 * Source: `k8s.io/apiserver/pkg/audit/policy` (reader.go), `k8s.io/apiserver/pkg/apis/audit/validation`.
 */
import { errorText, type FieldError, FieldPath, invalid, notSupported, required } from '../../machinery/field.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../machinery/json.ts';
import { nameIsDnsSubdomain } from '../../machinery/names.ts';
import { parseGroupVersion } from '../../machinery/object.ts';
import { parseYaml } from '../../machinery/yaml.ts';
import { type AuditPolicy, levels, type PolicyRule, stages } from './policy.ts';

export class AuditPolicyError extends Error {
  override readonly name = 'AuditPolicyError';
}

/**
 * Every request once, when it is answered, and of none what it holds: the documentation's minimal policy, which keeps Secrets
 * out of the log by keeping every object out of it, without the events that say only that a request has come, and without
 * health checks.
 */
export const defaultPolicy: AuditPolicy = {
  omitStages: ['RequestReceived'],
  rules: [{ level: 'None', nonResourceURLs: ['/healthz*', '/livez*', '/readyz*'] }, { level: 'Metadata' }],
};

/** `path` is what messages call the file. @throws AuditPolicyError */
export function parseAuditPolicy(text: string, path: string): AuditPolicy {
  const fail = (why: string): AuditPolicyError => new AuditPolicyError(`${why}: from file ${path}`);
  let document: JsonValue;
  try {
    document = parseYaml(text).value;
  } catch (error) {
    throw fail(`failed decoding: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!isJsonObject(document)) throw fail('failed decoding: the file holds no object');
  const { apiVersion, kind } = document;
  if (apiVersion !== 'audit.k8s.io/v1' || kind !== 'Policy') {
    const { group, version } = parseGroupVersion(typeof apiVersion === 'string' ? apiVersion : '');
    throw fail(`unknown group version field ${group}/${version}, Kind=${String(kind ?? '')} in policy`);
  }
  const wrong = wrongType(document, shape, '');
  if (wrong !== undefined) throw fail(`failed decoding: ${wrong}`);
  const policy = document as unknown as AuditPolicy;
  const errors = validatePolicy(policy).map(errorText);
  if (errors.length > 0) throw fail(errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]`);
  if ((policy.rules ?? []).length === 0) throw fail('loaded illegal policy with 0 rules');
  return policy;
}

export function validatePolicy({ omitStages = [], rules = [] }: AuditPolicy): FieldError[] {
  return [
    ...validateStages(omitStages, FieldPath.of('omitStages')),
    ...rules.flatMap((rule, index) => validateRule(rule, FieldPath.of('rules').index(index))),
  ];
}

function validateRule(rule: PolicyRule, path: FieldPath): FieldError[] {
  const { level, nonResourceURLs = [], resources = [], namespaces = [], omitStages = [] } = rule;
  const errors: FieldError[] = [];
  if (!level) errors.push(required(path.child('level')));
  else if (!levels.includes(level)) errors.push(notSupported(path.child('level'), level, levels));
  const urls = path.child('nonResourceURLs');
  for (const [index, url] of nonResourceURLs.entries()) {
    if (url === '*') continue;
    if (!url.startsWith('/')) {
      errors.push(invalid(urls.index(index), url, "non-resource URL rules must begin with a '/' character"));
    }
    if (url.slice(0, -1).includes('*')) {
      const detail = "non-resource URL wildcards '*' must be the final character of the rule";
      errors.push(invalid(urls.index(index), url, detail));
    }
  }
  for (const { group = '', resources: names = [], resourceNames = [] } of resources) {
    const at = path.child('resources');
    const wrong = group === '' ? [] : nameIsDnsSubdomain(group);
    if (wrong.length > 0) errors.push(invalid(at.child('group'), group, wrong.join(',')));
    if (resourceNames.length > 0 && names.length === 0) {
      const detail = 'using resourceNames requires at least one resource';
      errors.push(invalid(at.child('resourceNames'), resourceNames, detail));
    }
  }
  errors.push(...validateStages(omitStages, path.child('omitStages')));
  if (nonResourceURLs.length > 0 && (resources.length > 0 || namespaces.length > 0)) {
    errors.push(invalid(urls, nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'));
  }
  return errors;
}

function validateStages(given: readonly string[], path: FieldPath): FieldError[] {
  const known: readonly string[] = stages;
  return given.flatMap((stage, index) =>
    known.includes(stage) ? [] : [invalid(path.index(index), stage, `allowed stages are ${known.join(',')}`)],
  );
}

/** A type of JSON, a list of one, or the fields of an object; fields that are not here are passed over, as Kubernetes does. */
type Shape = 'string' | 'boolean' | [Shape] | { readonly [field: string]: Shape };

const names: Shape = ['string'];
const shape: Shape = {
  omitStages: names,
  omitManagedFields: 'boolean',
  rules: [
    {
      level: 'string',
      users: names,
      userGroups: names,
      verbs: names,
      resources: [{ group: 'string', resources: names, resourceNames: names }],
      namespaces: names,
      nonResourceURLs: names,
      omitStages: names,
      omitManagedFields: 'boolean',
    },
  ],
};

/** Fields without a value count as absent: they are taken away. */
function wrongType(value: JsonValue, wanted: Shape, path: string): string | undefined {
  if (typeof wanted === 'string') {
    return typeof value === wanted ? undefined : `${path} must be a ${wanted}`;
  }
  if (Array.isArray(wanted)) {
    if (!Array.isArray(value)) return `${path} must be a list`;
    return firstOf(value.map((element, index) => wrongType(element, wanted[0], `${path}[${index}]`)));
  }
  if (!isJsonObject(value)) return `${path} must be an object`;
  const object: JsonObject = value;
  return firstOf(
    Object.entries(wanted).map(([field, inner]) => {
      if (object[field] === null) delete object[field];
      const child = object[field];
      return child === undefined ? undefined : wrongType(child, inner, path === '' ? field : `${path}.${field}`);
    }),
  );
}

const firstOf = (texts: readonly (string | undefined)[]): string | undefined =>
  texts.find((text) => text !== undefined);
