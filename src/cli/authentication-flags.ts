/** kube-apiserver's flags that say who is believed. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { AuthenticationFlags } from '../cluster/authentication.ts';

export interface AuthenticationCommandFlags {
  readonly serviceAccountIssuer?: string[];
  readonly serviceAccountSigningKeyFile?: string;
  readonly serviceAccountKeyFile?: string[];
  readonly serviceAccountMaxTokenExpiration?: number;
  readonly serviceAccountJwksUri?: string;
  readonly apiAudiences?: string[];
  readonly tokenAuthFile?: string;
  readonly authenticationConfig?: string;
  readonly anonymousAuth?: boolean;
}

export function addAuthenticationFlags(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--service-account-issuer <url>',
        'who makes the tokens of service accounts; more of them are believed (may be repeated)',
      ).argParser(collect),
    )
    .addOption(
      new Option(
        '--service-account-signing-key-file <file>',
        'the private key of these tokens (default: pki/sa.key in the data directory, made when missing)',
      ),
    )
    .addOption(
      new Option(
        '--service-account-key-file <file>',
        'further keys that tokens may be signed with (may be repeated; default: pki/sa*.pub in the data directory)',
      ).argParser(collect),
    )
    .addOption(
      new Option('--service-account-max-token-expiration <duration>', 'no token lives longer: 24h, 1h30m').argParser(
        parseDuration,
      ),
    )
    .addOption(
      new Option('--service-account-jwks-uri <url>', 'where others find the keys of tokens (default: at this server)'),
    )
    .addOption(
      new Option(
        '--api-audiences <names>',
        'what the API server goes by in tokens (default: the first issuer)',
      ).argParser(parseList),
    )
    .addOption(new Option('--token-auth-file <file>', 'users by token: lines of token,user,uid,"group1,group2"'))
    .addOption(new Option('--authentication-config <file>', 'an AuthenticationConfiguration: issuers of OIDC tokens'))
    .addOption(
      new Option(
        '--anonymous-auth <boolean>',
        'whether requests need no credentials (default: for /healthz, /livez and /readyz alone)',
      ).argParser(parseBoolean),
    );
}

export function authenticationFlags(flags: AuthenticationCommandFlags): AuthenticationFlags {
  const {
    serviceAccountIssuer: serviceAccountIssuers,
    serviceAccountKeyFile: serviceAccountKeyFiles,
    serviceAccountJwksUri: serviceAccountKeySetUrl,
    serviceAccountSigningKeyFile,
    serviceAccountMaxTokenExpiration,
    apiAudiences,
    tokenAuthFile,
    authenticationConfig,
    anonymousAuth,
  } = flags;
  const given = {
    serviceAccountIssuers,
    serviceAccountSigningKeyFile,
    serviceAccountKeyFiles,
    serviceAccountMaxTokenExpiration,
    serviceAccountKeySetUrl,
    apiAudiences,
    tokenAuthFile,
    authenticationConfig,
    anonymousAuth,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function collect(value: string, former: string[] | undefined): string[] {
  return [...(former ?? []), value];
}

function parseList(text: string, former: string[] | undefined): string[] {
  return [...(former ?? []), ...text.split(',').filter((item) => item !== '')];
}

function parseBoolean(text: string): boolean {
  if (text === 'true') return true;
  if (text === 'false') return false;
  throw new InvalidArgumentError('It must be true or false.');
}

const unitSeconds: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1 };

/** In seconds. */
function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+)([hms])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) {
    throw new InvalidArgumentError('It must be a duration such as 24h or 1h30m.');
  }
  const seconds = parts.reduce((sum, [, count, unit]) => sum + Number(count) * unitSeconds[unit!]!, 0);
  if (seconds < 3600 || seconds > 2 ** 32) throw new InvalidArgumentError('It must be between 1h and 2^32 seconds.');
  return seconds;
}
