/**
 * `npm run fuzz`: a million requests that nobody would send, against a server on HTTPS.
 *
 * `npm run fuzz -- --runs N --seed N --concurrency N`.
 */
import { spawnSync } from 'node:child_process';
import { ensureInstalled, ensureSchemas, root } from './ensure.mjs';

ensureInstalled();
ensureSchemas();
const main = 'test/apiserver/support/fuzz-main.ts';
const { status } = spawnSync(process.execPath, ['--expose-gc', '--import', 'tsx', main, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(status ?? 1);
