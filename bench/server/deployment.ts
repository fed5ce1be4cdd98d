/** From `kubectl create deployment` to a running process. Without kubectl, from the same request made by hand. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Connection } from './connection.ts';
import { type Figure, median, milliseconds } from './figure.ts';
import { deployments } from './objects.ts';
import { Setpoint } from './setpoint.ts';

const kubectl = new URL('../../.tools/bin/kubectl', import.meta.url).pathname;
const runs = 5;

export async function deployment(): Promise<Figure[]> {
  const setpoint = await Setpoint.start(['up', '--runtime', 'process']);
  try {
    const times: number[] = [];
    const withKubectl = existsSync(kubectl);
    for (let run = 0; run < runs; run++) times.push(await untilRunning(setpoint, `d${run}`, withKubectl));
    return [
      {
        figure: `${withKubectl ? 'kubectl create deployment' : 'create of a Deployment'} → pod Running`,
        ours: milliseconds(median(times)),
        target: '≤ 1,000 ms',
      },
    ];
  } finally {
    await setpoint.stop();
  }
}

async function untilRunning(setpoint: Setpoint, name: string, withKubectl: boolean): Promise<number> {
  const connection = await Connection.open(setpoint.endpoint);
  const running = new Promise<void>((resolve, reject) => {
    let text = '';
    connection
      .watch(`/api/v1/namespaces/default/pods?watch=1&labelSelector=app%3D${name}`, (bytes) => {
        text += bytes.toString();
        if (text.includes('"phase":"Running"')) resolve();
      })
      .catch(reject);
  });
  const began = performance.now();
  if (withKubectl) {
    const args = ['create', 'deployment', name, '--image=busybox', '--', 'sleep', '3600'];
    const child = spawn(kubectl, args, {
      env: { ...process.env, KUBECONFIG: setpoint.kubeconfig, HOME: setpoint.directory },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await once(child, 'close');
  } else await create(setpoint, name);
  await running;
  const took = performance.now() - began;
  connection.close();
  return took;
}

async function create(setpoint: Setpoint, name: string): Promise<void> {
  const connection = await Connection.open(setpoint.endpoint);
  const body = JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels: { app: name } },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'main', image: 'busybox', command: ['sleep', '3600'] }] },
      },
    },
  });
  const { code } = await connection.send('POST', deployments, body);
  if (code !== 201) throw new Error(`create: ${code}`);
  connection.close();
}
