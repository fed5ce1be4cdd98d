/** Counts as the API writes them in a status: those that are zero are left out (`omitempty`). */
export function nonZero<N extends string>(counts: Readonly<Record<N, number>>): Partial<Record<N, number>> {
  const kept: Partial<Record<N, number>> = {};
  for (const name of Object.keys(counts) as N[]) if (counts[name] !== 0) kept[name] = counts[name];
  return kept;
}
