/** Who listens on a port, as far as this machine tells: Linux says it in /proc, others by `lsof`. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** `process 1234 (node)`, or `another process` when it cannot be known. */
export function portOwner(port: number): string {
  const owner = fromProc(port) ?? fromLsof(port);
  return owner ?? 'another process';
}

function fromProc(port: number): string | undefined {
  const inodes = new Set<string>();
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const lines = read(table)?.split('\n').slice(1) ?? [];
    for (const line of lines) {
      const fields = line.trim().split(/\s+/);
      // local address is "<hex address>:<hex port>", state 0A is LISTEN, field 9 the socket's inode
      if (fields[1]?.endsWith(`:${wanted}`) && fields[3] === '0A' && fields[9] !== undefined) inodes.add(fields[9]);
    }
  }
  if (inodes.size === 0) return undefined;
  for (const pid of list('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const fd of list(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${fd}`) ?? '')?.[1];
      if (inode === undefined || !inodes.has(inode)) continue;
      return `process ${pid} (${(read(`/proc/${pid}/comm`) ?? 'unknown').trim()})`;
    }
  }
  return undefined;
}

function fromLsof(port: number): string | undefined {
  try {
    const text = execFileSync('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
    const pid = /^p(\d+)$/m.exec(text)?.[1];
    const command = /^c(.+)$/m.exec(text)?.[1];
    return pid === undefined ? undefined : `process ${pid} (${command ?? 'unknown'})`;
  } catch {
    // No lsof here, or nothing it may see: the caller says so in general words.
    return undefined;
  }
}

/** Processes end while one looks at them, and others' are not ours to read: both are simply not there. */
function tolerant<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

const read = (path: string): string | undefined => tolerant(() => readFileSync(path, 'utf8'));
const link = (path: string): string | undefined => tolerant(() => readlinkSync(path));
const list = (path: string): string[] => tolerant(() => readdirSync(path)) ?? [];
