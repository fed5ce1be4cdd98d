/**
 * What the access reviews share: how they are validated, asked and answered.
 * Source: Kubernetes `pkg/apis/authorization/validation`, `pkg/registry/authorization`.
 */
import type * as k8s from '@kubernetes/client-node';
import { type FieldError, FieldPath, forbidden, invalid, required } from '../../machinery/field.ts';
import type { FieldRequirement } from '../../machinery/field-selector.ts';
import { FieldSelector } from '../../machinery/field-selector.ts';
import {
  checkedRequirement,
  type LabelRequirement,
  LabelSelector,
  SelectorError,
} from '../../machinery/label-selector.ts';
import { isLabelKey } from '../../machinery/names.ts';
import type { ApiObject } from '../../machinery/object.ts';
import type { Attributes, ResourceAttributes } from '../authorizer.ts';
import type { RequestContext } from '../resource-type.ts';
import type { Wire } from '../types.ts';
import type { UserInfo } from '../user-info.ts';

export type AccessSpec = Wire<k8s.V1SelfSubjectAccessReviewSpec>;
type ResourceSpec = NonNullable<AccessSpec['resourceAttributes']>;
type SelectorRequirement = { key: string; operator: string; values?: string[] };

export interface AccessReview<Spec extends AccessSpec = AccessSpec> extends ApiObject {
  spec: Spec;
  status?: AccessReviewStatus;
}

interface AccessReviewStatus {
  allowed: boolean;
  denied?: boolean;
  reason?: string;
  evaluationError?: string;
}

