/** The field numbers of `io.k8s.api.certificates.v1`, in the notation of {@link MessageTable}. */
import type { MessageTable } from './table.ts';

export const certificatesV1: MessageTable = {
  CertificateSigningRequest: 'metadata spec status',
  CertificateSigningRequestCondition: 'type reason message lastUpdateTime lastTransitionTime status',
  CertificateSigningRequestList: 'metadata items',
  CertificateSigningRequestSpec: 'request username uid groups usages extra signerName expirationSeconds',
  CertificateSigningRequestStatus: 'conditions certificate',
};
