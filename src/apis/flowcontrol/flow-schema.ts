import { type FieldError, FieldPath, invalid, notSupported, required } from '../../machinery/field.ts';
import { deepEqual, type JsonValue } from '../../machinery/json.ts';
import { isDns1123Label, nameIsDnsSubdomain, validateServiceAccountName } from '../../machinery/names.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { checkAll } from '../core/field-rules.ts';
import type { FlowSchema } from '../types.ts';
import { mandatoryFlowSchemas } from './mandatory.ts';

type Rule = NonNullable<NonNullable<FlowSchema['spec']>['rules']>[number];

const definition = 'io.k8s.api.flowcontrol.v1.FlowSchemaSpec';
const path = FieldPath.of('spec');
const maxPrecedence = 10_000;
const knownVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];

export const flowSchemaType = builtinType<FlowSchema>({
  group: 'flowcontrol.apiserver.k8s.io',
  kind: 'FlowSchema',
  plural: 'flowschemas',
  scope: 'Cluster',
  status: true,
  columns: [
    nameColumn,
    column<FlowSchema>('PriorityLevel', 'string', ({ spec }) => spec?.priorityLevelConfiguration?.name ?? '', {
      describedBy: [definition, 'priorityLevelConfiguration'],
    }),
    column<FlowSchema>('MatchingPrecedence', 'string', ({ spec }) => spec?.matchingPrecedence ?? 0, {
      describedBy: [definition, 'matchingPrecedence'],
    }),
    column<FlowSchema>('DistinguisherMethod', 'string', ({ spec }) => spec?.distinguisherMethod?.type ?? '<none>', {
      describedBy: [definition, 'distinguisherMethod'],
    }),
    ageColumn,
    column<FlowSchema>('MissingPL', 'string', missingText, {
      description: 'references a broken or non-existent PriorityLevelConfiguration',
    }),
  ],
  strategy: {
    generation: true,
    resetFields: { object: ['status'], status: ['metadata', 'spec'] },
    default({ spec }) {
      if (spec !== undefined) spec.matchingPrecedence ??= 1000;
    },
    prepareForCreate(draft) {
      draft.status = {};
    },
    prepareForUpdate(draft, old) {
      draft.status = old.status ?? {};
    },
    validate,
    validateUpdate: validate,
  },
});

function missingText({ status }: FlowSchema): string {
  return status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?';
}

/** Source: Kubernetes `pkg/apis/flowcontrol/validation/validation.go`, ValidateFlowSchema. */
function validate({ metadata, spec }: FlowSchema): FieldError[] {
  const errors: FieldError[] = [];
  if (spec === undefined) return errors;
  const { matchingPrecedence = 0, distinguisherMethod, priorityLevelConfiguration, rules = [] } = spec;
  const at = path.child('matchingPrecedence');
  if (matchingPrecedence <= 0) errors.push(invalid(at, matchingPrecedence, 'must be a positive value'));
  if (matchingPrecedence > maxPrecedence)
    errors.push(invalid(at, matchingPrecedence, `must not be greater than ${maxPrecedence}`));
  if (matchingPrecedence === 1 && metadata.name !== 'exempt') {
    errors.push(invalid(at, matchingPrecedence, "only the schema named 'exempt' may have matchingPrecedence 1"));
  }
  if (distinguisherMethod !== undefined && !['ByNamespace', 'ByUser'].includes(distinguisherMethod.type)) {
    const method = path.child('distinguisherMethod').child('type');
    errors.push(notSupported(method, distinguisherMethod.type, ['ByNamespace', 'ByUser']));
  }
  const level = priorityLevelConfiguration?.name ?? '';
  const levelPath = path.child('priorityLevelConfiguration').child('name');
  if (level === '') errors.push(required(levelPath, 'must reference a priority level'));
  else checkAll(nameIsDnsSubdomain(level), levelPath, level, errors);
  for (const [i, rule] of rules.entries()) validateRule(rule, path.child('rules').index(i), errors);
  const fixed = mandatoryFlowSchemas[metadata.name ?? ''];
  if (fixed !== undefined && !deepEqual(spec as JsonValue, fixed as JsonValue)) {
    errors.push(invalid(path, spec, `spec of '${metadata.name}' must equal the fixed value`));
  }
  return errors;
}

