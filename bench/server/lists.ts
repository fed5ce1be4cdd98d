/** Ten thousand objects at once: as a list, by a selector, as a streamed list. */
import { Connection, type Endpoint, flood } from './connection.ts';
import { type Figure, median, milliseconds } from './figure.ts';
import { defineItems, item, items } from './objects.ts';
import { Setpoint } from './setpoint.ts';

const count = 10_000;
const runs = 9;

export async function lists(): Promise<Figure[]> {
  const setpoint = await Setpoint.start(['server']);
  try {
    const { endpoint } = setpoint;
    await defineItems(endpoint);
    await flood(endpoint, 32, count, (connection, index) => connection.send('POST', items, item(`l-${index}`, index)));
    const timed = async (path: string): Promise<{ ours: string; cpu: string }> => {
      const connection = await Connection.open(endpoint);
      await connection.send('GET', path);
      const times: number[] = [];
      const before = setpoint.cpu();
      for (let run = 0; run < runs; run++) {
        const began = performance.now();
        const { code } = await connection.send('GET', path);
        if (code !== 200) throw new Error(`${path}: ${code}`);
        times.push(performance.now() - began);
      }
      const cpu = (setpoint.cpu() - before) / runs;
      connection.close();
      return { ours: milliseconds(median(times)), cpu: milliseconds(cpu / 1000) };
    };
    const whole = await timed(items);
    const selected = await timed(`${items}?labelSelector=rare%3Dyes`);
    const times: number[] = [];
    for (let run = 0; run < runs; run++) times.push(await streamed(endpoint));
    return [
      { figure: 'LIST of 10,000 × 1 KiB', ...whole, target: '≤ 40 ms', kubernetes: '395–427 ms' },
      { figure: 'LIST of 1 % of 10,000 by a label', ...selected, target: '≤ 5 ms' },
      {
        figure: 'WatchList of 10,000',
        ours: milliseconds(median(times)),
        target: '≤ 80 ms',
        kubernetes: '311–550 ms',
      },
      {
        figure: 'resident memory with 10,000',
        ours: `${Math.round(setpoint.rss())} MB`,
        kubernetes: '437–447 + 87–89 MiB',
      },
    ];
  } finally {
    await setpoint.stop();
  }
}

/** Milliseconds until the bookmark that ends the first state. */
async function streamed(endpoint: Endpoint): Promise<number> {
  const connection = await Connection.open(endpoint);
  const began = performance.now();
  await new Promise<void>((resolve, reject) => {
    let tail = '';
    connection
      .watch(
        `${items}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
        (bytes) => {
          // The mark may fall between two reads.
          tail = (tail + bytes.toString('latin1', Math.max(0, bytes.length - 1000))).slice(-1500);
          if (tail.includes('k8s.io/initial-events-end')) resolve();
        },
      )
      .catch(reject);
  });
  const took = performance.now() - began;
  connection.close();
  return took;
}
