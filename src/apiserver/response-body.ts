/**
 * Bodies on their way to a client: small ones whole, large ones piece by piece as the client takes them, compressed when it
 * asks for that. A list is never put together: what is in memory twice is a piece of it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';

/** Answers below this are not compressed, as in kube-apiserver. */
const gzipThreshold = 128 * 1024;

const pieceBytes = 256 * 1024;

/** Resolves when everything is written, or the client has gone. */
export async function writeBody(
  request: IncomingMessage,
  response: ServerResponse,
  code: number,
  headers: Record<string, string>,
  parts: readonly Buffer[],
): Promise<void> {
  let length = 0;
  for (const part of parts) length += part.length;
  const compressed = length >= gzipThreshold && acceptsGzip(request);
  if (compressed) {
    headers['Content-Encoding'] = 'gzip';
    headers.Vary = 'Accept-Encoding';
  } else headers['Content-Length'] = String(length);
  response.writeHead(code, headers);
  if (request.method === 'HEAD') response.end();
  else if (length <= pieceBytes && !compressed) response.end(parts.length === 1 ? parts[0] : Buffer.concat(parts));
  else if (compressed) await writeCompressed(response, parts);
  else await writePieces(response, parts);
}

async function writePieces(response: ServerResponse, parts: readonly Buffer[]): Promise<void> {
  for (const piece of piecesOf(parts)) {
    if (!response.write(piece)) await drained(response);
    if (response.destroyed) return;
  }
  response.end();
}

async function writeCompressed(response: ServerResponse, parts: readonly Buffer[]): Promise<void> {
  try {
    await pipeline(piecesOf(parts), createGzip({ level: constants.Z_BEST_SPEED }), response);
  } catch (error) {
    if (!response.destroyed) throw error;
  }
}

/** The same bytes in pieces: small parts together, large ones cut. */
function* piecesOf(parts: readonly Buffer[]): Generator<Buffer> {
  let from = 0;
  let size = 0;
  for (const [at, part] of parts.entries()) {
    size += part.length;
    if (size < pieceBytes && at < parts.length - 1) continue;
    const piece = at === from ? part : Buffer.concat(parts.slice(from, at + 1), size);
    for (let start = 0; start < size; start += pieceBytes) yield piece.subarray(start, start + pieceBytes);
    from = at + 1;
    size = 0;
  }
}

/** Resolves when there is room again, or nobody to write to. */
export function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

function acceptsGzip(request: IncomingMessage): boolean {
  const accepted = request.headers['accept-encoding'];
  return typeof accepted === 'string' && /\bgzip\b/.test(accepted);
}
