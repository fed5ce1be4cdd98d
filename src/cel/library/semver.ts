/** Semantic versions. Source: Kubernetes' `apiserver/pkg/cel/library/semverlib.go`; `github.com/blang/semver/v4`. */
import { goQuote } from '../../machinery/go-text.ts';
import { declare, type Library } from '../functions.ts';
import { normalInt } from '../literals.ts';
import { parseType } from '../types.ts';
import { CelError, OpaqueValue, type Value } from '../values.ts';

const name = 'kubernetes.Semver';

export class SemverValue extends OpaqueValue {
  readonly typeName = name;
  readonly numbers: readonly [bigint, bigint, bigint];
  readonly prerelease: readonly string[];

  constructor(numbers: readonly [bigint, bigint, bigint], prerelease: readonly string[]) {
    super();
    this.numbers = numbers;
    this.prerelease = prerelease;
  }

  equals(other: OpaqueValue): boolean {
    return other instanceof SemverValue && compare(this, other) === 0;
  }
}

export const semverLibrary: Library = {
  types: [parseType(name)],
  functions: [
    declare('semver', {
      string_to_semver: [`(string) -> ${name}`, parse],
      string_bool_to_semver: [`(string, bool) -> ${name}`, parse],
    }),
    declare('isSemver', {
      is_semver_string: ['(string) -> bool', (text: string) => parse(text) instanceof SemverValue],
      is_semver_string_bool: [
        '(string, bool) -> bool',
        (text: string, normalize: boolean) => parse(text, normalize) instanceof SemverValue,
      ],
    }),
    declare('isGreaterThan', {
      semver_is_greater_than: [`${name}.(${name}) -> bool`, (a: SemverValue, b: SemverValue) => compare(a, b) > 0],
    }),
    declare('isLessThan', {
      semver_is_less_than: [`${name}.(${name}) -> bool`, (a: SemverValue, b: SemverValue) => compare(a, b) < 0],
    }),
    declare('compareTo', { semver_compare_to: [`${name}.(${name}) -> int`, compare] }),
    declare('major', { semver_major: [`${name}.() -> int`, ({ numbers }: SemverValue) => normalInt(numbers[0])] }),
    declare('minor', { semver_minor: [`${name}.() -> int`, ({ numbers }: SemverValue) => normalInt(numbers[1])] }),
    declare('patch', { semver_patch: [`${name}.() -> int`, ({ numbers }: SemverValue) => normalInt(numbers[2])] }),
  ],
};

function parse(text: string, normalize = false): Value {
  const normalized = normalize ? normalizeVersion(text) : text;
  if (normalized instanceof CelError) return normalized;
  if (normalized === '') return new CelError('Version string empty');
  const parts = splitAtMost(normalized, '.', 3);
  if (parts.length !== 3) return new CelError('No Major.Minor.Patch elements found');
  const [, patch, prerelease, build] = /^([^-+]*)(?:-([^+]*))?(?:\+(.*))?$/s.exec(parts[2] as string) as unknown as [
    string,
    string,
    string?,
    string?,
  ];
  const numbers: bigint[] = [];
  for (const [title, digits] of [
    ['Major', parts[0] as string],
    ['Minor', parts[1] as string],
    ['Patch', patch],
  ] as const) {
    if (!/^\d+$/.test(digits)) {
      return new CelError(`Invalid character(s) found in ${title.toLowerCase()} number ${goQuote(digits)}`);
    }
    if (/^0\d/.test(digits)) return new CelError(`${title} number must not contain leading zeroes ${goQuote(digits)}`);
    numbers.push(BigInt(digits));
  }
  const identifiers = prerelease === undefined ? [] : prerelease.split('.');
  for (const identifier of identifiers) {
    if (identifier === '') return new CelError('Prerelease is empty');
    if (!/^[0-9A-Za-z-]+$/.test(identifier)) {
      return new CelError(`Invalid character(s) found in prerelease ${goQuote(identifier)}`);
    }
    if (/^0\d+$/.test(identifier)) {
      return new CelError(`Numeric PreRelease version must not contain leading zeroes ${goQuote(identifier)}`);
    }
  }
  for (const identifier of build === undefined ? [] : build.split('.')) {
    if (identifier === '') return new CelError('Build meta data is empty');
    if (!/^[0-9A-Za-z-]+$/.test(identifier)) {
      return new CelError(`Invalid character(s) found in build meta data ${goQuote(identifier)}`);
    }
  }
  return new SemverValue(numbers as unknown as [bigint, bigint, bigint], identifiers);
}

/** Without a leading `v` and leading zeros, and with the numbers that are missing. */
function normalizeVersion(text: string): string | CelError {
  const parts = splitAtMost(text.replace(/^v/, ''), '.', 3).map((part) =>
    part.length > 1 ? part.replace(/^0+/, '').replace(/^(?=\D|$)/, '0') : part,
  );
  if (parts.length < 3 && /[-+]/.test(parts.at(-1) as string)) {
    return new CelError('short version cannot contain PreRelease/Build meta data');
  }
  while (parts.length < 3) parts.push('0');
  return parts.join('.');
}

function splitAtMost(text: string, separator: string, limit: number): string[] {
  const parts = text.split(separator);
  return parts.length <= limit ? parts : [...parts.slice(0, limit - 1), parts.slice(limit - 1).join(separator)];
}

function compare(a: SemverValue, b: SemverValue): number {
  for (let i = 0; i < 3; i++) {
    const [x, y] = [a.numbers[i] as bigint, b.numbers[i] as bigint];
    if (x !== y) return x < y ? -1 : 1;
  }
  // A version without a prerelease comes after those with one.
  if (a.prerelease.length === 0 || b.prerelease.length === 0) {
    return Math.sign(b.prerelease.length - a.prerelease.length);
  }
  for (let i = 0; i < Math.min(a.prerelease.length, b.prerelease.length); i++) {
    const order = compareIdentifiers(a.prerelease[i] as string, b.prerelease[i] as string);
    if (order !== 0) return order;
  }
  return Math.sign(a.prerelease.length - b.prerelease.length);
}

/** Numbers come before words and are compared as numbers. */
function compareIdentifiers(a: string, b: string): number {
  const [numericA, numericB] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (numericA !== numericB) return numericA ? -1 : 1;
  if (a === b) return 0;
  return (numericA ? BigInt(a) < BigInt(b) : a < b) ? -1 : 1;
}
