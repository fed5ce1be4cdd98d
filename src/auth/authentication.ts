/** Everybody who can say whom a request comes from, put together for one server. */
import type { TokenAuthenticator } from '../apis/authenticator.ts';
import type { ResourceAccess } from '../apis/resource-type.ts';
import type { ServiceAccountTokens } from '../apis/service-account-tokens.ts';
import type { UserInfo } from '../apis/user-info.ts';
import type { Clock } from '../clock/clock.ts';
import { type AnonymousPolicy, anonymousEverywhere } from './anonymous.ts';
import { type Authenticator, authenticateWith, type Credentials, tokenChecks } from './authenticate.ts';
import { bootstrapUser } from './bootstrap-tokens.ts';
import { LoginFailures } from './login-failures.ts';
import { type ObjectLookup, serviceAccountAuthenticator } from './service-account/authenticator.ts';
import { tokenIssuer } from './service-account/issuer.ts';
import type { ServiceAccountKeys } from './service-account/keys.ts';
import { bearerAuthenticator, forAudiences, unionTokens } from './tokens.ts';

export interface ServiceAccountSettings {
  /** The first one makes tokens; those of the others are believed, so that the issuer can be changed. */
  readonly issuers: readonly string[];
  /** Asked whenever keys are needed: they may change while the server runs. */
  readonly keys: () => ServiceAccountKeys;
  /** What the API server goes by in tokens; default: the first issuer. */
  readonly audiences?: readonly string[];
  /** No token lives longer, in seconds. */
  readonly maxExpirationSeconds?: number;
  /** Where relying parties find the keys; default: at this server, below the issuer or the address it was asked by. */
  readonly keySetUrl?: string;
}

export interface AuthenticationOptions {
  readonly authenticators?: readonly Authenticator[];
  readonly tokens?: readonly TokenAuthenticator[];
  readonly serviceAccounts?: ServiceAccountSettings;
  readonly bootstrapTokens?: boolean;
  readonly anonymous?: AnonymousPolicy;
}

export interface Authentication {
  /** Answers `anonymousUser` for a request without credentials. Rejects with 401 when they are wrong, 429 too often. */
  identify(credentials: Credentials): Promise<UserInfo>;
  /** What TokenReviews ask. */
  readonly tokens: TokenAuthenticator;
  /** `undefined`: the server makes no tokens. */
  readonly issuer: ServiceAccountTokens | undefined;
  readonly anonymous: AnonymousPolicy;
}

export function authentication(options: AuthenticationOptions, access: ResourceAccess, clock: Clock): Authentication {
  const { authenticators = [], serviceAccounts } = options;
  const lookup: ObjectLookup = (plural, namespace, name) => {
    const resource = { group: '', plural };
    return access.peek(resource, namespace, name) ?? access.cached(resource, namespace, name);
  };
  const audiences = audiencesOf(serviceAccounts);
  const tokens = [...(options.tokens ?? [])];
  if (serviceAccounts !== undefined) {
    tokens.push(serviceAccountAuthenticator({ ...serviceAccounts, audiences, lookup, clock }));
  }
  if (options.bootstrapTokens === true) tokens.push(forAudiences(audiences, bootstrapUser(lookup, clock)));
  const asked = [...authenticators, bearerAuthenticator(unionTokens(tokens))];
  return {
    identify: authenticateWith(asked, new LoginFailures(clock)),
    tokens: unionTokens([...tokens, tokenChecks(authenticators)]),
    issuer:
      serviceAccounts === undefined
        ? undefined
        : tokenIssuer({ ...serviceAccounts, issuer: serviceAccounts.issuers[0]!, audiences }),
    anonymous: options.anonymous ?? anonymousEverywhere,
  };
}

export function audiencesOf(settings: ServiceAccountSettings | undefined): readonly string[] {
  return settings?.audiences ?? settings?.issuers.slice(0, 1) ?? [];
}
