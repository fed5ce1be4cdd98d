/** Connections to ports of pods. */
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';

/** Fails in the words of Go's `net.Dial`. */
export function dialPort(host: string, port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
    const fail = (error: NodeJS.ErrnoException): void => {
      const why = error.code === 'ECONNREFUSED' ? 'connection refused' : error.message;
      reject(new Error(`failed to dial ${port}: dial tcp4 ${host}:${port}: connect: ${why}`));
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.off('error', fail);
      // Whoever takes it listens for errors; until then they close it.
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}
