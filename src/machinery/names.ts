/**
 * What names, keys and values may look like, in the words of `k8s.io/apimachinery/pkg/util/validation`.
 *
 * Every `is…` function answers the list of what is wrong; an empty list means valid. Lengths count UTF-8 bytes, as Go's
 * `len` does. Functions which take a path answer field errors instead.
 */
import { type FieldError, type FieldPath, invalid, required } from './field.ts';

/** Validates a name; `prefix` is true for a `generateName`, whose end is still to come. */
export type NameValidator = (name: string, prefix?: boolean) => string[];

export const dns1123LabelMaxLength = 63;
export const dns1123SubdomainMaxLength = 253;
export const dns1035LabelMaxLength = 63;
export const labelValueMaxLength = 63;

/** One rule: the pattern as messages print it, the compiled pattern, and the message when it does not match. */
interface Rule {
  readonly format: string;
  readonly pattern: RegExp;
  readonly message: string;
}

function rule(message: string, format: string, ...examples: string[]): Rule {
  return { format, pattern: new RegExp(`^${format}$`), message: regexError(message, format, ...examples) };
}

const dns1123LabelFormat = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const dns1123UnderscoreLabelFormat = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const dns1123SubdomainFormat = `${dns1123LabelFormat}(\\.${dns1123LabelFormat})*`;
const qualifiedNameFormat = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';

const rules = {
  dns1123Label: rule(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
    dns1123LabelFormat,
    'my-name',
    '123-abc',
  ),
  dns1123Subdomain: rule(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
    dns1123SubdomainFormat,
    'example.com',
  ),
  dns1123SubdomainWithUnderscore: rule(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
    `${dns1123UnderscoreLabelFormat}(\\.${dns1123UnderscoreLabelFormat})*`,
    'example.com',
  ),
  dns1035Label: rule(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
    '[a-z]([-a-z0-9]*[a-z0-9])?',
    'my-name',
    'abc-123',
  ),
  wildcardDns1123Subdomain: rule(
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
    `\\*\\.${dns1123SubdomainFormat}`,
    '*.example.com',
  ),
  qualifiedName: rule(
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    qualifiedNameFormat,
    'MyName',
    'my.name',
    '123-abc',
  ),
  labelValue: rule(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    `(${qualifiedNameFormat})?`,
    'MyValue',
    'my_value',
    '12345',
  ),
  cIdentifier: rule(
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
    '[A-Za-z_][A-Za-z0-9_]*',
    'my_name',
    'MY_NAME',
    'MyName',
  ),
  percent: rule("a valid percent string must be a numeric string followed by an ending '%'", '[0-9]+%', '1%', '93%'),
  httpHeaderName: rule(
    "a valid HTTP header must consist of alphanumeric characters or '-'",
    '[-A-Za-z0-9]+',
    'X-Header-Name',
  ),
  envVarName: rule(
    "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit",
    '[-._a-zA-Z][-._a-zA-Z0-9]*',
    'my.env-name',
    'MY_ENV.NAME',
    'MyEnvName1',
  ),
  configMapKey: rule(
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    '[-._a-zA-Z0-9]+',
    'key.name',
    'KEY_NAME',
    'key-name',
  ),
  httpPath: rule('Invalid path', "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+"),
  conditionReason: rule(
    "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'",
    '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?',
    'my_name',
    'MY_NAME',
    'MyName',
    'ReasonA,ReasonB',
    'ReasonA:ReasonB',
  ),
} as const;

// ---------------------------------------------------------------------------------------------- texts

export const emptyError = (): string => 'must be non-empty';
export const maxLengthError = (length: number): string => `must be no more than ${length} characters`;
export const inclusiveRangeError = (low: number, high: number): string =>
  `must be between ${low} and ${high}, inclusive`;

/** `message (e.g. 'a',  or 'b', regex used for validation is '…')`: the double space is Kubernetes' own. */
export function regexError(message: string, format: string, ...examples: string[]): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${format}')`;
  return `${message} (e.g. ${examples.map((example) => `'${example}', `).join(' or ')}regex used for validation is '${format}')`;
}

/** The length of `text` in UTF-8 bytes. */
export function byteLength(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    bytes += unit < 0x800 ? 1 : 2;
    // A surrogate pair is two units and four bytes: one unit was counted as three, the other is skipped as one.
    if (unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) i++;
  }
  return bytes;
}

