/**
 * The figures of the whole: processes started as users start them, spoken to over HTTPS by a client in a process of its own
 * (this one). Other work on the machine moves rates; processor time per operation moves less, so it stands beside them.
 */
import { admission } from './admission/policies.ts';
import { cel } from './cel/rules.ts';
import { scheduler } from './scheduler/placement.ts';
import { deployment } from './server/deployment.ts';
import type { Figure } from './server/figure.ts';
import { kubectl } from './server/kubectl.ts';
import { lists } from './server/lists.ts';
import { requests } from './server/requests.ts';
import { memory, start, testing } from './server/start.ts';
import { watches } from './server/watches.ts';

const measurements: Readonly<Record<string, () => Promise<Figure[]>>> = {
  start,
  memory,
  testing,
  requests,
  lists,
  watches,
  kubectl,
  deployment,
  cel,
  admission,
  scheduler,
};

const only = process.argv.indexOf('--only');
const wanted = only < 0 ? Object.keys(measurements) : process.argv.slice(only + 1, only + 2);
const unknown = wanted.find((name) => measurements[name] === undefined);
if (unknown !== undefined || wanted.length === 0) {
  console.error(`--only takes one of: ${Object.keys(measurements).join(', ')}`);
  process.exit(2);
}

const rows: string[][] = [['figure', 'ours', 'CPU', 'target', 'Kubernetes']];
for (const name of wanted) {
  console.error(`${name} …`);
  for (const { figure, ours, cpu = '', target = '', kubernetes = '' } of await measurements[name]!()) {
    rows.push([figure, ours, cpu, target, kubernetes]);
  }
}
const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
for (const row of rows)
  console.log(
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
console.log(
  '\nKubernetes: kube-apiserver 1.36.4 library server on etcd 3.5, HTTPS, measured on the same kind of machine; CPU of server and etcd.',
);
process.exit(0);
