/** Who a token belongs to, asked by those who are shown it. Source: Kubernetes `pkg/registry/authentication/tokenreview`. */
import type { ApiObject } from '../../machinery/object.ts';
import { badRequest } from '../../machinery/status.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, nameColumn } from '../columns.ts';
import type { VirtualRequest } from '../resource-type.ts';
import { type ReviewedUser, reviewedUser } from './user-info.ts';

interface TokenReview extends ApiObject {
  spec?: { token?: string; audiences?: readonly string[] };
  status?: { authenticated?: boolean; user?: ReviewedUser; audiences?: readonly string[]; error?: string };
}

export const tokenReviewType = builtinType<TokenReview>({
  group: 'authentication.k8s.io',
  kind: 'TokenReview',
  plural: 'tokenreviews',
  scope: 'Cluster',
  verbs: ['create'],
  columns: [nameColumn, ageColumn],
  virtual: { create: (draft, request) => review(draft as TokenReview, request) },
});

async function review(draft: TokenReview, { authenticator }: VirtualRequest): Promise<TokenReview> {
  const { token = '', audiences = [] } = draft.spec ?? {};
  if (token === '') throw badRequest('token is required for TokenReview in authentication');
  try {
    const found = await authenticator.authenticateToken(token, audiences);
    if (found === undefined) return { ...draft, status: { user: {}, error: 'invalid bearer token' } };
    return {
      ...draft,
      status: {
        authenticated: true,
        user: reviewedUser(found.user),
        ...(found.audiences.length === 0 ? {} : { audiences: found.audiences }),
      },
    };
  } catch (error) {
    return { ...draft, status: { user: {}, error: error instanceof Error ? error.message : String(error) } };
  }
}
