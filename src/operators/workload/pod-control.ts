/** Pods from templates, and the events that tell of them. Source: `k8s.io/kubernetes/pkg/controller/controller_utils.go`. */
import type { PodTemplateSpec } from '../../apis/types.ts';
import type { Draft } from '../../client/client.ts';
import { keyOf, type ResourceDefinition, type TypedObject } from '../../client/definition.ts';
import { Pod } from '../../client/kinds.ts';
import { nameIsDnsSubdomain } from '../../machinery/names.ts';
import { controllerReference } from '../../machinery/owner-reference.ts';
import { isReason, StatusError } from '../../machinery/status.ts';
import type { KeyContext } from '../../runtime/index.ts';

export function podFromTemplate<O extends TypedObject>(
  template: PodTemplateSpec,
  owner: O,
  definition: ResourceDefinition<O>,
): Draft<Pod> {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  const { name = '', namespace = '' } = owner.metadata;
  return {
    metadata: {
      namespace,
      generateName: podNamePrefix(name),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [controllerReference(owner, definition)],
    },
    ...(template.spec === undefined ? {} : { spec: template.spec }),
  };
}

/** With a dash, unless that makes the name too long. */
function podNamePrefix(name: string): string {
  const prefix = `${name}-`;
  return nameIsDnsSubdomain(prefix, true).length === 0 ? prefix : name;
}

/** @throws what the server says; an event tells of it */
export async function createPod(context: KeyContext, owner: TypedObject, pod: Draft<Pod>): Promise<Pod> {
  try {
    const created = await context.client.resource(Pod).create(pod);
    context.eventFor(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`);
    return created;
  } catch (error) {
    // Whose namespace goes has other worries.
    if (!isNamespaceTerminating(error)) {
      context.eventFor(owner, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`);
    }
    throw error;
  }
}

/** A pod that is gone already is fine. @throws what the server says; an event tells of it */
export async function deletePod(context: KeyContext, owner: TypedObject, pod: Pod): Promise<void> {
  try {
    await context.client.resource(Pod).delete(keyOf(pod), preconditionsOf(pod));
    context.eventFor(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
  } catch (error) {
    if (isReason(error, 'NotFound')) return;
    context.eventFor(owner, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`);
    throw error;
  }
}

/** This object, not another that has taken its name. */
export function preconditionsOf({ metadata }: TypedObject): { preconditions?: { uid: string } } {
  return metadata.uid === undefined ? {} : { preconditions: { uid: metadata.uid } };
}

/** The server takes nothing new into a namespace that is being deleted. */
export function isNamespaceTerminating(error: unknown): boolean {
  return (
    error instanceof StatusError &&
    (error.status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') ?? false)
  );
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
