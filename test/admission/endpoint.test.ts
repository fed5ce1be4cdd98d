/** A handler on the network, asked by a server as any webhook is. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { type WebhookHandler, webhookEndpoint } from '../../src/server.ts';

const handler: WebhookHandler = ({ name, operation }) => {
  if (name === 'broken') throw new Error('a bug');
  return {
    allowed: name !== 'bad',
    warnings: [operation],
    patch: name === 'changed' ? [{ op: 'add', path: '/data', value: {} }] : [],
  };
};
const review = (name: string): object => ({
  kind: 'AdmissionReview',
  apiVersion: 'admission.k8s.io/v1',
  request: { uid: 'u', name, operation: 'CREATE' },
});

const listeners = {
  'node:http': () => createServer(webhookEndpoint(handler)),
  Express: () => createServer(express().post('/', webhookEndpoint(handler))),
  'Express with a parsed body': () =>
    createServer(express().set('env', 'test').use(express.json()).post('/', webhookEndpoint(handler))),
};

for (const [title, listener] of Object.entries(listeners)) {
  describe(`a webhook of one's own: ${title}`, () => {
    const server = listener();
    let url = '';
    before(async () => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    });
    after(() => {
      server.closeAllConnections();
      server.close();
    });
    const post = (body: unknown): Promise<Response> =>
      fetch(url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });

    it('answers reviews', async () => {
      const answer = await post(review('changed'));
      assert.equal(answer.headers.get('content-type'), 'application/json');
      assert.deepEqual(await answer.json(), {
        kind: 'AdmissionReview',
        apiVersion: 'admission.k8s.io/v1',
        response: {
          uid: 'u',
          allowed: true,
          warnings: ['CREATE'],
          patch: Buffer.from('[{"op":"add","path":"/data","value":{}}]').toString('base64'),
          patchType: 'JSONPatch',
        },
      });
      const { response } = (await (await post(review('bad'))).json()) as { response: object };
      assert.deepEqual(response, { uid: 'u', allowed: false, warnings: ['CREATE'] });
    });

    it('refuses what is no review, and says what went wrong', async () => {
      const text = async (body: unknown): Promise<[number, string]> => {
        const answer = await post(body);
        return [answer.status, await answer.text()];
      };
      assert.deepEqual(await text({ kind: 'Pod' }), [400, 'expected admission.k8s.io/v1, Kind=AdmissionReview']);
      assert.deepEqual(await text({ ...review('x'), request: undefined }), [400, 'the review has no request']);
      assert.deepEqual(await text(review('broken')), [500, 'a bug']);
      assert.ok((await post('{')).status >= 400);
    });
  });
}
