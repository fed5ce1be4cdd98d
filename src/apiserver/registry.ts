/**
 * Which resources the server serves now. Built-ins are registered at start, custom resources come and go with their
 * definitions; whoever publishes something made from the whole set (discovery, OpenAPI) asks for {@link
 * ResourceRegistry.generation} and rebuilds when it has changed.
 */
import type { ResourceType, ResourceVersion } from '../apis/resource-type.ts';
import type { ResourceStore } from './resource-store.ts';

export interface ServedResource {
  readonly type: ResourceType;
  readonly store: ResourceStore;
}

export interface ServedVersion extends ServedResource {
  readonly version: ResourceVersion;
}

export class ResourceRegistry {
  readonly #resources = new Map<string, ServedResource>();
  readonly #versions = new Map<string, ServedVersion>();
  #generation = 0;

  /** Counts the changes to the set. */
  get generation(): number {
    return this.#generation;
  }

  get(group: string, plural: string): ServedResource | undefined {
    return this.#resources.get(`${group}/${plural}`);
  }

  /** The resource as served in one version; `undefined` when that version is not served. */
  find(group: string, version: string, plural: string): ServedVersion | undefined {
    return this.#versions.get(`${group}/${version}/${plural}`);
  }

  /** In the order of registration, which is the order in which discovery lists groups. */
  all(): IterableIterator<ServedResource> {
    return this.#resources.values();
  }

  hasGroupVersion(group: string, version: string): boolean {
    for (const { type } of this.#resources.values()) {
      if (type.group === group && type.versions.some((v) => v.served && v.name === version)) return true;
    }
    return false;
  }

  /** Adds a resource, or replaces the one of the same group and plural. */
  set(resource: ServedResource): void {
    const { type } = resource;
    this.#forgetVersions(type.group, type.names.plural);
    this.#resources.set(`${type.group}/${type.names.plural}`, resource);
    for (const version of type.versions) {
      if (version.served) {
        this.#versions.set(`${type.group}/${version.name}/${type.names.plural}`, { ...resource, version });
      }
    }
    this.#generation += 1;
  }

  delete(group: string, plural: string): ServedResource | undefined {
    const found = this.get(group, plural);
    if (found === undefined) return undefined;
    this.#forgetVersions(group, plural);
    this.#resources.delete(`${group}/${plural}`);
    this.#generation += 1;
    return found;
  }

  #forgetVersions(group: string, plural: string): void {
    for (const version of this.get(group, plural)?.type.versions ?? []) {
      this.#versions.delete(`${group}/${version.name}/${plural}`);
    }
  }
}
