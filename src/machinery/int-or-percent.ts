/** `maxSurge: 25%` or `maxSurge: 2`. Source: `k8s.io/apimachinery/pkg/util/intstr`. */
import { goQuote } from './go-text.ts';

export type IntOrString = number | string;

/** The integer, or the share of `total`. @throws Error for a text that is no percentage */
export function scaledValueFromIntOrPercent(value: IntOrString, total: number, roundUp: boolean): number {
  if (typeof value === 'number') return value;
  const percent = percentOf(value);
  const share = (percent * total) / 100;
  return roundUp ? Math.ceil(share) : Math.floor(share);
}

/** The number before the percent sign. @throws Error */
export function percentOf(text: string): number {
  const digits = text.endsWith('%') ? text.slice(0, -1) : undefined;
  if (digits === undefined) throw invalidValue('invalid type: string is not a percentage');
  if (!/^[+-]?\d+$/.test(digits)) {
    throw invalidValue(`invalid value ${goQuote(text)}: strconv.Atoi: parsing ${goQuote(digits)}: invalid syntax`);
  }
  return Number(digits);
}

const invalidValue = (why: string): Error => new Error(`invalid value for IntOrString: ${why}`);
