/**
 * Builds `dist/`: the schemas of the built-in kinds, JavaScript with declarations and source maps, and the command line in
 * `dist/bin`, bundled: loading five hundred modules one by one takes longer than the start of a cluster.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const output = join(root, 'dist');
const fresh = join(root, 'dist.new');

function run(command, ...args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

run(process.execPath, 'scripts/generate-schemas.mjs');
run(process.execPath, 'scripts/layers.mjs');
rmSync(fresh, { recursive: true, force: true });
run(process.execPath, 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', fresh);
cpSync(join(root, 'src/apis/generated'), join(fresh, 'apis/generated'), { recursive: true });
await build({
  absWorkingDir: root,
  entryPoints: { setpoint: join(fresh, 'cli/main.js') },
  outdir: join(fresh, 'bin'),
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.11',
  packages: 'external',
  sourcemap: true,
  logLevel: 'warning',
});
chmodSync(join(fresh, 'bin/setpoint.js'), 0o755);
// What was there before stays until everything has been made.
rmSync(output, { recursive: true, force: true });
renameSync(fresh, output);
