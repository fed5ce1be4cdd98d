/** The addresses and families of a Service. Source: Kubernetes `pkg/apis/core/validation/validation.go`. */
import { duplicate, type FieldError, FieldPath, invalid, notSupported } from '../../machinery/field.ts';
import { isIpv6, parseIp } from '../../machinery/ip.ts';
import type { ServiceSpec } from '../types.ts';
import { checkIP } from './field-rules.ts';

const path = FieldPath.of('spec');
const families = ['IPv4', 'IPv6'];
const familyPolicies = ['SingleStack', 'PreferDualStack', 'RequireDualStack'];

/** What can be said of addresses and families before any are allocated. */
export function validateClusterIPs({
  type,
  clusterIPs = [],
  ipFamilies = [],
  ipFamilyPolicy,
}: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (type === 'ExternalName') return errors;
  const ipsPath = path.child('clusterIPs');
  const familiesPath = path.child('ipFamilies');
  let wellFormed = true;
  const seen = new Set<string>();
  for (const [i, family] of ipFamilies.entries()) {
    if (!families.includes(family)) errors.push(notSupported(familiesPath.index(i), family, families));
    if (seen.has(family)) errors.push(duplicate(familiesPath.index(i), family));
    seen.add(family);
  }
  if (ipFamilyPolicy !== undefined && !familyPolicies.includes(ipFamilyPolicy)) {
    errors.push(notSupported(path.child('ipFamilyPolicy'), ipFamilyPolicy, familyPolicies));
  }
  for (const [i, address] of clusterIPs.entries()) {
    if (i === 0 && address === 'None') {
      if (clusterIPs.length > 1) {
        wellFormed = false;
        errors.push(invalid(ipsPath, clusterIPs, "'None' must be the first and only value"));
      }
    } else if (parseIp(address) === undefined) {
      wellFormed = false;
      checkIP(address, ipsPath.index(i), errors);
    }
  }
  if (clusterIPs.length > 2) errors.push(invalid(ipsPath, clusterIPs, 'may only hold up to 2 values'));
  if (!wellFormed || clusterIPs[0] === 'None') return errors;
  if (clusterIPs.length === 2 && isIpv6(clusterIPs[0]!) === isIpv6(clusterIPs[1]!)) {
    errors.push(invalid(ipsPath, clusterIPs, 'may specify no more than one IP for each IP family'));
  }
  for (const [i, address] of clusterIPs.entries()) {
    const family = ipFamilies[i];
    if (family === undefined || !families.includes(family) || isIpv6(address) === (family === 'IPv6')) continue;
    errors.push(invalid(ipsPath.index(i), address, `expected an ${family} value as indicated by \`ipFamilies[${i}]\``));
  }
  return errors;
}
