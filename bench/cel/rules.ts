/**
 * Five rules as CRDs have them: compiled, and evaluated over raw JSON as the server does it. Beside them
 * `@marcbachmann/cel-js`, which needs integers as bigints: its input is converted before every evaluation.
 *
 *     npx tsx bench/cel/rules.ts
 */
import { Environment as PeerEnvironment } from '@marcbachmann/cel-js';
import { declaredType, kubernetesEnvironment, perCallLimit } from '../../src/cel/index.ts';
import type { Schema } from '../../src/machinery/schema.ts';

interface Case {
  readonly rule: string;
  readonly schema: Schema;
  readonly value: unknown;
}

const text: Schema = { type: 'string' };
const int: Schema = { type: 'integer' };
const object = (properties: Record<string, Schema>): Schema => ({ type: 'object', properties });
const list = (items: Schema): Schema => ({ type: 'array', items });

const cases: Record<string, Case> = {
  'three ints': {
    rule: 'self.minReplicas <= self.replicas && self.replicas <= self.maxReplicas',
    schema: object({ minReplicas: int, replicas: int, maxReplicas: int }),
    value: { minReplicas: 1, replicas: 3, maxReplicas: 5 },
  },
  'all of 20 containers': {
    rule: "self.containers.all(c, c.image.startsWith('registry/') && has(c.resources))",
    schema: object({ containers: list(object({ image: text, resources: object({ cpu: text }) })) }),
    value: { containers: Array.from({ length: 20 }, (_, i) => ({ image: `registry/${i}`, resources: { cpu: '1' } })) },
  },
  'exists_one of 100 items': {
    rule: "self.list.exists_one(x, x.name == 'a')",
    schema: object({ list: list(object({ name: text })) }),
    value: { list: Array.from({ length: 100 }, (_, i) => ({ name: i === 50 ? 'a' : `n${i}` })) },
  },
  'transition of a string': {
    rule: '!has(oldSelf.x) || self.x == oldSelf.x',
    schema: object({ x: text }),
    value: { x: 'hello' },
  },
  'pattern over 10 labels': {
    rule: "self.metadata.labels.all(k, k.matches('^[a-z]+$'))",
    schema: object({ metadata: object({ labels: { type: 'object', additionalProperties: text } }) }),
    value: { metadata: { labels: Object.fromEntries([...'abcdefghij'].map((char) => [char.repeat(6), 'v'])) } },
  },
};

/** How often a second `work` can be done: the best of three short runs. */
function rate(work: () => unknown, milliseconds = 300): number {
  let best = 0;
  for (let run = 0; run < 3; run++) {
    const start = performance.now();
    let count = 0;
    let elapsed = 0;
    while (elapsed < milliseconds) {
      for (let i = 0; i < 200; i++) work();
      count += 200;
      elapsed = performance.now() - start;
    }
    best = Math.max(best, (count / elapsed) * 1000);
  }
  return best;
}

function withBigInts(value: unknown): unknown {
  if (typeof value === 'number') return BigInt(value);
  if (Array.isArray(value)) return value.map(withBigInts);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withBigInts(inner)]));
}

const rows = Object.entries(cases).map(([name, { rule, schema, value }]) => {
  const declared = declaredType(schema, false, 'selfType');
  if (declared === undefined) throw new Error(`${name}: expressions do not see values of this schema`);
  const environment = kubernetesEnvironment.extend({ variables: { self: declared.type, oldSelf: declared.type } });
  const program = environment.compile(rule);
  const evaluate = () => program.run([declared.read(value), declared.read(value)], perCallLimit);
  if (evaluate().value !== true) throw new Error(`${name}: the rule does not hold`);
  const peerEnvironment = new PeerEnvironment().registerVariable('self', 'map').registerVariable('oldSelf', 'map');
  const peer = peerEnvironment.parse(rule);
  const evaluatePeer = () => peer({ self: withBigInts(value), oldSelf: withBigInts(value) });
  const [own, other] = [rate(evaluate), rate(evaluatePeer)];
  const microseconds = 1e6 / rate(() => environment.compile(rule));
  return {
    rule: name,
    'evaluations/s': Math.round(own),
    'cel-js/s': Math.round(other),
    ratio: Number((own / other).toFixed(1)),
    'compile µs': Number(microseconds.toFixed(1)),
  };
});
console.table(rows);
