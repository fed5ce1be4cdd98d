/** A conversion webhook on HTTPS, which a test can make to misbehave. */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createAuthority, issueServingCertificate, type KeyPair } from '../../../src/auth/certificates.ts';
import { type JsonObject, parseJson, stringifyJson } from '../../../src/machinery/json.ts';
import type { ApiObject } from '../../../src/machinery/object.ts';

export interface Review {
  readonly apiVersion: string;
  readonly uid: string;
  readonly desiredAPIVersion: string;
  readonly objects: readonly ApiObject[];
}

/** What to answer: a `response`, or a status code and text instead of a review; `never` to keep the client waiting. */
export type Reply = { response: JsonObject; apiVersion?: string } | { code: number; body: string } | 'never';

export class ConversionWebhook implements AsyncDisposable {
  readonly reviews: Review[] = [];
  connections = 0;
  /** Converts one object; by default `spec.port` (v1) against `spec.ports` (v2). */
  convert: (object: ApiObject, apiVersion: string) => unknown = portConversion;
  reply: ((review: Review) => Reply) | undefined;
  readonly #server: Server;
  readonly caBundle: string;

  private constructor(server: Server, caBundle: string) {
    this.#server = server;
    this.caBundle = caBundle;
  }

  static async start(): Promise<ConversionWebhook> {
    made ??= makeCertificates();
    const { authority, serving } = await made;
    const server = createServer({ cert: serving.certificate, key: serving.key });
    const webhook = new ConversionWebhook(server, Buffer.from(authority.certificate).toString('base64'));
    server.on('secureConnection', () => {
      webhook.connections += 1;
    });
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const answer = webhook.#answer(parseJson(Buffer.concat(chunks)) as unknown as Sent);
        if (answer === 'never') return;
        const { code, body } = answer;
        response.writeHead(code, { 'Content-Type': 'application/json' });
        response.end(body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return webhook;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}/convert`;
  }

  #answer({ apiVersion, request }: Sent): { code: number; body: string } | 'never' {
    const review = { apiVersion, ...request };
    this.reviews.push(review);
    const reply: Reply = this.reply?.(review) ?? {
      response: {
        uid: review.uid,
        result: { status: 'Success' },
        convertedObjects: review.objects.map((object) =>
          this.convert(object, review.desiredAPIVersion),
        ) as JsonObject[],
      },
    };
    if (reply === 'never') return reply;
    if ('code' in reply) return reply;
    const answer = { apiVersion: reply.apiVersion ?? apiVersion, kind: 'ConversionReview', response: reply.response };
    return { code: 200, body: stringifyJson(answer) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

interface Sent {
  readonly apiVersion: string;
  readonly request: Omit<Review, 'apiVersion'>;
}

let made: Promise<{ authority: KeyPair; serving: KeyPair }> | undefined;

async function makeCertificates(): Promise<{ authority: KeyPair; serving: KeyPair }> {
  const now = Date.now();
  const authority = await createAuthority('webhooks', now);
  const names = { dns: ['converter.default.svc'], ips: ['127.0.0.1'] };
  return { authority, serving: await issueServingCertificate(authority, { commonName: 'converter' }, names, now) };
}

/** v1 has one port, v2 a list; v2 keeps what v1 cannot say in an annotation. */
export function portConversion(object: ApiObject, apiVersion: string): ApiObject {
  const { port, ports, ...spec } = (object.spec ?? {}) as { port?: number; ports?: number[] };
  const first = port ?? ports?.[0];
  const own = apiVersion.endsWith('/v2') ? { ports: [first] } : { port: first };
  return { ...object, apiVersion, spec: { ...spec, ...(first === undefined ? {} : own) } };
}
