import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import fc from 'fast-check';
import { errorText, FieldPath } from '../../src/machinery/field.ts';
import * as ip from '../../src/machinery/ip.ts';

const path = FieldPath.of('ip');

describe('IP addresses', () => {
  const canonical: [string, string | undefined][] = [
    ['10.9.8.7', '10.9.8.7'],
    ['010.009.08.7', '10.9.8.7'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['::', '::'],
    ['1::', '1::'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:2:3:4:5:6:7:0', '1:2:3:4:5:6:7:0'],
    ['256.1.1.1', undefined],
    ['1.2.3', undefined],
    ['1:2:3:4:5:6:7', undefined],
    ['1::2::3', undefined],
    ['1.2.3.4::', undefined],
    ['::12345', undefined],
    ['', undefined],
    [':', undefined],
    ['fe80::1%eth0', undefined],
  ];
  for (const [text, expected] of canonical) {
    it(`${expected === undefined ? 'refuses' : 'reads'} ${JSON.stringify(text)}`, () => {
      const address = ip.parseIp(text);
      assert.equal(address === undefined ? undefined : ip.formatIp(address), expected);
    });
  }

  it('are read as Node reads them', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[0-9a-f:.]{2,20}$/)), (text) => {
        if (/(^|\.)0\d/.test(text)) return;
        assert.equal(ip.parseIp(text) !== undefined, isIP(text) !== 0, text);
      }),
    );
  });

  it('are refused and warned of in the words of Kubernetes', () => {
    assert.deepEqual(ip.validateIp(path, 'x').map(errorText), [
      'ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ]);
    assert.deepEqual(ip.validateIpv6(path, '1.2.3.4').map(errorText), [
      'ip: Invalid value: "1.2.3.4": must be a valid IPv6 address',
    ]);
    assert.deepEqual(ip.validateIpv4(path, '::1').map(errorText), [
      'ip: Invalid value: "::1": must be a valid IPv4 address',
    ]);
    assert.deepEqual(ip.warnOfIp(path, '1.2.3.04'), [
      'ip: non-standard IP address "1.2.3.04" will be considered invalid in a future Kubernetes release: use "1.2.3.4"',
    ]);
    assert.deepEqual(ip.warnOfIp(path, '::0'), [
      'ip: IPv6 address "::0" should be in RFC 5952 canonical format ("::")',
    ]);
    assert.deepEqual(ip.warnOfIp(path, '::1'), []);
  });
});

describe('CIDRs', () => {
  it('are read with their bits', () => {
    const cidr = ip.parseCidr('10.1.2.3/20')!;
    assert.equal(ip.formatIp(ip.networkOf(cidr)), '10.1.0.0');
    assert.ok(ip.cidrContains(cidr, ip.parseIp('10.1.15.255')!));
    assert.ok(!ip.cidrContains(cidr, ip.parseIp('10.1.16.0')!));
    assert.ok(!ip.cidrContains(cidr, ip.parseIp('::1')!));
    assert.ok(ip.cidrContains(ip.parseCidr('::/0')!, ip.parseIp('2001:db8::1')!));
    for (const text of ['10.0.0.0', '10.0.0.0/33', '::/129', '10.0.0.0/-1', '/8', '10.0.0.0/']) {
      assert.equal(ip.parseCidr(text), undefined, text);
    }
  });

  it('are refused and warned of in the words of Kubernetes', () => {
    assert.deepEqual(ip.validateCidr(path, 'x').map(errorText), [
      'ip: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ]);
    assert.deepEqual(ip.warnOfCidr(path, '10.1.2.3/8'), [
      'ip: CIDR value "10.1.2.3/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.1.2.3/32"?)',
    ]);
    assert.deepEqual(ip.warnOfCidr(path, '2001:DB8::/64'), [
      'ip: IPv6 CIDR value "2001:DB8::/64" should be in RFC 5952 canonical format ("2001:db8::/64")',
    ]);
    assert.deepEqual(ip.warnOfCidr(path, '10.0.0.0/8'), []);
  });
});
