/** What node agents may ask to have certified. Source: Kubernetes' pkg/apis/certificates/helpers.go and signer.go. */
import type { RequestedSubject } from '../../auth/certificate-requests.ts';

export const clientSigner = 'kubernetes.io/kube-apiserver-client';
export const kubeletClientSigner = 'kubernetes.io/kube-apiserver-client-kubelet';
export const kubeletServingSigner = 'kubernetes.io/kubelet-serving';

type Check = (subject: RequestedSubject, usages: readonly string[]) => string | undefined;

/** Why a request is not one for the signer; undefined when it is. */
export const requestProblems: Readonly<Record<string, Check>> = {
  [clientSigner]: clientProblem,
  [kubeletClientSigner]: kubeletClientProblem,
  [kubeletServingSigner]: kubeletServingProblem,
};

function clientProblem(_: RequestedSubject, usages: readonly string[]): string | undefined {
  const wrong = usages.find((usage) => !['digital signature', 'key encipherment', 'client auth'].includes(usage));
  if (wrong !== undefined) return `invalid usage for client certificate: ${wrong}`;
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth';
}

export function kubeletClientProblem(subject: RequestedSubject, usages: readonly string[]): string | undefined {
  if (!isOfNodes(subject)) return notOfNodes;
  if (subject.dns.length > 0) return 'DNS subjectAltNames are not allowed';
  if (subject.emails.length > 0) return 'Email subjectAltNames are not allowed';
  if (subject.ips.length > 0) return 'IP subjectAltNames are not allowed';
  if (subject.uris.length > 0) return 'URI subjectAltNames are not allowed';
  if (!isNodeName(subject)) return noNodeName;
  return usagesProblem(usages, ['client auth', 'digital signature', 'key encipherment']);
}

function kubeletServingProblem(subject: RequestedSubject, usages: readonly string[]): string | undefined {
  if (!isOfNodes(subject)) return notOfNodes;
  if (subject.dns.length === 0 && subject.ips.length === 0) return 'DNS or IP subjectAltName is required';
  if (subject.emails.length > 0) return 'Email subjectAltNames are not allowed';
  if (subject.uris.length > 0) return 'URI subjectAltNames are not allowed';
  const problem = usagesProblem(usages, ['digital signature', 'key encipherment', 'server auth']);
  if (problem !== undefined) return problem;
  return isNodeName(subject) ? undefined : noNodeName;
}

const notOfNodes = 'subject organization is not system:nodes';
const noNodeName = 'subject common name does not begin with system:node:';

const isOfNodes = ({ organizations }: RequestedSubject): boolean =>
  organizations.length === 1 && organizations[0] === 'system:nodes';

const isNodeName = ({ commonName }: RequestedSubject): boolean => commonName.startsWith('system:node:');

/** All of them, in any order; only keys of RSA encipher. */
function usagesProblem(usages: readonly string[], wanted: readonly string[]): string | undefined {
  const given = new Set(usages);
  const missing = wanted.filter((usage) => usage !== 'key encipherment' && !given.has(usage));
  const fits = missing.length === 0 && usages.every((usage) => wanted.includes(usage));
  return fits ? undefined : `usages did not match [${wanted.join(' ')}]`;
}
