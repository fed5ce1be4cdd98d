/**
 * `npm test`: installs what is missing, the tools that tests drive included, checks types, style and layers, and runs every
 * test. The last line is `N passed, N failed`, with `, N skipped` when some could not run; the reasons stand above it.
 *
 * `npm test -- FILE…` runs single files, without the checks. `--coverage` prints coverage.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, ensureSchemas, root } from './ensure.mjs';

const files = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const whole = files.length === 0;
const coverage = whole || process.argv.includes('--coverage');

ensureInstalled();
ensureSchemas();
const { ensureTools } = await import('./tools.mjs');
const missing = ensureTools();
for (const { name, why } of missing) console.error(`${name} cannot be had: ${why}`);
if (missing.length > 0 && process.env.CI === 'true' && process.platform === 'linux') {
  console.error('in CI nothing may be skipped that the machine could run');
  finish({ passes: 0, failures: missing.length, pending: 0 });
}
// The command line is tested as it is shipped, and the examples import the package by its name.
ensureBuilt();
let broken = 0;
if (whole) {
  broken += check('types', process.execPath, 'node_modules/typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json');
  broken += check('style', 'node_modules/.bin/biome', 'check', '.');
  broken += check('layers', process.execPath, 'scripts/layers.mjs');
  broken += check('readme', process.execPath, 'scripts/readme.mjs', '--check');
}
const report = mkdtempSync(join(tmpdir(), 'setpoint-test-'));
const results = join(report, 'results.json');
const mocha = [
  'node_modules/mocha/bin/mocha.js',
  '--reporter',
  join(root, 'scripts/test-reporter.cjs'),
  '--reporter-option',
  `output=${results}`,
  '--exit',
  ...(whole ? ['test/**/*.test.ts', 'examples/**/*.test.ts'] : files),
];
const command = coverage
  ? [
      'node_modules/c8/bin/c8.js',
      '--reporter',
      'text-summary',
      '--reporter',
      'json-summary',
      '--src',
      'src',
      '--exclude',
      'dist',
      '--exclude',
      'test',
      '--exclude',
      'examples',
      process.execPath,
      ...mocha,
    ]
  : mocha;
const { status } = spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit' });
let stats;
try {
  stats = JSON.parse(readFileSync(results, 'utf8'));
} catch {
  console.error(`the test runner ended with ${status} before it could report`);
  stats = { passes: 0, failures: 1, pending: 0 };
}
rmSync(report, { recursive: true, force: true });
finish({ ...stats, failures: stats.failures + broken });

function check(name, command, ...args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  console.error(`${name}: ${status === 0 ? 'ok' : 'FAILED'}`);
  return status === 0 ? 0 : 1;
}

function finish({ passes, failures, pending }) {
  console.log(`${passes} passed, ${failures} failed${pending > 0 ? `, ${pending} skipped` : ''}`);
  process.exit(failures === 0 && passes > 0 ? 0 : 1);
}
