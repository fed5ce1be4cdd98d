export * from './client.ts';
export * from './definition.ts';
export * from './discovery.ts';
export * from './kinds.ts';
export * from './transport.ts';
