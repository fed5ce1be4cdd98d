/**
 * Who a request comes from. Authenticators are asked in order; the first that knows the credentials answers.
 * Source: Kubernetes authentication ("X509 client certificates", "Static token file", "Anonymous requests").
 */
import type { PeerCertificate } from 'node:tls';
import type { TokenAuthenticator } from '../apis/authenticator.ts';
import type { UserInfo } from '../apis/user-info.ts';
import { unauthorized } from '../machinery/status.ts';
import { bearerToken } from './bearer-token.ts';
import type { LoginFailures } from './login-failures.ts';

export interface Credentials {
  /** Of the TLS connection, already verified against the client CA; absent when none was shown. */
  readonly certificate: PeerCertificate | undefined;
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
  /** The client's IP address. */
  readonly address?: string | undefined;
}

/** Answers `undefined` when it does not know the credentials; throws 401 when they are its own and wrong. */
export type Authenticator = (credentials: Credentials) => UserInfo | undefined | Promise<UserInfo | undefined>;

export const authenticatedGroup = 'system:authenticated';

export const anonymousUser: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** The attribute of a subject that is the user's uid. Source: KEP-5064, `k8s.io/apiserver/pkg/authentication/request/x509`. */
export const uidAttribute = '1.3.6.1.4.1.57683.2';

/** CN is the user's name, every O a group; the certificate itself is the credential that the audit log names. */
export const certificateAuthenticator: Authenticator = ({ certificate }) => {
  const subject = (certificate?.subject ?? {}) as unknown as Readonly<Record<string, string | string[] | undefined>>;
  const { CN: name, O: organizations = [], [uidAttribute]: uid } = subject;
  if (certificate === undefined || typeof name !== 'string' || name === '') return undefined;
  // More than one, or none behind the attribute: nobody can say who it is.
  if (uid !== undefined && (typeof uid !== 'string' || uid === '')) throw unauthorized();
  const fingerprint = certificate.fingerprint256?.replaceAll(':', '').toLowerCase();
  return {
    name,
    ...(uid === undefined ? {} : { uid }),
    groups: [...[organizations].flat(), authenticatedGroup],
    ...(fingerprint === undefined
      ? {}
      : { extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] } }),
  };
};

/** Bearer tokens from a fixed table. */
export function tokenAuthenticator(tokens: ReadonlyMap<string, UserInfo>): Authenticator {
  return ({ authorization }) => {
    const token = bearerToken(authorization);
    const user = token === undefined ? undefined : tokens.get(token);
    return user === undefined ? undefined : { ...user, groups: [...user.groups, authenticatedGroup] };
  };
}

/** A request with credentials that nobody knows is refused, and counted; one without any is anonymous. */
export function authenticateWith(
  authenticators: readonly Authenticator[],
  failures: LoginFailures,
): (credentials: Credentials) => Promise<UserInfo> {
  return async (credentials) => {
    const { authorization, address } = credentials;
    if (authorization !== undefined) failures.check(address);
    for (const authenticator of authenticators) {
      const user = await authenticator(credentials);
      if (user !== undefined) return user;
    }
    if (authorization === undefined) return anonymousUser;
    failures.count(address);
    throw unauthorized();
  };
}

/** Bearer tokens as `authenticators` know them, for those who ask on behalf of others; they know of no audiences. */
export function tokenChecks(authenticators: readonly Authenticator[]): TokenAuthenticator {
  return {
    async authenticateToken(token, audiences) {
      for (const authenticator of authenticators) {
        const user = await authenticator({ certificate: undefined, authorization: `Bearer ${token}` });
        if (user !== undefined) return { user, audiences };
      }
      return undefined;
    },
  };
}
