/**
 * The history of a workload's template, one ControllerRevision each. Source: `k8s.io/kubernetes/pkg/controller/history`.
 */
import type { PodTemplateSpec } from '../../apis/types.ts';
import { keyOf, type ResourceDefinition, type TypedObject } from '../../client/definition.ts';
import { ControllerRevision } from '../../client/kinds.ts';
import { fnv32a, safeEncode } from '../../machinery/hash.ts';
import { deepEqual, type JsonValue, stringifyJson } from '../../machinery/json.ts';
import { controllerReference, isControlledBy } from '../../machinery/owner-reference.ts';
import { isReason } from '../../machinery/status.ts';
import type { KeyContext } from '../../runtime/index.ts';
import { preconditionsOf } from './pod-control.ts';

/** A workload that keeps a history. */
interface Owner extends TypedObject {
  spec?: { template: PodTemplateSpec; revisionHistoryLimit?: number };
}

export interface HistoryRequest<O extends Owner> {
  readonly owner: O;
  readonly definition: ResourceDefinition<O>;
  readonly revisions: readonly ControllerRevision[];
  /** The label that carries the hash. */
  readonly hashLabel: string;
  readonly collisionCount: number;
  readonly context: KeyContext;
}

export interface TemplateRevision {
  readonly revision: ControllerRevision;
  /** Has grown when names were taken. */
  readonly collisionCount: number;
}

export const byRevision = (a: ControllerRevision, b: ControllerRevision): number =>
  a.revision - b.revision ||
  compare(a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '') ||
  compare(a.metadata.name ?? '', b.metadata.name ?? '');

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The revision of the owner's template: the latest, or an earlier one raised to be the latest, or a new one. */
export async function templateRevision<O extends Owner>(request: HistoryRequest<O>): Promise<TemplateRevision> {
  const { owner, revisions, context, collisionCount } = request;
  const client = context.client.resource(ControllerRevision);
  const data = templatePatch(owner.spec!.template);
  const sorted = [...revisions].sort(byRevision);
  const latest = sorted.at(-1);
  const equal = sorted.findLast((revision) => deepEqual(revision.data, data));
  const next = (latest?.revision ?? 0) + 1;
  if (equal === undefined) return create(request, data, next, collisionCount);
  if (equal === latest) return { revision: equal, collisionCount };
  return { revision: await client.update({ ...equal, revision: next }), collisionCount };
}

async function create<O extends Owner>(
  { owner, definition, hashLabel, context }: HistoryRequest<O>,
  data: object,
  revision: number,
  collisions: number,
): Promise<TemplateRevision> {
  const client = context.client.resource(ControllerRevision);
  const { name = '', namespace = '', annotations } = owner.metadata;
  for (let collisionCount = collisions; ; collisionCount++) {
    const text = stringifyJson(data as JsonValue) + (collisionCount === 0 ? '' : String(collisionCount));
    const hash = safeEncode(String(fnv32a(text)));
    const draft = {
      metadata: {
        namespace,
        name: `${name.slice(0, 223)}-${hash}`,
        labels: { ...owner.spec?.template.metadata?.labels, [hashLabel]: hash },
        ...(annotations === undefined ? {} : { annotations }),
        ownerReferences: [controllerReference(owner, definition)],
      },
      data,
      revision,
    };
    try {
      return { revision: await client.create(draft), collisionCount };
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error;
      const existing = await client.get(keyOf(draft));
      if (isControlledBy(existing, owner) && deepEqual(existing.data, data)) {
        return { revision: existing, collisionCount };
      }
    }
  }
}

/** What `kubectl rollout undo` sends: a strategic merge patch that puts the whole template in place. */
function templatePatch(template: PodTemplateSpec): object {
  return { spec: { template: { ...template, $patch: 'replace' } } };
}

/** The template that a revision keeps. */
export function templateOf(revision: ControllerRevision): PodTemplateSpec {
  const { $patch: _, ...template } = (revision.data as { spec: { template: PodTemplateSpec & { $patch?: string } } })
    .spec.template;
  return template;
}

/** Deletes the oldest revisions beyond the owner's limit that are not `live`. */
export async function truncateHistory(
  owner: Owner,
  revisions: readonly ControllerRevision[],
  isLive: (revision: ControllerRevision) => boolean,
  { client }: KeyContext,
): Promise<void> {
  const limit = owner.spec?.revisionHistoryLimit ?? 10;
  const dead = revisions.filter((revision) => !isLive(revision)).sort(byRevision);
  for (const revision of dead.slice(0, Math.max(0, dead.length - limit))) {
    try {
      await client.resource(ControllerRevision).delete(keyOf(revision), preconditionsOf(revision));
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  }
}
