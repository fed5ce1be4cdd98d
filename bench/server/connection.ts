/**
 * HTTP/1.1 by hand over one TLS connection: a client that costs little, so that the server is what is measured. It reads
 * what our server and kube-apiserver write: a length, or chunks for streams.
 */
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';

export interface Endpoint {
  readonly port: number;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface Response {
  readonly code: number;
  readonly body: Buffer;
}

const headEnd = Buffer.from('\r\n\r\n');

export class Connection {
  readonly socket: TLSSocket;
  #waiting: { resolve: (response: Response) => void; reject: (error: Error) => void } | undefined;
  #chunks: Buffer[] = [];
  #size = 0;
  #wanted = -1;
  #head = 0;

  private constructor(socket: TLSSocket) {
    this.socket = socket;
  }

  static async open({ port, ca, cert, key }: Endpoint): Promise<Connection> {
    const socket = connect({ host: '127.0.0.1', port, ca, cert, key });
    await once(socket, 'secureConnect');
    socket.setNoDelay(true);
    return new Connection(socket);
  }

  /** One request at a time. */
  send(method: string, path: string, body = '', type = 'application/json'): Promise<Response> {
    if (this.#wanted === -1 && this.#size === 0 && this.socket.listenerCount('data') === 0) {
      this.socket.on('data', (chunk: Buffer) => this.#take(chunk));
      this.socket.on('error', (error) => this.#waiting?.reject(error));
    }
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.socket.write(requestText(method, path, body, type));
    });
  }

  /** A stream from here on: `onData` gets the bytes after the head, chunk sizes included. */
  watch(path: string, onData: (bytes: Buffer) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      let head = true;
      this.socket.on('error', reject);
      this.socket.on('data', (chunk: Buffer) => {
        if (!head) return onData(chunk);
        head = false;
        resolve();
        const end = chunk.indexOf(headEnd);
        if (end >= 0 && end + 4 < chunk.length) onData(chunk.subarray(end + 4));
      });
      this.socket.write(requestText('GET', path, '', ''));
    });
  }

  close(): void {
    this.socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#wanted < 0) {
      const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
      this.#chunks = [bytes];
      const end = bytes.indexOf(headEnd);
      if (end < 0) return;
      const head = bytes.toString('latin1', 0, end);
      this.#head = end + 4;
      this.#wanted = this.#head + Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    }
    if (this.#size < this.#wanted) return;
    const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    const response = { code: Number(bytes.toString('latin1', 9, 12)), body: bytes.subarray(this.#head) };
    this.#chunks = [];
    this.#size = 0;
    this.#wanted = -1;
    this.#waiting?.resolve(response);
  }
}

function requestText(method: string, path: string, body: string, type: string): string {
  const head = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench/1\r\nAccept: application/json\r\n`;
  return body === ''
    ? `${head}\r\n`
    : `${head}Content-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** The same on many connections: `send(i)` for every i below `count`, `clients` at a time. Seconds. */
export async function flood(
  endpoint: Endpoint,
  clients: number,
  count: number,
  send: (connection: Connection, index: number) => Promise<Response>,
): Promise<number> {
  const connections = await Promise.all(Array.from({ length: clients }, () => Connection.open(endpoint)));
  let next = 0;
  const began = performance.now();
  await Promise.all(
    connections.map(async (connection) => {
      for (let index = next++; index < count; index = next++) {
        const { code, body } = await send(connection, index);
        if (code >= 300) throw new Error(`${code} ${body.toString().slice(0, 300)}`);
      }
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  for (const connection of connections) connection.close();
  return seconds;
}
