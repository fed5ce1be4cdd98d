/**
 * Deletes what is in a namespace: pods first, everything else when they are gone (KEP-5080).
 * Source: `k8s.io/kubernetes/pkg/controller/namespace/deletion/namespaced_resources_deleter.go`.
 */
import type { Client, ResourceClient } from '../../client/client.ts';
import { apiVersionOf, keyOf } from '../../client/definition.ts';
import type { DiscoveredResource } from '../../client/discovery.ts';
import type { Namespace, Pod } from '../../client/kinds.ts';
import type { ApiObject } from '../../machinery/object.ts';
import { isReason } from '../../machinery/status.ts';
import { forAll } from '../workload/parallel.ts';
import { messageOf } from '../workload/pod-control.ts';
import type { Findings } from './conditions.ts';

/** How long finalizers are taken to need, in seconds. */
const finalizerEstimate = 15;

const background = { propagationPolicy: 'Background' } as const;

export interface ContentLeft extends Findings {
  /** In how many seconds what is left may be gone; 0 when nothing is left to wait for. */
  readonly estimate: number;
}

/** Makes one pass over all resources. */
export async function deleteContent(client: Client, namespace: Namespace, now: number): Promise<ContentLeft> {
  const undiscovered = new Map<string, string>();
  const served = await client.mapper.preferredResources((apiVersion, error) => {
    undiscovered.set(apiVersion, messageOf(error));
  });
  const resources = served.filter(
    ({ namespaced, verbs }) => namespaced && verbs.includes('delete') && verbs.includes('list'),
  );
  const isPods = ({ group, plural }: DiscoveredResource): boolean => group === '' && plural === 'pods';
  const tally = new Tally(undiscovered);
  const empty = async (chosen: readonly DiscoveredResource[]): Promise<void> => {
    await forAll(chosen, (resource) => deleteResource(client, resource, namespace, now, tally));
  };
  await empty(resources.filter(isPods));
  if (tally.isClean) await empty(resources.filter((resource) => !isPods(resource)));
  return tally;
}

class Tally implements ContentLeft {
  readonly undiscovered: ReadonlyMap<string, string>;
  readonly failures: string[] = [];
  readonly remaining = new Map<string, number>();
  readonly finalizers = new Map<string, number>();
  estimate = 0;

  constructor(undiscovered: ReadonlyMap<string, string>) {
    this.undiscovered = undiscovered;
  }

  get isClean(): boolean {
    return this.failures.length === 0 && this.remaining.size === 0;
  }

  count({ group, plural }: DiscoveredResource, left: readonly ApiObject[]): void {
    this.remaining.set(`${plural}.${group}`, left.length);
    for (const { metadata } of left) {
      for (const finalizer of metadata.finalizers ?? []) {
        this.finalizers.set(finalizer, (this.finalizers.get(finalizer) ?? 0) + 1);
      }
    }
  }
}

async function deleteResource(
  client: Client,
  resource: DiscoveredResource,
  namespace: Namespace,
  now: number,
  tally: Tally,
): Promise<void> {
  const { name = '' } = namespace.metadata;
  const objects = client.resource(resource);
  try {
    const found = await list(objects, name);
    if (found.length === 0) return;
    const grace = resource.group === '' && resource.plural === 'pods' ? gracePeriodOf(found, namespace, now) : 0;
    if (resource.verbs.includes('deletecollection')) await objects.deleteCollection({ namespace: name }, background);
    else await deleteEach(objects, found);
    const left = await list(objects, name);
    if (left.length === 0) return;
    tally.count(resource, left);
    const held = left.some(({ metadata }) => (metadata.finalizers ?? []).length > 0);
    if (grace === 0 && !held) {
      const id = `${apiVersionOf(resource).includes('/') ? apiVersionOf(resource) : `/${resource.version}`}, Resource=${resource.plural}`;
      tally.failures.push(`unexpected items still remain in namespace: ${name} for gvr: ${id}`);
    }
    tally.estimate = Math.max(tally.estimate, grace, held ? finalizerEstimate : 0);
  } catch (error) {
    tally.failures.push(messageOf(error));
  }
}

async function list(objects: ResourceClient<ApiObject>, namespace: string): Promise<readonly ApiObject[]> {
  try {
    return (await objects.list({ namespace })).items;
  } catch (error) {
    // The kind has gone with its definition.
    if (isReason(error, 'NotFound', 'MethodNotAllowed')) return [];
    throw error;
  }
}

async function deleteEach(objects: ResourceClient<ApiObject>, found: readonly ApiObject[]): Promise<void> {
  await forAll(found, async (object) => {
    try {
      await objects.delete(keyOf(object), background);
    } catch (error) {
      if (!isReason(error, 'NotFound', 'MethodNotAllowed')) throw error;
    }
  });
}

/** The longest time that a running pod may take, in seconds; 0 when that has passed since the namespace was deleted. */
function gracePeriodOf(pods: readonly ApiObject[], namespace: Namespace, now: number): number {
  let longest = 0;
  for (const { metadata, spec, status } of pods as unknown as readonly Pod[]) {
    if (status?.phase === 'Succeeded' || status?.phase === 'Failed') continue;
    longest = Math.max(longest, metadata.deletionGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? 0);
  }
  const elapsed = now - Date.parse(namespace.metadata.deletionTimestamp ?? '');
  return elapsed >= longest * 1000 ? 0 : longest;
}
