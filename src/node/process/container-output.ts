/** What a container writes: into its log, and to the clients that are attached to it. */
import { constants, open } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { promisify } from 'node:util';
import type { ContainerLog, LogStream } from '../container-log.ts';

const openFile = promisify(open);

/** A reader pauses while more than this waits to be written to the log. */
const backlogLimit = 1024 * 1024;

export class ContainerOutput {
  /** Resolves when nobody can write to it any more. */
  readonly ended: Promise<void>;
  readonly stream: LogStream;
  readonly #socket: Socket;
  readonly #log: ContainerLog;
  readonly #clients = new Set<Writable>();
  /** Reasons to wait: the log, clients. */
  #holds = 0;

  /** `path`: a named pipe. */
  static async open(path: string, stream: LogStream, log: ContainerLog): Promise<ContainerOutput> {
    return new ContainerOutput(await openFile(path, constants.O_RDONLY | constants.O_NONBLOCK), stream, log);
  }

  private constructor(fd: number, stream: LogStream, log: ContainerLog) {
    this.stream = stream;
    this.#log = log;
    this.#socket = new Socket({ fd, readable: true, writable: false });
    this.ended = new Promise((resolve) => {
      this.#socket.on('data', (chunk: Buffer) => this.#take(chunk));
      this.#socket.once('close', () => {
        log.end(stream);
        resolve();
      });
      // A pipe that cannot be read ends like one that has ended: 'close' follows.
      this.#socket.once('error', () => undefined);
    });
  }

  /** Sends it what is written from now on. A client that is slow slows the container. Answers how to let go of it. */
  attach(client: Writable): () => void {
    this.#clients.add(client);
    return () => this.#clients.delete(client);
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#log.append(this.stream, chunk);
    if (this.#log.backlog > backlogLimit) this.#hold((resume) => this.#log.flushed().then(resume, resume));
    for (const client of this.#clients) {
      if (client.destroyed || client.writableEnded) this.#clients.delete(client);
      else if (!client.write(chunk)) this.#hold((resume) => client.once('drain', resume).once('close', resume));
    }
  }

  #hold(until: (resume: () => void) => void): void {
    this.#holds += 1;
    this.#socket.pause();
    let held = true;
    until(() => {
      if (!held) return;
      held = false;
      this.#holds -= 1;
      if (this.#holds === 0) this.#socket.resume();
    });
  }
}
