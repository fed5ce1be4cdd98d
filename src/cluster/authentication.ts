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
import { parseTokenFile, type TokenTable, userOf } from '../auth/token-file.ts';
import { forAudiences } from '../auth/tokens.ts';
import type { Clock } from '../clock/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { DataDirectory } from './data-directory.ts';
import { type Reloading, ReloadingFiles } from './reloading.ts';
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

/** @throws TokenFileError, AuthenticationConfigurationError, ServiceAccountKeyError */
export async function clusterAuthentication(
  flags: AuthenticationFlags,
  directory: DataDirectory,
  ownKeySetUrl: () => string,
  clock: Clock,
  log: Logger,
): Promise<ClusterAuthentication> {
  const files = new ReloadingFiles(clock, log);
  try {
    const { serviceAccountIssuers: issuers = [defaultIssuer], serviceAccountMaxTokenExpiration: longest } = flags;
    const audiences = flags.apiAudiences ?? issuers.slice(0, 1);
    const keyFiles = { signing: flags.serviceAccountSigningKeyFile, verifying: flags.serviceAccountKeyFiles };
    const opened = await clusterKeys(keyFiles, directory, files);
    const keys = (): ServiceAccountKeys => opened.current;
    const table = await openTokenFile(flags.tokenAuthFile, files);
    const configured = await openConfiguration(flags, issuers, files);
    const byFlag = anonymousPolicy(flags.anonymousAuth);
    return {
      options: {
        tokens: [
          forAudiences(audiences, (token) => table && userOf(table.current, token)),
          forAudiences(audiences, (token) => configured?.current.userOf(token)),
        ],
        bootstrapTokens: true,
        anonymous: (path) => (configured?.current.anonymous ?? byFlag)(path),
        serviceAccounts: {
          issuers,
          keys,
          audiences,
          ...(longest === undefined ? {} : { maxExpirationSeconds: longest }),
          get keySetUrl() {
            return flags.serviceAccountKeySetUrl ?? ownKeySetUrl();
          },
        },
      },
      keys,
      close: () => files.close(),
    };
  } catch (error) {
    files.close();
    throw error;
  }
}

async function openTokenFile(
  path: string | undefined,
  files: ReloadingFiles,
): Promise<Reloading<TokenTable> | undefined> {
  if (path === undefined) return undefined;
  return await files.open({
    what: 'the token file',
    directories: [dirname(path)],
    read: async () => [await readFile(path, 'utf8')],
    make: ([text = '']) => parseTokenFile(text, path),
  });
}

async function openConfiguration(
  flags: AuthenticationFlags,
  ownIssuers: readonly string[],
  files: ReloadingFiles,
): Promise<Reloading<Configured> | undefined> {
  const { authenticationConfig: path } = flags;
  if (path === undefined) return undefined;
  return await files.open({
    what: 'the authentication configuration',
    directories: [dirname(path)],
    read: async () => [await readFile(path, 'utf8')],
    make: ([text = '']) => readConfiguration(text, path, ownIssuers, flags, files.clock),
  });
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
