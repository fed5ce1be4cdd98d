/** `setpoint up`: a whole cluster in this process, until a signal ends it. `setpoint server`: the API server of one. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';
import type { Cluster, ClusterOptions } from '../cluster/cluster.ts';
import {
  type AuthenticationCommandFlags,
  addAuthenticationFlags,
  authenticationFlags,
} from './authentication-flags.ts';
import { CliError } from './cli-error.ts';
import {
  bindFlag,
  controllersFlag,
  dataDirFlag,
  encryptionFlag,
  kubeconfigFlag,
  logFormatFlag,
  logLevelFlag,
  type logLevels,
  nodesFlag,
  portFlag,
  runtimeFlag,
  storeFlag,
} from './flags.ts';
import { createLogger } from './log.ts';
import { portOwner } from './port-owner.ts';
import { untilSignal } from './shutdown.ts';
import { addSurfaceFlags, type SurfaceCommandFlags, surfaceOptions } from './surface-flags.ts';

interface UpFlags extends AuthenticationCommandFlags, SurfaceCommandFlags {
  readonly dataDir: string;
  readonly store: ClusterOptions['store'];
  readonly bind: string;
  readonly port: number;
  readonly kubeconfig?: string;
  readonly encryptionProviderConfig?: string;
  readonly runtime: ClusterOptions['runtime'];
  readonly controllers: string[];
  readonly nodes: number;
  readonly logLevel: (typeof logLevels)[number];
  readonly logFormat: 'text' | 'json';
}

/** `setpoint server`: the API server alone; controllers, scheduler and nodes join it from other processes. */
export function serverCommand(): Command {
  return addApiServerFlags(
    new Command('server')
      .description('start an API server alone; the other roles join it from processes of their own')
      .addOption(dataDirFlag())
      .addOption(storeFlag())
      .addOption(encryptionFlag())
      .addOption(bindFlag())
      .addOption(portFlag())
      .addOption(kubeconfigFlag())
      .addOption(logLevelFlag())
      .addOption(logFormatFlag()),
  ).action((flags: Omit<UpFlags, 'runtime' | 'controllers' | 'nodes'>) =>
    run({ ...flags, runtime: 'none', controllers: [], nodes: 0 }, false),
  );
}

export function upCommand(): Command {
  return addApiServerFlags(
    new Command('up')
      .description('start a cluster: API server, controllers, scheduler and nodes in this process')
      .addOption(dataDirFlag())
      .addOption(storeFlag())
      .addOption(encryptionFlag())
      .addOption(bindFlag())
      .addOption(portFlag())
      .addOption(kubeconfigFlag())
      .addOption(runtimeFlag())
      .addOption(controllersFlag())
      .addOption(nodesFlag())
      .addOption(logLevelFlag())
      .addOption(logFormatFlag()),
  ).action((flags: UpFlags) => run(flags, true));
}

const addApiServerFlags = (command: Command): Command => addSurfaceFlags(addAuthenticationFlags(command));

async function run(flags: UpFlags, scheduler: boolean): Promise<void> {
  const log = createLogger(flags.logLevel, flags.logFormat);
  const { startCluster } = await import('../cluster/cluster.ts');
  const options: ClusterOptions = {
    dataDir: flags.dataDir,
    store: flags.store,
    bind: flags.bind,
    port: flags.port,
    ...(flags.kubeconfig === undefined ? {} : { kubeconfig: flags.kubeconfig }),
    ...(flags.encryptionProviderConfig === undefined
      ? {}
      : { encryptionProviderConfig: flags.encryptionProviderConfig }),
    controllers: flags.controllers,
    scheduler,
    runtime: flags.runtime,
    nodes: flags.nodes,
    authentication: authenticationFlags(flags),
    ...surfaceOptions(flags),
    log,
  };
  let cluster: Cluster;
  try {
    cluster = await startCluster(options);
  } catch (error) {
    throw explain(error, flags);
  }
  const finished = untilSignal(() => cluster.stop(), log);
  announce(cluster, flags);
  // `performance.now()` counts from the start of the process: what the user waited for.
  process.stdout.write(`ready in ${Math.round(performance.now())} ms\n`);
  process.exitCode = await finished;
  process.exit();
}

function announce(cluster: Cluster, flags: UpFlags): void {
  const lines = [
    ['server', cluster.url],
    ['kubeconfig', cluster.kubeconfigPath],
    ['store', flags.store === 'memory' ? 'memory (nothing is kept)' : `${flags.store} in ${flags.dataDir}`],
    ['controllers', cluster.controllerNames.length === 0 ? 'none' : cluster.controllerNames.join(', ')],
    [
      'nodes',
      cluster.nodeNames.length === 0
        ? 'none'
        : `${cluster.nodeNames.join(', ')} (${flags.runtime === 'auto' ? 'process' : flags.runtime})`,
    ],
  ];
  for (const [name, value] of lines) process.stderr.write(`${pc.dim(name!.padEnd(12))} ${value}\n`);
  process.stderr.write(
    `${pc.dim('try'.padEnd(12))} export KUBECONFIG=${cluster.kubeconfigPath}; kubectl get nodes,namespaces\n`,
  );
}

const configurationErrors: ReadonlySet<string> = new Set([
  'AuditPolicyError',
  'AuthenticationConfigurationError',
  'EncryptionConfigurationError',
  'ServiceAccountKeyError',
  'TokenFileError',
]);

/** What stands in the way, and who put it there. */
function explain(error: unknown, { bind, port, dataDir }: UpFlags): unknown {
  const { code, syscall, path, name, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    return new CliError(
      `port ${port} on ${bind} is in use by ${portOwner(port)}: stop it, or choose another with --port (0: any)`,
    );
  }
  if (syscall === 'listen' || syscall === 'getaddrinfo') {
    return new CliError(`cannot listen on ${bind}:${port}: ${message}`);
  }
  if (configurationErrors.has(name)) return new CliError(message);
  if (name === 'StoreOpenError' || name === 'StoreWriteError') return new CliError(message);
  // Everything else that the operating system refuses at a start is about a file; its message names the path.
  if (path?.startsWith(resolve(dataDir)) === true) {
    return new CliError(`cannot use the data directory ${dataDir}: ${message}`);
  }
  return syscall === undefined ? error : new CliError(message);
}
