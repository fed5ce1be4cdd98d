/** `setpoint version`: this build, and the Kubernetes release whose API it serves. */
import { Command } from 'commander';
import { kubernetesVersion, setpointVersion } from '../apiserver/version.ts';

export function versionCommand(): Command {
  return new Command('version').description('print the version').action(() => {
    const { major, minor } = kubernetesVersion;
    process.stdout.write(
      `setpoint ${setpointVersion()} (Kubernetes API ${major}.${minor}, node ${process.versions.node})\n`,
    );
  });
}
