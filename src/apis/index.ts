/** Kubernetes' own kinds: one {@link ResourceType} each, made from a file a kind. */
import { deploymentType } from './apps/deployment.ts';
import { replicaSetType } from './apps/replica-set.ts';
import { leaseType } from './coordination/lease.ts';
import { configMapType } from './core/config-map.ts';
import { eventType } from './core/event.ts';
import { namespaceType } from './core/namespace.ts';
import { nodeType } from './core/node.ts';
import { podType } from './core/pod.ts';
import { secretType } from './core/secret.ts';
import { serviceType } from './core/service.ts';
import { serviceAccountType } from './core/service-account.ts';
import type { ResourceType } from './resource-type.ts';

export {
  configMapType,
  deploymentType,
  eventType,
  leaseType,
  namespaceType,
  nodeType,
  podType,
  replicaSetType,
  secretType,
  serviceAccountType,
  serviceType,
};

const types: readonly ResourceType[] = [
  configMapType,
  eventType,
  namespaceType,
  nodeType,
  podType,
  secretType,
  serviceAccountType,
  serviceType,
  deploymentType,
  replicaSetType,
  leaseType,
];

/** Every built-in kind, in the order in which discovery lists them: by group priority, then by name. */
export function builtinTypes(): readonly ResourceType[] {
  return types;
}
