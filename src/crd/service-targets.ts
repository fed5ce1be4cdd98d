/**
 * Which addresses the server calls on behalf of what is written into objects: webhooks of admission and conversion. Whoever
 * may write one must not reach what answers only this machine's neighbours: the metadata services of clouds hand out
 * credentials to whoever asks from inside.
 *
 * The loopback is allowed: operators under development and Services of the process runtime are there.
 */
import { BlockList, isIPv6 } from 'node:net';

const refused = new BlockList();
// Link-local (RFC 3927, RFC 4291): metadata of most clouds is 169.254.169.254.
refused.addSubnet('169.254.0.0', 16);
refused.addSubnet('fe80::', 10, 'ipv6');
// Amazon's metadata over IPv6, Alibaba's, Azure's.
refused.addAddress('fd00:ec2::254', 'ipv6');
refused.addAddress('100.100.100.200');
refused.addAddress('168.63.129.16');
// Nobody's, and everybody's (RFC 1122, RFC 5771, RFC 4291).
refused.addSubnet('0.0.0.0', 8);
refused.addAddress('::', 'ipv6');
refused.addSubnet('224.0.0.0', 3);
refused.addSubnet('ff00::', 8, 'ipv6');

/** `address`: of IPv4 or IPv6, whatever it was looked up by; IPv4 in IPv6 counts as the former. */
export function isAllowedTarget(address: string): boolean {
  return !refused.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
