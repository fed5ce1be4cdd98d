/** `setpoint controllers`, `scheduler` and `node`: one role each, of a cluster whose API server is another process. */
import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import type { KeyPair } from '../auth/certificates.ts';
import type { ServiceAccountKeys } from '../auth/service-account/keys.ts';
import type { Transport } from '../client/transport.ts';
import { systemClock } from '../clock/clock.ts';
import type { RuntimeChoice } from '../cluster/node-role.ts';
import type { LeaderElectionOptions } from '../runtime/leader-election.ts';
import type { Logger } from '../runtime/logger.ts';
import { CliError } from './cli-error.ts';
import { controllersFlag, dataDirFlag, logFormatFlag, logLevelFlag, type logLevels, runtimeFlag } from './flags.ts';
import { createLogger } from './log.ts';
import { untilSignal } from './shutdown.ts';

interface RoleFlags {
  readonly kubeconfig: string;
  readonly logLevel: (typeof logLevels)[number];
  readonly logFormat: 'text' | 'json';
}

/** A role that has been started. */
interface Role {
  stop(): Promise<void>;
}

const joinFlag = (): Option =>
  new Option('--kubeconfig <file>', 'how to reach the API server, and as whom').env('KUBECONFIG').makeOptionMandatory();

interface ControllersFlags extends RoleFlags {
  readonly controllers: string[];
  readonly serviceAccountPrivateKeyFile?: string;
  readonly clusterSigningCertFile?: string;
  readonly clusterSigningKeyFile?: string;
}

export function controllersCommand(): Command {
  return new Command('controllers')
    .description('run the built-in controllers against an API server in another process')
    .addOption(joinFlag())
    .addOption(controllersFlag())
    .addOption(
      new Option(
        '--service-account-private-key-file <file>',
        "what signs the tokens in Secrets: the API server's sa.key (default: none are made)",
      ),
    )
    .addOption(
      new Option(
        '--cluster-signing-cert-file <file>',
        'the CA that signs what CertificateSigningRequests ask for (default: nobody signs them)',
      ),
    )
    .addOption(new Option('--cluster-signing-key-file <file>', "that CA's key"))
    .addOption(logLevelFlag())
    .addOption(logFormatFlag())
    .action((flags: ControllersFlags) =>
      run(flags, 'kube-controller-manager', async (transport, log, rootCertificates) => {
        const { startControllers } = await import('../cluster/controllers-role.ts');
        const keys = await signingKeys(flags.serviceAccountPrivateKeyFile);
        const certificateAuthority = await signingAuthority(flags);
        return await startControllers({
          ...(keys === undefined ? {} : { serviceAccountKeys: () => keys }),
          ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
          transport,
          selection: flags.controllers,
          clock: systemClock,
          log,
          rootCertificates,
          leaderElection: candidate('kube-controller-manager'),
        });
      }),
    );
}

async function signingKeys(path: string | undefined): Promise<ServiceAccountKeys | undefined> {
  if (path === undefined) return undefined;
  const { serviceAccountKeys } = await import('../auth/service-account/keys.ts');
  try {
    return serviceAccountKeys(await readFile(path, 'utf8'));
  } catch (error) {
    throw new CliError(`${path} holds no key to sign with: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function signingAuthority({
  clusterSigningCertFile,
  clusterSigningKeyFile,
}: ControllersFlags): Promise<KeyPair | undefined> {
  if (clusterSigningCertFile === undefined && clusterSigningKeyFile === undefined) return undefined;
  if (clusterSigningCertFile === undefined || clusterSigningKeyFile === undefined) {
    throw new CliError('--cluster-signing-cert-file and --cluster-signing-key-file go together', 2);
  }
  const authority = {
    certificate: await readFile(clusterSigningCertFile, 'utf8'),
    key: await readFile(clusterSigningKeyFile, 'utf8'),
  };
  let fits: boolean;
  try {
    fits = new X509Certificate(authority.certificate).checkPrivateKey(createPrivateKey(authority.key));
  } catch (error) {
    throw new CliError(`no CA to sign with: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!fits) throw new CliError(`${clusterSigningKeyFile} is not the key of ${clusterSigningCertFile}`);
  return authority;
}

export function schedulerCommand(): Command {
  return new Command('scheduler')
    .description('run the scheduler against an API server in another process')
    .addOption(joinFlag())
    .addOption(logLevelFlag())
    .addOption(logFormatFlag())
    .action((flags: RoleFlags) =>
      run(flags, 'kube-scheduler', async (transport, log) => {
        const { startScheduler } = await import('../cluster/scheduler-role.ts');
        return await startScheduler({
          transport,
          clock: systemClock,
          log,
          leaderElection: candidate('kube-scheduler'),
        });
      }),
    );
}

interface NodeFlags extends RoleFlags {
  readonly name: string;
  readonly runtime: RuntimeChoice;
  readonly dataDir: string;
}

export function nodeCommand(): Command {
  return new Command('node')
    .description('run a node agent against an API server in another process')
    .addOption(joinFlag())
    .addOption(new Option('--name <name>', "the node's name").default(hostname().toLowerCase()))
    .addOption(runtimeFlag())
    .addOption(dataDirFlag())
    .addOption(logLevelFlag())
    .addOption(logFormatFlag())
    .action((flags: NodeFlags) =>
      run(flags, 'kubelet', async (transport, log, authority) => {
        if (flags.runtime === 'none') throw new CliError("--runtime: a node needs one, 'none' is for `setpoint up`", 2);
        const { startNode } = await import('../cluster/node-role.ts');
        const { agentServer } = await import('../cluster/agent-server.ts');
        return await startNode({
          name: flags.name,
          runtime: flags.runtime,
          directory: join(flags.dataDir, 'nodes', flags.name),
          transport,
          clock: systemClock,
          log,
          server: await agentServer(flags.name, authority, systemClock.now()),
        });
      }),
    );
}

/** `authority`: the CA of the kubeconfig's cluster, PEM. */
async function run(
  flags: RoleFlags,
  userAgent: string,
  start: (transport: Transport, log: Logger, authority: string) => Promise<Role>,
): Promise<void> {
  const log = createLogger(flags.logLevel, flags.logFormat);
  const { loadKubeConfig, httpTransport } = await import('../client/index.ts');
  let role: Role;
  try {
    const config = await loadKubeConfig({ path: flags.kubeconfig });
    role = await start(httpTransport({ ...config, userAgent }), log, String(config.ca ?? ''));
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(
      `cannot join the cluster of ${flags.kubeconfig}: ${error instanceof Error ? error.message : error}`,
    );
  }
  const finished = untilSignal(() => role.stop(), log);
  process.stdout.write(`ready in ${Math.round(performance.now())} ms\n`);
  process.exitCode = await finished;
  process.exit();
}

/** Leases that Kubernetes' own components hold. */
function candidate(name: string): LeaderElectionOptions {
  return { namespace: 'kube-system', name, identity: `${hostname()}_${randomUUID()}` };
}
