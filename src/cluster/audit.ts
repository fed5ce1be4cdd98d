/** A cluster's audit log, from the flags of its API server and the policy file that they name, which is read again. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Auditor } from '../auth/audit/auditor.ts';
import { AuditLog } from '../auth/audit/log.ts';
import { compilePolicy } from '../auth/audit/policy.ts';
import { AuditPolicyError, defaultPolicy, parseAuditPolicy } from '../auth/audit/policy-file.ts';
import type { Clock } from '../clock/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import { reloading } from './reloading.ts';

/** kube-apiserver's flags of the same names. */
export interface AuditFlags {
  /** Default: {@link defaultPolicy}. */
  readonly auditPolicyFile?: string;
  /** `-`: the standard output. Absent: there is no log. */
  readonly auditLogPath?: string;
  /** In megabytes. */
  readonly auditLogMaxsize?: number;
  readonly auditLogMaxbackup?: number;
  /** In days. */
  readonly auditLogMaxage?: number;
}

export interface ClusterAudit {
  readonly auditor: Auditor;
  /** Resolves when everything is written. */
  close(): Promise<void>;
}

/** @throws AuditPolicyError */
export async function clusterAudit(flags: AuditFlags, clock: Clock, log: Logger): Promise<ClusterAudit | undefined> {
  const { auditLogPath: path, auditPolicyFile: policyFile } = flags;
  if (path === undefined) {
    if (policyFile !== undefined) log.warn({ policyFile }, 'an audit policy without --audit-log-path records nothing');
    return undefined;
  }
  const policy =
    policyFile === undefined
      ? { current: compilePolicy(defaultPolicy), close: () => undefined }
      : await reloading({
          what: 'the audit policy',
          directories: [dirname(policyFile)],
          read: async () => [await readPolicy(policyFile)],
          make: ([text = '']) => compilePolicy(parseAuditPolicy(text, policyFile)),
          clock,
          log,
        });
  try {
    const events = await AuditLog.open({
      path: path === '-' ? path : resolve(path),
      maxSize: flags.auditLogMaxsize ?? 0,
      maxBackup: flags.auditLogMaxbackup ?? 0,
      maxAge: flags.auditLogMaxage ?? 0,
      clock,
      failed: (error) => log.error({ path, error: error.message }, 'the audit log cannot be written; events are lost'),
    });
    return {
      auditor: new Auditor({
        policy: () => policy.current,
        write: (event) => events.write(event),
        clock,
        lost: () => events.lost,
      }),
      async close() {
        policy.close();
        await events.close();
      },
    };
  } catch (error) {
    policy.close();
    throw error;
  }
}

async function readPolicy(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new AuditPolicyError(`failed to read file path ${JSON.stringify(path)}: ${(error as Error).message}`);
  }
}
