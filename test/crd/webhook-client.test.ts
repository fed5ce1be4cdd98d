import assert from 'node:assert/strict';
import { systemClock } from '../../src/clock/clock.ts';
import { createVirtualClock } from '../../src/clock/virtual.ts';
import { WebhookClient, type WebhookClientConfig, type WebhookEnvironment } from '../../src/crd/webhook-client.ts';
import { ConversionWebhook } from './support/conversion-webhook.ts';

const review = { apiVersion: 'v1', request: { uid: 'x', desiredAPIVersion: 'example.com/v1', objects: [] } };

describe('a client of webhooks', () => {
  let webhook: ConversionWebhook;
  before(async () => {
    webhook = await ConversionWebhook.start();
  });
  after(() => webhook[Symbol.asyncDispose]());

  const nowhere: WebhookEnvironment['resolveService'] = () => Promise.reject(new Error('nowhere'));
  const post = async (config: WebhookClientConfig, environment: Partial<WebhookEnvironment> = {}) => {
    const client = new WebhookClient(config, { clock: systemClock, resolveService: nowhere, ...environment });
    try {
      return await client.post(review);
    } finally {
      client.close();
    }
  };

  it('reaches a service where it is, under its own name', async () => {
    const asked: unknown[] = [];
    const answer = await post(
      {
        service: { namespace: 'default', name: 'converter', path: 'convert' },
        caBundle: webhook.caBundle,
      },
      {
        resolveService: async (...wanted) => {
          asked.push(wanted);
          return { host: '127.0.0.1', port: webhook.port };
        },
      },
    );
    assert.deepEqual(asked, [['default', 'converter', 443]]);
    assert.equal((answer as { kind: string }).kind, 'ConversionReview');
  });

  it('says which service it could not find', async () => {
    await assert.rejects(post({ service: { namespace: 'default', name: 'converter' } }), {
      name: 'WebhookError',
      message: 'Post "https://converter.default.svc:443/?timeout=30s": nowhere',
    });
  });

  it('gives up after its time', async () => {
    const clock = createVirtualClock();
    const asked = new Promise<void>((resolve) => {
      webhook.reply = () => {
        resolve();
        return 'never';
      };
    });
    const answer = post({ url: webhook.url, caBundle: webhook.caBundle }, { clock });
    const refused = assert.rejects(answer, {
      message: `Post "${webhook.url}?timeout=30s": context deadline exceeded`,
    });
    await asked;
    await clock.advance(30_000);
    await refused;
    webhook.reply = undefined;
  });

  it('goes nowhere where it may not go', async () => {
    const before = webhook.reviews.length;
    const allowedTarget = (address: string): boolean => !address.startsWith('127.') && address !== '::1';
    const refused = (url: string, why: string): Promise<void> =>
      assert.rejects(post({ url, caBundle: webhook.caBundle }, { allowedTarget }), {
        message: `Post "${url}?timeout=30s": ${why}`,
      });
    await refused(webhook.url, 'dial tcp 127.0.0.1: address is not allowed');
    const named = webhook.url.replace('127.0.0.1', 'localhost');
    await refused(named, 'dial tcp: lookup localhost: address is not allowed');
    assert.equal(webhook.reviews.length, before);
  });

  it('takes no text for JSON', async () => {
    webhook.reply = () => ({ code: 200, body: 'hello' });
    await assert.rejects(
      post({ url: webhook.url, caBundle: webhook.caBundle }),
      /^WebhookError: couldn't get version\/kind; json parse error: /,
    );
    webhook.reply = () => ({ code: 200, body: '{"kind":"Status","message":"x"}' });
    assert.deepEqual(await post({ url: webhook.url, caBundle: webhook.caBundle }), { kind: 'Status', message: 'x' });
  });

  it('passes on the words of a Status', async () => {
    webhook.reply = () => ({ code: 403, body: '{"kind":"Status","message":"not for you"}' });
    await assert.rejects(post({ url: webhook.url, caBundle: webhook.caBundle }), { message: 'not for you' });
  });
});
