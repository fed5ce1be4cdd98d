/** What validating and mutating policies have in common. Source: Kubernetes `pkg/apis/admissionregistration/validation`. */
import type * as k8s from '@kubernetes/client-node';
import type { Type } from '../../cel/index.ts';
import {
  duplicate,
  type FieldError,
  type FieldPath,
  forbidden,
  invalid,
  notSupported,
  required,
  tooMany,
} from '../../machinery/field.ts';
import {
  isCIdentifier,
  isDns1035Label,
  isDns1123Subdomain,
  isPathSegmentName,
  isQualifiedName,
  nameIsDnsSubdomain,
} from '../../machinery/names.ts';
import { type ApiObject, parseGroupVersion } from '../../machinery/object.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { checkAll } from '../core/field-rules.ts';
import { checkLabelSelector } from '../core/scheduling-validation.ts';
import type { Column } from '../resource-type.ts';
import type { Wire } from '../types.ts';
import { checkExpression, type ExpressionScope } from './expressions.ts';
import { defaultMatchResources, type MatchResources, validateMatchResources } from './match-resources.ts';

export type MatchCondition = Wire<k8s.V1MatchCondition>;
export type Variable = Wire<k8s.V1Variable>;
export type ParamKind = Wire<k8s.V1ParamKind>;
export type ParamRef = Wire<k8s.V1ParamRef>;
type Spec = Pick<
  Wire<k8s.V1ValidatingAdmissionPolicySpec>,
  'failurePolicy' | 'paramKind' | 'matchConstraints' | 'matchConditions' | 'variables'
>;

type Bound = ApiObject & { spec?: { policyName?: string; paramRef?: ParamRef; matchResources?: MatchResources } };

/** The columns of bindings of both kinds. */
export const bindingColumns: readonly Column[] = [
  nameColumn,
  column<Bound>('PolicyName', 'string', ({ spec }) => spec?.policyName ?? '', {
    description: 'PolicyName indicates the policy definition which the policy binding binded to',
  }),
  column<Bound>('ParamRef', 'string', ({ spec }) => paramRefText(spec?.paramRef), {
    description: 'ParamRef indicates the param resource which sets the configration param',
  }),
  ageColumn,
];

export const paramKindColumn: Column = column<ApiObject & { spec?: Spec }>(
  'ParamKind',
  'string',
  ({ spec }) => paramKindText(spec?.paramKind),
  { description: 'ParamKind specifies the kind of resources used to parameterize this policy' },
);

export function defaultPolicy({ spec }: { spec?: Spec }): void {
  if (spec === undefined) return;
  spec.failurePolicy ??= 'Fail';
  if (spec.matchConstraints !== undefined) defaultMatchResources(spec.matchConstraints);
}

export function defaultBinding({ spec }: Pick<Bound, 'spec'>): void {
  if (spec?.matchResources !== undefined) defaultMatchResources(spec.matchResources);
}

const failurePolicies = ['Fail', 'Ignore'];
const maxMatchConditions = 64;

/** Answers what the policy's other expressions may name. */
export function validatePolicyFrame(
  spec: Spec,
  path: FieldPath,
  errors: FieldError[],
  operations?: readonly string[],
): ExpressionScope & { readonly params: boolean } {
  const { failurePolicy, paramKind, matchConstraints } = spec;
  const params = paramKind !== undefined;
  if (failurePolicy === undefined) errors.push(required(path.child('failurePolicy')));
  else if (!failurePolicies.includes(failurePolicy)) {
    errors.push(notSupported(path.child('failurePolicy'), failurePolicy, failurePolicies));
  }
  if (paramKind !== undefined) validateParamKind(paramKind, path.child('paramKind'), errors);
  const constraints = path.child('matchConstraints');
  if (matchConstraints === undefined) errors.push(required(constraints));
  else {
    validateMatchResources(matchConstraints, constraints, errors, operations);
    if ((matchConstraints.resourceRules?.length ?? 0) === 0) errors.push(required(constraints.child('resourceRules')));
  }
  validateMatchConditions(spec.matchConditions ?? [], { params }, path.child('matchConditions'), errors);
  const variables = validateVariables(spec.variables ?? [], params, path.child('variables'), errors);
  return { params, ...(variables.size === 0 ? {} : { variables }) };
}

