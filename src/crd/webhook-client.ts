/**
 * Calls a webhook: JSON out and JSON in, over HTTPS, on connections that are kept. Failures are told in the words of
 * Kubernetes' own client, which is what operators search for.
 * Source: `k8s.io/apiserver/pkg/util/webhook` (ClientManager), `k8s.io/client-go/rest` (Request.Do).
 */
import { lookup } from 'node:dns';
import { Agent, request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Clock } from '../clock/clock.ts';
import { isJsonObject, JsonSyntaxError, type JsonValue, parseJson, stringifyJson } from '../machinery/json.ts';

/** `clientConfig` of a conversion or admission webhook: where it is, and whose certificate it shows. */
export interface WebhookClientConfig {
  readonly url?: string;
  readonly service?: {
    readonly namespace: string;
    readonly name: string;
    readonly path?: string;
    readonly port?: number;
  };
  /** Base64 of PEM; absent: the authorities that node trusts. */
  readonly caBundle?: string;
}

export interface WebhookEnvironment {
  readonly clock: Clock;
  /** Where a Service can be reached; rejects with what Kubernetes says when it cannot. */
  readonly resolveService: (namespace: string, name: string, port: number) => Promise<Endpoint>;
  /** Whether an IP address may be called at all; default: every one. */
  readonly allowedTarget?: (address: string) => boolean;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** What a webhook could not do; the message is for the client of the API. */
export class WebhookError extends Error {
  override readonly name = 'WebhookError';
}

export class WebhookClient {
  readonly #config: WebhookClientConfig;
  readonly #environment: WebhookEnvironment;
  readonly #timeoutSeconds: number;
  readonly #url: URL;
  readonly #agent: Agent;

  constructor(config: WebhookClientConfig, environment: WebhookEnvironment, timeoutSeconds = 30) {
    this.#config = config;
    this.#environment = environment;
    this.#timeoutSeconds = timeoutSeconds;
    this.#url = urlOf(config);
    this.#url.searchParams.set('timeout', `${timeoutSeconds}s`);
    const { caBundle = '' } = config;
    this.#agent = new Agent({
      keepAlive: true,
      ...(caBundle === '' ? {} : { ca: Buffer.from(caBundle, 'base64') }),
    });
  }

  /** Throws {@link WebhookError}. */
  async post(body: JsonValue): Promise<JsonValue> {
    const at = await this.#endpoint();
    this.#checkTarget(at?.host ?? this.#url.hostname.replace(/^\[|\]$/g, ''));
    const { code, contentType, bytes } = await this.#exchange(at, Buffer.from(stringifyJson(body)));
    if (code < 200 || code > 299) throw new WebhookError(refusal(code, bytes));
    if (bytes.length === 0) {
      throw new WebhookError(`0-length response with status code: ${code} and content type: ${contentType}`);
    }
    try {
      return parseJson(bytes);
    } catch (error) {
      if (error instanceof JsonSyntaxError) {
        throw new WebhookError(`couldn't get version/kind; json parse error: ${error.message}`);
      }
      throw error;
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Undefined: where the URL says. */
  async #endpoint(): Promise<Endpoint | undefined> {
    const { service } = this.#config;
    if (service === undefined) return undefined;
    try {
      return await this.#environment.resolveService(service.namespace, service.name, service.port ?? 443);
    } catch (error) {
      throw this.#failed(error instanceof Error ? error.message : String(error));
    }
  }

  /** Names are checked when they have been looked up. */
  #checkTarget(host: string): void {
    const { allowedTarget } = this.#environment;
    if (allowedTarget === undefined || isIP(host) === 0 || allowedTarget(host)) return;
    throw this.#failed(`dial tcp ${host}: address is not allowed`);
  }

  #exchange(at: Endpoint | undefined, body: Buffer): Promise<{ code: number; contentType: string; bytes: Buffer }> {
    const url = this.#url;
    return new Promise((resolve, reject) => {
      const request = httpsRequest({
        agent: this.#agent,
        method: 'POST',
        host: at?.host ?? url.hostname.replace(/^\[|\]$/g, ''),
        port: at?.port ?? (url.port === '' ? 443 : url.port),
        path: `${url.pathname}${url.search}`,
        ...(this.#environment.allowedTarget === undefined ? {} : { lookup: guarded(this.#environment.allowedTarget) }),
        // The certificate is for the Service's name, wherever the Service leads.
        ...(at === undefined ? {} : { servername: url.hostname }),
        headers: {
          Host: url.host,
          'Content-Type': 'application/json',
          'Content-Length': String(body.length),
          Accept: 'application/json, */*',
        },
      });
      const timer = this.#environment.clock.setTimeout(() => {
        request.destroy(new WebhookError('context deadline exceeded'));
      }, this.#timeoutSeconds * 1000);
      const fail = (error: Error): void => {
        timer.cancel();
        reject(this.#failed(goText(error)));
      };
      request.on('error', fail);
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > maxAnswerBytes) response.destroy(new WebhookError('http: response body too large'));
          else chunks.push(chunk);
        });
        response.on('error', fail);
        response.on('end', () => {
          timer.cancel();
          resolve({
            code: response.statusCode ?? 0,
            contentType: response.headers['content-type'] ?? '',
            bytes: Buffer.concat(chunks),
          });
        });
      });
      request.end(body);
    });
  }

  #failed(why: string): WebhookError {
    return new WebhookError(`Post "${shown(this.#url, this.#config)}": ${why}`);
  }
}

