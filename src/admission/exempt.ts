import type { AdmissionRequest } from './chain.ts';

/** Objects of admission itself: a policy about them could keep everybody from taking it away. */
const configurations = new Set([
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
]);
const webhookConfigurations = new Set(['validatingwebhookconfigurations', 'mutatingwebhookconfigurations']);

/** Reviews are questions, not writes. */
const reviews = new Set([
  'authentication.k8s.io/selfsubjectreviews',
  'authentication.k8s.io/tokenreviews',
  'authorization.k8s.io/localsubjectaccessreviews',
  'authorization.k8s.io/selfsubjectaccessreviews',
  'authorization.k8s.io/selfsubjectrulesreviews',
  'authorization.k8s.io/subjectaccessreviews',
]);

const group = 'admissionregistration.k8s.io';

/** What no policy is asked about. Source: `k8s.io/apiserver/pkg/admission/plugin/policy/generic` (plugin.go). */
export function exemptFromPolicies(request: AdmissionRequest): boolean {
  if (request.group === group) return configurations.has(request.resource);
  return request.group.startsWith('auth') && reviews.has(`${request.group}/${request.resource}`);
}

/** What no webhook is called about. Source: `plugin/webhook/predicates/rules`, IsExemptAdmissionConfigurationResource. */
export function exemptFromWebhooks({ group: of, resource }: AdmissionRequest): boolean {
  return of === group && (configurations.has(resource) || webhookConfigurations.has(resource));
}