/** Asks, and writes the answer into the review's status. */
export async function answerReview<T extends AccessReview>(
  review: T,
  user: UserInfo,
  { authorizer }: RequestContext,
): Promise<T> {
  const problems: string[] = [];
  const { verdict, reason, error } = await authorizer.authorize(attributesOf(review.spec, user, problems));
  const errors = [...(error === undefined ? [] : [error]), ...problems];
  const status: AccessReviewStatus = { allowed: verdict === 'allow' };
  if (verdict === 'deny') status.denied = true;
  if (reason !== '') status.reason = reason;
  if (errors.length > 0) status.evaluationError = errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]`;
  return { ...review, status };
}

function attributesOf(spec: AccessSpec, user: UserInfo, problems: string[]): Attributes {
  const { resourceAttributes: asked, nonResourceAttributes: path } = spec;
  if (asked == null) return { user, verb: path?.verb ?? '', path: path?.path ?? '' };
  const fieldSelector = selectorOf(asked.fieldSelector, parseFields, fieldRequirement, 'fieldSelector', problems);
  const labelSelector = selectorOf(asked.labelSelector, parseLabels, labelRequirement, 'labelSelector', problems);
  const attributes: ResourceAttributes = {
    user,
    verb: asked.verb ?? '',
    group: asked.group ?? '',
    version: (asked.version ?? '') === '' ? '*' : asked.version!,
    resource: asked.resource ?? '',
    subresource: asked.subresource ?? '',
    namespace: asked.namespace ?? '',
    name: asked.name ?? '',
    ...(fieldSelector.length === 0 ? {} : { fieldSelector }),
    ...(labelSelector.length === 0 ? {} : { labelSelector }),
  };
  return attributes;
}

/** What of a selector can be read: the rest is ignored, which narrows less, and is told of. */
function selectorOf<T>(
  given: { rawSelector?: string; requirements?: SelectorRequirement[] } | null | undefined,
  parse: (text: string) => readonly T[],
  convert: (requirement: SelectorRequirement) => T | undefined,
  field: string,
  problems: string[],
): readonly T[] {
  const { rawSelector = '', requirements = [] } = given ?? {};
  try {
    if (rawSelector !== '') return parse(rawSelector);
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error;
    problems.push(`spec.resourceAttributes.${field} ignored due to parse error`);
    return [];
  }
  const read = requirements.flatMap((requirement) => convert(requirement) ?? []);
  if (read.length < requirements.length) {
    const how = read.length === 0 ? 'ignored' : 'partially ignored';
    problems.push(`spec.resourceAttributes.${field} ${how} due to parse error`);
  }
  return read;
}

const parseFields = (text: string): readonly FieldRequirement[] => FieldSelector.parse(text).requirements;
const parseLabels = (text: string): readonly LabelRequirement[] => LabelSelector.parse(text).requirements;

/** Field selectors know equality only: sets of one value are that. */
function fieldRequirement({ key, operator, values = [] }: SelectorRequirement): FieldRequirement | undefined {
  if (values.length !== 1 || (operator !== 'In' && operator !== 'NotIn')) return undefined;
  return { field: key, operator: operator === 'In' ? '=' : '!=', value: values[0]! };
}

const labelOperators = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' } as const;

function labelRequirement({ key, operator, values = [] }: SelectorRequirement): LabelRequirement | undefined {
  const known = labelOperators[operator as keyof typeof labelOperators];
  if (known === undefined) return undefined;
  try {
    return checkedRequirement(key, known, values);
  } catch (error) {
    if (error instanceof SelectorError) return undefined;
    throw error;
  }
}

// -------------------------------------------------------------------------------------------------------- validation

export function validateAccessSpec(spec: AccessSpec): FieldError[] {
  const errors: FieldError[] = [];
  const { resourceAttributes, nonResourceAttributes } = spec;
  if (resourceAttributes != null && nonResourceAttributes != null) {
    errors.push(
      invalid(
        'spec.nonResourceAttributes',
        nonResourceAttributes,
        'cannot be specified in combination with resourceAttributes',
      ),
    );
  }
  if (resourceAttributes == null && nonResourceAttributes == null) {
    errors.push(
      invalid(
        'spec.resourceAttributes',
        null,
        'exactly one of nonResourceAttributes or resourceAttributes must be specified',
      ),
    );
  }
  return errors;
}

export function validateSelectors({ resourceAttributes }: AccessSpec): FieldError[] {
  const errors: FieldError[] = [];
  const { fieldSelector, labelSelector }: Partial<ResourceSpec> = resourceAttributes ?? {};
  const path = FieldPath.of('spec', 'resourceAttributes');
  if (fieldSelector != null) validateSelector(fieldSelector, path.child('fieldSelector'), false, errors);
  if (labelSelector != null) validateSelector(labelSelector, path.child('labelSelector'), true, errors);
  return errors;
}

function validateSelector(
  { rawSelector = '', requirements = [] }: { rawSelector?: string; requirements?: SelectorRequirement[] },
  path: FieldPath,
  labels: boolean,
  errors: FieldError[],
): void {
  if (rawSelector !== '' && requirements.length > 0) {
    errors.push(invalid(path.child('rawSelector'), rawSelector, 'may not specified at the same time as requirements'));
  }
  if (rawSelector === '' && requirements.length === 0) {
    errors.push(
      required(path.child('requirements'), `when ${path} is specified, requirements or rawSelector is required`),
    );
  }
  for (const [i, { key, operator, values = [] }] of requirements.entries()) {
    const at = path.child('requirements').index(i);
    if (!labels && key === '') errors.push(required(at.child('key'), 'must be specified'));
    if ((operator === 'In' || operator === 'NotIn') && values.length === 0) {
      errors.push(required(at.child('values'), "must be specified when `operator` is 'In' or 'NotIn'"));
    }
    if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
      errors.push(forbidden(at.child('values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    }
    if (labels) for (const problem of isLabelKey(key)) errors.push(invalid(at.child('key'), key, problem));
  }
}

/** Reviews have no metadata. `ignored`: what may be there all the same. */
export function validateNoMetadata({ metadata }: ApiObject, detail: string, ...ignored: string[]): FieldError[] {
  const given = Object.keys(metadata).filter((field) => field !== 'managedFields' && !ignored.includes(field));
  return given.length === 0 ? [] : [invalid('metadata', metadata, detail)];
}
