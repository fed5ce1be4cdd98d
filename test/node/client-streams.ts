/** The streams of a client that execs or attaches, at hand. */
import { PassThrough } from 'node:stream';
import type { CommandStreams, TerminalSize } from '../../src/streaming/remote-command.ts';

export interface TestClient extends CommandStreams {
  readonly stdin: PassThrough | undefined;
  readonly stdout: PassThrough;
  readonly stderr: PassThrough | undefined;
  /** What it has been sent. */
  readonly said: { stdout: string; stderr: string };
  /** Resolves when the standard output has this in it. */
  untilSaid(text: string): Promise<void>;
  resize(size: TerminalSize): void;
  leave(): void;
}

export function testClient({ stdin = false, tty = false } = {}): TestClient {
  const gone = new AbortController();
  const said = { stdout: '', stderr: '' };
  const stdout = new PassThrough();
  const stderr = tty ? undefined : new PassThrough();
  const input = stdin ? new PassThrough() : undefined;
  let heard: () => void = () => undefined;
  let size: TerminalSize | undefined;
  let listener: ((size: TerminalSize) => void) | undefined;
  stdout.on('data', (chunk) => {
    said.stdout += chunk;
    heard();
  });
  stderr?.on('data', (chunk) => {
    said.stderr += chunk;
  });
  return {
    stdin: input,
    stdout,
    stderr,
    tty,
    gone: gone.signal,
    said,
    onResize(told) {
      listener = told;
      if (size !== undefined) told(size);
    },
    resize(next) {
      size = next;
      listener?.(next);
    },
    async untilSaid(text) {
      while (!said.stdout.includes(text)) {
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
    },
    leave() {
      stdout.destroy();
      stderr?.destroy();
      input?.destroy();
      gone.abort();
    },
  };
}