/** More than any object that could be stored, base64 and all. */
const maxAnswerBytes = 16 * 1024 * 1024;

/** Looks names up, and answers only with addresses that may be called. */
function guarded(allowed: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = error === null ? addresses.filter(({ address }) => allowed(address)) : [];
      if (first !== undefined) {
        if (options.all === true) callback(null, [first]);
        else callback(null, first.address, first.family);
        return;
      }
      const why = new WebhookError(`dial tcp: lookup ${hostname}: address is not allowed`);
      callback(error ?? why, '', 0);
    });
  };
}

function urlOf({ url, service }: WebhookClientConfig): URL {
  if (url !== undefined) return new URL(url);
  if (service === undefined) throw new Error('a webhook needs a url or a service');
  const { namespace, name, path = '', port = 443 } = service;
  return new URL(`https://${name}.${namespace}.svc:${port}${path === '' || path.startsWith('/') ? path : `/${path}`}`);
}

/** A Service is shown with its port, the default one too. */
function shown(url: URL, { service }: WebhookClientConfig): string {
  if (service === undefined || url.port !== '') return url.href;
  return `https://${url.hostname}:443${url.pathname}${url.search}`;
}

/** What Go's client says of the same failure. */
function goText(error: Error): string {
  const { code, address, port, hostname } = error as Error & {
    code?: string;
    address?: string;
    port?: number;
    hostname?: string;
  };
  const peer = address === undefined ? '' : ` ${address.includes(':') ? `[${address}]` : address}:${port}`;
  switch (code) {
    case 'ECONNREFUSED':
      return `dial tcp${peer}: connect: connection refused`;
    case 'EHOSTUNREACH':
      return `dial tcp${peer}: connect: no route to host`;
    case 'ETIMEDOUT':
      return `dial tcp${peer}: i/o timeout`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `dial tcp: lookup ${hostname}: no such host`;
    case 'ECONNRESET':
      return 'EOF';
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
    case 'CERT_HAS_EXPIRED':
      return 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `tls: failed to verify certificate: x509: ${error.message}`;
    default:
      return error.message;
  }
}

/** An answer that is no success: the Status in it, or what client-go makes of the code. */
function refusal(code: number, bytes: Buffer): string {
  const text = bytes.toString();
  try {
    const value = parseJson(text);
    if (isJsonObject(value) && value.kind === 'Status' && typeof value.message === 'string') return value.message;
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
  }
  switch (code) {
    case 401:
      return 'the server has asked for the client to provide credentials';
    case 403:
      return text === '' ? 'forbidden' : text.trim();
    case 404:
      return 'the server could not find the requested resource';
    case 405:
      return 'the server does not allow this method on the requested resource';
    case 429:
      return 'the server has received too many requests and has asked us to try again later';
    case 503:
      return 'the server is currently unable to handle the request';
    case 504:
      return 'the server was unable to return a response in the time allotted, but may still be processing the request';
    default:
      if (code >= 500) {
        return `an error on the server (${JSON.stringify(text.trim() || 'unknown')}) has prevented the request from succeeding`;
      }
      return `the server responded with the status code ${code} but did not return more information`;
  }
}
