/** How a cluster knows its users, from the flags of its API server and the files that they name, which it reads again. */
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  type AnonymousPolicy,
  anonymousAt,
  anonymousEverywhere,
  anonymousHealth,
  anonymousNowhere,
} from '../auth/anonymous.ts';
import type { AuthenticationOptions } from '../auth/authentication.ts';
import { jwtAuthenticator } from '../auth/oidc/authenticator.ts';
import { AuthenticationConfigurationError, parseAuthenticationConfiguration } from '../auth/oidc/configuration.ts';
import type { ServiceAccountKeys } from '../auth/service-account/keys.ts';
import { parseTokenFile, userOf } from '../auth/token-file.ts';
import { forAudiences } from '../auth/tokens.ts';
import type { Clock } from '../clock/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { DataDirectory } from './data-directory.ts';
import { type Reloading, reloading } from './reloading.ts';
import { clusterKeys } from './service-account-keys.ts';

/** kube-apiserver's flags of the same names. */
export interface AuthenticationFlags {
  /** Default: {@link defaultIssuer}. */
  readonly serviceAccountIssuers?: readonly string[];
  readonly serviceAccountSigningKeyFile?: string;
  readonly serviceAccountKeyFiles?: readonly string[];
  /** In seconds. */
  readonly serviceAccountMaxTokenExpiration?: number;
  /** Where others find the keys of tokens; default: at this server. */
  readonly serviceAccountKeySetUrl?: string;
  /** Default: the first issuer. */
  readonly apiAudiences?: readonly string[];
  readonly tokenAuthFile?: string;
  readonly authenticationConfig?: string;
  /** Default: for health alone. */
  readonly anonymousAuth?: boolean;
}

export const defaultIssuer = 'https://kubernetes.default.svc.cluster.local';

export interface ClusterAuthentication {
  readonly options: Omit<AuthenticationOptions, 'authenticators'>;
  readonly keys: () => ServiceAccountKeys;
  close(): void;
}

export async function clusterAuthentication(
  flags: AuthenticationFlags,
  directory: DataDirectory,
  ownKeySetUrl: () => string,
  clock: Clock,
  log: Logger,
): Promise<ClusterAuthentication> {
  const { serviceAccountIssuers: issuers = [defaultIssuer], serviceAccountMaxTokenExpiration: longest } = flags;
  const audiences = flags.apiAudiences ?? issuers.slice(0, 1);
  const open: Reloading<unknown>[] = [];
  const kept = <T extends Reloading<unknown>>(opened: T): T => {
    open.push(opened);
    return opened;
  };
  const files = { signing: flags.serviceAccountSigningKeyFile, verifying: flags.serviceAccountKeyFiles };
  const keys = kept(await clusterKeys(files, directory, clock, log));
  const tokens = [];
  const { tokenAuthFile } = flags;
  if (tokenAuthFile !== undefined) {
    const table = kept(
      await reloading({
        what: 'the token file',
        directories: [dirname(tokenAuthFile)],
        read: async () => [await readFile(tokenAuthFile, 'utf8')],
        make: ([text = '']) => parseTokenFile(text, tokenAuthFile),
        clock,
        log,
      }),
    );
    tokens.push(forAudiences(audiences, (token) => userOf(table.current, token)));
  }
  let anonymous = anonymousPolicy(flags.anonymousAuth);
  const { authenticationConfig } = flags;
  if (authenticationConfig !== undefined) {
    const configured = kept(
      await reloading({
        what: 'the authentication configuration',
        directories: [dirname(authenticationConfig)],
        read: async () => [await readFile(authenticationConfig, 'utf8')],
        make: ([text = '']) => readConfiguration(text, authenticationConfig, issuers, flags, clock),
        clock,
        log,
      }),
    );
    tokens.push(forAudiences(audiences, (token) => configured.current.userOf(token)));
    const byFlag = anonymous;
    anonymous = (path) => (configured.current.anonymous ?? byFlag)(path);
  }
  return {
    options: {
      tokens,
      bootstrapTokens: true,
      anonymous,
      serviceAccounts: {
        issuers,
        keys: () => keys.current,
        audiences,
        ...(longest === undefined ? {} : { maxExpirationSeconds: longest }),
        get keySetUrl() {
          return flags.serviceAccountKeySetUrl ?? ownKeySetUrl();
        },
      },
    },
    keys: () => keys.current,
    close() {
      for (const opened of open) opened.close();
    },
  };
}

interface Configured {
  readonly userOf: ReturnType<typeof jwtAuthenticator>;
  /** `undefined`: the flag says. */
  readonly anonymous: AnonymousPolicy | undefined;
}

function readConfiguration(
  text: string,
  path: string,
  ownIssuers: readonly string[],
  { anonymousAuth }: AuthenticationFlags,
  clock: Clock,
): Configured {
  try {
    const { jwt, anonymous } = parseAuthenticationConfiguration(text, ownIssuers);
    if (anonymous !== undefined && anonymousAuth !== undefined) {
      throw new AuthenticationConfigurationError(
        '--anonymous-auth flag cannot be set when anonymous field is configured in authentication configuration file',
      );
    }
    return {
      userOf: jwtAuthenticator(jwt, clock),
      anonymous: anonymous && anonymousAt(anonymous.enabled, anonymous.paths),
    };
  } catch (error) {
    if (!(error instanceof AuthenticationConfigurationError)) throw error;
    throw new AuthenticationConfigurationError(`authentication configuration ${path}: ${error.message}`);
  }
}

function anonymousPolicy(flag: boolean | undefined): AnonymousPolicy {
  if (flag === undefined) return anonymousHealth;
  return flag ? anonymousEverywhere : anonymousNowhere;
}
