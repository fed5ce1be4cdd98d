import type { Clock } from '../clock/clock.ts';

/** An id as container runtimes make them: 64 hexadecimal digits. */
export function newRuntimeId(clock: Clock): string {
  let id = '';
  for (let word = 0; word < 8; word++) {
    id += Math.floor(clock.random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0');
  }
  return id;
}
