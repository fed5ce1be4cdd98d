/**
 * What a namespace under deletion still waits for, as conditions.
 * Source: `k8s.io/kubernetes/pkg/controller/namespace/deletion/status_condition_utils.go`.
 */
import type * as k8s from '@kubernetes/client-node';
import type { Wire } from '../../apis/types.ts';
import { setCondition } from '../../machinery/conditions.ts';

type Condition = Wire<k8s.V1NamespaceCondition>;

/** What one pass over the content has found. */
export interface Findings {
  /** By apiVersion, why its resources could not be discovered. */
  readonly undiscovered: ReadonlyMap<string, string>;
  /** Why content could not be deleted. */
  readonly failures: readonly string[];
  /** How many objects are left, by `<resource>.<group>`. */
  readonly remaining: ReadonlyMap<string, number>;
  /** How many of those a finalizer holds, by finalizer. */
  readonly finalizers: ReadonlyMap<string, number>;
}

interface Said {
  readonly reason: string;
  readonly message: string;
}

export function namespaceConditions(before: readonly Condition[] = [], findings: Findings, now: string): Condition[] {
  let conditions = [...before];
  for (const [type, fine, problem] of [
    [
      'NamespaceDeletionDiscoveryFailure',
      { reason: 'ResourcesDiscovered', message: 'All resources successfully discovered' },
      discoveryFailure(findings),
    ],
    [
      'NamespaceDeletionGroupVersionParsingFailure',
      { reason: 'ParsedGroupVersions', message: 'All legacy kube types successfully parsed' },
      undefined,
    ],
    [
      'NamespaceDeletionContentFailure',
      { reason: 'ContentDeleted', message: 'All content successfully deleted, may be waiting on finalization' },
      contentFailure(findings),
    ],
    [
      'NamespaceContentRemaining',
      { reason: 'ContentRemoved', message: 'All content successfully removed' },
      contentRemaining(findings),
    ],
    [
      'NamespaceFinalizersRemaining',
      { reason: 'ContentHasNoFinalizers', message: 'All content-preserving finalizers finished' },
      finalizersRemaining(findings),
    ],
  ] as readonly (readonly [type: string, fine: Said, problem: Said | undefined])[]) {
    const status = problem === undefined ? 'False' : 'True';
    conditions = setCondition<Condition>(conditions, { type, status, ...(problem ?? fine) }, now);
  }
  return conditions;
}

function discoveryFailure({ undiscovered }: Findings): Said | undefined {
  if (undiscovered.size === 0) return undefined;
  const texts = [...undiscovered].map(([apiVersion, why]) => `${apiVersion}: ${why}`).sort();
  return {
    reason: 'DiscoveryFailed',
    message: `Discovery failed for some groups, ${undiscovered.size} failing: unable to retrieve the complete list of server APIs: ${texts.join(', ')}`,
  };
}

function contentFailure({ failures }: Findings): Said | undefined {
  if (failures.length === 0) return undefined;
  return {
    reason: 'ContentDeletionFailed',
    message: `Failed to delete all resource types, ${failures.length} remaining: ${[...failures].sort().join(', ')}`,
  };
}

function contentRemaining({ remaining }: Findings): Said | undefined {
  if (remaining.size === 0) return undefined;
  const texts = [...remaining].map(([resource, count]) => `${resource} has ${count} resource instances`).sort();
  return { reason: 'SomeResourcesRemain', message: `Some resources are remaining: ${texts.join(', ')}` };
}

function finalizersRemaining({ finalizers }: Findings): Said | undefined {
  if (finalizers.size === 0) return undefined;
  const texts = [...finalizers].map(([finalizer, count]) => `${finalizer} in ${count} resource instances`).sort();
  return {
    reason: 'SomeFinalizersRemain',
    message: `Some content in the namespace has finalizers remaining: ${texts.join(', ')}`,
  };
}
