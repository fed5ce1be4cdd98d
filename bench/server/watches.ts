/** A burst of writes, a thousand watchers: how many events a second reach them all. */
import { Connection, flood } from './connection.ts';
import { type Figure, perSecond } from './figure.ts';
import { defineItems, item, items } from './objects.ts';
import { Setpoint } from './setpoint.ts';

const watchers = 1000;
const writers = 16;
const writes = 200;

export async function watches(): Promise<Figure[]> {
  const setpoint = await Setpoint.start(['server']);
  try {
    const { endpoint } = setpoint;
    await defineItems(endpoint);
    let events = 0;
    let finished: () => void = () => undefined;
    const connections: Connection[] = [];
    for (let i = 0; i < watchers; i += 50) {
      const opened = await Promise.all(Array.from({ length: 50 }, () => Connection.open(endpoint)));
      connections.push(...opened);
      await Promise.all(
        opened.map((connection) => {
          let last = 0;
          return connection.watch(`${items}?watch=1`, (bytes) => {
            // An event ends with a brace and a new line; nothing else in a stream of them does.
            if (last === 0x7d && bytes[0] === 0x0a) events += 1;
            for (let at = bytes.indexOf('}\n'); at >= 0; at = bytes.indexOf('}\n', at + 2)) events += 1;
            last = bytes[bytes.length - 1]!;
            if (events >= watchers * writes) finished();
          });
        }),
      );
    }
    const done = new Promise<void>((resolve) => {
      finished = resolve;
    });
    const before = setpoint.cpu();
    const began = performance.now();
    await flood(endpoint, writers, writes, (connection, index) =>
      connection.send('POST', items, item(`w-${index}`, index)),
    );
    await done;
    const seconds = (performance.now() - began) / 1000;
    const cpu = (setpoint.cpu() - before) / (watchers * writes);
    for (const connection of connections) connection.close();
    return [
      {
        figure: 'a burst of 200 writes, 1,000 watchers: events',
        ours: perSecond((watchers * writes) / seconds),
        cpu: `${cpu.toFixed(1)} µs`,
        target: '≥ 100,000/s',
        kubernetes: '68,660–70,056/s',
      },
    ];
  } finally {
    await setpoint.stop();
  }
}
