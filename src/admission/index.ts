import type { AdmissionPlugin } from './chain.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';

export * from './chain.ts';
export { namespaceLifecycle };

/** The plugins that a cluster runs, in Kubernetes' order. */
export const admissionPlugins: readonly AdmissionPlugin[] = [namespaceLifecycle];
