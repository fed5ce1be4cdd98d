/** An admission webhook on HTTPS, which a test can make to misbehave. */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ReviewAnswer, ReviewRequest } from '../../src/admission/webhook/review.ts';
import { createAuthority, issueServingCertificate, type KeyPair } from '../../src/auth/certificates.ts';
import type { JsonPatch } from '../../src/machinery/json-patch.ts';

export interface Sent {
  readonly kind: string;
  readonly apiVersion: string;
  readonly request: ReviewRequest;
}

/** What is sent back instead of a proper answer; `never` keeps the client waiting, `cut` ends the connection. */
export type Reply = { readonly code?: number; readonly body: string } | 'never' | 'cut';

export class AdmissionWebhook implements AsyncDisposable {
  readonly requests: ReviewRequest[] = [];
  connections = 0;
  /** What to answer; default: yes. */
  answer: (request: ReviewRequest) => ReviewAnswer = () => ({ allowed: true });
  reply: ((review: Sent) => Reply | undefined) | undefined;
  readonly caBundle: string;
  readonly #server: Server;

  private constructor(server: Server, caBundle: string) {
    this.#server = server;
    this.caBundle = caBundle;
  }

  static async start(): Promise<AdmissionWebhook> {
    made ??= makeCertificates();
    const { authority, serving } = await made;
    const server = createServer({ cert: serving.certificate, key: serving.key });
    const webhook = new AdmissionWebhook(server, Buffer.from(authority.certificate).toString('base64'));
    server.on('secureConnection', () => {
      webhook.connections += 1;
    });
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const sent = JSON.parse(Buffer.concat(chunks).toString()) as Sent;
        const reply = webhook.#reply(sent);
        if (reply === 'never') return;
        if (reply === 'cut') {
          request.socket.destroy();
          return;
        }
        response.writeHead(reply.code ?? 200, { 'Content-Type': 'application/json' });
        response.end(reply.body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return webhook;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}/admit`;
  }

  get clientConfig(): object {
    return { url: this.url, caBundle: this.caBundle };
  }

  #reply(sent: Sent): Reply {
    this.requests.push(sent.request);
    const reply = this.reply?.(sent);
    if (reply !== undefined) return reply;
    const { patch, ...rest } = this.answer(sent.request);
    return { body: reviewText(sent.request.uid, { ...rest, ...(patch === undefined ? {} : encoded(patch)) }) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

export function reviewText(uid: string, response: object, apiVersion = 'admission.k8s.io/v1'): string {
  return JSON.stringify({ kind: 'AdmissionReview', apiVersion, response: { uid, ...response } });
}

export function encoded(patch: JsonPatch): { patch: string; patchType: string } {
  return { patch: Buffer.from(JSON.stringify(patch)).toString('base64'), patchType: 'JSONPatch' };
}

let made: Promise<{ authority: KeyPair; serving: KeyPair }> | undefined;

async function makeCertificates(): Promise<{ authority: KeyPair; serving: KeyPair }> {
  const now = Date.now();
  const authority = await createAuthority('webhooks', now);
  const names = { dns: ['hooks.default.svc'], ips: ['127.0.0.1'] };
  return { authority, serving: await issueServingCertificate(authority, { commonName: 'hooks' }, names, now) };
}
