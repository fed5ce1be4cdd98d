/** Of each container, the run that is and the one before are kept; older ones are cleared away with their logs. */
import { rm } from 'node:fs/promises';
import type { Pod } from '../../apis/types.ts';
import { rotatedLogs } from '../container-log.ts';
import type { AgentContext } from './agent-context.ts';
import { containerLogPath } from './paths.ts';
import type { PodState } from './pod-state.ts';

/** `state` is that from before the newest run was started: its first attempt is the one before. */
export async function removeOldAttempts(context: AgentContext, pod: Pod, state: PodState, name: string): Promise<void> {
  for (const old of (state.containers.get(name) ?? []).slice(1)) {
    await context.runtime.removeContainer(old.id);
    const path = containerLogPath(context.directory, pod, name, old.attempt);
    const logs = await rotatedLogs(path).catch(() => []);
    for (const file of [path, ...logs]) await rm(file, { force: true });
  }
}
