/** `pods/resize`: other CPU and memory for the containers of a pod that runs. Source: KEP-1287, ValidatePodResize. */
import { type FieldError, FieldPath, forbidden, invalid } from '../../machinery/field.ts';
import { deepEqual } from '../../machinery/json.ts';
import { restoreObjectMeta } from '../../machinery/object-meta.ts';
import type { KindSubresource } from '../builtin.ts';
import type { Container, Pod } from '../types.ts';
import { qosClass } from './pod-qos.ts';
import { mirrorAnnotation, validatePodSpec } from './pod-validation.ts';

export const resizeSubresource: KindSubresource<Pod> = {
  verbs: ['get', 'update', 'patch'],
  resetFields: ['metadata', 'status'],
  prepareForUpdate(draft, old) {
    const { containers, initContainers } = draft.spec!;
    draft.status = old.status!;
    restoreObjectMeta(draft, old);
    const was = old.spec!;
    // Containers that come, go or move are for validation to refuse.
    if (containers?.length !== was.containers?.length || initContainers?.length !== was.initContainers?.length) return;
    draft.spec = { ...was, containers: resized(containers, was.containers) };
    if (initContainers !== undefined) draft.spec.initContainers = resized(initContainers, was.initContainers!);
  },
  validateUpdate: validate,
};

/** The old containers with the resources and the resize policies of the new ones. */
function resized(containers: readonly Container[], old: readonly Container[]): Container[] {
  if (containers.some(({ name }, i) => name !== old[i]!.name)) return [...containers];
  return old.map((container, i) => {
    const { resources: _, resizePolicy: __, ...kept } = container;
    const { resources, resizePolicy } = containers[i]!;
    return {
      ...kept,
      ...(resources === undefined ? {} : { resources }),
      ...(resizePolicy === undefined ? {} : { resizePolicy }),
    } as Container;
  });
}

function validate(pod: Pod, old: Pod): FieldError[] {
  if (old.metadata.annotations?.[mirrorAnnotation] !== undefined) {
    return [forbidden('[]', 'static pods cannot be resized')];
  }
  if (old.spec!.os?.name === 'windows') return [forbidden('[]', 'windows pods cannot be resized')];
  const errors: FieldError[] = [];
  const path = FieldPath.of('spec');
  validatePodSpec(pod.spec!, pod.metadata, path, errors);
  if (qosClass(old.spec!) !== qosClass(pod.spec!)) {
    const why = 'Pod QOS Class may not change as a result of resizing';
    errors.push(invalid(path, old.status?.qosClass ?? '', why));
  }
  if (!nodeResizes(old)) errors.push(forbidden(path, 'Pod running on node without support for resize'));
  const order = validateOrder(pod, old, path);
  if (order.length > 0) return [...errors, ...order];
  for (const field of ['containers', 'initContainers'] as const) {
    for (const [i, container] of (old.spec![field] ?? []).entries()) {
      const at = path.child(field).index(i).child('resources');
      errors.push(...validateResources(pod.spec![field]![i]!, container, field, at));
    }
  }
  return errors;
}

/** A kubelet that resizes says what its containers have; of one that has none running nothing is known yet. */
function nodeResizes({ status }: Pod): boolean {
  if (status?.phase !== 'Running') return true;
  const running = status.containerStatuses?.find(({ state }) => state?.running !== undefined);
  return running === undefined || running.resources !== undefined;
}

function validateOrder(pod: Pod, old: Pod, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['containers', 'initContainers'] as const) {
    const now = pod.spec![field] ?? [];
    const was = old.spec![field] ?? [];
    if (now.length !== was.length) {
      errors.push(forbidden(path.child(field), `${field} may not be added or removed on resize`));
      continue;
    }
    for (const [i, { name }] of now.entries()) {
      if (name === was[i]!.name) continue;
      errors.push(
        forbidden(path.child(field).index(i).child('name'), `${field} may not be renamed or reordered on resize`),
      );
    }
  }
  return errors;
}

const mutable = new Set(['cpu', 'memory']);

function validateResources(
  { resources: now = {} }: Container,
  { resources: was = {}, restartPolicy }: Container,
  field: 'containers' | 'initContainers',
  path: FieldPath,
): FieldError[] {
  if (deepEqual(now as never, was as never)) return [];
  if (field === 'initContainers' && restartPolicy !== 'Always') {
    return [forbidden(path, 'resources for non-sidecar init containers are immutable')];
  }
  const errors: FieldError[] = [];
  for (const list of ['requests', 'limits'] as const) {
    const removed = Object.keys(was[list] ?? {}).some((name) => now[list]?.[name] === undefined);
    if (removed) errors.push(forbidden(path.child(list), `resource ${list} cannot be removed`));
  }
  const others = (list: Readonly<Record<string, string>> | undefined): string[] =>
    Object.entries(list ?? {})
      .filter(([name]) => !mutable.has(name))
      .map(([name, quantity]) => `${name}=${quantity}`)
      .sort();
  const same =
    deepEqual(others(now.requests), others(was.requests)) &&
    deepEqual(others(now.limits), others(was.limits)) &&
    deepEqual((now.claims ?? []) as never, (was.claims ?? []) as never);
  // Kubernetes shows a difference behind this whose form it declares unstable.
  if (!same) errors.push(forbidden(FieldPath.of('spec'), 'only cpu and memory resources are mutable\n'));
  return errors;
}
