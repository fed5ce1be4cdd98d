/**
 * What nobody would send. Never a 500 (but for the one that Kubernetes answers too), never a hang, every refusal a Status
 * or a plain text, and the server is there afterwards. `npm run fuzz` goes on for longer.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Api, startApi } from './support/api.ts';
import { furnish, fuzz, fuzzedRequest, patience } from './support/fuzz.ts';

const numRuns = 150;

describe('whatever comes', () => {
  let api: Api;
  before(async () => {
    api = await startApi();
    await furnish(api);
  });
  after(() => api[Symbol.asyncDispose]());

  it('is answered', async function () {
    this.timeout(patience * numRuns);
    await fc.assert(
      fc.asyncProperty(fuzzedRequest, (request) => fuzz(api, request)),
      { numRuns, endOnFailure: false },
    );
    assert.equal((await api.send('GET', '/readyz')).text, 'ok');
    assert.equal((await api.send('GET', '/api/v1/namespaces')).code, 200);
  });
});
