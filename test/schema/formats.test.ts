import assert from 'node:assert/strict';
import { isKnownFormat, stringFormat } from '../../src/schema/formats.ts';

const table: [format: string, good: string[], bad: string[]][] = [
  ['bsonobjectid', ['507f1f77bcf86cd799439011'], ['507f1f77bcf86cd79943901', 'z07f1f77bcf86cd799439011']],
  [
    'uri',
    ['https://example.com/a?b=c', '/path', 'mailto:a@b.c', 'http://[::1]:80/'],
    ['', 'example.com', 'http://a b/', 'http://h:x/', '/%zz'],
  ],
  ['email', ['a@b.c', 'A Name <a@b.c>', 'first.last@example.com'], ['', 'a', 'a@', '@b', 'a@b@c']],
  ['hostname', ['example.com', 'a-b.example.com', 'localhost'], ['', '-a.com', `${'a'.repeat(64)}.com`, 'a..b']],
  ['ipv4', ['1.2.3.4'], ['1.2.3', '1.2.3.256', '::1']],
  ['ipv6', ['::1', 'fe80::1'], ['1.2.3.4', 'fe80::1%eth0', 'x::']],
  ['cidr', ['10.0.0.0/8', 'fd00::/64'], ['10.0.0.0', '10.0.0.0/33', 'fd00::/129', '10.0.0.0/08']],
  ['mac', ['01:23:45:67:89:ab', '01-23-45-67-89-ab', '0123.4567.89ab'], ['01:23:45:67:89', '01:23-45:67:89:ab']],
  ['uuid', ['123e4567-e89b-12d3-a456-426614174000', '123E4567E89B12D3A456426614174000'], ['123e4567']],
  ['uuid3', ['123e4567-e89b-32d3-a456-426614174000'], ['123e4567-e89b-42d3-a456-426614174000']],
  ['uuid4', ['123e4567-e89b-42d3-a456-426614174000'], ['123e4567-e89b-42d3-c456-426614174000']],
  ['uuid5', ['123e4567-e89b-52d3-a456-426614174000'], ['123e4567-e89b-42d3-a456-426614174000']],
  ['isbn', ['0321751043', '978-0321751041'], ['0321751044', '123']],
  ['isbn10', ['0321751043', '080442957X'], ['978-0321751041']],
  ['isbn13', ['978-0321751041'], ['978-0321751042']],
  ['creditcard', ['4111 1111 1111 1111', '378282246310005'], ['4111111111111112', '1234']],
  ['ssn', ['111-22-3333', '111223333'], ['11-22-3333']],
  ['hexcolor', ['#fff', 'FFFFFF'], ['#ffff', 'red']],
  ['rgbcolor', ['rgb(255, 0,1)'], ['rgb(256,0,1)', 'rgb(1,2)']],
  ['byte', ['aGVsbG8='], ['aGVsbG8', 'a b=']],
  ['password', ['', 'anything'], []],
  ['date', ['2024-02-29'], ['2023-02-29', '2024-13-01', '24-01-01']],
  [
    'date-time',
    ['2024-02-29T10:00:00Z', '2024-02-29t10:00:00.5+01:00'],
    ['2024-02-29', '2024-02-29T25:00:00Z', '2024-02-29T10:00:00'],
  ],
  ['duration', ['1h30m', '22 ns', '3 days'], ['', 'soon', '5']],
  ['quantity', ['10Gi', '500m', '1e3'], ['lots', '1mi']],
  ['k8s-short-name', ['a-1', 'a'.repeat(63)], ['a-', 'A', 'a'.repeat(64), 'a.b']],
  ['k8s-long-name', ['a.b-1', 'a'.repeat(253)], ['a..b', '-a', 'a'.repeat(254)]],
];

describe('formats', () => {
  for (const [format, good, bad] of table) {
    it(`knows ${format}`, () => {
      const check = stringFormat(format);
      assert.ok(check !== undefined);
      for (const text of good) assert.equal(check(text), true, `should be one: ${text}`);
      for (const text of bad) assert.equal(check(text), false, `should be none: ${text}`);
    });
  }

  it('knows each format on its type only', () => {
    assert.equal(isKnownFormat('string', 'date-time'), true);
    assert.equal(isKnownFormat(undefined, 'ipv4'), true);
    assert.equal(isKnownFormat('integer', 'int32'), true);
    assert.equal(isKnownFormat('number', 'double'), true);
    assert.equal(isKnownFormat('string', 'int32'), false);
    assert.equal(isKnownFormat('integer', 'double'), false);
    assert.equal(isKnownFormat('object', 'ipv4'), false);
    assert.equal(isKnownFormat('string', 'semver'), false);
  });
});
