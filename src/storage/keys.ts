/**
 * Keys and their order.
 *
 * Stores order keys by their UTF-8 bytes, which is the order of code points. JavaScript compares strings by UTF-16 units,
 * which differs where a surrogate (U+10000 and up) meets U+E000–U+FFFF.
 */

/** Below what every engine can do (lmdb: 1,978 bytes), so that a key that one takes the others take too. */
export const MAX_KEY_BYTES = 1024;

const ABOVE_SURROGATES = /[\ud800-\uffff]/;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * A string whose UTF-16 order is the order of the key's bytes: units above the surrogates move below them. It maps unit by
 * unit, so a prefix of the key gives a prefix of the result. Nearly all keys are their own sort key.
 */
export function sortKey(key: string): string {
  if (!ABOVE_SURROGATES.test(key)) return key;
  let result = '';
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i);
    const moved = unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
    result += String.fromCharCode(moved);
  }
  return result;
}

/** Compares sort keys. */
export function compareSortKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Throws a `TypeError` for what cannot be a key: nothing, too much, or text that has no UTF-8 form. */
export function checkKey(key: string): void {
  if (key === '') throw new TypeError('a key must not be empty');
  if (key.length * 3 > MAX_KEY_BYTES && Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw new TypeError(`key of ${Buffer.byteLength(key)} bytes: at most ${MAX_KEY_BYTES} are allowed`);
  }
  if (ABOVE_SURROGATES.test(key) && LONE_SURROGATE.test(key)) {
    throw new TypeError(`key ${JSON.stringify(key)} is not well-formed Unicode`);
  }
}
