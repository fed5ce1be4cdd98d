import type { AdmissionPlugin } from './chain.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { serviceAccountPlugin } from './service-account.ts';

export * from './chain.ts';
export { namespaceLifecycle, serviceAccountPlugin };

/** The plugins that a cluster runs, in Kubernetes' order. */
export const admissionPlugins: readonly AdmissionPlugin[] = [namespaceLifecycle];
