/** One line of the table. Everything is text, units included. */
export interface Figure {
  readonly figure: string;
  readonly ours: string;
  /** Processor time of the server's process, per operation where there are operations. */
  readonly cpu?: string;
  readonly target?: string;
  readonly kubernetes?: string;
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

export const milliseconds = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

export const perSecond = (value: number): string => `${Math.round(value).toLocaleString('en-US')}/s`;
