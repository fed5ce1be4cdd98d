/** The field numbers of `io.k8s.api.authentication.v1`, in the notation of {@link MessageTable}. */
import type { MessageTable } from './table.ts';

export const authenticationV1: MessageTable = {
  BoundObjectReference: 'kind apiVersion name uid',
  SelfSubjectReview: 'metadata status',
  SelfSubjectReviewStatus: 'userInfo',
  TokenRequest: 'metadata spec status',
  TokenRequestSpec: 'audiences boundObjectRef=3 expirationSeconds',
  TokenRequestStatus: 'token expirationTimestamp',
  TokenReview: 'metadata spec status',
  TokenReviewSpec: 'token audiences',
  TokenReviewStatus: 'authenticated user error audiences',
  UserInfo: 'username uid groups extra',
};
