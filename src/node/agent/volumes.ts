/**
 * A pod's volumes as directories of the host: `emptyDir`, `configMap`, `secret`, `downwardAPI`, `projected`, `hostPath`,
 * and claims whose volume is a directory of this node. Source: kubelet's volume plugins.
 */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import type { ConfigMap, Container, PersistentVolume, Pod, Secret, Volume } from '../../apis/types.ts';
import type { Mount } from '../container-runtime.ts';
import { expand } from './environment.ts';
import { allContainers, specOf } from './pod-state.ts';
import {
  ConfigError,
  contentOf,
  fieldValue,
  keysOf,
  type ObjectSource,
  type PodPlace,
  resourceValue,
} from './sources.ts';
import { type VolumeFile, writeVolume } from './volume-files.ts';

export interface VolumeSource extends ObjectSource {
  /** The volume that a claim of this name is bound to; `undefined`: it is not bound yet. */
  boundVolume(namespace: string, claim: string): Promise<PersistentVolume | undefined>;
  /** A token of the pod's service account, bound to the pod. */
  serviceAccountToken(pod: Pod, audience: string, expirationSeconds: number): Promise<string>;
}

/** A volume cannot be set up (yet); the message is that of the `FailedMount` event. */
export class MountError extends Error {
  override readonly name = 'MountError';
}

export interface VolumesInput {
  readonly pod: Pod;
  /** `<agent>/pods/<uid>`. */
  readonly directory: string;
  readonly place: PodPlace;
  readonly source: VolumeSource;
  /** Names new versions of content. */
  readonly stamp: string;
}

/**
 * Sets up the volumes that containers mount, and brings content that has changed up to date: called again from time to
 * time. Answers their directories by volume name. @throws MountError
 */
export async function setUpVolumes(input: VolumesInput): Promise<Map<string, string>> {
  const spec = specOf(input.pod);
  const mounted = new Set(allContainers(spec).flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name)));
  const paths = new Map<string, string>();
  for (const volume of spec.volumes ?? []) {
    if (!mounted.has(volume.name)) continue;
    try {
      paths.set(volume.name, await setUp(volume, input));
    } catch (error) {
      if (error instanceof MountError) throw error;
      throw new MountError(`MountVolume.SetUp failed for volume "${volume.name}" : ${(error as Error).message}`);
    }
  }
  return paths;
}

/** Whether content of the volumes can change while the pod runs. */
export function volumesChange(pod: Pod): boolean {
  return (specOf(pod).volumes ?? []).some(
    ({ configMap, secret, downwardAPI, projected }) => configMap ?? secret ?? downwardAPI ?? projected,
  );
}

/** A container's mounts, by the directories of its pod's volumes. @throws ConfigError */
export async function containerMounts(
  container: Container,
  paths: ReadonlyMap<string, string>,
  env: Readonly<Record<string, string>>,
): Promise<Mount[]> {
  const mounts: Mount[] = [];
  for (const { name, mountPath, readOnly = false, subPath = '', subPathExpr = '' } of container.volumeMounts ?? []) {
    const path = paths.get(name);
    if (path === undefined)
      throw new ConfigError(`cannot find volume "${name}" to mount into container "${container.name}"`);
    const below = subPathExpr === '' ? subPath : expandAll(subPathExpr, env);
    const hostPath = join(path, normalize(`/${below}`)).replace(/\/+$/, '');
    if (below !== '' && !(await exists(hostPath))) await mkdir(hostPath, { recursive: true });
    mounts.push({ containerPath: mountPath, hostPath, readOnly });
  }
  return mounts;
}

function expandAll(text: string, env: Readonly<Record<string, string>>): string {
  return expand(text, (name) => {
    if (env[name] === undefined) throw new ConfigError(`missing value for "${name}"`);
    return env[name];
  });
}

async function setUp(volume: Volume, input: VolumesInput): Promise<string> {
  const { pod, directory, source } = input;
  const namespace = pod.metadata.namespace ?? '';
  const at = (plugin: string): string => join(directory, 'volumes', `kubernetes.io~${plugin}`, volume.name);
  const write = async (plugin: string, files: Promise<VolumeFile[]>): Promise<string> => {
    await writeVolume(at(plugin), await files, input.stamp);
    return at(plugin);
  };
  if (volume.emptyDir !== undefined) {
    await mkdir(at('empty-dir'), { recursive: true });
    return at('empty-dir');
  }
  if (volume.hostPath !== undefined) {
    await checkHostPath(volume.hostPath.path, volume.hostPath.type ?? '');
    return volume.hostPath.path;
  }
  if (volume.configMap !== undefined) {
    const { name = '', defaultMode = 0o644 } = volume.configMap;
    const object = () => source.configMap(namespace, name);
    return write('configmap', objectFiles('configmap', name, object, volume.configMap, defaultMode));
  }
  if (volume.secret !== undefined) {
    const { secretName = '', defaultMode = 0o644 } = volume.secret;
    const object = () => source.secret(namespace, secretName);
    return write('secret', objectFiles('secret', secretName, object, volume.secret, defaultMode));
  }
  if (volume.downwardAPI !== undefined) {
    const { items = [], defaultMode = 0o644 } = volume.downwardAPI;
    return write('downward-api', Promise.resolve(downwardFiles(items, input, defaultMode)));
  }
  if (volume.projected !== undefined) return write('projected', projectedFiles(volume.projected, input));
  const claim =
    volume.persistentVolumeClaim?.claimName ??
    (volume.ephemeral === undefined ? undefined : `${pod.metadata.name}-${volume.name}`);
  if (claim !== undefined) return claimPath(volume.name, namespace, claim, input);
  const kind = Object.keys(volume).find((field) => field !== 'name') ?? 'emptyDir';
  throw new MountError(`volume "${volume.name}": volumes of type ${kind} are not supported by this node`);
}

