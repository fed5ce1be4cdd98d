/** Where the agent keeps what belongs to a pod, in kubelet's layout. */
import { join } from 'node:path';
import type { Pod } from '../../apis/types.ts';

export function podDirectory(directory: string, uid: string): string {
  return join(directory, 'pods', uid);
}

export function podLogDirectory(directory: string, { metadata }: Pick<Pod, 'metadata'>): string {
  return join(directory, 'logs', `${metadata.namespace}_${metadata.name}_${metadata.uid}`);
}

export function containerLogPath(
  directory: string,
  pod: Pick<Pod, 'metadata'>,
  container: string,
  attempt: number,
): string {
  return join(podLogDirectory(directory, pod), container, `${attempt}.log`);
}

/** What the container writes to its `terminationMessagePath` ends up here. */
export function terminationMessageFile(directory: string, uid: string, container: string, attempt: number): string {
  return join(podDirectory(directory, uid), 'containers', container, String(attempt));
}
