/**
 * The certificates of a cluster: made when they are missing, kept in the data directory, made anew when they run out or
 * no longer name the address that is served.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import {
  createAuthority,
  issueClientCertificate,
  issueServingCertificate,
  type KeyPair,
} from '../auth/certificates.ts';
import type { Clock } from '../clock/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { DataDirectory } from './data-directory.ts';
import type { ServingCertificates } from './https-listener.ts';
import { type Reloading, reloading } from './reloading.ts';

export interface ClusterPki {
  readonly authority: KeyPair;
  readonly serving: KeyPair;
  /** A member of system:masters. */
  readonly admin: KeyPair;
}

/** What the API server serves with, read again when the files change: to be put in place without a restart. */
export async function watchServingCertificates(
  directory: DataDirectory,
  changed: (certificates: ServingCertificates) => void,
  clock: Clock,
  log: Logger,
): Promise<Reloading<ServingCertificates>> {
  return await reloading({
    what: 'the serving certificate and the client CAs',
    directories: [directory.pki],
    read: () =>
      Promise.all(
        ['apiserver.crt', 'apiserver.key', 'ca.crt'].map(async (name) => {
          const text = await directory.readPki(name);
          if (text === undefined) throw new Error(`pki/${name} is missing`);
          return text;
        }),
      ),
    make([certificate = '', key = '', clientAuthority = '']) {
      // Half of a change: the other file is still to come.
      if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))) {
        throw new Error('apiserver.crt does not belong to apiserver.key');
      }
      return { serving: { certificate, key }, clientAuthority };
    },
    changed,
    clock,
    log,
  });
}

/** Certificates are renewed when less than this is left of them. */
const renewalMargin = 30 * 24 * 60 * 60 * 1000;

/** `directory` undefined: made in memory, for clusters that keep nothing. */
export async function clusterPki(directory: DataDirectory | undefined, bind: string, now: number): Promise<ClusterPki> {
  const authority = await keep(directory, 'ca', now, () => createAuthority('setpoint-ca', now));
  const names = servingNames(bind);
  const [serving, admin] = await Promise.all([
    keep(
      directory,
      'apiserver',
      now,
      () => issueServingCertificate(authority, { commonName: 'kube-apiserver' }, names, now),
      (certificate) =>
        signedBy(certificate, authority) && names.ips.every((ip) => certificate.checkIP(ip) !== undefined),
    ),
    keep(
      directory,
      'admin',
      now,
      () =>
        issueClientCertificate(authority, { commonName: 'kubernetes-admin', organizations: ['system:masters'] }, now),
      (certificate) => signedBy(certificate, authority),
    ),
  ]);
  return { authority, serving, admin };
}

async function keep(
  directory: DataDirectory | undefined,
  name: string,
  now: number,
  make: () => Promise<KeyPair>,
  fits: (certificate: X509Certificate) => boolean = () => true,
): Promise<KeyPair> {
  const [certificate, key] = await Promise.all([directory?.readPki(`${name}.crt`), directory?.readPki(`${name}.key`)]);
  if (certificate !== undefined && key !== undefined) {
    const parsed = new X509Certificate(certificate);
    if (Date.parse(parsed.validTo) - now > renewalMargin && fits(parsed)) return { certificate, key };
  }
  const made = await make();
  await directory?.writePki(`${name}.key`, made.key);
  await directory?.writePki(`${name}.crt`, made.certificate);
  return made;
}

function signedBy(certificate: X509Certificate, authority: KeyPair): boolean {
  return certificate.checkIssued(new X509Certificate(authority.certificate));
}

/** What clients may call the server: kubeadm's names, the loopback, and the bound address. */
function servingNames(bind: string): { dns: string[]; ips: string[] } {
  const dns = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
    'localhost',
    hostname(),
  ];
  const ips = new Set(['127.0.0.1', '::1', '10.0.0.1']);
  if (bind === '0.0.0.0' || bind === '::') {
    for (const addresses of Object.values(networkInterfaces())) {
      for (const { address, scopeid } of (addresses ?? []) as { address: string; scopeid?: number }[]) {
        if (scopeid === undefined || scopeid === 0) ips.add(address);
      }
    }
  } else if (isIP(bind) !== 0) ips.add(bind);
  else dns.push(bind);
  return { dns: [...new Set(dns)], ips: [...ips] };
}
