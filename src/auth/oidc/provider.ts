/**
 * An issuer of tokens on the network: its metadata and keys, fetched when they are first needed, and again when a token
 * comes with a key that is not known. Source: OpenID Connect Discovery 1.0.
 */
import { get } from 'node:https';
import type { JWTVerifyGetKey } from 'jose';
import type { Clock } from '../../clock/clock.ts';
import { isJsonObject, type JsonObject, parseJson } from '../../machinery/json.ts';

export interface ProviderOptions {
  readonly issuer: string;
  readonly discoveryUrl: string;
  /** PEM; undefined: what the system trusts. */
  readonly certificateAuthority: string | undefined;
  readonly clock: Clock;
}

/** Between two requests to an issuer that fails, or whose keys do not have what tokens name, in milliseconds. */
const retryInterval = 10_000;
const requestTimeout = 10_000;
const maxDocument = 1024 * 1024;

export class Provider {
  readonly #options: ProviderOptions;
  #keys: Promise<JWTVerifyGetKey> | undefined;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #failed = false;

  constructor(options: ProviderOptions) {
    this.#options = options;
  }

  /** Rejects with why there are none. */
  async keys(): Promise<JWTVerifyGetKey> {
    if (this.#keys === undefined || (this.#failed && this.#mayFetch())) this.#fetch();
    return await this.#keys!;
  }

  /** The keys as they are now; `undefined` when it is too early to ask again. */
  async freshKeys(): Promise<JWTVerifyGetKey | undefined> {
    if (!this.#mayFetch()) return undefined;
    this.#fetch();
    return await this.#keys;
  }

  #mayFetch(): boolean {
    return this.#options.clock.now() - this.#fetchedAt >= retryInterval;
  }

  #fetch(): void {
    this.#fetchedAt = this.#options.clock.now();
    this.#failed = false;
    const fetched = this.#load();
    this.#keys = fetched;
    fetched.catch(() => {
      this.#failed = true;
    });
  }

  async #load(): Promise<JWTVerifyGetKey> {
    const { issuer, discoveryUrl, certificateAuthority } = this.#options;
    const metadata = await fetchJson(discoveryUrl, certificateAuthority);
    if (metadata.issuer !== issuer) {
      throw new Error(
        `oidc: issuer did not match the issuer returned by provider, expected ${JSON.stringify(issuer)} got ${JSON.stringify(metadata.issuer ?? '')}`,
      );
    }
    const { jwks_uri: keySet } = metadata;
    if (typeof keySet !== 'string' || !keySet.startsWith('https://')) {
      throw new Error(`oidc: the provider's jwks_uri must be an https URL`);
    }
    const { keys } = await fetchJson(keySet, certificateAuthority);
    if (!Array.isArray(keys)) throw new Error(`oidc: failed to decode keys of ${keySet}`);
    const { createLocalJWKSet } = await import('jose');
    return createLocalJWKSet({ keys: keys.filter(isJsonObject) } as unknown as Parameters<typeof createLocalJWKSet>[0]);
  }
}

function fetchJson(url: string, ca: string | undefined): Promise<JsonObject> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`oidc: Get ${JSON.stringify(url)}: ${why}`));
    const options = {
      ...(ca === undefined ? {} : { ca }),
      timeout: requestTimeout,
      headers: { accept: 'application/json' },
    };
    const request = get(url, options, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxDocument) request.destroy(new Error('the answer is too long'));
        else chunks.push(chunk);
      });
      response.on('error', (error) => fail(error.message));
      response.on('end', () => {
        if (response.statusCode !== 200) return fail(`unexpected status ${response.statusCode}`);
        try {
          const value = parseJson(Buffer.concat(chunks));
          if (isJsonObject(value)) resolve(value);
          else fail('the answer is no object');
        } catch (error) {
          fail(error instanceof Error ? error.message : String(error));
        }
      });
    });
    request.on('timeout', () => request.destroy(new Error('request timed out')));
    request.on('error', (error) => fail(error.message));
  });
}
