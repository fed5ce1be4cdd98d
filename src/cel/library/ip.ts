/** IP addresses and networks. Source: Kubernetes' `apiserver/pkg/cel/library/ip.go` and `cidr.go`; Go `net/netip`. */
import { goQuote } from '../../machinery/go-text.ts';
import { cidrContains, formatIp, type IpAddress, networkOf } from '../../machinery/ip.ts';
import { declare, type Library } from '../functions.ts';
import { parseType } from '../types.ts';
import { CelError, OpaqueValue, type Value } from '../values.ts';

const ipName = 'net.IP';
const cidrName = 'net.CIDR';

export class IpValue extends OpaqueValue {
  readonly typeName = ipName;
  readonly address: IpAddress;

  constructor(address: IpAddress) {
    super();
    this.address = address;
  }

  equals(other: OpaqueValue): boolean {
    return other instanceof IpValue && sameAddress(this.address, other.address);
  }

  override get costSize(): number {
    return this.address.length;
  }
}

export class CidrValue extends OpaqueValue {
  readonly typeName = cidrName;
  readonly address: IpAddress;
  readonly prefix: number;

  constructor(address: IpAddress, prefix: number) {
    super();
    this.address = address;
    this.prefix = prefix;
  }

  equals(other: OpaqueValue): boolean {
    return other instanceof CidrValue && this.prefix === other.prefix && sameAddress(this.address, other.address);
  }

  override get costSize(): number {
    return Math.ceil(this.prefix / 8);
  }
}

export const ipLibrary: Library = {
  types: [parseType(ipName)],
  functions: [
    declare('ip', { string_to_ip: [`(string) -> ${ipName}`, parseIp] }),
    declare('isIP', { is_ip: ['(string) -> bool', (text: string) => parseIp(text) instanceof IpValue] }),
    declare('ip.isCanonical', { ip_is_canonical: ['(string) -> bool', isCanonical] }),
    declare('family', {
      ip_family: [`${ipName}.() -> int`, ({ address }: IpValue) => (address.length === 4 ? 4 : 6)],
    }),
    declare('isUnspecified', {
      ip_is_unspecified: [`${ipName}.() -> bool`, ({ address }: IpValue) => isZero(address)],
    }),
    declare('isLoopback', { ip_is_loopback: [`${ipName}.() -> bool`, ({ address }: IpValue) => isLoopback(address)] }),
    declare('isLinkLocalMulticast', {
      ip_is_link_local_multicast: [`${ipName}.() -> bool`, ({ address }: IpValue) => isLinkLocalMulticast(address)],
    }),
    declare('isLinkLocalUnicast', {
      ip_is_link_local_unicast: [`${ipName}.() -> bool`, ({ address }: IpValue) => isLinkLocalUnicast(address)],
    }),
    declare('isGlobalUnicast', {
      ip_is_global_unicast: [`${ipName}.() -> bool`, ({ address }: IpValue) => isGlobalUnicast(address)],
    }),
    declare('string', { ip_to_string: [`(${ipName}) -> string`, ({ address }: IpValue) => formatIp(address)] }),
  ],
};

export const cidrLibrary: Library = {
  types: [parseType(cidrName)],
  functions: [
    declare('cidr', { string_to_cidr: [`(string) -> ${cidrName}`, parseCidr] }),
    declare('isCIDR', { is_cidr: ['(string) -> bool', (text: string) => parseCidr(text) instanceof CidrValue] }),
    declare('containsIP', {
      cidr_contains_ip_string: [
        `${cidrName}.(string) -> bool`,
        (cidr: CidrValue, text: string) => onValue(parseIp(text), IpValue, (ip) => cidrContains(cidr, ip.address)),
      ],
      cidr_contains_ip: [
        `${cidrName}.(${ipName}) -> bool`,
        (cidr: CidrValue, ip: IpValue) => cidrContains(cidr, ip.address),
      ],
    }),
    declare('containsCIDR', {
      cidr_contains_cidr_string: [
        `${cidrName}.(string) -> bool`,
        (cidr: CidrValue, text: string) => onValue(parseCidr(text), CidrValue, (other) => containsCidr(cidr, other)),
      ],
      cidr_contains_cidr: [`${cidrName}.(${cidrName}) -> bool`, containsCidr],
    }),
    declare('ip', { cidr_ip: [`${cidrName}.() -> ${ipName}`, ({ address }: CidrValue) => new IpValue(address)] }),
    declare('prefixLength', { cidr_prefix_length: [`${cidrName}.() -> int`, ({ prefix }: CidrValue) => prefix] }),
    declare('masked', {
      cidr_masked: [
        `${cidrName}.() -> ${cidrName}`,
        ({ address, prefix }: CidrValue) => new CidrValue(networkOf({ address, prefix }), prefix),
      ],
    }),
    declare('string', {
      cidr_to_string: [`(${cidrName}) -> string`, ({ address, prefix }: CidrValue) => `${formatIp(address)}/${prefix}`],
    }),
  ],
};

function onValue<T extends OpaqueValue>(
  value: Value,
  kind: abstract new (...args: never[]) => T,
  use: (value: T) => Value,
): Value {
  return value instanceof kind ? use(value as T) : value;
}

// Parsing.

