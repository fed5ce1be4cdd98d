/**
 * Fails when a floor imports a floor above it, or when files import each other in a circle.
 * The order of the floors is the design's; type-only imports count.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const floors = [
  'clock',
  'machinery',
  'streaming',
  'schema',
  'cel',
  'storage',
  'apis',
  'crd',
  'admission',
  'auth',
  'apiserver',
  'client',
  'runtime',
  'operators',
  'scheduler',
  'node',
  'network',
  'cluster',
  'testing',
  'cli',
];
/** Imports that the order would allow and the design does not. */
const forbidden = [
  ['runtime', 'apiserver'],
  ['operators', 'apiserver'],
  ['scheduler', 'apiserver'],
  ['node', 'apiserver'],
  ['network', 'apiserver'],
  ['scheduler', 'operators'],
  ['node', 'operators'],
  ['node', 'scheduler'],
];

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', 'src');
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => join(root, file));
const imports = new Map(
  files.map((file) => {
    const text = readFileSync(file, 'utf8');
    const found = [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g)].map((m) =>
      resolve(dirname(file), m[1]),
    );
    return [file, found];
  }),
);
const show = (file) => relative(resolve(root, '..'), file);
const floorOf = (file) => {
  const parts = relative(root, file).split(sep);
  return parts.length > 1 ? parts[0] : undefined; // files directly in src/ are the roof
};

const problems = [];
for (const [file, targets] of imports) {
  const from = floorOf(file);
  if (from !== undefined && !floors.includes(from))
    problems.push(`${show(file)}: src/${from} is not a floor of the design`);
  for (const target of targets) {
    if (!imports.has(target)) {
      if (!target.includes('generated')) problems.push(`${show(file)}: imports ${show(target)}, which does not exist`);
      continue;
    }
    const to = floorOf(target);
    if (from === undefined || from === to) continue;
    if (to === undefined || floors.indexOf(to) > floors.indexOf(from)) {
      problems.push(`${show(file)}: floor ${from} imports upward, from ${show(target)}`);
    } else if (forbidden.some(([a, b]) => a === from && b === to)) {
      problems.push(`${show(file)}: floor ${from} must not import ${to} (${show(target)})`);
    }
  }
}

const state = new Map();
const path = [];
function visit(file) {
  if (state.get(file) === 'done') return;
  if (state.get(file) === 'open') {
    problems.push(`circle: ${[...path.slice(path.indexOf(file)), file].map(show).join(' → ')}`);
    return;
  }
  state.set(file, 'open');
  path.push(file);
  for (const target of imports.get(file) ?? []) if (imports.has(target)) visit(target);
  path.pop();
  state.set(file, 'done');
}
for (const file of files) visit(file);

if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}
console.log(`layers: ${files.length} files, no upward import, no circle`);
