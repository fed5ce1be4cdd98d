/** Clearing away a pod that has ended: in the API, in the runtime, on the disk. */
import { rm } from 'node:fs/promises';
import type { Pod } from '../../apis/types.ts';
import { Pod as pods } from '../../client/kinds.ts';
import { StatusError } from '../../machinery/status.ts';
import type { AgentContext } from './agent-context.ts';
import { podDirectory, podLogDirectory } from './paths.ts';

/** The last step of a graceful deletion: the node says that nothing of the pod runs any more. */
export async function finishDeletion({ client }: AgentContext, { metadata }: Pod): Promise<void> {
  const { namespace, name = '', uid = '' } = metadata;
  try {
    await client.resource(pods).delete({ namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
  } catch (error) {
    // Somebody else was faster, or another pod has the name.
    if (!(error instanceof StatusError) || (error.code !== 404 && error.code !== 409)) throw error;
  }
}

export async function removeTraces(context: AgentContext, pod: Pod, sandboxIds: readonly string[]): Promise<void> {
  const { runtime, directory } = context;
  for (const id of sandboxIds) await runtime.removeSandbox(id);
  await rm(podDirectory(directory, pod.metadata.uid ?? ''), { recursive: true, force: true });
  await rm(podLogDirectory(directory, pod), { recursive: true, force: true });
}
