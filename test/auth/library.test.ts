/** A server of somebody's own, with tokens of its service accounts and of its own users. */
import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  alwaysAllow,
  anonymousNowhere,
  builtinTypes,
  createServer,
  createSigningKey,
  forAudiences,
  openMemoryStore,
  serviceAccountKeys,
} from '../../src/server.ts';

interface Shown {
  readonly spec: { readonly expirationSeconds: number };
  readonly status: { readonly token: string };
  readonly jwks_uri: string;
}

describe('a server with keys', () => {
  it('knows its own users and service accounts, and nobody else', async () => {
    const keys = serviceAccountKeys(createSigningKey());
    const store = openMemoryStore();
    const server = createServer({
      store,
      types: builtinTypes(),
      authorizers: [alwaysAllow],
      anonymous: anonymousNowhere,
      tokens: [forAudiences([], (token) => (token === 'mine' ? { name: 'me', groups: [] } : undefined))],
      serviceAccounts: { issuers: ['https://api.example.com'], keys: () => keys, maxExpirationSeconds: 3600 },
    });
    await server.start();
    const listener = createHttpServer(server.handler);
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const ask = async (path: string, token?: string, body?: object) => {
      const response = await fetch(`http://127.0.0.1:${(listener.address() as AddressInfo).port}${path}`, {
        ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
        headers: {
          ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
          'Content-Type': 'application/json',
        },
      });
      return {
        code: response.status,
        warning: response.headers.get('warning'),
        json: (await response.json()) as Shown,
      };
    };
    const accounts = '/api/v1/namespaces/default/serviceaccounts';
    assert.equal((await ask(accounts)).code, 401);
    assert.equal((await ask(accounts, 'other')).code, 401);
    assert.equal((await ask(accounts, 'mine', { metadata: { name: 'robot' } })).code, 201);
    const spec = { expirationSeconds: 7200 };
    const answer = await ask(`${accounts}/robot/token`, 'mine', { spec });
    assert.equal(answer.warning, '299 - "requested expiration of 7200 seconds shortened to 3600 seconds"');
    assert.equal(answer.json.spec.expirationSeconds, 3600);
    const { token } = answer.json.status;
    assert.equal((await ask(accounts, token)).code, 200);
    const { json } = await ask('/.well-known/openid-configuration', token);
    assert.equal(json.jwks_uri, 'https://api.example.com/openid/v1/jwks');
    listener.closeAllConnections();
    listener.close();
    await server.stop();
    await store.close();
  });

  it('makes no tokens without', async () => {
    const store = openMemoryStore();
    const server = createServer({ store, types: builtinTypes(), authorizers: [alwaysAllow] });
    await server.start();
    const request = {
      verb: 'create',
      group: '',
      version: 'v1',
      resource: 'serviceaccounts',
      namespace: 'default',
      name: 'robot',
      subresource: 'token',
      query: new URLSearchParams(),
      user: { name: 'me', groups: [] },
      userAgent: '',
      body: { kind: 'value', value: {} },
      signal: new AbortController().signal,
    } as const;
    await assert.rejects(server.request(request), { message: 'the server could not find the requested resource' });
    await server.stop();
    await store.close();
  });
});
