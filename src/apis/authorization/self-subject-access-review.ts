/** What the requester itself may do: `kubectl auth can-i`. */
import { builtinType } from '../builtin.ts';
import { ageColumn, nameColumn } from '../columns.ts';
import {
  type AccessReview,
  answerReview,
  validateAccessSpec,
  validateNoMetadata,
  validateSelectors,
} from './access-review.ts';

export const selfSubjectAccessReviewType = builtinType<AccessReview>({
  group: 'authorization.k8s.io',
  kind: 'SelfSubjectAccessReview',
  plural: 'selfsubjectaccessreviews',
  scope: 'Cluster',
  verbs: ['create'],
  columns: [nameColumn, ageColumn],
  strategy: {
    validate: (review) => [
      ...validateAccessSpec(review.spec),
      ...validateSelectors(review.spec),
      ...validateNoMetadata(review, 'must be empty'),
    ],
  },
  virtual: { create: (draft, { context }) => answerReview(draft as AccessReview, context.user, context) },
});