function validateParamKind({ apiVersion = '', kind = '' }: ParamKind, path: FieldPath, errors: FieldError[]): void {
  const at = path.child('apiVersion');
  if (apiVersion === '') errors.push(required(at));
  else if (apiVersion.split('/').length > 2) {
    errors.push(invalid(at, apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  } else {
    const { group, version } = parseGroupVersion(apiVersion);
    const groupProblems = group === '' ? [] : isDns1123Subdomain(group);
    if (groupProblems.length > 0) errors.push(invalid(at, group, groupProblems.join(',')));
    const versionProblems = isDns1035Label(version);
    if (version === '') errors.push(invalid(at, apiVersion, 'version must be specified'));
    else if (versionProblems.length > 0) errors.push(invalid(at, version, versionProblems.join(',')));
  }
  if (kind === '') {
    errors.push(required(path.child('kind')));
    return;
  }
  const problems = isDns1035Label(kind.toLowerCase());
  if (problems.length > 0) {
    const why = `may have mixed case, but should otherwise match: ${problems.join(',')}`;
    errors.push(invalid(path.child('kind'), kind, why));
  }
}

export function validateMatchConditions(
  conditions: readonly MatchCondition[],
  scope: ExpressionScope,
  path: FieldPath,
  errors: FieldError[],
): void {
  if (conditions.length > maxMatchConditions) errors.push(tooMany(path, conditions.length, maxMatchConditions));
  const names = new Set<string>();
  for (const [i, { name, expression }] of conditions.entries()) {
    const at = path.index(i);
    checkExpression(expression.trim(), scope, ['bool'], at.child('expression'), errors);
    if (name === '') errors.push(required(at.child('name')));
    else {
      checkAll(isQualifiedName(name), at.child('name'), name, errors);
      if (names.has(name)) errors.push(duplicate(at.child('name'), name));
      names.add(name);
    }
  }
}

/** Words that cannot be the name of a variable. */
const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

function validateVariables(
  variables: readonly Variable[],
  params: boolean,
  path: FieldPath,
  errors: FieldError[],
): ReadonlyMap<string, Type> {
  const types = new Map<string, Type>();
  for (const [i, { name, expression }] of variables.entries()) {
    const at = path.index(i);
    if (name.trim() === '') errors.push(required(at.child('name'), 'name is not specified'));
    else if (isCIdentifier(name).length > 0 || reserved.has(name)) {
      errors.push(invalid(at.child('name'), name, 'name is not a valid CEL identifier'));
    }
    if (expression.trim() === '') {
      errors.push(required(at.child('expression'), 'expression is not specified'));
      continue;
    }
    const scope = { params, variables: new Map(types) };
    types.set(name, checkExpression(expression, scope, undefined, at.child('expression'), errors));
  }
  return types;
}

export function validatePolicyName(policyName: string, path: FieldPath, errors: FieldError[]): void {
  if (policyName === '') errors.push(required(path));
  else checkAll(nameIsDnsSubdomain(policyName), path, policyName, errors);
}

export function validateParamRef(ref: ParamRef | undefined, at: FieldPath, errors: FieldError[]): void {
  if (ref === undefined) return;
  const { name = '', selector, parameterNotFoundAction } = ref;
  const exclusive = 'name and selector are mutually exclusive';
  if (name !== '') {
    checkAll(isPathSegmentName(name), at.child('name'), name, errors);
    if (selector !== undefined) errors.push(forbidden(at.child('name'), exclusive));
  }
  checkLabelSelector(selector, at.child('selector'), errors);
  if (selector !== undefined && name !== '') errors.push(forbidden(at.child('selector'), exclusive));
  if (name === '' && selector === undefined) errors.push(required(at, 'one of name or selector must be specified'));
  const choices = ['Deny', 'Allow'];
  const action = at.child('parameterNotFoundAction');
  if ((parameterNotFoundAction ?? '') === '') errors.push(required(action));
  else if (!choices.includes(parameterNotFoundAction!)) {
    errors.push(notSupported(action, parameterNotFoundAction, choices));
  }
}

function paramRefText(ref: ParamRef | undefined): string {
  if (ref === undefined) return '<unset>';
  const name = ref.name ?? '*';
  return ref.namespace === undefined ? name : `${ref.namespace}/${name}`;
}

function paramKindText(paramKind: ParamKind | undefined): string {
  return paramKind === undefined ? '<unset>' : `${paramKind.apiVersion ?? ''}/${paramKind.kind ?? ''}`;
}
