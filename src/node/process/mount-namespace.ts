/**
 * Volumes at their own paths, where the host allows it: on Linux, with the privilege to mount, every container gets a
 * mount namespace in which its volumes lie over the host's file tree. Other processes of the host see nothing of them,
 * but for the empty mount points that had to be made. `unshare`, `nsenter` and `mount` are util-linux'.
 */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, stat, writeFile } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join, normalize } from 'node:path';
import { promisify } from 'node:util';
import { type Mount, RuntimeError } from '../container-runtime.ts';

const run = promisify(execFile);

/** What is given to `spawn`. */
export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Mounts (`source target ro|rw`, up to `--`), goes to the working directory, and becomes the container's command. */
const enter = `
while [ "$1" != -- ]; do
  "$MOUNT" --bind "$1" "$2" || exit 125
  if [ "$3" = ro ]; then "$MOUNT" -o remount,bind,ro "$2" || exit 125; fi
  shift 3
done
shift
cd "$1" || exit 125
shift
exec "$@"`;

/** Variables that the shell above adds; the container gets them only if they are its own. */
const shellVariables = ['PWD', 'OLDPWD', 'SHLVL', '_', 'MOUNT'];

interface Tools {
  readonly unshare: string;
  readonly nsenter: string;
  readonly mount: string;
  readonly sh: string;
  readonly env: string;
}

export class MountNamespaces {
  readonly #tools: Tools;

  private constructor(tools: Tools) {
    this.#tools = tools;
  }

  /** `undefined` where there are none: on other systems, without the tools, or without the privilege. */
  static async detect(directory: string): Promise<MountNamespaces | undefined> {
    if (process.platform !== 'linux') return undefined;
    const path = `${process.env.PATH ?? ''}${delimiter}/usr/sbin:/usr/bin:/sbin:/bin`;
    const find = (name: string): Promise<string | undefined> => lookUp(name, path);
    const [unshare, nsenter, mount, sh, env] = await Promise.all(
      ['unshare', 'nsenter', 'mount', 'sh', 'env'].map(find),
    );
    if (!unshare || !nsenter || !mount || !sh || !env) return undefined;
    try {
      await run(unshare, ['--mount', '--propagation', 'private', '--', mount, '--bind', directory, directory]);
    } catch {
      // Not permitted: as most users, and in most containers.
      return undefined;
    }
    return new MountNamespaces({ unshare, nsenter, mount, sh, env });
  }

  /** How a container's command is started. @throws RuntimeError when it cannot be. */
  async launch(command: Launch, mounts: readonly Mount[]): Promise<Launch> {
    const { unshare, sh } = this.#tools;
    const outermostFirst = [...mounts].sort((a, b) => a.containerPath.length - b.containerPath.length);
    for (const mount of outermostFirst) await makeMountPoint(mount, outermostFirst);
    await checkExecutable(command, outermostFirst);
    const binds = outermostFirst.flatMap(({ hostPath, containerPath, readOnly }) => [
      hostPath,
      normalize(containerPath),
      readOnly ? 'ro' : 'rw',
    ]);
    const shell = [sh, '-c', enter, 'sh', ...binds, '--', command.cwd, ...this.#cleanly(command)];
    return {
      file: unshare,
      args: ['--mount', '--propagation', 'private', '--', ...shell],
      cwd: '/',
      env: { ...command.env, MOUNT: this.#tools.mount },
    };
  }

  /** How a command is run beside the process `pid`, in its namespace. @throws RuntimeError when it cannot be. */
  async launchBeside(pid: number, command: Launch, mounts: readonly Mount[]): Promise<Launch> {
    const { nsenter, sh } = this.#tools;
    await checkExecutable(command, mounts);
    const shell = [sh, '-c', enter, 'sh', '--', command.cwd, ...this.#cleanly(command)];
    return { file: nsenter, args: [`--mount=/proc/${pid}/ns/mnt`, '--', ...shell], cwd: '/', env: command.env };
  }

  /** The command, without what the shell has put into the environment. */
  #cleanly({ file, args, env }: Launch): string[] {
    const own = env.MOUNT === undefined ? [] : [`MOUNT=${env.MOUNT}`];
    const added = shellVariables.filter((name) => env[name] === undefined).flatMap((name) => ['-u', name]);
    return [this.#tools.env, ...added, ...own, file, ...args];
  }
}

/** Where a container's path is on the host: in the innermost volume over it, else at the same place. */
function onHost(path: string, mounts: readonly Mount[]): string {
  let innermost: Mount | undefined;
  for (const mount of mounts) {
    const over = normalize(mount.containerPath);
    const holds = path === over || path.startsWith(over.endsWith('/') ? over : `${over}/`);
    if (holds && (innermost === undefined || over.length > normalize(innermost.containerPath).length))
      innermost = mount;
  }
  return innermost === undefined
    ? path
    : join(innermost.hostPath, path.slice(normalize(innermost.containerPath).length));
}

/** A mount needs something of its kind to lie over. */
async function makeMountPoint(mount: Mount, mounts: readonly Mount[]): Promise<void> {
  const outer = mounts.filter((other) => other !== mount && other.containerPath.length < mount.containerPath.length);
  const point = onHost(normalize(mount.containerPath), outer);
  try {
    if (await stat(point).catch(() => undefined)) return;
    if ((await stat(mount.hostPath)).isDirectory()) {
      await mkdir(point, { recursive: true });
    } else {
      await mkdir(dirname(point), { recursive: true });
      await writeFile(point, '');
    }
  } catch (error) {
    const message = `cannot make the mount point ${mount.containerPath}: ${(error as Error).message}`;
    throw new RuntimeError('RunContainerError', message);
  }
}

/** What `spawn` would find out, if the command were the first to be started. @throws an error as `spawn` gives it. */
async function checkExecutable({ file, cwd, env }: Launch, mounts: readonly Mount[]): Promise<void> {
  if (file.includes('/')) {
    const path = onHost(normalize(isAbsolute(file) ? file : join(cwd, file)), mounts);
    await access(path, constants.X_OK);
    if ((await stat(path)).isDirectory()) throw Object.assign(new Error('is a directory'), { code: 'EACCES' });
  } else if ((await lookUp(file, env.PATH ?? '', mounts)) === undefined) {
    throw Object.assign(new Error('not found'), { code: 'ENOENT' });
  }
}

async function lookUp(name: string, path: string, mounts: readonly Mount[] = []): Promise<string | undefined> {
  for (const directory of path.split(delimiter)) {
    const candidate = join(directory === '' ? '.' : directory, name);
    const found = onHost(candidate, mounts);
    const usable = await access(found, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable && (await stat(found)).isFile()) return candidate;
  }
  return undefined;
}
