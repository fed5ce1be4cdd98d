/**
 * Signals: the first SIGINT or SIGTERM ends in good order, a second one at once.
 */
import type { Logger } from '../runtime/logger.ts';

/** Resolves with the exit code when everything has stopped. */
export function untilSignal(stop: () => Promise<void>, log: Logger): Promise<number> {
  return new Promise((resolve) => {
    let stopping = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (stopping) process.exit(128 + (signal === 'SIGINT' ? 2 : 15));
      stopping = true;
      stop().then(
        () => resolve(0),
        (error: unknown) => {
          log.error({ error }, 'could not stop in good order');
          resolve(1);
        },
      );
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}