function check(value: string, { pattern, message }: Rule, maxLength = Number.POSITIVE_INFINITY): string[] {
  const errors: string[] = [];
  // A string is never fewer bytes than a third of what its UTF-16 length allows, so short ones need no counting.
  if (value.length * 3 > maxLength && byteLength(value) > maxLength) errors.push(maxLengthError(maxLength));
  if (!pattern.test(value)) errors.push(message);
  return errors;
}

// ---------------------------------------------------------------------------------------------- DNS

export function isDns1123Label(value: string): string[] {
  const errors = check(value, rules.dns1123Label, dns1123LabelMaxLength);
  const last = errors.length - 1;
  if (errors[last] === rules.dns1123Label.message && rules.dns1123Subdomain.pattern.test(value)) {
    errors[last] = 'must not contain dots';
  }
  return errors;
}

export const isDns1123Subdomain = (value: string): string[] =>
  check(value, rules.dns1123Subdomain, dns1123SubdomainMaxLength);

export const isDns1123SubdomainWithUnderscore = (value: string): string[] =>
  check(value, rules.dns1123SubdomainWithUnderscore, dns1123SubdomainMaxLength);

export const isDns1035Label = (value: string): string[] => check(value, rules.dns1035Label, dns1035LabelMaxLength);

export const isWildcardDns1123Subdomain = (value: string): string[] =>
  check(value, rules.wildcardDns1123Subdomain, dns1123SubdomainMaxLength);

/** At least three segments; the older rule, still used for API service and CSR signer names. */
export function isFullyQualifiedName(path: FieldPath, name: string): FieldError[] {
  if (name === '') return [required(path)];
  const errors = isDns1123Subdomain(name);
  if (errors.length > 0) return [invalid(path, name, errors.join(','))];
  if (name.split('.').length < 3) {
    return [invalid(path, name, 'should be a domain with at least three segments separated by dots')];
  }
  return [];
}

/** At least two segments, each a label; one trailing dot is allowed. */
export function isFullyQualifiedDomainName(path: FieldPath, value: string): FieldError[] {
  if (value === '') return [required(path)];
  const name = value.endsWith('.') ? value.slice(0, -1) : value;
  const errors = isDns1123Subdomain(name);
  if (errors.length > 0) return [invalid(path, name, errors.join(','))];
  const labels = name.split('.');
  if (labels.length < 2) {
    return [invalid(path, name, 'should be a domain with at least two segments separated by dots')];
  }
  for (const label of labels) {
    const wrong = isDns1123Label(label);
    if (wrong.length > 0) return [invalid(path, label, wrong.join(','))];
  }
  return [];
}

