/**
 * Signs approved requests with the cluster's CA: those of API clients, and those of node agents.
 * Source: `k8s.io/kubernetes/pkg/controller/certificates/signer`.
 */
import { requestedSubject, signRequest } from '../../auth/certificate-requests.ts';
import { CertificateSigningRequest } from '../../client/kinds.ts';
import { formatTime } from '../../clock/clock.ts';
import type { ControllerModule } from '../controller-module.ts';
import { requestProblems } from './kubelet-requests.ts';
import { conditionOf, isApproved, isIssued, requestText } from './requests.ts';

const name = 'certificatesigningrequest-signing-controller';
const minute = 60_000;
/** `--cluster-signing-duration`. */
const longest = 365 * 24 * 60 * minute;
const shortest = 10 * minute;
/** Clocks differ: certificates are valid a little before they are made. */
const backdate = 5 * minute;
/** Shorter certificates keep all of their time. */
const short = 8 * 60 * minute;

export const requestSigningController: ControllerModule = {
  name,
  add(manager, settings = {}) {
    const { certificateAuthority } = settings;
    if (certificateAuthority === undefined) return;
    manager.controller(name, { for: CertificateSigningRequest }).reconcile(async (request, context) => {
      const { signerName, usages = [], expirationSeconds } = request.spec;
      const problemOf = requestProblems[signerName];
      if (problemOf === undefined || !isApproved(request) || isIssued(request)) return;
      if (conditionOf(request, 'Failed') !== undefined) return;
      const text = requestText(request);
      const problem = problemOf(await requestedSubject(text), usages);
      const now = context.clock.now();
      const requests = context.client.resource(CertificateSigningRequest);
      if (problem !== undefined) {
        const failed = {
          type: 'Failed',
          status: 'True',
          reason: 'SignerValidationFailure',
          message: problem,
          lastUpdateTime: formatTime(now),
        };
        const conditions = [...(request.status?.conditions ?? []), failed];
        await requests.updateStatus({ ...request, status: { ...request.status, conditions } });
        return;
      }
      const lifetime = lifetimeOf(expirationSeconds);
      const certificate = await signRequest(certificateAuthority, text, {
        usages,
        notBefore: now - backdate,
        notAfter: now + (lifetime < short ? lifetime : lifetime - backdate),
      });
      const encoded = Buffer.from(certificate).toString('base64');
      await requests.updateStatus({ ...request, status: { ...request.status, certificate: encoded } });
    });
  },
};

/** As long as is asked for, within bounds; in milliseconds. */
function lifetimeOf(expirationSeconds: number | undefined): number {
  if (expirationSeconds === undefined) return longest;
  return Math.min(longest, Math.max(shortest, expirationSeconds * 1000));
}
