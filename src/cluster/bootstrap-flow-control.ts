/**
 * The flow schemas and priority levels that every cluster has.
 * Source: kube-apiserver's priority-and-fairness-config-producer, which makes the mandatory objects first of all.
 */
import { mandatoryFlowSchemas, mandatoryPriorityLevels } from '../apis/flowcontrol/mandatory.ts';
import type { Client } from '../client/client.ts';
import { FlowSchema, PriorityLevelConfiguration } from '../client/kinds.ts';
import { isReason } from '../machinery/status.ts';

/** Kubernetes brings such objects back to what they must be; here nobody can change them. */
const annotations = { 'apf.kubernetes.io/autoupdate-spec': 'true' };

export async function bootstrapFlowControl(client: Client): Promise<void> {
  const levels = client.resource(PriorityLevelConfiguration);
  const schemas = client.resource(FlowSchema);
  await Promise.all([
    ...Object.entries(mandatoryPriorityLevels).map(([name, spec]) =>
      unlessThere(levels.create({ metadata: { name, annotations }, spec })),
    ),
    ...Object.entries(mandatoryFlowSchemas).map(([name, spec]) =>
      unlessThere(schemas.create({ metadata: { name, annotations }, spec })),
    ),
  ]);
}

async function unlessThere(created: Promise<unknown>): Promise<void> {
  try {
    await created;
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error;
  }
}
