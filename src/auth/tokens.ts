/**
 * Bearer tokens, whoever checks them: of requests, and of TokenReviews that ask on behalf of others.
 * Source: Kubernetes `k8s.io/apiserver/pkg/authentication/{request/bearertoken,token/union,group}`.
 */
import type { TokenAuthenticator, TokenIdentity } from '../apis/authenticator.ts';
import type { UserInfo } from '../apis/user-info.ts';
import { type Authenticator, anonymousUser, authenticatedGroup } from './authenticate.ts';
import { bearerToken } from './bearer-token.ts';

/** What those who ask are told of a token that nobody knows. */
export const invalidToken = 'invalid bearer token';

/** Asks them in order; the first that knows the token answers. Rejects with what all that knew it had against it. */
export function unionTokens(authenticators: readonly TokenAuthenticator[]): TokenAuthenticator {
  return {
    async authenticateToken(token, audiences) {
      const problems = new Set<string>();
      for (const authenticator of authenticators) {
        try {
          const identity = await authenticator.authenticateToken(token, audiences);
          if (identity !== undefined) return { ...identity, user: authenticated(identity.user) };
        } catch (error) {
          problems.add(error instanceof Error ? error.message : String(error));
        }
      }
      if (problems.size > 0) throw new TokenError(`[${[invalidToken, ...problems].join(', ')}]`);
      return undefined;
    },
  };
}

/** The token is somebody's, and wrong. The message names the reason and nothing of the token. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
}

/** For tokens that know nothing of audiences: they are for the API server. */
export function forAudiences(
  own: readonly string[],
  userOf: (token: string) => UserInfo | undefined | Promise<UserInfo | undefined>,
): TokenAuthenticator {
  return {
    async authenticateToken(token, audiences): Promise<TokenIdentity | undefined> {
      const shared = audiences.length === 0 ? own : audiences.filter((audience) => own.includes(audience));
      if (shared.length === 0 && audiences.length > 0) return undefined;
      const user = await userOf(token);
      return user === undefined ? undefined : { user, audiences: shared };
    },
  };
}

/** Requests with a bearer token. */
export function bearerAuthenticator(tokens: TokenAuthenticator): Authenticator {
  return async ({ authorization }) => {
    const token = bearerToken(authorization);
    if (token === undefined) return undefined;
    try {
      return (await tokens.authenticateToken(token, []))?.user;
    } catch (error) {
      // The answer is a plain 401: it tells whoever guesses nothing.
      if (error instanceof TokenError) return undefined;
      throw error;
    }
  };
}

/** Everybody who is somebody is in `system:authenticated`. */
function authenticated(user: UserInfo): UserInfo {
  const { groups } = user;
  if (groups.includes(authenticatedGroup) || groups.includes(anonymousUser.groups[0]!)) return user;
  return { ...user, groups: [...groups, authenticatedGroup] };
}
