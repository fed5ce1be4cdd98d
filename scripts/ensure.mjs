/** What must be there before anything runs: dependencies as the lock file says, and a build as new as the sources. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

function modified(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

/** npm writes `node_modules/.package-lock.json` last: older than the lock file means that something is missing. */
export function ensureInstalled() {
  if (modified(join(root, 'node_modules/.package-lock.json')) >= modified(join(root, 'package-lock.json'))) return;
  console.error('installing dependencies (npm ci) …');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { stdio: ['ignore', 2, 2] });
}

function newest(directory) {
  let latest = 0;
  for (const entry of readdirSync(join(root, directory), { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) latest = Math.max(latest, modified(join(entry.parentPath ?? entry.path, entry.name)));
  }
  return latest;
}

export function ensureBuilt() {
  const built = modified(join(root, 'dist/bin/setpoint.js'));
  const sources = Math.max(newest('src'), newest('scripts'), modified(join(root, 'package-lock.json')));
  if (built >= sources) return;
  console.error('building …');
  run(process.execPath, ['scripts/build.mjs'], { stdio: ['ignore', 2, 2] });
}

/** Tests run the sources: they need only the generated schemas. */
export function ensureSchemas() {
  const index = join(root, 'src/apis/generated');
  const generated = existsSync(index) ? newestAge(index) : 0;
  const overlays = readdirSync(join(root, 'src/apis'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.overlay.json'))
    .map((name) => modified(join(root, 'src/apis', name)));
  if (generated >= Math.max(modified(join(root, 'scripts/generate-schemas.mjs')), ...overlays)) return;
  run(process.execPath, ['scripts/generate-schemas.mjs']);
}

function newestAge(directory) {
  return Math.max(0, ...readdirSync(directory).map((name) => modified(join(directory, name))));
}
