/** Addresses as Kubernetes reads them. */
import { isIP } from 'node:net';

/**
 * Whether Go's lenient parser (`ParseIPSloppy`) takes the text: leading zeros in IPv4 are decimal, zones are refused.
 */
export function isValidIP(text: string): boolean {
  if (text.includes('%')) return false;
  if (isIP(text) !== 0) return true;
  const octets = text.split('.');
  return (
    octets.length === 4 && octets.every((octet) => /^\d{1,}$/.test(octet) && octet.length <= 16 && Number(octet) <= 255)
  );
}

/** The family of an address that {@link isValidIP} takes. */
export function familyOf(address: string): 'IPv4' | 'IPv6' {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

/** An IPv4 or IPv6 network: `10.0.0.0/8`. */
export function isValidCidr(text: string): boolean {
  const parts = /^([^/]+)\/(\d{1,3})$/.exec(text);
  if (parts === null || !isValidIP(parts[1]!)) return false;
  return Number(parts[2]) <= (familyOf(parts[1]!) === 'IPv4' ? 32 : 128);
}
