/** The body of a request, whole and within the limit. */
import type { IncomingMessage } from 'node:http';
import { requestEntityTooLarge, StatusError } from '../machinery/status.ts';
import type { RequestBody } from './decode.ts';
import { mediaType } from './media.ts';

/** kube-apiserver's limit on request bodies. */
const maxBodyBytes = 3 * 1024 * 1024;

/**
 * How far above the limit a body may be announced to be read, and dropped, all the same: a client that is done writing reads
 * its answer, another may see its connection reset before. Source: Go's `net/http`, maxPostHandlerReadBytes.
 */
const drainedBodyBytes = 256 * 1024;

/** `undefined` for methods without a body: nothing is waited for then. Rejects with 413, or 400 when the client went away. */
export function readBody(request: IncomingMessage): Promise<RequestBody | undefined> | undefined {
  const { method } = request;
  if (method === 'GET' || method === 'HEAD') return undefined;
  const type = mediaType(request.headers['content-type']);
  // Express' body parsers leave what they have read behind.
  const parsed = (request as { body?: unknown }).body;
  if (parsed !== undefined && request.readableEnded) {
    return Promise.resolve({ kind: 'bytes', bytes: Buffer.from(JSON.stringify(parsed)), mediaType: type });
  }
  return new Promise((resolve, reject) => {
    const refuse = (): void => reject(requestEntityTooLarge(`limit is ${maxBodyBytes}`));
    const announced = Number(request.headers['content-length'] ?? 0);
    if (announced > maxBodyBytes) {
      if (announced > maxBodyBytes + drainedBodyBytes) refuse();
      else request.on('end', refuse).on('close', refuse).on('error', reject).resume();
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBodyBytes) {
        request.pause();
        refuse();
      } else chunks.push(chunk);
    });
    request.on('end', () => {
      const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      resolve(bytes.length === 0 && method === 'DELETE' ? undefined : { kind: 'bytes', bytes, mediaType: type });
    });
    request.on('error', reject);
    request.on('close', () => {
      if (!request.complete)
        reject(new StatusError(400, 'BadRequest', 'the request body ended before it was complete'));
    });
  });
}