/** `acme.io/path`, as the `domain-prefixed path` of a job's or a certificate's names. */
export function isDomainPrefixedPath(path: FieldPath, value: string): FieldError[] {
  if (value === '') return [required(path)];
  const slash = value.indexOf('/');
  const host = value.slice(0, Math.max(slash, 0));
  const rest = value.slice(slash + 1);
  if (host === '' || rest === '') {
    return [invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  }
  const errors = isDns1123Subdomain(host).map((message) => invalid(path, host, message));
  if (!rules.httpPath.pattern.test(rest)) errors.push(invalid(path, rest, rules.httpPath.message));
  return errors;
}

export function isDomainPrefixedKey(path: FieldPath, key: string): FieldError[] {
  if (key === '') return [required(path)];
  const errors = isQualifiedName(key).map((message) => invalid(path, key, message));
  if (errors.length > 0) return errors;
  return key.includes('/') ? [] : [invalid(path, key, 'must be a domain-prefixed key (such as "acme.io/foo")')];
}

// ---------------------------------------------------------------------------------------------- labels

/** A label or annotation key, a finalizer, a condition type: an optional DNS prefix and `/`, and a name. */
export function isQualifiedName(value: string): string[] {
  const slash = value.indexOf('/');
  if (slash !== value.lastIndexOf('/')) {
    return [
      `a qualified name ${rules.qualifiedName.message} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const errors: string[] = [];
  if (slash === 0) errors.push(`prefix part ${emptyError()}`);
  else if (slash > 0) {
    for (const message of isDns1123Subdomain(value.slice(0, slash))) errors.push(`prefix part ${message}`);
  }
  const name = slash < 0 ? value : value.slice(slash + 1);
  if (name === '') errors.push(`name part ${emptyError()}`);
  for (const message of check(name, rules.qualifiedName, 63)) errors.push(`name part ${message}`);
  return errors;
}

export const isLabelKey = isQualifiedName;

export const isLabelValue = (value: string): string[] => check(value, rules.labelValue, labelValueMaxLength);

// ---------------------------------------------------------------------------------------------- object names

/** A name that must be usable as one segment of a URL's path; RBAC names need no more than this. */
export function isPathSegmentName(name: string, prefix = false): string[] {
  if (!prefix && name === '.') return ["may not be '.'"];
  if (!prefix && name === '..') return ["may not be '..'"];
  return ['/', '%'].filter((part) => name.includes(part)).map((part) => `may not contain '${part}'`);
}

/** A `generateName` may end in a dash, because the random suffix follows it. */
function maskTrailingDash(name: string): string {
  return name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name;
}

const maskPrefix =
  (validate: (name: string) => string[]): NameValidator =>
  (name, prefix = false) =>
    validate(prefix ? maskTrailingDash(name) : name);

export const nameIsDnsSubdomain: NameValidator = maskPrefix(isDns1123Subdomain);
export const nameIsDnsLabel: NameValidator = maskPrefix(isDns1123Label);
export const nameIsDns1035Label: NameValidator = maskPrefix(isDns1035Label);
export const validateNamespaceName: NameValidator = nameIsDnsLabel;
export const validateServiceAccountName: NameValidator = nameIsDnsSubdomain;

const maxNameLength = 63;
const suffixLength = 5;
const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** `length` characters of the alphabet that Kubernetes uses wherever a random name must not spell a word. */
export function randomString(length: number, random: () => number): string {
  let text = '';
  for (let i = 0; i < length; i++) text += suffixAlphabet[Math.floor(random() * suffixAlphabet.length)];
  return text;
}

/** The name for a `generateName`: the base cut to 58 characters and five random ones. `random` answers in [0, 1). */
export function generateName(base: string, random: () => number): string {
  return base.slice(0, maxNameLength - suffixLength) + randomString(suffixLength, random);
}

// ---------------------------------------------------------------------------------------------- numbers and ports

export function isInRange(value: number, low: number, high: number): string[] {
  return value >= low && value <= high ? [] : [inclusiveRangeError(low, high)];
}

export const isPortNumber = (port: number): string[] => isInRange(port, 1, 65535);
export const isUserId = (id: number): string[] => isInRange(id, 0, 0xffffffff);
export const isGroupId = isUserId;

/** An IANA service name (RFC 6335, section 5.1), lower case only. */
export function isPortName(port: string): string[] {
  const errors: string[] = [];
  if (byteLength(port) > 15) errors.push(maxLengthError(15));
  if (!/^[-a-z0-9]+$/.test(port)) {
    errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!/[a-z]/.test(port)) errors.push('must contain at least one letter (a-z)');
  if (port.includes('--')) errors.push('must not contain consecutive hyphens');
  if (port.startsWith('-') || port.endsWith('-')) errors.push('must not begin or end with a hyphen');
  return errors;
}

export const isPercent = (text: string): string[] => check(text, rules.percent);

// ---------------------------------------------------------------------------------------------- keys and identifiers

export const isCIdentifier = (value: string): string[] => check(value, rules.cIdentifier);

export const isHttpHeaderName = (value: string): string[] => check(value, rules.httpHeaderName);

export const isConditionReason = (value: string): string[] => check(value, rules.conditionReason);

export const isEnvVarName = (value: string): string[] => [...check(value, rules.envVarName), ...parentPrefix(value)];

/** The rule since 1.30 for variables of containers: any printable ASCII but `=`. */
export function isRelaxedEnvVarName(value: string): string[] {
  if (value === '') return [`environment variable name ${emptyError()}`];
  if (/^[ -<>-~]+$/.test(value)) return [];
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

/** A key of a ConfigMap or a Secret, which may become a file's name. */
export const isConfigMapKey = (value: string): string[] => [
  ...check(value, rules.configMapKey, dns1123SubdomainMaxLength),
  ...parentPrefix(value),
];

function parentPrefix(value: string): string[] {
  if (value === '.') return ["must not be '.'"];
  if (value === '..') return ["must not be '..'"];
  return value.startsWith('..') ? ["must not start with '..'"] : [];
}
