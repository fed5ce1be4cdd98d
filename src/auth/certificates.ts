/**
 * The cluster's certificates: one CA, and what it signs. ECDSA P-256 throughout: a key and a certificate take about ten
 * milliseconds. Source: Kubernetes "PKI certificates and requirements".
 */
import { randomBytes, webcrypto } from 'node:crypto';
import type * as X509 from '@peculiar/x509';
import { uidAttribute } from './authenticate.ts';

/** PEM texts. The key is PKCS #8. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateSubject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  /** The user's uid. */
  readonly uid?: string;
}

export interface ServingNames {
  readonly dns: readonly string[];
  readonly ips: readonly string[];
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const day = 24 * 60 * 60 * 1000;
/** kubeadm's lifetimes: ten years for a CA, one for what it signs. */
const caLifetime = 3650 * day;
const leafLifetime = 365 * day;
/** Clocks differ: certificates are valid a little before they are made. */
const backdate = 5 * 60 * 1000;

let library: Promise<typeof X509> | undefined;

/** Loaded when a certificate is made: a cluster that has its certificates starts without it. */
export async function x509(): Promise<typeof X509> {
  // The library's dependency injection wants this polyfill to be there first.
  library ??= import('reflect-metadata').then(() => import('@peculiar/x509'));
  return await library;
}

export async function createAuthority(commonName: string, now: number): Promise<KeyPair> {
  const {
    X509CertificateGenerator,
    BasicConstraintsExtension,
    KeyUsagesExtension,
    KeyUsageFlags,
    SubjectKeyIdentifierExtension,
  } = await x509();
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [commonName] }],
    notBefore: new Date(now - backdate),
    notAfter: new Date(now + caLifetime),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pemOf(certificate), key: await exportKey(keys.privateKey) };
}

/** For clients: the user is the common name, the groups are the organizations. */
export async function issueClientCertificate(
  authority: KeyPair,
  subject: CertificateSubject,
  now: number,
): Promise<KeyPair> {
  const { ExtendedKeyUsage } = await x509();
  return await issue(authority, subject, ExtendedKeyUsage.clientAuth, undefined, now);
}

export async function issueServingCertificate(
  authority: KeyPair,
  subject: CertificateSubject,
  names: ServingNames,
  now: number,
): Promise<KeyPair> {
  const { ExtendedKeyUsage } = await x509();
  return await issue(authority, subject, ExtendedKeyUsage.serverAuth, names, now);
}

async function issue(
  authority: KeyPair,
  subject: CertificateSubject,
  usage: string,
  names: ServingNames | undefined,
  now: number,
): Promise<KeyPair> {
  const {
    X509CertificateGenerator,
    X509Certificate,
    BasicConstraintsExtension,
    KeyUsagesExtension,
    KeyUsageFlags,
    ExtendedKeyUsageExtension,
    SubjectAlternativeNameExtension,
    AuthorityKeyIdentifierExtension,
  } = await x509();
  const keys = await generateKeys();
  const issuer = new X509Certificate(authority.certificate);
  const signingKey = await importKey(authority.key);
  const organizations = subject.organizations ?? [];
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [
      ...organizations.map((name) => ({ O: [name] })),
      { CN: [subject.commonName] },
      ...(subject.uid === undefined ? [] : [{ [uidAttribute]: [subject.uid] }]),
    ],
    issuer: issuer.subjectName.toJSON(),
    notBefore: new Date(now - backdate),
    notAfter: new Date(now + leafLifetime),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([usage]),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      ...(names === undefined
        ? []
        : [
            new SubjectAlternativeNameExtension([
              ...names.dns.map((value) => ({ type: 'dns' as const, value })),
              ...names.ips.map((value) => ({ type: 'ip' as const, value })),
            ]),
          ]),
    ],
  });
  return { certificate: pemOf(certificate), key: await exportKey(keys.privateKey) };
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const bytes = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}

export async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const bytes = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  return await webcrypto.subtle.importKey('pkcs8', bytes, algorithm, false, ['sign']);
}

export function pemOf(certificate: X509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

/** Positive and random, as RFC 5280 wants it. */
export function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0]! &= 0x7f;
  bytes[0]! |= 0x01;
  return bytes.toString('hex');
}
