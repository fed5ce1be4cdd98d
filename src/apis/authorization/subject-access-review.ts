/** What someone may do, asked by those who serve them: on the whole cluster, or by the owner of a namespace within it. */
import type * as k8s from '@kubernetes/client-node';
import { type FieldError, invalid } from '../../machinery/field.ts';
import type { ApiObject } from '../../machinery/object.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, nameColumn } from '../columns.ts';
import type { VirtualRequest } from '../resource-type.ts';
import type { Wire } from '../types.ts';
import type { UserInfo } from '../user-info.ts';
import {
  type AccessReview,
  answerReview,
  validateAccessSpec,
  validateNoMetadata,
  validateSelectors,
} from './access-review.ts';

type SubjectSpec = Wire<k8s.V1SubjectAccessReviewSpec>;
type SubjectReview = AccessReview<SubjectSpec>;

export const subjectAccessReviewType = builtinType<SubjectReview>({
  group: 'authorization.k8s.io',
  kind: 'SubjectAccessReview',
  plural: 'subjectaccessreviews',
  scope: 'Cluster',
  verbs: ['create'],
  columns: [nameColumn, ageColumn],
  strategy: {
    validate: (review) => [...validateSubjectSpec(review.spec), ...validateNoMetadata(review, 'must be empty')],
  },
  virtual: { create: answer },
});

export const localSubjectAccessReviewType = builtinType<SubjectReview>({
  group: 'authorization.k8s.io',
  kind: 'LocalSubjectAccessReview',
  plural: 'localsubjectaccessreviews',
  verbs: ['create'],
  columns: [nameColumn, ageColumn],
  strategy: { validate: validateLocal },
  virtual: { create: answer },
});

function validateSubjectSpec(spec: SubjectSpec): FieldError[] {
  const errors = validateAccessSpec(spec);
  if ((spec.user ?? '') === '' && (spec.groups ?? []).length === 0) {
    errors.push(invalid('spec.user', spec.user ?? '', 'at least one of user or group must be specified'));
  }
  return [...errors, ...validateSelectors(spec)];
}

function validateLocal(review: SubjectReview): FieldError[] {
  const { metadata, spec } = review;
  const errors = validateSubjectSpec(spec);
  errors.push(...validateNoMetadata(review, 'must be empty except for namespace', 'namespace'));
  const { resourceAttributes, nonResourceAttributes } = spec;
  if (resourceAttributes != null && (resourceAttributes.namespace ?? '') !== metadata.namespace) {
    errors.push(
      invalid('spec.resourceAttributes.namespace', resourceAttributes.namespace ?? '', 'must match metadata.namespace'),
    );
  }
  if (nonResourceAttributes != null) {
    errors.push(invalid('spec.nonResourceAttributes', nonResourceAttributes, 'disallowed on this kind of request'));
  }
  return errors;
}

async function answer(draft: ApiObject, { context }: VirtualRequest): Promise<ApiObject> {
  const review = draft as SubjectReview;
  const { user = '', groups = [], uid, extra } = review.spec;
  const subject: UserInfo = {
    name: user,
    groups,
    ...(uid === undefined ? {} : { uid }),
    ...(extra === undefined ? {} : { extra }),
  };
  return await answerReview(review, subject, context);
}
