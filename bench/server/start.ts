/** How soon a cluster is there, and what it takes while nobody asks. */
import { type Figure, median, milliseconds } from './figure.ts';
import { Setpoint } from './setpoint.ts';

/** `setpoint up` on data that is there already, as a user's second start is. */
export async function start(): Promise<Figure[]> {
  const first = await Setpoint.start(['up']);
  const { directory } = first;
  await first.stop({ keep: true });
  const times: number[] = [];
  for (let run = 0; run < 5; run++) {
    const began = performance.now();
    const setpoint = await Setpoint.start(['up'], directory);
    times.push(performance.now() - began);
    await setpoint.stop({ keep: run < 4 });
  }
  return [
    {
      figure: 'start of `setpoint up` to ready, median of 5',
      ours: milliseconds(median(times)),
      target: '≤ 600 ms',
      kubernetes: '469 ms',
    },
  ];
}

export async function memory(): Promise<Figure[]> {
  const setpoint = await Setpoint.start(['up']);
  await new Promise((resolve) => setTimeout(resolve, 5000));
  const idle = setpoint.rss();
  const before = setpoint.cpu();
  await new Promise((resolve) => setTimeout(resolve, 5000));
  const cpu = setpoint.cpu() - before;
  await setpoint.stop();
  return [
    {
      figure: 'idle `setpoint up`: resident memory',
      ours: `${Math.round(idle)} MB`,
      cpu: `${(cpu / 5e4).toFixed(1)} % of a core`,
      target: '≤ 150 MB',
      kubernetes: '67–69 + 31 MiB',
    },
  ];
}

export async function testing(): Promise<Figure[]> {
  const loading = performance.now();
  const { startTestCluster } = (await import(
    new URL('../../dist/testing/index.js', import.meta.url).href
  )) as typeof import('../../src/testing/index.ts');
  const first = await startTestCluster();
  const firstTime = performance.now() - loading;
  await first.stop();
  const times: number[] = [];
  for (let run = 0; run < 9; run++) {
    const began = performance.now();
    const cluster = await startTestCluster();
    times.push(performance.now() - began);
    await cluster.stop();
  }
  return [
    { figure: 'startTestCluster(), the first, import included', ours: milliseconds(firstTime) },
    { figure: 'startTestCluster(), the following', ours: milliseconds(median(times)), target: '≤ 60 ms' },
  ];
}
