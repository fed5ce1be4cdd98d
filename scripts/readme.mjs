/** Puts the examples' code into README.md; with `--check`, fails when it is not what the files hold. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './ensure.mjs';

const path = join(root, 'README.md');
const before = readFileSync(path, 'utf8');
// A fence whose preceding link names a file shows that file.
const after = before.replace(
  /(\]\((examples\/[\w./-]+\.ts)\)\):\n\n```ts\n)[\s\S]*?(\n```\n)/g,
  (_, head, file, tail) => head + readFileSync(join(root, file), 'utf8').trimEnd() + tail,
);
if (process.argv.includes('--check')) {
  if (after !== before) {
    console.error('README.md does not show what the examples hold: run node scripts/readme.mjs');
    process.exit(1);
  }
} else writeFileSync(path, after);
