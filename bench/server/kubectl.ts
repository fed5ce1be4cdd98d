/** What kubectl's users notice of many definitions: commands that first have to learn the API, against 1 and 200 of them. */

import { hasKubectl, Kubectl } from '../../test/support/kubectl.ts';
import { definition } from '../crd/definition.ts';
import { Connection } from './connection.ts';
import { type Figure, median, milliseconds } from './figure.ts';
import { Setpoint } from './setpoint.ts';

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const many = 200;
const runs = 7;

export async function kubectl(): Promise<Figure[]> {
  if (!hasKubectl('kubectl')) return [];
  const setpoint = await Setpoint.start(['server']);
  try {
    await define(setpoint, 0, 1);
    const few = await measure(setpoint);
    await define(setpoint, 1, many);
    const lots = await measure(setpoint);
    return Object.keys(few).map((command) => ({
      figure: `kubectl ${command}, nothing cached, ${many} definitions`,
      ours: milliseconds(lots[command]!.took),
      cpu: milliseconds(lots[command]!.cpu),
      target: `≤ ${milliseconds(few[command]!.took)}, as against 1 (${milliseconds(few[command]!.cpu)})`,
    }));
  } finally {
    await setpoint.stop();
  }
}

/** Resolves when the last of them is served. */
async function define({ endpoint }: Setpoint, from: number, to: number): Promise<void> {
  const connection = await Connection.open(endpoint);
  for (let index = from; index < to; index++) {
    const { code } = await connection.send('POST', definitions, JSON.stringify(definition(index)));
    if (code !== 201) throw new Error(`definition ${index}: ${code}`);
  }
  const last = `/apis/g${to - 1}.example.com/v1/things${to - 1}`;
  while ((await connection.send('GET', last)).code !== 200) await new Promise((resolve) => setTimeout(resolve, 5));
  connection.close();
}

interface Cost {
  readonly took: number;
  /** Of the server. */
  readonly cpu: number;
}

/** Milliseconds by command. The first run of each is not counted: what it asks of the server is made then. */
async function measure(setpoint: Setpoint): Promise<Record<string, Cost>> {
  const costs: Record<string, Cost> = {};
  for (const command of ['get things0', 'explain things0.spec']) {
    const times: number[] = [];
    let before = 0;
    for (let run = 0; run <= runs; run++) {
      if (run === 1) before = setpoint.cpu();
      const program = new Kubectl(setpoint.kubeconfig);
      const began = performance.now();
      await program.ok(command);
      if (run > 0) times.push(performance.now() - began);
      program.dispose();
    }
    costs[command] = { took: median(times), cpu: (setpoint.cpu() - before) / runs / 1000 };
  }
  return costs;
}
