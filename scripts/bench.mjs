/**
 * `npm run bench`: what the built command line can do, beside what is asked of it and what Kubernetes' own server does.
 *
 * `npm run bench -- --only NAME` measures one of: start, memory, testing, requests, lists, watches, kubectl, deployment, cel.
 */
import { spawnSync } from 'node:child_process';
import { ensureBuilt, ensureInstalled, ensureSchemas, root } from './ensure.mjs';

ensureInstalled();
ensureSchemas();
ensureBuilt();
const { status } = spawnSync(process.execPath, ['--import', 'tsx', 'bench/main.ts', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(status ?? 1);
