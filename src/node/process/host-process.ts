/**
 * What the host knows about processes: who a process id belongs to, whether its group lives, what it uses. Linux answers
 * from /proc; elsewhere `ps` answers, and there are no statistics.
 */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { constants, cpus, freemem, totalmem } from 'node:os';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface GroupUsage {
  readonly cpuNanoseconds: number;
  readonly memoryBytes: number;
}

/**
 * What tells this process from a later one with the same id: when it started, on which boot. `undefined` when there is no
 * such process (a zombie is none).
 */
export async function processIdentity(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    const stat = await readProcFile(`/proc/${pid}/stat`);
    if (stat === undefined) return undefined;
    const fields = statFields(stat);
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return `${await bootId()}/${fields[19]}`;
  }
  try {
    const { stdout } = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { env: { LC_ALL: 'C' } });
    const text = stdout.trim();
    return text === '' || text.startsWith('Z') ? undefined : text.slice(text.indexOf(' ')).trim();
  } catch {
    // `ps` answers with exit code 1 when there is no such process.
    return undefined;
  }
}

/** Signals every process of a group; false when there is none left. */
export function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  return signalProcess(-pid, signal);
}

/** Signals one process, or the group of a negative number; false when there is none. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    // EPERM on some systems when only zombies are left in the group.
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH' || code === 'EPERM') return false;
    throw error;
  }
}

export function signalNumber(signal: NodeJS.Signals): number {
  return constants.signals[signal];
}

/** CPU time and resident memory by process group, for the groups asked for. Empty where there is no /proc. */
export async function groupUsage(groups: ReadonlySet<number>): Promise<Map<number, GroupUsage>> {
  const usage = new Map<number, GroupUsage>();
  if (process.platform !== 'linux' || groups.size === 0) return usage;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  await Promise.all(
    pids.map(async (pid) => {
      const stat = await readProcFile(`/proc/${pid}/stat`);
      if (stat === undefined) return;
      const fields = statFields(stat);
      const group = Number(fields[2]);
      if (!groups.has(group)) return;
      const status = await readProcFile(`/proc/${pid}/status`);
      const rss = Number(/^VmRSS:\s+(\d+) kB/m.exec(status ?? '')?.[1] ?? 0) * 1024;
      // utime, stime and those of the children it has waited for, in ticks of 1/100 s.
      const ticks = Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14]);
      const before = usage.get(group) ?? { cpuNanoseconds: 0, memoryBytes: 0 };
      usage.set(group, {
        cpuNanoseconds: before.cpuNanoseconds + ticks * 10_000_000,
        memoryBytes: before.memoryBytes + rss,
      });
    }),
  );
  return usage;
}

/** Of the whole host: what its processors have done, and the memory that is not available to new processes. */
export function hostUsage(): GroupUsage {
  const milliseconds = cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0);
  return { cpuNanoseconds: milliseconds * 1_000_000, memoryBytes: totalmem() - freemem() };
}

/** The fields of /proc/pid/stat after the command's name (which may hold spaces and parentheses): state is the first. */
function statFields(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

let knownBootId: Promise<string> | undefined;

function bootId(): Promise<string> {
  knownBootId ??= readProcFile('/proc/sys/kernel/random/boot_id').then((text) => (text ?? '').trim());
  return knownBootId;
}

/** `undefined` when the process is gone, also while it was being read. */
async function readProcFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
