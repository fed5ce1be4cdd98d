/** What server-side apply costs for huge objects: no more than their size. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const meter = new URL('apply-cost-meter.ts', import.meta.url).pathname;

describe('server-side apply of huge objects', () => {
  it('costs what their size says, whatever is applied', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', meter]);
    const costs = JSON.parse(stdout) as { title: string; once: number; fourTimes: number }[];
    assert.equal(costs.length, 10);
    // Linear is 4, quadratic 16. Between them: caches are finite, and collections fall where they will.
    const dear = costs.filter(({ once, fourTimes }) => fourTimes > 10 * once);
    assert.deepEqual(dear, []);
  }).timeout(60_000);
});
