/** Who asks, as the server sees it: `kubectl auth whoami`. Source: Kubernetes `pkg/registry/authentication/selfsubjectreview`. */
import { formatTime } from '../../clock/clock.ts';
import type { ApiObject } from '../../machinery/object.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, nameColumn } from '../columns.ts';
import type { VirtualRequest } from '../resource-type.ts';
import { type ReviewedUser, reviewedUser } from './user-info.ts';

interface SelfSubjectReview extends ApiObject {
  status?: { userInfo?: ReviewedUser };
}

export const selfSubjectReviewType = builtinType<SelfSubjectReview>({
  group: 'authentication.k8s.io',
  kind: 'SelfSubjectReview',
  plural: 'selfsubjectreviews',
  scope: 'Cluster',
  verbs: ['create'],
  columns: [nameColumn, ageColumn],
  virtual: { create: review },
});

/** Made anew: nothing of what was sent counts. */
function review({ apiVersion, kind }: ApiObject, { context }: VirtualRequest): SelfSubjectReview {
  const metadata = { creationTimestamp: formatTime(context.now) };
  return { apiVersion, kind, metadata, status: { userInfo: reviewedUser(context.user) } };
}
