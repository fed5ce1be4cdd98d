/**
 * Tests of kubectl written as a user sees them: commands behind `$`, and below each what it prints.
 *
 *     $ kubectl get gadgets
 *     NAME   SIZE   AGE
 *     one    2      <age>
 *     36$ kubectl delete gadget two            only with the newest release
 *     Error from server (NotFound): gadgets.shop.example.com "two" not found
 *     [1]                                      the exit code, where it is not 0
 *
 * Output is standard output, then standard error. `36|` and `20|` begin lines that only one release prints; `...` stands for
 * any lines. `<age>`, `<time>`, `<uid>`, `<number>`, `<word>` and `<any>` stand for what differs from run to run, and two
 * spaces or more for as many as alignment needs. Files are those of `manifests/`; `< file` is read as standard input.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { ApiObject } from '../../src/machinery/object.ts';
import { startTestCluster, type TestCluster, type TestClusterOptions } from '../../src/testing/test-cluster.ts';
import { hasKubectl, Kubectl, type KubectlName, type KubectlResult } from '../support/kubectl.ts';

export interface Session {
  readonly cluster: TestCluster;
  readonly kubectl: Kubectl;
  readonly newest: boolean;
  /** Runs a transcript and compares all that it prints. */
  expect(transcript: string): Promise<void>;
  /** Runs one command line. */
  run(line: string): Promise<KubectlResult>;
}

export const manifests = new URL('manifests/', import.meta.url).pathname;

/** A CustomResourceDefinition of `manifests/`. */
export const gadgets = parse(readFileSync(join(manifests, 'gadget-crd.yaml'), 'utf8')) as ApiObject;

const releases = { kubectl: '36', 'kubectl-oldest': '20' } satisfies Record<KubectlName, string>;

/** A suite for each installed release, each with a cluster of its own. */
export function describeKubectl(
  title: string,
  options: TestClusterOptions,
  define: (session: () => Session) => void,
): void {
  for (const name of Object.keys(releases) as KubectlName[]) {
    describe(`kubectl 1.${releases[name]}: ${title}`, function () {
      this.timeout(60_000);
      let session: (Session & AsyncDisposable) | undefined;
      before(async function () {
        if (!hasKubectl(name)) this.skip();
        session = await openSession(name, options);
      });
      after(() => session?.[Symbol.asyncDispose]());
      define(() => session!);
    });
  }
}

async function openSession(name: KubectlName, options: TestClusterOptions): Promise<Session & AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), 'setpoint-session-'));
  const cluster = await startTestCluster(options);
  const kubeconfig = join(directory, 'kubeconfig');
  await writeFile(kubeconfig, (await cluster.listen()).kubeconfig);
  const kubectl = new Kubectl(kubeconfig, name);
  const run = async (line: string): Promise<KubectlResult> => {
    const { env, args, input } = parseCommand(line);
    const stdin = input === undefined ? undefined : await readFile(join(manifests, input), 'utf8');
    return await kubectl.run(args, stdin, { cwd: manifests, env });
  };
  return {
    cluster,
    kubectl,
    newest: name === 'kubectl',
    run,
    async expect(transcript) {
      for (const { line, expected } of parseTranscript(transcript, releases[name])) {
        const printed = asPrinted(await run(line));
        if (!matches(printed, expected)) assert.equal(`$ ${line}\n${printed}`, `$ ${line}\n${expected}`);
      }
    },
    async [Symbol.asyncDispose]() {
      kubectl.dispose();
      await cluster.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export interface Step {
  readonly line: string;
  readonly expected: string;
}

export function parseTranscript(text: string, release: string): Step[] {
  const steps: { line: string; expected: string }[] = [];
  const lines = text.replace(/^\n|\n *$/g, '').split('\n');
  const margin = Math.min(...lines.filter((line) => line.trim() !== '').map((line) => /^ */.exec(line)![0].length));
  let running = true;
  for (const line of lines.map((line) => line.slice(margin))) {
    const command = /^(36|20)?\$ (.*)$/.exec(line);
    if (command !== null) {
      running = command[1] === undefined || command[1] === release;
      if (running) steps.push({ line: command[2]!, expected: '' });
      continue;
    }
    if (!running) continue;
    const own = /^(36|20)\|(.*)$/.exec(line);
    if (own !== null && own[1] !== release) continue;
    const step = steps.at(-1);
    assert.ok(step !== undefined, `a transcript begins with a command, not with ${line}`);
    step.expected += `${own === null ? line : own[2]}\n`;
  }
  return steps;
}

/** Words are separated by spaces; single quotes keep them together. */
function parseCommand(line: string): { env: NodeJS.ProcessEnv; args: string[]; input: string | undefined } {
  const words = [...line.matchAll(/(?:'[^']*'|[^\s'])+/g)].map(([word]) => word.replaceAll("'", ''));
  const program = words.indexOf('kubectl');
  assert.notEqual(program, -1, `not a kubectl command: ${line}`);
  const env = Object.fromEntries(words.slice(0, program).map((word) => word.split('=', 2) as [string, string]));
  const args = words.slice(program + 1);
  const redirect = args.indexOf('<');
  const input = redirect === -1 ? undefined : args.splice(redirect, 2)[1];
  return { env, args, input };
}

export function asPrinted({ code, stdout, stderr }: KubectlResult): string {
  const ended = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);
  return ended(stdout) + ended(stderr) + (code === 0 ? '' : `[${code}]\n`);
}

const variable: Readonly<Record<string, string>> = {
  age: String.raw`(?:\d+[smhdy])+|<invalid>`,
  time: String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z`,
  uid: '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}',
  number: String.raw`\d+`,
  word: String.raw`\S+`,
  any: '.*',
};

function matches(printed: string, expected: string): boolean {
  if (printed === expected) return true;
  const trimmed = (text: string): string => text.replaceAll('\t', '  ').replace(/ +$/gm, '').replace(/\n+$/, '\n');
  const pattern = trimmed(expected)
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replace(/^( *)\\\.\\\.\\\.\n/gm, '(?:.*\n)*?')
    .replace(/ {2,}/g, ' {2,}')
    .replace(/<(age|time|uid|number|word|any)>/g, (_, name: string) => `(?:${variable[name]})`);
  return new RegExp(`^${pattern}$`).test(trimmed(printed));
}
