/** `setpoint/testing`: a cluster in a test. */
export { createVirtualClock, type VirtualClock } from '../clock/virtual.ts';
export type { HttpEndpoint } from './http-endpoint.ts';
export type { Definable } from './resources.ts';
export { startTestCluster, type TestCluster, type TestClusterOptions } from './test-cluster.ts';
