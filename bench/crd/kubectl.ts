/**
 * What kubectl's users notice of many definitions: `get` and `explain` against 1 and 200 of them, each with an empty
 * discovery cache, and again with a full one.
 *
 *     npx tsx bench/crd/kubectl.ts
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestCluster } from '../../src/testing/index.ts';
import { hasKubectl, Kubectl, type KubectlName } from '../../test/support/kubectl.ts';
import { definition } from './definition.ts';

const directory = mkdtempSync(join(tmpdir(), 'setpoint-bench-'));
const kubeconfig = join(directory, 'kubeconfig');
await using cluster = await startTestCluster();
writeFileSync(kubeconfig, (await cluster.listen()).kubeconfig);

let made = 0;
for (const count of [1, 200]) {
  for (; made < count; made++) await cluster.create(definition(made));
  await cluster.eventually(() => cluster.server.registry.get(`g${count - 1}.example.com`, `things${count - 1}`));
  for (const name of ['kubectl', 'kubectl-oldest'] satisfies KubectlName[]) {
    if (!hasKubectl(name)) continue;
    const kubectl = new Kubectl(kubeconfig, name);
    const commands = ['get configmaps', 'get things0', 'explain things0.spec', 'explain things0.spec'];
    const took: string[] = [];
    for (const command of commands) {
      const started = performance.now();
      await kubectl.ok(command);
      took.push(`${command} ${(performance.now() - started).toFixed(0)} ms`);
    }
    console.log(`${count} definitions, ${name}: ${took.join(', ')}`);
    kubectl.dispose();
  }
}
rmSync(directory, { recursive: true });
