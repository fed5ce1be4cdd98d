/** Which resources are collected: all that can be listed, watched and deleted; they come and go with their CRDs. */
import { apiVersionOf } from '../../client/definition.ts';
import type { DiscoveredResource } from '../../client/discovery.ts';
import type { ApiObject } from '../../machinery/object.ts';
import type { KeyContext } from '../../runtime/index.ts';
import type { ManagerScope } from '../../runtime/manager.ts';
import { isSameResource, type OwnerGraph } from './graph.ts';

/** Nobody owns by them, and there are many. */
const ignored = (resource: DiscoveredResource): boolean => resource.plural === 'events';

/** How long a new resource may take to be listed before the others go on without it. */
const patience = 30_000;

export class WatchedResources {
  readonly #manager: ManagerScope;
  readonly #graph: OwnerGraph;
  #watched: readonly DiscoveredResource[] = [];

  constructor(manager: ManagerScope, graph: OwnerGraph) {
    this.#manager = manager;
    this.#graph = graph;
  }

  /** Answers whether the set has changed; resolves when what is new is in the graph. */
  async sync({ client, clock, log }: KeyContext): Promise<boolean> {
    const failed = new Set<string>();
    const discovered = await client.mapper.preferredResources((apiVersion) => failed.add(apiVersion));
    const served = [
      ...discovered.filter((resource) => isCollectable(resource) && !ignored(resource)),
      // Whose server cannot be asked has not gone.
      ...this.#watched.filter((resource) => failed.has(apiVersionOf(resource))),
    ];
    const isIn = (list: readonly DiscoveredResource[]) => (resource: DiscoveredResource) =>
      list.some((other) => isSameResource(other, resource));
    const added = served.filter((resource) => !isIn(this.#watched)(resource));
    const removed = this.#watched.filter((resource) => !isIn(served)(resource));
    if (added.length === 0 && removed.length === 0) return false;
    this.#watched = served;
    client.mapper.invalidate();
    for (const resource of removed) {
      this.#manager.dropCache(resource);
      this.#graph.forgetResource(resource);
    }
    await new Promise<void>((resolve) => {
      const timer = clock.setTimeout(() => {
        log.warn(
          { resources: added.map(({ plural }) => plural) },
          'the garbage collector goes on without some resources',
        );
        resolve();
      }, patience);
      void Promise.all(added.map((resource) => this.#watch(resource))).then(() => {
        timer.cancel();
        resolve();
      });
    });
    return true;
  }

  #watch(resource: DiscoveredResource): Promise<void> {
    const cache = this.#manager.cache<ApiObject>(resource);
    const graph = this.#graph;
    cache.onChange({
      added: (object) => graph.observe(resource, object, undefined),
      updated(object, old) {
        // Another object of the same name, and nobody told of the deletion.
        if (old.metadata.uid !== object.metadata.uid) {
          graph.forget(old);
          graph.observe(resource, object, undefined);
        } else {
          graph.observe(resource, object, old);
        }
      },
      deleted: (object) => graph.forget(object),
    });
    return cache.whenSynced();
  }
}

function isCollectable({ verbs }: DiscoveredResource): boolean {
  return ['delete', 'list', 'watch'].every((verb) => verbs.includes(verb));
}
