import assert from 'node:assert/strict';
import { ipAddressType, serviceCIDRType } from '../../src/apis/index.ts';
import type { IPAddress, ServiceCIDR } from '../../src/apis/types.ts';
import { createErrors, updateErrors } from './create.ts';

const address = (name: string, parentRef: object | undefined) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IPAddress',
  metadata: { name },
  spec: parentRef === undefined ? {} : { parentRef },
});
const parent = { group: '', resource: 'services', namespace: 'default', name: 'web' };

describe('IPAddress', () => {
  it('belongs to a parent', () => {
    assert.deepEqual(createErrors(ipAddressType, address('10.0.0.7', parent)), []);
    assert.deepEqual(createErrors(ipAddressType, address('10.0.0.7', undefined)), ['spec.parentRef: Required value']);
    assert.deepEqual(createErrors(ipAddressType, address('10.0.0.7', { group: 'a_b', namespace: 'x/y' })), [
      `spec.parentRef.group: Invalid value: "a_b": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
      'spec.parentRef.resource: Required value',
      'spec.parentRef.name: Required value',
      `spec.parentRef.namespace: Invalid value: "x/y": may not contain '/'`,
    ]);
  });

  it('is called like the address, in canonical form', () => {
    const problems = (name: string) => ipAddressType.strategy.validateName!(name, false);
    assert.deepEqual(problems('2001:db8::1'), []);
    assert.deepEqual(problems('2001:db8:0::1'), ['must be in canonical form ("2001:db8::1")']);
    assert.deepEqual(problems('10.0.0.07'), ['must not have leading 0s']);
    assert.deepEqual(problems('::ffff:10.0.0.7'), ['must not be an IPv4-mapped IPv6 address']);
    assert.deepEqual(problems('web'), ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']);
  });

  it('keeps its parent', () => {
    const errors = updateErrors<IPAddress>(ipAddressType, address('10.0.0.7', parent), ({ spec }) => {
      spec!.parentRef!.name = 'db';
    });
    assert.equal(errors.length, 1);
    assert.match(errors[0]!, /^spec\.parentRef: Invalid value: .*: field is immutable$/);
  });
});

const range = (...cidrs: string[]) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'ServiceCIDR',
  metadata: { name: 'extra' },
  spec: { cidrs },
});

describe('ServiceCIDR', () => {
  it('has one range of each family at most', () => {
    assert.deepEqual(createErrors(serviceCIDRType, range('10.1.0.0/24', '2001:db8::/112')), []);
    assert.deepEqual(createErrors(serviceCIDRType, range()), [
      'spec.cidrs: Required value: at least one CIDR required',
    ]);
    const [both] = createErrors(serviceCIDRType, range('10.1.0.0/24', '10.2.0.0/24'));
    assert.match(
      both!,
      /may specify no more than one IP for each IP family, i\.e 192\.168\.0\.0\/24 and 2001:db8::\/64$/,
    );
    const [three] = createErrors(serviceCIDRType, range('10.1.0.0/24', '10.2.0.0/24', '10.3.0.0/24'));
    assert.match(three!, /^spec\.cidrs: Invalid value: .*: may only hold up to 2 values$/);
  });

  it('has ranges in canonical form', () => {
    const [error] = createErrors(serviceCIDRType, range('10.1.0.1/24'));
    assert.equal(error, 'spec.cidrs[0]: Invalid value: "10.1.0.1/24": must not have bits set beyond the prefix length');
    const [none] = createErrors(serviceCIDRType, range('10.1.0.0'));
    assert.equal(
      none,
      'spec.cidrs[0]: Invalid value: "10.1.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    );
  });

  it('keeps its ranges', () => {
    const errors = updateErrors<ServiceCIDR>(serviceCIDRType, range('10.1.0.0/24'), ({ spec }) => {
      spec!.cidrs = ['10.2.0.0/24'];
    });
    assert.match(errors[0]!, /^spec\.cidrs: Invalid value: .*: field is immutable$/);
  });
});
