/** A test cluster as a client on the network sees it: HTTPS requests made by hand, so that every header can be wrong. */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import type { ApiObject } from '../../../src/machinery/object.ts';
import type { HttpEndpoint } from '../../../src/testing/http-endpoint.ts';
import { startTestCluster, type TestCluster, type TestClusterOptions } from '../../../src/testing/test-cluster.ts';

export interface Answer {
  readonly code: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  /** The body as JSON; throws when it is not. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any;
  /** The texts of the `Warning` header. */
  readonly warnings: readonly string[];
}

export interface RequestOptions {
  /** Objects are sent as JSON, strings and bytes as they are. */
  readonly body?: unknown;
  /** Default: `application/json` when there is a body. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Without the administrator's certificate. */
  readonly anonymous?: boolean;
  readonly agent?: Agent;
}

export interface Api extends AsyncDisposable {
  readonly cluster: TestCluster;
  readonly endpoint: HttpEndpoint;
  readonly agent: Agent;
  send(method: string, path: string, options?: RequestOptions): Promise<Answer>;
  /** The same, checked: the code must be below 300. Answers the JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  ok(method: string, path: string, body?: unknown, type?: string): Promise<any>;
  watch(path: string, headers?: Readonly<Record<string, string>>): Promise<Watch>;
}

export async function startApi(options: TestClusterOptions = {}): Promise<Api> {
  const cluster = await startTestCluster(options);
  const endpoint = await cluster.listen();
  const { authority, admin } = endpoint.pki;
  const agent = new Agent({ ca: authority.certificate, cert: admin.certificate, key: admin.key, keepAlive: true });
  const nobody = new Agent({ ca: authority.certificate, keepAlive: true });
  const send: Api['send'] = async (method, path, given = {}) => {
    const response = await open(endpoint.url, given.agent ?? (given.anonymous ? nobody : agent), method, path, given);
    return await read(response);
  };
  return {
    cluster,
    endpoint,
    agent,
    send,
    async ok(method, path, body, type) {
      const answer = await send(method, path, {
        ...(body === undefined ? {} : { body }),
        ...(type === undefined ? {} : { type }),
      });
      assert.ok(answer.code < 300, `${method} ${path}: ${answer.code} ${answer.text}`);
      return answer.json;
    },
    async watch(path, headers = {}) {
      const response = await open(endpoint.url, agent, 'GET', path, { headers });
      return new Watch(response);
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
      nobody.destroy();
      await cluster.stop();
    },
  };
}

function open(
  url: string,
  agent: Agent,
  method: string,
  path: string,
  { body, type, headers = {} }: RequestOptions,
): Promise<IncomingMessage> {
  const { hostname, port } = new URL(url);
  const bytes =
    body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        agent,
        hostname,
        port,
        method,
        path,
        headers: {
          ...(bytes === undefined
            ? {}
            : { 'Content-Type': type ?? 'application/json', 'Content-Length': Buffer.byteLength(bytes as string) }),
          ...headers,
        },
      },
      resolve,
    );
    sent.on('error', reject);
    sent.end(bytes);
  });
}

async function read(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return {
    code: response.statusCode ?? 0,
    headers: response.headers,
    text,
    get json() {
      return JSON.parse(text);
    },
    warnings: [...((response.headers.warning as string | undefined) ?? '').matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map(
      ([, quoted = '']) => quoted.replace(/\\(.)/g, '$1'),
    ),
  };
}

export interface WatchEvent {
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly object: any;
}

/** An open watch; its events one after the other. */
export class Watch {
  readonly response: IncomingMessage;
  readonly #events: AsyncIterator<WatchEvent>;

  constructor(response: IncomingMessage) {
    this.response = response;
    this.#events = lines(response);
  }

  /** The next event; `undefined` when the stream has ended. */
  async next(): Promise<WatchEvent | undefined> {
    const { value, done } = await this.#events.next();
    return done === true ? undefined : value;
  }

  async take(count: number): Promise<WatchEvent[]> {
    const events: WatchEvent[] = [];
    while (events.length < count) {
      const event = await this.next();
      assert.ok(event !== undefined, `the stream ended after ${events.length} events`);
      events.push(event);
    }
    return events;
  }

  close(): void {
    this.response.destroy();
  }
}

async function* lines(response: IncomingMessage): AsyncGenerator<WatchEvent> {
  let rest = '';
  for await (const chunk of response.setEncoding('utf8')) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) yield JSON.parse(part) as WatchEvent;
  }
}

export const configMap = (name: string, extra: Record<string, unknown> = {}): ApiObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  ...extra,
});

/** Checks a failure in full: what is not named must not be there. */
export function assertFailure(
  answer: Answer,
  code: number,
  reason: string,
  message: string | RegExp,
  details?: unknown,
): void {
  assert.equal(answer.code, code, answer.text);
  const { kind, apiVersion, status, metadata, ...rest } = answer.json;
  assert.deepEqual(
    { kind, apiVersion, status, metadata },
    { kind: 'Status', apiVersion: 'v1', status: 'Failure', metadata: {} },
  );
  if (typeof message === 'string') assert.equal(rest.message, message);
  else assert.match(rest.message, message);
  assert.equal(rest.reason ?? '', reason);
  assert.equal(rest.code, code);
  if (details !== undefined) assert.deepEqual(rest.details, details);
}

/** A definition of `widgets.example.com` with one version. */
export function widgets(extra: { spec?: object; version?: object } = {}): ApiObject {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList', shortNames: ['wd'] },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: {
                  type: 'object',
                  properties: {
                    replicas: { type: 'integer', minimum: 0, maximum: 10 },
                    color: { type: 'string', enum: ['red', 'green'], default: 'red' },
                    tags: { type: 'array', items: { type: 'string' } },
                  },
                },
                status: {
                  type: 'object',
                  properties: { replicas: { type: 'integer' }, selector: { type: 'string' } },
                },
              },
            },
          },
          subresources: {
            status: {},
            scale: {
              specReplicasPath: '.spec.replicas',
              statusReplicasPath: '.status.replicas',
              labelSelectorPath: '.status.selector',
            },
          },
          additionalPrinterColumns: [{ name: 'Color', type: 'string', jsonPath: '.spec.color' }],
          ...extra.version,
        },
      ],
      ...extra.spec,
    },
  };
}
