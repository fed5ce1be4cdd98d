/** Requests for certificates (PKCS #10), read and signed. Source: RFC 2986; Kubernetes' pkg/controller/certificates/authority. */
import type { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } from '@peculiar/x509';
import { importKey, type KeyPair, pemOf, serialNumber, x509 } from './certificates.ts';

/** What a request asks to have certified. */
export interface RequestedSubject {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dns: readonly string[];
  readonly ips: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
}

export interface CertificateTerms {
  /** As `spec.usages` of a CertificateSigningRequest has them. */
  readonly usages: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** RFC 5280, 4.2.1.6. */
const subjectAltName = '2.5.29.17';
const header = /-----BEGIN CERTIFICATE REQUEST-----[^-]+-----END CERTIFICATE REQUEST-----/;

/** @throws when the text holds no request, or one that cannot be read */
export async function requestedSubject(pem: string): Promise<RequestedSubject> {
  const request = await parse(pem);
  const names = alternativeNames(request)?.names.items ?? [];
  const of = (type: string): string[] => names.filter((name) => name.type === type).map(({ value }) => value);
  return {
    commonName: request.subjectName.getField('CN').at(-1) ?? '',
    organizations: request.subjectName.getField('O'),
    dns: of('dns'),
    ips: of('ip'),
    emails: of('email'),
    uris: of('url'),
  };
}

/**
 * The certificate, in PEM: the subject, the names and the key of the request, nothing else of it; never that of a CA, and
 * never longer than the authority's own. @throws when the request is not signed with its key, or the authority has run out
 */
export async function signRequest(authority: KeyPair, pem: string, terms: CertificateTerms): Promise<string> {
  const library = await x509();
  const request = await parse(pem);
  if (!(await request.verify())) throw new Error('unable to verify certificate request signature');
  const issuer = new library.X509Certificate(authority.certificate);
  if (terms.notBefore > issuer.notAfter.getTime())
    throw new Error('refusing to sign a certificate that expired in the past');
  const names = alternativeNames(request);
  const { KeyUsageFlags, ExtendedKeyUsage } = library;
  const flags: Readonly<Record<string, number>> = {
    'digital signature': KeyUsageFlags.digitalSignature,
    'key encipherment': KeyUsageFlags.keyEncipherment,
  };
  const purposes: Readonly<Record<string, string>> = {
    'server auth': ExtendedKeyUsage.serverAuth,
    'client auth': ExtendedKeyUsage.clientAuth,
  };
  const unknown = terms.usages.filter((usage) => flags[usage] === undefined && purposes[usage] === undefined);
  if (unknown.length > 0) throw new Error(`unrecognized usage values: ${JSON.stringify(unknown)}`);
  const usage = terms.usages.reduce((sum, one) => sum | (flags[one] ?? 0), 0);
  const extended = Object.keys(purposes).flatMap((one) => (terms.usages.includes(one) ? [purposes[one]!] : []));
  const certificate = await library.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: request.subjectName,
    issuer: issuer.subjectName,
    notBefore: new Date(terms.notBefore),
    notAfter: new Date(Math.min(terms.notAfter, issuer.notAfter.getTime())),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    publicKey: request.publicKey,
    signingKey: await importKey(authority.key),
    extensions: [
      ...(usage === 0 ? [] : [new library.KeyUsagesExtension(usage, true)]),
      ...(extended.length === 0 ? [] : [new library.ExtendedKeyUsageExtension(extended)]),
      new library.BasicConstraintsExtension(false, undefined, true),
      await library.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      ...(names === undefined
        ? []
        : [new library.SubjectAlternativeNameExtension(names.names.items.map(({ type, value }) => ({ type, value })))]),
    ],
  });
  return pemOf(certificate);
}

function alternativeNames(request: Pkcs10CertificateRequest): SubjectAlternativeNameExtension | undefined {
  return (request.getExtension(subjectAltName) as SubjectAlternativeNameExtension | null) ?? undefined;
}

async function parse(pem: string): Promise<Pkcs10CertificateRequest> {
  const { Pkcs10CertificateRequest } = await x509();
  const block = header.exec(pem);
  if (block === null) throw new Error('PEM block type must be CERTIFICATE REQUEST');
  return new Pkcs10CertificateRequest(block[0]);
}
