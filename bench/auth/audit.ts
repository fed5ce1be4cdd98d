/**
 * What an audit log at Metadata costs: two servers, one with it, asked the same in turns, so that whatever else the machine
 * does falls on both. `node --import tsx bench/auth/audit.ts`, after a build.
 */
import { join } from 'node:path';
import { type Connection, flood, type Response } from '../server/connection.ts';
import { median } from '../server/figure.ts';
import { Setpoint } from '../server/setpoint.ts';

const clients = 16;
const count = 4000;
const rounds = 9;
const configMaps = '/api/v1/namespaces/default/configmaps';

const plain = await Setpoint.start(['server']);
const audited = await Setpoint.start(['server', '--audit-log-path', join(plain.directory, 'audit', 'audit.log')]);

const read = (connection: Connection): Promise<Response> => connection.send('GET', `${configMaps}/bench`);
const create =
  (prefix: string) =>
  (connection: Connection, index: number): Promise<Response> =>
    connection.send('POST', configMaps, JSON.stringify({ metadata: { name: `${prefix}-${index}` }, data: { k: 'v' } }));

/** Requests a second, and processor time of each in microseconds. */
async function measure(
  server: Setpoint,
  send: (connection: Connection, index: number) => Promise<Response>,
): Promise<[number, number]> {
  const before = server.cpu();
  const seconds = await flood(server.endpoint, clients, count, send);
  return [count / seconds, (server.cpu() - before) / count];
}

try {
  for (const server of [plain, audited]) {
    await flood(server.endpoint, 1, 1, (connection) =>
      connection.send('POST', configMaps, JSON.stringify({ metadata: { name: 'bench' } })),
    );
    await flood(server.endpoint, clients, count, read);
    await flood(server.endpoint, clients, count, create('warm'));
  }
  for (const [what, sender] of [
    ['GET', () => read],
    ['create', create],
  ] as const) {
    const off: [number, number][] = [];
    const on: [number, number][] = [];
    for (let round = 0; round < rounds; round++) {
      const pairs = [
        [plain, off],
        [audited, on],
      ] as const;
      // Whoever comes second finds the machine as the first has left it.
      for (const [server, figures] of round % 2 === 0 ? pairs : pairs.toReversed()) {
        figures.push(await measure(server, sender(`round-${round}`)));
      }
    }
    const rate = median(on.map(([rate], round) => rate / off[round]![0]));
    const cpu = (figures: typeof on): string => `${Math.round(median(figures.map(([, each]) => each)))} µs`;
    console.log(`${what.padEnd(8)} throughput ${((rate - 1) * 100).toFixed(1)} %, CPU ${cpu(off)} → ${cpu(on)}`);
  }
} finally {
  await audited.stop();
  await plain.stop();
}