function validateRule(
  { subjects, resourceRules = [], nonResourceRules = [] }: Rule,
  at: FieldPath,
  errors: FieldError[],
): void {
  const subjectsPath = at.child('subjects');
  if ((subjects?.length ?? 0) === 0) errors.push(required(subjectsPath, 'subjects must contain at least one value'));
  for (const [i, { kind, user, group, serviceAccount }] of (subjects ?? []).entries()) {
    const each = subjectsPath.index(i);
    if (kind === 'User' || kind === 'Group') {
      const field = kind.toLowerCase();
      const named = kind === 'User' ? user : group;
      if (named === undefined)
        errors.push(required(each.child(field), `${field} is required when subject kind is '${kind}'`));
      else if (named.name === '') errors.push(required(each.child(field).child('name')));
    } else if (kind === 'ServiceAccount') {
      const field = each.child('serviceAccount');
      if (serviceAccount === undefined)
        errors.push(required(field, "serviceAccount is required when subject kind is 'ServiceAccount'"));
      else {
        if (serviceAccount.name === '') errors.push(required(field.child('name')));
        else if (serviceAccount.name !== '*') {
          checkAll(validateServiceAccountName(serviceAccount.name), field.child('name'), serviceAccount.name, errors);
        }
        if (serviceAccount.namespace === '')
          errors.push(required(field.child('namespace'), 'must specify namespace for service account'));
      }
    } else errors.push(notSupported(each.child('kind'), kind, ['Group', 'ServiceAccount', 'User']));
  }
  if (resourceRules.length === 0 && nonResourceRules.length === 0) {
    errors.push(required(at, 'at least one of resourceRules and nonResourceRules has to be non-empty'));
  }
  for (const [i, { verbs, apiGroups, resources, clusterScope, ...rule }] of resourceRules.entries()) {
    const namespaces = rule.namespaces ?? [];
    const each = at.child('resourceRules').index(i);
    validateVerbs(verbs, each.child('verbs'), errors);
    const groups = each.child('apiGroups');
    if (apiGroups.length === 0) errors.push(required(groups, 'resource rules must supply at least one api group'));
    else validateWildcard(apiGroups, groups, 'api groups', errors);
    const named = each.child('resources');
    if (resources.length === 0) errors.push(required(named, 'resource rules must supply at least one resource'));
    else validateWildcard(resources, named, 'resources', errors);
    const within = each.child('namespaces');
    if (namespaces.length === 0 && clusterScope !== true) {
      errors.push(required(within, 'resource rules that are not cluster scoped must supply at least one namespace'));
    } else if (namespaces.includes('*')) {
      validateWildcard(namespaces, within, 'namespaces', errors);
    } else {
      for (const [j, namespace] of namespaces.entries())
        for (const problem of isDns1123Label(namespace)) {
          const detail = `each member of this list must be '*' or a DNS-1123 label; ${problem}`;
          errors.push(invalid(within.index(j), namespace, detail));
        }
    }
  }
  for (const [i, { verbs, nonResourceURLs }] of nonResourceRules.entries()) {
    const each = at.child('nonResourceRules').index(i);
    validateVerbs(verbs, each.child('verbs'), errors);
    const urls = each.child('nonResourceURLs');
    if (nonResourceURLs.length === 0) errors.push(required(urls, 'nonResourceURLs must contain at least one value'));
    else validateWildcard(nonResourceURLs, urls, 'non-resource URLs', errors);
  }
}

function validateVerbs(verbs: readonly string[], at: FieldPath, errors: FieldError[]): void {
  if (verbs.length === 0) errors.push(required(at, 'verbs must contain at least one value'));
  else if (verbs.includes('*')) validateWildcard(verbs, at, 'verbs', errors);
  else if (!verbs.every((verb) => knownVerbs.includes(verb))) errors.push(notSupported(at, verbs, knownVerbs));
}

function validateWildcard(values: readonly string[], at: FieldPath, noun: string, errors: FieldError[]): void {
  if (values.includes('*') && values.length > 1)
    errors.push(invalid(at, values, `if '*' is present, must not specify other ${noun}`));
}
