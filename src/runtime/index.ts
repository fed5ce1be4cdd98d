/** What the package shows of the runtime. Floors above import the files that they need: this one loads TypeBox (150 ms). */
export type { Cache, CacheScope, ChangeHandlers, Index } from './cache.ts';
export { Controller, type ControllerOptions, type MapToKeys, type WatchSettings } from './controller.ts';
export * from './define-resource.ts';
export * from './events.ts';
export * from './key.ts';
export * from './leader-election.ts';
export * from './logger.ts';
export { Manager, type ManagerOptions } from './manager.ts';
export * from './metrics.ts';
export * from './predicate.ts';
export * from './reconciler.ts';
export * from './resource-version.ts';
export * from './work-queue.ts';
