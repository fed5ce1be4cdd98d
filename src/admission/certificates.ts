/**
 * CertificateApproval, CertificateSigning, CertificateSubjectRestriction: who approves and who signs needs a role for the
 * signer, and nobody is made a member of `system:masters` by certificate.
 * Source: Kubernetes `plugin/pkg/admission/certificates`.
 */
import type { CertificateSigningRequest } from '../apis/types.ts';
import { goQuote } from '../machinery/field.ts';
import { type AdmissionPlugin, type AdmissionRequest, admissionForbidden } from './chain.ts';

const concernsRequests = ({ group, resource }: AdmissionRequest): boolean =>
  group === 'certificates.k8s.io' && resource === 'certificatesigningrequests';

export const certificateApproval: AdmissionPlugin = {
  name: 'CertificateApproval',
  validate(request) {
    if (request.operation !== 'UPDATE' || request.subresource !== 'approval' || !concernsRequests(request)) return;
    return checkSigner(request, 'approve');
  },
};

export const certificateSigning: AdmissionPlugin = {
  name: 'CertificateSigning',
  validate(request) {
    if (request.operation !== 'UPDATE' || request.subresource !== 'status' || !concernsRequests(request)) return;
    const { status } = request.object as CertificateSigningRequest;
    const old = (request.oldObject as CertificateSigningRequest).status;
    // Besides a certificate, only a failure is the signer's to write.
    const failed = (of: typeof status): boolean => of?.conditions?.some(({ type }) => type === 'Failed') === true;
    if (status?.certificate === old?.certificate && failed(status) === failed(old)) return;
    return checkSigner(request, 'sign');
  },
};

/** A role names the signer itself, or all signers of its domain: `example.com/*`. */
async function checkSigner(request: AdmissionRequest, verb: 'approve' | 'sign'): Promise<void> {
  const { signerName } = (request.oldObject as CertificateSigningRequest).spec;
  const { user, authorizer } = request.context;
  for (const name of [signerName, `${signerName.split('/')[0]}/*`]) {
    const { verdict } = await authorizer.authorize({
      user,
      verb,
      group: 'certificates.k8s.io',
      version: '*',
      resource: 'signers',
      subresource: '',
      namespace: undefined,
      name,
    });
    if (verdict === 'allow') return;
    if (verdict === 'deny') break;
  }
  const why = `user not permitted to ${verb} requests with signerName ${goQuote(signerName)}`;
  throw admissionForbidden(request, why);
}

const clientSigner = 'kubernetes.io/kube-apiserver-client';

export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  validate(request) {
    if (request.operation !== 'CREATE' || request.subresource !== '' || !concernsRequests(request)) return;
    const { signerName, request: pem } = (request.object as CertificateSigningRequest).spec;
    if (signerName !== clientSigner) return;
    return (async () => {
      if (!(await organizations(request, pem)).includes('system:masters')) return;
      const why = `use of ${clientSigner} signer with system:masters group is not allowed`;
      throw admissionForbidden(request, why);
    })();
  },
};

async function organizations(request: AdmissionRequest, pem: string): Promise<string[]> {
  // Loaded by the first request for a certificate: it costs more than the rest of the start.
  await import('reflect-metadata');
  const { Pkcs10CertificateRequest } = await import('@peculiar/x509');
  try {
    const csr = new Pkcs10CertificateRequest(Buffer.from(pem, 'base64').toString());
    return csr.subjectName.getField('O');
  } catch (error) {
    throw admissionForbidden(request, `unable to parse CSR: ${(error as Error).message}`);
  }
}
