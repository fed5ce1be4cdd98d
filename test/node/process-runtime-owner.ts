/** A process that owns a process runtime and starts one container in it; for a test that kills it. */
import { createProcessRuntime } from '../../src/node/process/process-runtime.ts';
import { sandboxConfig } from './runtime-contract.ts';

const [directory = '', logPath = '', script = ''] = process.argv.slice(2);
const runtime = await createProcessRuntime({ directory });
const sandbox = await runtime.runSandbox(sandboxConfig('pod'));
const strings = { name: 'main', image: 'i', workingDir: '', logPath };
const id = await runtime.createContainer(sandbox, {
  ...strings,
  command: ['sh', '-c', script],
  args: [],
  env: {},
  mounts: [],
  attempt: 0,
  stdin: false,
  tty: false,
});
await runtime.startContainer(id);
process.stdout.write(`${id}\n`);
setInterval(() => undefined, 1000);
