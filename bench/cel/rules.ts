/**
 * Five rules as CRDs have them: compiled, and evaluated over raw JSON as the server does it. Beside them
 * `@marcbachmann/cel-js`, which needs integers as bigints: its input is converted before every evaluation.
 */
import { Environment as PeerEnvironment } from '@marcbachmann/cel-js';
import { compileRules, declaredType, kubernetesEnvironment, perCallLimit } from '../../src/cel/index.ts';
import { errorText } from '../../src/machinery/field.ts';
import type { Schema } from '../../src/machinery/schema.ts';
import { compileSchema } from '../../src/schema/compile.ts';
import { type Figure, perSecond } from '../server/figure.ts';

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

/** Whole processes of work on one core: rates of this process, no server between. */
export async function cel(): Promise<Figure[]> {
  return [...Object.entries(cases).flatMap(([name, one]) => measure(name, one)), customObject()];
}

function measure(name: string, { rule, schema, value }: Case): Figure[] {
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
  return [
    {
      figure: `CEL: ${name}`,
      ours: `${perSecond(own)}, ${(own / other).toFixed(1)} × cel-js`,
      target: '≥ 5 × cel-js',
    },
    { figure: `CEL: ${name}, compiled`, ours: `${microseconds.toFixed(1)} µs`, target: '≤ 20 µs' },
  ];
}

/** A custom object of 1 KiB with 20 fields and three rules, through its schema and its rules. */
function customObject(): Figure {
  const names = Array.from({ length: 16 }, (_, i) => `text${i}`);
  const spec: Schema = {
    ...object({
      ...Object.fromEntries(names.map((name) => [name, { type: 'string', maxLength: 64 }])),
      low: { type: 'integer', minimum: 0 },
      high: int,
      on: { type: 'boolean' },
      list: { type: 'array', maxItems: 10, items: { type: 'string', maxLength: 20 } },
    }),
    required: ['low', 'high'],
  };
  const rules = ['self.low <= self.high', 'self.list.size() <= 5', "self.text0.startsWith('v')"];
  spec['x-kubernetes-validations'] = rules.map((rule) => ({ rule }));
  const schema = object({ spec });
  const texts = Object.fromEntries(names.map((name) => [name, 'v'.repeat(45)]));
  const value = { spec: { ...texts, low: 1, high: 2, on: true, list: ['x', 'y', 'z'] } };
  const compiled = compileSchema(schema);
  const compiledRules = compileRules(schema);
  const validate = (): void => {
    const found = [...compiled.validate(value), ...(compiledRules?.validate(value).errors ?? [])];
    if (found.length > 0) throw new Error(found.map(errorText).join(', '));
  };
  const microseconds = 1e6 / rate(validate);
  return {
    figure: 'a custom object of 1 KiB, 20 fields and 3 rules, validated',
    ours: `${microseconds.toFixed(1)} µs`,
    target: '≤ 15 µs',
  };
}