interface KeyToPath {
  readonly key: string;
  readonly path: string;
  readonly mode?: number | undefined;
}

async function objectFiles(
  kind: 'configmap' | 'secret',
  name: string,
  read: () => Promise<ConfigMap | Secret | undefined>,
  { items, optional = false }: { items?: readonly KeyToPath[] | undefined; optional?: boolean | undefined },
  mode: number,
): Promise<VolumeFile[]> {
  const object = await read();
  if (object === undefined) {
    if (optional) return [];
    throw new ConfigError(`${kind} "${name}" not found`);
  }
  if (items === undefined) return keysOf(object).map((key) => ({ path: key, content: contentOf(object, key)!, mode }));
  const files: VolumeFile[] = [];
  for (const item of items) {
    const content = contentOf(object, item.key);
    if (content !== undefined) files.push({ path: item.path, content, mode: item.mode ?? mode });
    else if (!optional)
      throw new ConfigError(`references non-existent ${kind === 'secret' ? 'secret' : 'config'} key: ${item.key}`);
  }
  return files;
}

type DownwardItem = NonNullable<NonNullable<Volume['downwardAPI']>['items']>[number];

function downwardFiles(items: readonly DownwardItem[], { pod, place }: VolumesInput, mode: number): VolumeFile[] {
  return items.map((item) => {
    const value =
      item.fieldRef !== undefined
        ? fieldValue(item.fieldRef.fieldPath, pod, place)
        : item.resourceFieldRef !== undefined
          ? resourceValue(item.resourceFieldRef, pod, undefined, place)
          : '';
    return { path: item.path, content: Buffer.from(value), mode: item.mode ?? mode };
  });
}

async function projectedFiles(volume: NonNullable<Volume['projected']>, input: VolumesInput): Promise<VolumeFile[]> {
  const { pod, source } = input;
  const namespace = pod.metadata.namespace ?? '';
  const mode = volume.defaultMode ?? 0o644;
  const files: VolumeFile[] = [];
  for (const part of volume.sources ?? []) {
    if (part.serviceAccountToken !== undefined) {
      const { audience = '', expirationSeconds = 3600, path } = part.serviceAccountToken;
      const token = await source.serviceAccountToken(pod, audience, expirationSeconds);
      files.push({ path, content: Buffer.from(token), mode });
    } else if (part.configMap !== undefined) {
      const { name = '' } = part.configMap;
      const object = () => source.configMap(namespace, name);
      files.push(...(await objectFiles('configmap', name, object, part.configMap, mode)));
    } else if (part.secret !== undefined) {
      const { name = '' } = part.secret;
      const object = () => source.secret(namespace, name);
      files.push(...(await objectFiles('secret', name, object, part.secret, mode)));
    } else if (part.downwardAPI !== undefined) {
      files.push(...downwardFiles(part.downwardAPI.items ?? [], input, mode));
    } else {
      throw new ConfigError(`projections of ${Object.keys(part)[0] ?? 'nothing'} are not supported by this node`);
    }
  }
  return files;
}

async function claimPath(name: string, namespace: string, claim: string, input: VolumesInput): Promise<string> {
  const volume = await input.source.boundVolume(namespace, claim);
  if (volume === undefined) {
    throw new MountError(
      `Unable to attach or mount volumes: unmounted volumes=[${name}]: PVC ${namespace}/${claim} is not bound`,
    );
  }
  const path = volume.spec?.hostPath?.path ?? volume.spec?.local?.path;
  if (path === undefined) {
    throw new MountError(`volume "${name}": PersistentVolume ${volume.metadata.name} is neither hostPath nor local`);
  }
  await checkHostPath(path, volume.spec?.local === undefined ? (volume.spec?.hostPath?.type ?? '') : 'Directory');
  return path;
}

/** Source: kubelet's `pkg/volume/hostpath`. */
async function checkHostPath(path: string, type: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  const failed = (what: string): MountError => new MountError(`hostPath type check failed: ${path} is not ${what}`);
  switch (type) {
    case '':
      // Container runtimes make what is missing a directory.
      if (found === undefined) await mkdir(path, { recursive: true });
      return;
    case 'DirectoryOrCreate':
      if (found === undefined) await mkdir(path, { recursive: true, mode: 0o755 });
      else if (!found.isDirectory()) throw failed('a directory');
      return;
    case 'Directory':
      if (found?.isDirectory() !== true) throw failed('a directory');
      return;
    case 'FileOrCreate':
      if (found === undefined) await writeFile(path, '', { mode: 0o644 });
      else if (!found.isFile()) throw failed('a file');
      return;
    case 'File':
      if (found?.isFile() !== true) throw failed('a file');
      return;
    case 'Socket':
      if (found?.isSocket() !== true) throw failed('a socket file');
      return;
    default:
      throw new MountError(`hostPath type ${type} is not supported by this node`);
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
