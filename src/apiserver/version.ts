/** `/version`: which Kubernetes API this server speaks, and which build it is. Source: `version.Info`. */
import { readFileSync } from 'node:fs';
import type { PathHandler } from './paths.ts';

/** The release of Kubernetes whose API is served. */
export const kubernetesVersion = { major: '1', minor: '36', patch: '0' } as const;

let packageVersion: string | undefined;

/** This package's own version, from its package.json. */
export function setpointVersion(): string {
  if (packageVersion === undefined) {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    packageVersion = (JSON.parse(text) as { version: string }).version;
  }
  return packageVersion;
}

export const versionPath: PathHandler = ({ path }) => {
  if (path !== '/version' && path !== '/version/') return undefined;
  const { major, minor, patch } = kubernetesVersion;
  const info = {
    major,
    minor,
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Number(minor) - 1),
    gitVersion: `v${major}.${minor}.${patch}+setpoint.${setpointVersion()}`,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: `node${process.versions.node}`,
    compiler: 'v8',
    platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  };
  return { code: 200, contentType: 'application/json', body: JSON.stringify(info, undefined, 2) };
};
