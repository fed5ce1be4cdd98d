/** kube-apiserver's flags that say what is written of requests, how many run at once, and what browsers are told. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ClusterOptions } from '../cluster/cluster.ts';

export interface SurfaceCommandFlags {
  readonly auditPolicyFile?: string;
  readonly auditLogPath?: string;
  readonly auditLogMaxsize?: number;
  readonly auditLogMaxbackup?: number;
  readonly auditLogMaxage?: number;
  readonly maxRequestsInflight?: number;
  readonly maxMutatingRequestsInflight?: number;
  readonly strictTransportSecurityDirectives?: string;
}

export function addSurfaceFlags(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--audit-log-path <file>',
        "where requests are written down; '-': the standard output (default: nowhere)",
      ),
    )
    .addOption(
      new Option(
        '--audit-policy-file <file>',
        'what is written of which request (default: of all but health checks who asked for what, and nothing of objects)',
      ),
    )
    .addOption(
      new Option('--audit-log-maxsize <megabytes>', 'when a new file is begun (default: 100)').argParser(parseCount),
    )
    .addOption(
      new Option('--audit-log-maxbackup <count>', 'how many old files are kept (default: all)').argParser(parseCount),
    )
    .addOption(
      new Option('--audit-log-maxage <days>', 'how long old files are kept (default: for ever)').argParser(parseCount),
    )
    .addOption(
      new Option('--max-requests-inflight <count>', 'how many reads run at once (default: 400)').argParser(parseLimit),
    )
    .addOption(
      new Option('--max-mutating-requests-inflight <count>', 'how many writes run at once (default: 200)').argParser(
        parseLimit,
      ),
    )
    .addOption(
      new Option(
        '--strict-transport-security-directives <list>',
        'what browsers are told of HTTPS: max-age=31536000,includeSubDomains,preload (default: nothing)',
      ).argParser(parseDirectives),
    );
}

export function surfaceOptions(
  flags: SurfaceCommandFlags,
): Pick<ClusterOptions, 'audit' | 'inFlight' | 'strictTransportSecurity'> {
  const { auditPolicyFile, auditLogPath, auditLogMaxsize, auditLogMaxbackup, auditLogMaxage } = flags;
  const { maxRequestsInflight: reads, maxMutatingRequestsInflight: writes } = flags;
  const { strictTransportSecurityDirectives: strictTransportSecurity } = flags;
  return {
    audit: given({ auditPolicyFile, auditLogPath, auditLogMaxsize, auditLogMaxbackup, auditLogMaxage }),
    inFlight: given({ reads, writes }),
    ...given({ strictTransportSecurity }),
  };
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function given<T extends object>(flags: T): Given<T> {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined)) as Given<T>;
}

function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a number that is not negative.');
  return Number(text);
}

function parseLimit(text: string): number {
  const limit = parseCount(text);
  if (limit === 0) throw new InvalidArgumentError('It must be at least 1.');
  return limit;
}

/** Source: RFC 6797, 6.1; `k8s.io/apiserver/pkg/server/options` (server_run_options.go). */
function parseDirectives(text: string): string {
  const directives = text.split(',').map((directive) => directive.trim());
  if (!directives.every((directive) => /^(max-age=\d+|includeSubDomains|preload)$/.test(directive))) {
    throw new InvalidArgumentError('Allowed values: max-age=expireTime, includeSubDomains, preload.');
  }
  if (!directives.some((directive) => directive.startsWith('max-age='))) {
    throw new InvalidArgumentError('It needs max-age=expireTime.');
  }
  return directives.join('; ');
}
