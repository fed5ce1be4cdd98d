/** Whose an object is: the index that finds the objects of a controller, and the orphans that it may adopt. */
import type { ResourceDefinition, TypedObject } from '../../client/definition.ts';
import { getControllerOf } from '../../machinery/owner-reference.ts';
import type { Cache } from '../../runtime/index.ts';
import type { ManagerScope } from '../../runtime/manager.ts';

const byController = 'controller';

/** Declares the index; needed before {@link controlledBy} and {@link orphansIn}. */
export function indexByController(manager: ManagerScope, definition: ResourceDefinition<TypedObject>): void {
  manager
    .cache(definition)
    .index(byController, (object) => getControllerOf(object)?.uid ?? orphans(object.metadata.namespace));
}

export function controlledBy<T extends TypedObject>(cache: Cache<T>, owner: TypedObject): readonly T[] {
  return cache.byIndex(byController, owner.metadata.uid ?? '');
}

export function orphansIn<T extends TypedObject>(cache: Cache<T>, namespace: string | undefined): readonly T[] {
  return cache.byIndex(byController, orphans(namespace));
}

/** No uid has a slash in it. */
const orphans = (namespace = ''): string => `orphans/${namespace}`;
