/**
 * IP addresses and CIDRs, read as laxly as Kubernetes reads them (leading zeros in IPv4 are decimal), with its warnings
 * for what it will refuse one day. Source: `k8s.io/apimachinery/pkg/util/validation/ip.go`, `k8s.io/utils/net`.
 */
import { type FieldError, type FieldPath, invalid } from './field.ts';
import { goQuote } from './go-text.ts';

/** An address as four or sixteen bytes; an IPv4 address inside IPv6 (`::ffff:1.2.3.4`) is four. */
export type IpAddress = readonly number[];

export interface Cidr {
  readonly address: IpAddress;
  readonly prefix: number;
}

export function parseIp(text: string): IpAddress | undefined {
  if (!text.includes(':')) return parseIpv4(text);
  const bytes = parseIpv6(text);
  if (bytes === undefined) return undefined;
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return mapped ? bytes.slice(12) : bytes;
}

/** `10.0.0.0/8`; the bits behind the prefix may be set. */
export function parseCidr(text: string): Cidr | undefined {
  const [, ip = '', length = ''] = /^(.+)\/(\d{1,3})$/.exec(text) ?? [];
  const address = ip === '' ? undefined : parseIp(ip);
  if (address === undefined) return undefined;
  const mapped = address.length === 4 && ip.includes(':');
  const prefix = Number(length) - (mapped ? 96 : 0);
  return Number(length) > (mapped ? 128 : address.length * 8) || prefix < 0 ? undefined : { address, prefix };
}

/** The canonical text (RFC 5952). */
export function formatIp(address: IpAddress): string {
  if (address.length === 4) return address.join('.');
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((address[i]! << 8) | address[i + 1]!);
  const [start, length] = longestZeros(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

/** The network's address: what is behind the prefix is zero. */
export function networkOf({ address, prefix }: Cidr): IpAddress {
  return address.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, prefix - i * 8))) & 0xff);
}

export function cidrContains(cidr: Cidr, address: IpAddress): boolean {
  if (cidr.address.length !== address.length) return false;
  const network = networkOf(cidr);
  return networkOf({ address, prefix: cidr.prefix }).every((byte, i) => byte === network[i]);
}

export const isIpv4 = (text: string): boolean => parseIp(text)?.length === 4;
export const isIpv6 = (text: string): boolean => parseIp(text)?.length === 16;

// ---------------------------------------------------------------------------------------------- validation

export function validateIp(path: FieldPath, value: string): FieldError[] {
  if (parseIp(value) !== undefined) return [];
  return [invalid(path, value, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')];
}

export function validateIpv4(path: FieldPath, value: string): FieldError[] {
  return isIpv4(value) ? [] : [invalid(path, value, 'must be a valid IPv4 address')];
}

export function validateIpv6(path: FieldPath, value: string): FieldError[] {
  return isIpv6(value) ? [] : [invalid(path, value, 'must be a valid IPv6 address')];
}

export function validateCidr(path: FieldPath, value: string): FieldError[] {
  if (parseCidr(value) !== undefined) return [];
  return [invalid(path, value, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')];
}

const leadingZero = /(^|[.:])0\d+(\.|$)/;
const isMapped = (text: string, address: IpAddress): boolean => address.length === 4 && text.includes(':');

/** For fields of newer kinds: the canonical form and nothing else. */
export function validateStrictIp(path: FieldPath, value: string): FieldError[] {
  const address = parseIp(value);
  if (address === undefined) return validateIp(path, value);
  if (leadingZero.test(value)) return [invalid(path, value, 'must not have leading 0s')];
  if (isMapped(value, address)) return [invalid(path, value, 'must not be an IPv4-mapped IPv6 address')];
  const canonical = formatIp(address);
  return canonical === value ? [] : [invalid(path, value, `must be in canonical form (${goQuote(canonical)})`)];
}

/** For fields of newer kinds: the canonical form and nothing else. */
export function validateStrictCidr(path: FieldPath, value: string): FieldError[] {
  const cidr = parseCidr(value);
  if (cidr === undefined) return validateCidr(path, value);
  const { address, prefix } = cidr;
  const [ip = '', length = ''] = value.split('/');
  const refused = (why: string): FieldError[] => [invalid(path, value, why)];
  if (leadingZero.test(ip) || length !== String(Number(length))) {
    return refused('must not have leading 0s in IP or prefix length');
  }
  if (isMapped(ip, address)) return refused('must not have an IPv4-mapped IPv6 address');
  if (formatIp(address) !== formatIp(networkOf(cidr))) {
    return refused('must not have bits set beyond the prefix length');
  }
  const canonical = `${formatIp(address)}/${prefix}`;
  return canonical === value ? [] : refused(`must be in canonical form (${goQuote(canonical)})`);
}

/** Warnings for a valid address in an unusual form. */
export function warnOfIp(path: FieldPath, value: string): string[] {
  const address = parseIp(value);
  if (address === undefined || formatIp(address) === value) return [];
  const canonical = formatIp(address);
  if (address.length === 16) {
    return [`${path}: IPv6 address ${goQuote(value)} should be in RFC 5952 canonical format (${goQuote(canonical)})`];
  }
  return [
    `${path}: non-standard IP address ${goQuote(value)} will be considered invalid in a future Kubernetes release: use ${goQuote(canonical)}`,
  ];
}

/** Warnings for a valid CIDR in an unusual form. */
export function warnOfCidr(path: FieldPath, value: string): string[] {
  const cidr = parseCidr(value);
  if (cidr === undefined) return [];
  const { address, prefix } = cidr;
  const written = `${formatIp(address)}/${prefix}`;
  const network = `${formatIp(networkOf(cidr))}/${prefix}`;
  const warnings: string[] = [];
  if (written !== network) {
    const single = `${formatIp(address)}/${address.length * 8}`;
    warnings.push(
      `${path}: CIDR value ${goQuote(value)} is ambiguous in this context (should be ${goQuote(network)} or ${goQuote(single)}?)`,
    );
  }
  if (address.length === 4 && written !== value) {
    warnings.push(
      `${path}: non-standard CIDR value ${goQuote(value)} will be considered invalid in a future Kubernetes release: use ${goQuote(network)}`,
    );
  } else if (warnings.length === 0 && written !== value) {
    warnings.push(
      `${path}: IPv6 CIDR value ${goQuote(value)} should be in RFC 5952 canonical format (${goQuote(written)})`,
    );
  }
  return warnings;
}

// ---------------------------------------------------------------------------------------------- parsing

function parseIpv4(text: string): IpAddress | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,}$/.test(part) && Number(part) <= 255)) return undefined;
  return parts.map(Number);
}

function parseIpv6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0]!, halves.length === 1);
  const tail = halves.length === 1 ? [] : parseGroups(halves[1]!, true);
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/** The bytes of groups between colons; only the last group of an address may be written as IPv4. */
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [i, group] of groups.entries()) {
    if (last && i === groups.length - 1 && group.includes('.')) {
      const ipv4 = parseIpv4(group);
      if (ipv4 === undefined) return undefined;
      bytes.push(...ipv4);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes;
}

/** The first of the longest runs of zeros: where it starts, and its length. */
function longestZeros(groups: readonly number[]): [number, number] {
  let best: [number, number] = [0, 0];
  for (let i = 0; i < groups.length; i++) {
    let end = i;
    while (end < groups.length && groups[end] === 0) end++;
    if (end - i > best[1]) best = [i, end - i];
    if (end > i) i = end;
  }
  return best;
}
