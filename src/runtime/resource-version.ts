/**
 * The order of resource versions: decimal numbers of any size, comparable within one resource
 * (KEP-5504, Comparable Resource Version). Compared as text, so that none is too large.
 */

/** Negative when `a` is older than `b`, 0 when they are the same, positive when `a` is newer. */
export function compareResourceVersions(a: string, b: string): number {
  if (a === b) return 0;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}

/** Whether `version` takes part in the order: a decimal number without leading zeros, not "0" (which means "any"). */
export function isComparable(version: string | undefined): version is string {
  if (version === undefined || version === '' || version.charCodeAt(0) === zero) return false;
  for (let i = 0; i < version.length; i++) {
    const code = version.charCodeAt(i);
    if (code < zero || code > nine) return false;
  }
  return true;
}

const zero = 48;
const nine = 57;
