/** The role of the scheduler: decides on nodes for pods. */
import type { Transport } from '../client/transport.ts';
import type { Clock } from '../clock/clock.ts';
import type { LeaderElectionOptions } from '../runtime/leader-election.ts';
import type { Logger } from '../runtime/logger.ts';
import { Manager } from '../runtime/manager.ts';
import { addScheduler, type SchedulerOptions } from '../scheduler/index.ts';

export interface SchedulerRoleOptions extends SchedulerOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Logger;
  /** Set where several processes may take the role: only one at a time works. */
  readonly leaderElection?: LeaderElectionOptions;
}

export async function startScheduler({
  transport,
  clock,
  log,
  ...options
}: SchedulerRoleOptions): Promise<{ stop(): Promise<void> }> {
  const manager = new Manager({ transport, clock, logger: log, name: 'default-scheduler' });
  addScheduler(manager, options);
  await manager.start();
  return {
    async stop() {
      await manager.stop();
      await transport.close();
    },
  };
}
