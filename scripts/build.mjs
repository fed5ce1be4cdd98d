/** Builds `dist/`: the schemas of the built-in kinds, JavaScript with declarations and source maps, an executable command. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function run(command, ...args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

run(process.execPath, 'scripts/generate-schemas.mjs');
run(process.execPath, 'scripts/layers.mjs');
rmSync(join(root, 'dist'), { recursive: true, force: true });
run(process.execPath, 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json');
cpSync(join(root, 'src/apis/generated'), join(root, 'dist/apis/generated'), { recursive: true });
chmodSync(join(root, 'dist/cli/main.js'), 0o755);
