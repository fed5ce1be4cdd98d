/** The work of functions that read or write text, by name: see `work.ts`. What lists and maps take is counted where they are walked. */

import type { Value } from './values.ts';
import { textWork, work } from './work.ts';

interface Weight {
  /** For every call. */
  readonly call: number;
  /** For every character of the arguments. */
  readonly character: number;
}

const parsing: Weight = { call: 200, character: 10 };
/** Texts of parts, each of which is a text of its own. */
const parsingParts: Weight = { call: 400, character: 24 };
const calendar: Weight = { call: 20, character: 1 };

const weights: Readonly<Record<string, Weight>> = {
  ...Object.fromEntries(
    (
      'url isURL getQuery getHost getHostname getPort getEscapedPath quantity isQuantity validate timestamp ' +
      'int uint double strings.quote fieldSelector labelSelector serviceAccount'
    )
      .split(' ')
      .map((name) => [name, parsing]),
  ),
  ...Object.fromEntries(
    'ip isIP ip.isCanonical cidr isCIDR masked containsIP containsCIDR semver isSemver'
      .split(' ')
      .map((name) => [name, parsingParts]),
  ),
  ...Object.fromEntries(
    (
      'getFullYear getMonth getDayOfYear getDayOfMonth getDate getDayOfWeek getHours getMinutes getSeconds ' +
      'getMilliseconds'
    )
      .split(' ')
      .map((name) => [name, calendar]),
  ),
  'jsonpatch.escapeKey': { call: 100, character: 16 },
  duration: { call: 200, character: 2 },
  string: { call: 60, character: 1 },
  bytes: { call: 40, character: 1 },
};

/** A general call: finding the overload, and the texts that are given and made. */
const otherwise: Weight = { call: 10, character: 0 };

/** Counts the work of a call of this function before it is made. */
export function countCall(name: string): (args: readonly Value[]) => void {
  const { call, character } = Object.hasOwn(weights, name) ? (weights[name] as Weight) : otherwise;
  return (args) => {
    let units = call;
    for (const arg of args) {
      if (typeof arg === 'string' || arg instanceof Uint8Array) units += textWork(arg.length) + arg.length * character;
    }
    work(units);
  };
}
