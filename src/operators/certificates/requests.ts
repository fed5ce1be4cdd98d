/** What controllers ask about a CertificateSigningRequest. */
import type { CertificateSigningRequest } from '../../client/kinds.ts';

export type RequestCondition = NonNullable<NonNullable<CertificateSigningRequest['status']>['conditions']>[number];

export function conditionOf({ status }: CertificateSigningRequest, type: string): RequestCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

export const isIssued = ({ status }: CertificateSigningRequest): boolean => (status?.certificate ?? '') !== '';

/** Approved, and not denied as well. */
export const isApproved = (request: CertificateSigningRequest): boolean =>
  conditionOf(request, 'Approved') !== undefined && conditionOf(request, 'Denied') === undefined;

/** The request that is to be signed, in PEM. */
export const requestText = ({ spec }: CertificateSigningRequest): string =>
  Buffer.from(spec.request, 'base64').toString('latin1');
