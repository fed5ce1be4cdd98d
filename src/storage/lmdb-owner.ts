/**
 * Who may write to a directory: one process at a time, because revisions are counted in memory.
 *
 * The owner is a record in the database itself, exchanged under LMDB's write lock, which the system releases when a
 * process dies. A record whose process is gone is stale and is taken over. A process is known by its id *and* its start
 * time, for ids are used again.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { threadId } from 'node:worker_threads';

export interface Owner {
  readonly pid: number;
  readonly host: string;
  /** What the system says about when the process started; empty where it says nothing. */
  readonly started: string;
  readonly thread: number;
  /** Tells the stores of one thread apart. */
  readonly id: string;
}

/** The stores that this thread has open. */
const held = new Set<string>();

export function claim(): Owner {
  const owner: Owner = {
    pid: process.pid,
    host: hostname(),
    started: startOf(process.pid) ?? '',
    thread: threadId,
    id: randomUUID(),
  };
  held.add(owner.id);
  return owner;
}

export function release(owner: Owner): void {
  held.delete(owner.id);
}

/** Whether the store of this record may still be open somewhere. */
export function isAlive(owner: Owner): boolean {
  const started = startOf(owner.pid);
  if (started === undefined || started !== owner.started) return false;
  return owner.pid !== process.pid || owner.thread !== threadId || held.has(owner.id);
}

/** Undefined when no such process runs; empty when it runs and the system does not say since when. */
function startOf(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
  }
  if (process.platform !== 'linux') return '';
  try {
    // proc(5): the name in parentheses may hold anything; behind it come the state (field 3) and, as field 22, the start
    // time in clock ticks since boot.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // Dead, and only waiting for its parent to ask: in a container without an init that may be for ever.
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    const ticks = fields[19];
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${ticks}`;
  } catch {
    return ''; // no /proc, or the process ended just now: the next attempt will tell
  }
}
