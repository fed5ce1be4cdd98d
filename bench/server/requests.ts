/** Single objects: created, read, written and applied by 1, 16 and 64 clients. */
import { Connection, type Endpoint, flood, type Response } from './connection.ts';
import { type Figure, perSecond } from './figure.ts';
import { defineItems, deployment, deployments, item, items } from './objects.ts';
import { Setpoint } from './setpoint.ts';

/** How many Deployments are applied to in turn. */
const applied = 64;

export async function requests(): Promise<Figure[]> {
  const setpoint = await Setpoint.start(['server']);
  try {
    const { endpoint } = setpoint;
    await defineItems(endpoint);
    const figures: Figure[] = [];
    const measure = async (
      figure: string,
      clients: number,
      count: number,
      send: (connection: Connection, index: number) => Promise<Response>,
      notes: Pick<Figure, 'target' | 'kubernetes'> = {},
    ): Promise<void> => {
      const before = setpoint.cpu();
      const seconds = await flood(endpoint, clients, count, send);
      const cpu = (setpoint.cpu() - before) / count;
      figures.push({
        figure: `${figure}, ${clients} clients`,
        ours: perSecond(count / seconds),
        cpu: `${Math.round(cpu)} µs`,
        ...notes,
      });
    };

    const create = (prefix: string) => (connection: Connection, index: number) =>
      connection.send('POST', items, item(`${prefix}-${index}`, index));
    await flood(endpoint, 16, 2000, create('warm'));
    await measure('create', 1, 1000, create('c1'), { kubernetes: '219–340/s' });
    await measure('create', 16, 4000, create('c16'), { kubernetes: '367–635/s' });
    await measure('create', 64, 8000, create('c64'), { target: '≥ 4,000/s', kubernetes: '795–832/s, 1,650–1,980 µs' });

    const read = (connection: Connection, index: number): Promise<Response> =>
      connection.send('GET', `${items}/c64-${index % 8000}`);
    await measure('GET', 1, 4000, read, { kubernetes: '652–807/s' });
    await measure('GET', 64, 30_000, read, { target: '≥ 12,000/s', kubernetes: '1,886–2,111/s, 720–750 µs' });

    const versions = await versionsOf(endpoint);
    const put = (connection: Connection, index: number): Promise<Response> => {
      const name = `c64-${index % 8000}`;
      return connection.send('PUT', `${items}/${name}`, item(name, index + 1, { resourceVersion: versions.get(name) }));
    };
    await measure('PUT', 64, 6000, put, { kubernetes: '568–615/s, 2,540–2,780 µs' });

    // Objects that are written to are few beside those that are there, and are written to again and again.
    const patch = (connection: Connection, index: number): Promise<Response> =>
      connection.send(
        'PATCH',
        `${items}/c64-${index % 1000}`,
        `{"spec":{"size":${index + 2000}}}`,
        'application/merge-patch+json',
      );
    await flood(endpoint, 16, 2000, patch);
    await measure('merge patch', 16, 8000, (connection, index) => patch(connection, index + 2000), {
      target: '≥ 4,000/s',
      kubernetes: '382–559/s, 2,980–3,750 µs',
    });

    const apply = (bodies: readonly string[]) => (connection: Connection, index: number) =>
      connection.send(
        'PATCH',
        `${deployments}/d-${index % applied}?fieldManager=bench`,
        bodies[index % bodies.length]!,
        'application/apply-patch+yaml',
      );
    // Made beforehand: the client shares the cores with the server.
    const bodies = (count: number, from: number): string[] =>
      Array.from({ length: count }, (_, index) =>
        deployment(`d-${index % applied}`, from + Math.floor(index / applied)),
      );
    await flood(endpoint, 16, 3200, apply(bodies(3200, 1)));
    await measure('apply of a Deployment', 16, 6400, apply(bodies(6400, 100)), {
      target: '≥ 2,500/s',
      kubernetes: '329–393/s, 4,300–4,410 µs',
    });
    const same = apply(bodies(applied, 1));
    await flood(endpoint, 16, 10 * applied, same);
    await measure('apply of a Deployment that changes nothing', 16, 12_800, same, { target: '≥ 5,000/s' });
    return figures;
  } finally {
    await setpoint.stop();
  }
}

/** The resourceVersion of every item, by name. */
async function versionsOf(endpoint: Endpoint): Promise<Map<string, string>> {
  const connection = await Connection.open(endpoint);
  const { body } = await connection.send('GET', items);
  connection.close();
  const list = JSON.parse(body.toString()) as { items: { metadata: { name: string; resourceVersion: string } }[] };
  return new Map(list.items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
}
