export * from './client.ts';
export * from './definition.ts';
export * from './discovery.ts';
export { type Credentials, type HttpTransportOptions, httpTransport } from './http.ts';
export * from './kinds.ts';
export * from './kube-config.ts';
export * from './transport.ts';
