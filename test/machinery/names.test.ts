import assert from 'node:assert/strict';
import fc from 'fast-check';
import { errorText, FieldPath } from '../../src/machinery/field.ts';
import * as names from '../../src/machinery/names.ts';

const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const namePart =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

describe('names', () => {
  const table: [string, (value: string) => string[], string, string[]][] = [
    ['a label', names.isDns1123Label, 'web-1', []],
    ['a label that starts with a digit', names.isDns1123Label, '0a', []],
    ['a label with dots', names.isDns1123Label, 'a.b', ['must not contain dots']],
    ['a label in upper case', names.isDns1123Label, 'Web', [label]],
    ['an empty label', names.isDns1123Label, '', [label]],
    ['a long label', names.isDns1123Label, 'a'.repeat(64), ['must be no more than 63 characters']],
    [
      'a long label of two-byte characters',
      names.isDns1123Label,
      'é'.repeat(32),
      ['must be no more than 63 characters', label],
    ],
    ['a label with a line feed at its end', names.isDns1123Label, 'a\n', [label]],
    ['a subdomain', names.isDns1123Subdomain, 'a.b-c.0', []],
    ['a subdomain with an empty segment', names.isDns1123Subdomain, 'a..b', [subdomain]],
    ['a long subdomain', names.isDns1123Subdomain, 'a'.repeat(254), ['must be no more than 253 characters']],
    [
      'a DNS-1035 label that starts with a digit',
      names.isDns1035Label,
      '1a',
      [
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
      ],
    ],
    ['a wildcard', names.isWildcardDns1123Subdomain, '*.example.com', []],
    [
      'two wildcards',
      names.isWildcardDns1123Subdomain,
      '*.*.com',
      [
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      ],
    ],
    ['a label key', names.isLabelKey, 'app.kubernetes.io/name', []],
    ['a label key without prefix', names.isLabelKey, 'App_1', []],
    ['an empty label key', names.isLabelKey, '', ['name part must be non-empty', namePart]],
    ['a label key with an empty prefix', names.isLabelKey, '/a', ['prefix part must be non-empty']],
    ['a label key with a bad prefix', names.isLabelKey, 'A/b', [`prefix part ${subdomain}`]],
    ['a long label key', names.isLabelKey, 'a'.repeat(64), ['name part must be no more than 63 characters']],
    [
      'a label key of three parts',
      names.isLabelKey,
      'a/b/c',
      [
        `a qualified name${namePart.slice('name part'.length)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
      ],
    ],
    ['a label value', names.isLabelValue, '', []],
    [
      'a label value with a space',
      names.isLabelValue,
      'a b',
      [
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
      ],
    ],
    ['a port name', names.isPortName, 'http-1', []],
    [
      'a port name with everything wrong',
      names.isPortName,
      '-0000--00000000_-',
      [
        'must be no more than 15 characters',
        'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
        'must contain at least one letter (a-z)',
        'must not contain consecutive hyphens',
        'must not begin or end with a hyphen',
      ],
    ],
    ['a config key', names.isConfigMapKey, 'a.b_C', []],
    ['a config key that is a directory', names.isConfigMapKey, '..', ["must not be '..'"]],
    ['a config key that starts with one', names.isConfigMapKey, '..a', ["must not start with '..'"]],
    [
      'a config key with a slash',
      names.isConfigMapKey,
      'a/b',
      [
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
      ],
    ],
    ['a variable', names.isEnvVarName, 'PATH', []],
    [
      'a variable that starts with a digit',
      names.isEnvVarName,
      '1A',
      [
        "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')",
      ],
    ],
    ['a relaxed variable', names.isRelaxedEnvVarName, '1 a!', []],
    ['an empty relaxed variable', names.isRelaxedEnvVarName, '', ['environment variable name must be non-empty']],
    [
      'a relaxed variable with =',
      names.isRelaxedEnvVarName,
      'a=b',
      ["a valid environment variable name must consist only of printable ASCII characters other than '='"],
    ],
    ['a path segment', names.isPathSegmentName, 'system:node', []],
    ['a path segment that is the parent', names.isPathSegmentName, '..', ["may not be '..'"]],
    [
      'a path segment with both characters',
      names.isPathSegmentName,
      'a%/b',
      ["may not contain '/'", "may not contain '%'"],
    ],
    ['a percentage', names.isPercent, '25%', []],
    [
      'no percentage',
      names.isPercent,
      '25',
      [
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
      ],
    ],
  ];
  for (const [what, validate, value, expected] of table) {
    it(`${expected.length === 0 ? 'accepts' : 'refuses'} ${what}`, () => {
      assert.deepEqual(validate(value), expected);
    });
  }

  it('refuses port numbers outside the range', () => {
    assert.deepEqual(names.isPortNumber(65536), ['must be between 1 and 65535, inclusive']);
    assert.deepEqual(names.isPortNumber(1), []);
  });

  it('answers field errors for fully qualified names', () => {
    const path = FieldPath.of('spec', 'host');
    assert.deepEqual(names.isFullyQualifiedName(path, 'a.b').map(errorText), [
      'spec.host: Invalid value: "a.b": should be a domain with at least three segments separated by dots',
    ]);
    assert.deepEqual(names.isFullyQualifiedDomainName(path, 'a.b.'), []);
    assert.deepEqual(names.isFullyQualifiedDomainName(path, '').map(errorText), ['spec.host: Required value']);
    assert.deepEqual(names.isDomainPrefixedPath(path, 'acme.io').map(errorText), [
      'spec.host: Invalid value: "acme.io": must be a domain-prefixed path (such as "acme.io/foo")',
    ]);
    assert.deepEqual(names.isDomainPrefixedPath(path, 'acme.io/a b').map(errorText), [
      "spec.host: Invalid value: \"a b\": Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')",
    ]);
  });

  it('lets a generateName end in a dash', () => {
    assert.deepEqual(names.nameIsDnsSubdomain('web-', true), []);
    assert.equal(names.nameIsDnsSubdomain('web-', false).length, 1);
    assert.equal(names.nameIsDnsLabel('-', true).length, 1);
  });

  it('generates names of at most 63 characters that keep the base', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z][a-z0-9-]{0,80}$/),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (base, r) => {
          const name = names.generateName(base, () => r);
          assert.ok(name.length <= 63);
          assert.equal(name.slice(0, -5), base.slice(0, 58));
          assert.match(name.slice(-5), /^[bcdfghjklmnpqrstvwxz2456789]{5}$/);
        },
      ),
    );
  });

  it('counts UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.equal(names.byteLength(text), Buffer.byteLength(text));
      }),
    );
  });
});
