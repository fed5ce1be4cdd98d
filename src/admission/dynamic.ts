/** The plugins that objects of the API configure, in Kubernetes' order: behind those in code, before ResourceQuota. */
import type { AdmissionPlugin } from './chain.ts';
import type { AdmissionHost } from './host.ts';
import { mutatingAdmissionPolicies } from './policy/mutating.ts';
import { validatingAdmissionPolicies } from './policy/validating.ts';
import { mutatingAdmissionWebhooks } from './webhook/mutating.ts';
import { validatingAdmissionWebhooks } from './webhook/validating.ts';

export const dynamicAdmission: readonly ((host: AdmissionHost) => AdmissionPlugin)[] = [
  mutatingAdmissionPolicies,
  mutatingAdmissionWebhooks,
  validatingAdmissionPolicies,
  validatingAdmissionWebhooks,
];
