/** What admission sees of the server: its resources, its caches, and the way out to webhooks. */
import type { AdmissionHost, CurrentObjects } from '../admission/host.ts';
import type { WebhookHandlers } from '../admission/webhook/handlers.ts';
import type { ResourceAccess } from '../apis/resource-type.ts';
import type { Clock } from '../clock/clock.ts';
import { convertObject } from './conversion.ts';
import type { ResourceRegistry } from './registry.ts';
import type { ResourceStore } from './resource-store.ts';
import { serviceResolver } from './service-resolver.ts';

export interface AdmissionHostOptions {
  readonly registry: ResourceRegistry;
  readonly access: ResourceAccess;
  readonly clock: Clock;
  readonly handlers: WebhookHandlers;
  readonly webhookTarget: (address: string) => boolean;
}

export function admissionHost(options: AdmissionHostOptions): AdmissionHost {
  const { registry, access, clock, handlers, webhookTarget } = options;
  const sources = new WeakMap<ResourceStore, CurrentObjects>();
  return {
    access,
    handlers,
    convert: convertObject,
    webhooks: {
      clock,
      resolveService: serviceResolver(access),
      allowedTarget: webhookTarget,
    },
    resources: {
      get generation() {
        return registry.generation;
      },
      get: (group, plural) => registry.get(group, plural)?.type,
      *all() {
        for (const { type } of registry.all()) yield type;
      },
    },
    source({ group, plural }) {
      const store = registry.get(group, plural)?.store;
      if (store === undefined) return undefined;
      let source = sources.get(store);
      if (source === undefined) {
        source = currentObjects(store);
        sources.set(store, source);
      }
      return source;
    },
  };
}

function currentObjects(store: ResourceStore): CurrentObjects {
  const { cache } = store;
  return {
    get ready() {
      return cache.filled;
    },
    start: () => cache.ready(),
    get version() {
      return cache.changed;
    },
    objects: () => cache.range(store.prefix(undefined)).map((entry) => entry.object),
  };
}
