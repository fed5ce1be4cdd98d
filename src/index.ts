/**
 * `setpoint`: define resources and write operators that run unchanged on any Kubernetes.
 *
 * The API server as a library is `setpoint/server`; a cluster in a test is `setpoint/testing`.
 */
export { Type } from 'typebox';
export * from './client/index.ts';
export { type Clock, systemClock, type Timer } from './clock/clock.ts';
export type { ApiList, ApiObject, ObjectMeta, OwnerReference, WatchEvent } from './machinery/object.ts';
export { isReason, type Status, StatusError } from './machinery/status.ts';
export * from './runtime/index.ts';
