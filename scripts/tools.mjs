/**
 * What tests need from outside, installed beside the system in `.tools`: kubectl of the release that we follow, the oldest one
 * that Debian still ships, and Kubernetes' own samples of every kind in JSON and protobuf. They come as Debian packages,
 * unpacked and never installed; no root is needed.
 *
 * Where there is no apt, a kubectl on the PATH is used; where there is none either, the tests that need one are reported
 * as skipped, by name.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const tools = join(root, '.tools');
const bin = join(tools, 'bin');

/** Where each comes from, Debian's suite and package and its path in it, and the folder that it goes to. */
const wanted = [
  { name: 'kubectl', to: bin, suite: 'sid', package: 'kubectl', path: 'usr/bin/kubectl' },
  { name: 'kubectl-oldest', to: bin, suite: 'bookworm', package: 'kubernetes-client', path: 'usr/bin/kubectl' },
  {
    name: 'kubernetes-samples',
    to: tools,
    suite: 'sid',
    package: 'golang-k8s-api-dev',
    path: 'usr/share/gocode/src/k8s.io/api/testdata/HEAD',
  },
];

/** Installs what is missing; answers the names of what could not be had, with reasons. */
export function ensureTools() {
  mkdirSync(bin, { recursive: true });
  const missing = [];
  for (const tool of wanted) {
    if (existsSync(join(tool.to, tool.name))) continue;
    const problem = install(tool);
    if (problem !== undefined) missing.push({ name: tool.name, why: problem });
  }
  return missing;
}

function install(tool) {
  const archive = debianArchive();
  if (archive === undefined) return fromPath(tool);
  console.error(`installing ${tool.name} (${tool.package} of Debian ${tool.suite}) …`);
  const apt = privateApt(archive, tool.suite);
  const work = join(tools, `unpack-${tool.name}`);
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  for (const step of [
    () => apt(['-qq', 'update']),
    () => apt(['-qq', 'download', tool.package], work),
    () => spawnSync('dpkg-deb', ['-x', join(work, readdirSync(work).find((f) => f.endsWith('.deb')) ?? ''), work]),
  ]) {
    const { status, stderr, error } = step();
    if (status !== 0) return fromPath(tool, `${error?.message ?? stderr}`.trim().split('\n').at(-1));
  }
  renameSync(join(work, tool.path), join(tool.to, tool.name));
  rmSync(work, { recursive: true, force: true });
  return undefined;
}

/** Any kubectl is better than none for the main one; the oldest one cannot be replaced. */
function fromPath(tool, why = 'this machine has no apt') {
  const { status, stdout } = spawnSync('sh', ['-c', 'command -v kubectl'], { encoding: 'utf8' });
  if (tool.name !== 'kubectl' || status !== 0) return why;
  symlinkSync(resolve(stdout.trim()), join(bin, 'kubectl'));
  return undefined;
}

/** The archive that this machine takes its own packages from. */
function debianArchive() {
  const format = '$(REPO_URI) $(ORIGIN) $(SITE)';
  const { status, stdout } = spawnSync('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
    encoding: 'utf8',
  });
  if (status !== 0) return undefined;
  const uris = stdout.split('\n').map((line) => line.split(' ')[0]);
  return uris.find((uri) => /\/debian\/?$/.test(uri ?? ''));
}

/** apt with lists, cache and status of its own, and one suite as its only source. */
function privateApt(archive, suite) {
  const home = join(tools, 'apt', suite);
  for (const folder of ['state/lists/partial', 'cache/archives/partial'])
    mkdirSync(join(home, folder), { recursive: true });
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
  const signed = existsSync(keyring) ? `[signed-by=${keyring}] ` : '';
  writeFileSync(join(home, 'sources.list'), `deb ${signed}${archive} ${suite} main\n`);
  writeFileSync(join(home, 'status'), '');
  const user = spawnSync('id', ['-un'], { encoding: 'utf8' }).stdout.trim();
  const config = join(home, 'apt.conf');
  writeFileSync(
    config,
    `#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Sandbox::User "${user}";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::Etc::SourceList "${home}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "${home}/state";
Dir::State::status "${home}/status";
Dir::Cache "${home}/cache";
`,
  );
  return (args, cwd = home) => spawnSync('apt-get', ['-c', config, ...args], { cwd, encoding: 'utf8' });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const missing = ensureTools();
  for (const { name, why } of missing) console.error(`${name}: cannot be had: ${why}`);
  process.exit(missing.length === 0 ? 0 : 1);
}
