/** An object of a fixed name that every namespace has, unless it is being deleted. */
import type { Draft } from '../../client/client.ts';
import type { ResourceDefinition, TypedObject } from '../../client/definition.ts';
import type { Namespace } from '../../client/kinds.ts';
import { isReason } from '../../machinery/status.ts';
import type { Controller } from '../../runtime/index.ts';
import { isNamespaceTerminating } from './pod-control.ts';

export interface NamespaceDefault<T extends TypedObject> {
  draft(namespace: string): Draft<T>;
  /** What is there, made right; undefined when it is. Default: whatever is there is right. */
  correct?(found: T): Draft<T> | undefined;
}

export function ensureInNamespaces<T extends TypedObject>(
  controller: Controller<Namespace>,
  definition: ResourceDefinition<T>,
  name: string,
  { draft, correct = () => undefined }: NamespaceDefault<T>,
): void {
  const isMeant = ({ metadata }: T): boolean => metadata.name === name;
  controller
    .when({ deleted: () => false })
    .watches(definition, ({ metadata }) => [{ name: metadata.namespace ?? '' }], {
      predicate: { added: () => false, updated: isMeant, deleted: isMeant },
    })
    .reconcile(async ({ metadata, status }, context) => {
      const { name: namespace = '' } = metadata;
      if (status?.phase === 'Terminating') return;
      const objects = context.client.resource(definition);
      const found = context.cache(definition).get({ namespace, name });
      try {
        if (found === undefined) {
          await objects.create(draft(namespace));
          return;
        }
        const corrected = correct(found);
        if (corrected !== undefined) await objects.update(corrected);
      } catch (error) {
        if (isNamespaceTerminating(error) || isReason(error, 'AlreadyExists')) return;
        throw error;
      }
    });
}
