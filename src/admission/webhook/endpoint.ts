/**
 * A handler as a webhook on the network: the same function that a server calls directly when it runs in the same process.
 * What is answered is a listener for `node:https`, and mounts in Express.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isJsonObject, type JsonValue, parseJson, stringifyJson } from '../../machinery/json.ts';
import type { WebhookHandler } from './handlers.ts';
import { answerOf, type ReviewRequest, reviewVersion } from './review.ts';

/** What Express may have read before. */
type Received = IncomingMessage & { readonly body?: unknown };

const maxReviewBytes = 16 * 1024 * 1024;

export function webhookEndpoint(handler: WebhookHandler): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    serve(handler, request).then(
      ({ code, body }) => send(response, code, body),
      (error: unknown) => send(response, 500, error instanceof Error ? error.message : String(error)),
    );
  };
}

interface Reply {
  readonly code: number;
  /** A text is an error. */
  readonly body: JsonValue;
}

async function serve(handler: WebhookHandler, request: Received): Promise<Reply> {
  if (request.method !== 'POST') return { code: 405, body: 'reviews are posted' };
  const review = await reviewOf(request);
  if (review === undefined) return { code: 413, body: `a review has at most ${maxReviewBytes} bytes` };
  if (!isJsonObject(review) || review.kind !== 'AdmissionReview' || review.apiVersion !== reviewVersion) {
    return { code: 400, body: `expected ${reviewVersion}, Kind=AdmissionReview` };
  }
  if (!isJsonObject(review.request)) return { code: 400, body: 'the review has no request' };
  const asked = review.request as unknown as ReviewRequest;
  return { code: 200, body: answerOf(asked.uid, await handler(asked)) };
}

/** Undefined: it is too long. */
async function reviewOf(request: Received): Promise<JsonValue | undefined> {
  if (request.body !== undefined) return request.body as JsonValue;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxReviewBytes) return undefined;
    chunks.push(chunk);
  }
  return parseJson(Buffer.concat(chunks));
}

function send(response: ServerResponse, code: number, body: JsonValue): void {
  const [type, text] = typeof body === 'string' ? ['text/plain', body] : ['application/json', stringifyJson(body)];
  response.writeHead(code, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}