/** The bytes of an address, or what Go says is wrong with it. Zones are part of the text and told apart later. */
function parseAddress(text: string): IpAddress | string {
  const wrong = (why: string): string => `ParseAddr(${goQuote(text)}): ${why}`;
  if (text.includes(':')) return parseV6(text, wrong);
  if (!text.includes('.')) return wrong('unable to parse IP');
  const parts = text.split('.');
  if (parts.length !== 4 || parts.some((part) => !/^\d+$/.test(part))) {
    if (/[^\d.]/.test(text)) return wrong(`unexpected character (at "${text.slice(text.search(/[^\d.]/))}")`);
    return wrong(parts.length > 4 ? 'IPv4 address too long' : 'IPv4 address too short');
  }
  if (parts.some((part) => part.length > 1 && part.startsWith('0')))
    return wrong('IPv4 field has octet with leading zero');
  if (parts.some((part) => Number(part) > 255)) return wrong('IPv4 field has value >255');
  return parts.map(Number);
}

function parseV6(text: string, wrong: (why: string) => string): IpAddress | string {
  let body = text;
  const tail: number[] = [];
  const last = text.slice(text.lastIndexOf(':') + 1);
  if (last.includes('.') && /^[\d.]+$/.test(last)) {
    const v4 = parseAddress(last);
    if (typeof v4 === 'string') return wrong('invalid embedded IPv4 address');
    tail.push(...v4);
    body = text.slice(0, -last.length);
    if (!body.endsWith('::')) body = body.slice(0, -1);
  }
  const halves = body.split('::');
  if (halves.length > 2) return wrong('multiple :: in address');
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  if (groups.flat().some((group) => !/^[0-9a-fA-F]{1,4}$/.test(group)))
    return wrong('each colon-separated field must have at least one digit');
  const bytes = groups.map((half) =>
    half.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]),
  );
  const known = bytes.flat().length + tail.length;
  if (halves.length === 1)
    return known === 16
      ? [...bytes.flat(), ...tail]
      : wrong(known < 16 ? 'address string too short' : 'trailing garbage after address');
  if (known > 14) return wrong('the :: must expand to at least one field of zeros');
  return [...(bytes[0] as number[]), ...new Array<number>(16 - known).fill(0), ...(bytes[1] as number[]), ...tail];
}

function parseIp(text: string): Value {
  const [bare, zone] = text.split('%', 2) as [string, string?];
  const address = parseAddress(text.includes(':') ? bare : text);
  if (typeof address === 'string') {
    return new CelError(`IP Address ${goQuote(text)} parse error during conversion from string: ${address}`);
  }
  if (zone !== undefined) return new CelError(`IP address ${goQuote(text)} with zone value is not allowed`);
  if (isMapped(address)) return new CelError(`IPv4-mapped IPv6 address ${goQuote(text)} is not allowed`);
  return new IpValue(address);
}

function parseCidr(text: string): Value {
  const wrong = (why: string): CelError =>
    new CelError(
      `network address parse error during conversion from string: netip.ParsePrefix(${goQuote(text)}): ${why}`,
    );
  const slash = text.lastIndexOf('/');
  if (slash < 0) return wrong("no '/'");
  if (text.includes('%')) return wrong('IPv6 zones cannot be present in a prefix');
  const address = parseAddress(text.slice(0, slash));
  if (typeof address === 'string') return wrong(address);
  const bits = text.slice(slash + 1);
  if (!/^(?:0|[1-9]\d*)$/.test(bits)) return wrong(`bad bits after slash: ${goQuote(bits)}`);
  if (Number(bits) > address.length * 8) return wrong('prefix length out of range');
  if (isMapped(address)) return new CelError(`IPv4-mapped IPv6 address ${goQuote(text)} is not allowed`);
  return new CidrValue(address, Number(bits));
}

function isCanonical(text: string): Value {
  return onValue(parseIp(text), IpValue, (ip) => formatIp(ip.address) === text);
}

// Properties.

function sameAddress(a: IpAddress, b: IpAddress): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function isZero(address: IpAddress): boolean {
  return address.every((byte) => byte === 0);
}

function isMapped(address: IpAddress): boolean {
  return address.length === 16 && isZero(address.slice(0, 10)) && address[10] === 255 && address[11] === 255;
}

function isLoopback(address: IpAddress): boolean {
  return address.length === 4 ? address[0] === 127 : isZero(address.slice(0, 15)) && address[15] === 1;
}

function isMulticast(address: IpAddress): boolean {
  return address.length === 4 ? ((address[0] as number) & 0xf0) === 0xe0 : address[0] === 0xff;
}

function isLinkLocalMulticast(address: IpAddress): boolean {
  if (address.length === 4) return address[0] === 224 && address[1] === 0 && address[2] === 0;
  return address[0] === 0xff && ((address[1] as number) & 0x0f) === 2;
}

function isLinkLocalUnicast(address: IpAddress): boolean {
  if (address.length === 4) return address[0] === 169 && address[1] === 254;
  return address[0] === 0xfe && ((address[1] as number) & 0xc0) === 0x80;
}

function isGlobalUnicast(address: IpAddress): boolean {
  const broadcast = address.length === 4 && address.every((byte) => byte === 255);
  return !(broadcast || isZero(address) || isLoopback(address) || isMulticast(address) || isLinkLocalUnicast(address));
}

function containsCidr(cidr: CidrValue, other: CidrValue): boolean {
  return cidr.prefix <= other.prefix && cidrContains(cidr, other.address);
}
