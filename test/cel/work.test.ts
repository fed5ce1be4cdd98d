/**
 * Nothing that an expression says can hold up the server: whatever it asks of a megabyte, it ends within its cost
 * budget, and soon. `CEL_EXPRESSIONS=20000` tries that many, and `CEL_SEED=100000` others.
 */
import assert from 'node:assert/strict';
import {
  CelError,
  CompileError,
  declaredType,
  kubernetesEnvironment,
  perCallLimit,
  toJson,
} from '../../src/cel/index.ts';
import { stringType } from '../../src/cel/types.ts';
import { workOf } from '../../src/cel/work.ts';
import type { Schema } from '../../src/machinery/schema.ts';

const text: Schema = { type: 'string' };
const schema: Schema = {
  type: 'object',
  properties: {
    text,
    spaces: text,
    digits: text,
    wide: text,
    words: { type: 'array', items: text },
    numbers: { type: 'array', items: { type: 'integer' } },
    labels: { type: 'object', additionalProperties: text },
    objects: {
      type: 'array',
      items: { type: 'object', properties: { name: text, time: { type: 'string', format: 'date-time' } } },
    },
    set: { type: 'array', 'x-kubernetes-list-type': 'set', items: text },
    time: { type: 'string', format: 'date-time' },
    blob: { type: 'string', format: 'byte' },
    open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
};

const value = {
  text: 'aaaaaaaaab,'.repeat(12_000),
  spaces: `x${' '.repeat(60_000)}x`,
  digits: '0'.repeat(40_000) + '1'.repeat(40_000),
  wide: '😀é'.repeat(15_000),
  words: Array.from({ length: 10_000 }, (_, i) => `word ${i}`),
  numbers: Array.from({ length: 30_000 }, (_, i) => i),
  labels: Object.fromEntries(Array.from({ length: 8_000 }, (_, i) => [`label-${i}`, 'value'])),
  objects: Array.from({ length: 2_000 }, (_, i) => ({ name: `name-${i}`, time: '2026-01-01T00:00:00.5Z' })),
  set: Array.from({ length: 5_000 }, (_, i) => `member-${i}`),
  time: '2026-01-01T00:00:00Z',
  blob: Buffer.alloc(60_000).toString('base64'),
  open: { a: [1, 2, 3], b: 'b'.repeat(30_000) },
};

/** A call with arguments of these kinds: `T` text, `L` list, `N` number, `B` boolean, `M` map; `V` is a variable's name. */
type Kind = 'T' | 'L' | 'N' | 'B' | 'M';

const forms: Readonly<Record<Kind, readonly string[]>> = {
  T: [
    ...[
      'T + T',
      "T.replace('a', T)",
      "T.replace('', T)",
      'T.replace(T, T)',
      'T.replace(T, T, 7)',
      'L.map(V, T).join(T)',
    ],
    ...[
      "L.map(V, string(V)).join(',')",
      'T.upperAscii()',
      'T.lowerAscii()',
      'T.trim()',
      'T.substring(3)',
      'T.charAt(N)',
    ],
    ...[
      "T.find('(a+)+$')",
      'T.find(T)',
      "'%s %s'.format([L, M])",
      "'%.999f %e'.format([1.1e300, 1.0])",
      'string(bytes(T))',
    ],
    ...[
      'string(self.time)',
      'string(N)',
      'B ? T : T',
      'string(self.blob)',
      'strings.quote(T)',
      'jsonpatch.escapeKey(T)',
    ],
    "'%x %d'.format([T, N])",
  ],
  L: [
    ...[
      'dyn(L) + dyn(L)',
      "T.split('a')",
      "T.split('')",
      'T.split(T)',
      "T.findAll('a+')",
      "T.findAll('(a.*b|a)')",
      'T.findAll(T)',
    ],
    ...[
      'L.filter(V, B)',
      'L.map(V, L)',
      'L.map(V, T)',
      'L.map(V, [V, V])',
      'L.map(V, B, N)',
      'M.map(V, V)',
      '[L, L]',
      '[T, T]',
    ],
    ...[
      'dyn([L, L].flatten())',
      'dyn([L]).flatten(3)',
      'L.reverse()',
      'L.slice(0, 2)',
      'L.distinct()',
      'self.words.sort()',
    ],
    ...['self.numbers.sortBy(V, -V)', 'lists.range(N)', 'M.transformList(k, v, v)', 'self.set + self.set', 'B ? L : L'],
    ...['[optional.of(L)].unwrapOpt()', '[1].map(V, L)', 'L.map(V, {"k": V})', 'L.transformList(i, v, N)'],
  ],
  N: [
    ...[
      'size(L)',
      'T.size()',
      'size(M)',
      'T.indexOf(T)',
      'T.lastIndexOf(T)',
      'L.indexOf(T)',
      'L.lastIndexOf(L)',
      'N + N',
      'N * N',
    ],
    ...[
      'self.numbers.sum()',
      'self.numbers.max()',
      'size(self.words.min())',
      'int(T)',
      "self.time.getHours('Europe/Berlin')",
    ],
    ...[
      'self.time.getSeconds()',
      'L.filter(V, B).size()',
      'B ? N : N',
      'size(bytes(T))',
      'size(self.blob)',
      'duration(T).getHours()',
    ],
    ...[
      'timestamp(T).getDate()',
      'quantity(T).asInteger()',
      'semver(T).major()',
      'url(T).getQuery().size()',
      'int(double(T))',
    ],
  ],
  B: [
    ...[
      'T.contains(T)',
      "T.matches('(a+)+$')",
      "T.matches('^(a|aa)+b')",
      "T.matches('(.{0,300}){3}[xyz]')",
      'T.matches(T)',
    ],
    ...[
      'L == L',
      'M == M',
      'T == T',
      'N < N',
      'T < T',
      'L.all(V, B)',
      'L.exists(V, B)',
      'L.exists_one(V, B)',
      'M.all(V, B)',
    ],
    ...['L.all(i, v, B)', 'B && B', 'B || B', '!B', 'T in dyn(L)', 'V in [1, 2, 3]', 'sets.contains(dyn(L), dyn(L))'],
    ...[
      'sets.intersects(dyn(L), dyn(L))',
      'sets.equivalent(dyn(L), dyn(L))',
      'self.words.isSorted()',
      'isIP(T)',
      'isCIDR(T)',
    ],
    ...[
      'ip.isCanonical(T)',
      'isURL(T)',
      'isQuantity(T)',
      'isSemver(T)',
      'T.startsWith(T)',
      'T.endsWith(T)',
      'bytes(T) == bytes(T)',
    ],
    ...[
      'format.dns1123Subdomain().validate(T).hasValue()',
      'format.uri().validate(T).hasValue()',
      'self.time < self.objects[0].time',
    ],
    ...[
      'format.datetime().validate(T).hasValue()',
      "cidr('10.0.0.0/8').containsIP(T)",
      'L.exists_one(V, false)',
      'L.all(V, true)',
    ],
  ],
  M: [
    ...[
      'M.transformMap(k, v, v)',
      'M.transformMap(k, v, L)',
      'M.transformMapEntry(k, v, {v: k})',
      '{T: L}',
      "{'a': M, 'b': M}",
    ],
    ...['B ? M : M', 'dyn(L).transformMap(i, v, v)', 'L.transformMapEntry(i, v, {string(i): M})'],
  ],
};

const leaves: Readonly<Record<Kind, readonly string[]>> = {
  T: [
    ...['self.text', 'self.spaces', 'self.digits', 'self.wide', 'self.open.b', "'a'", "'(a+)+$'", 'self.words[7]'],
    ...["'a{1000}'", "':' + self.spaces.replace(' ', '.')", 'string(V)', "self.digits + 'x'"],
  ],
  L: ['self.numbers', 'self.words', 'self.set', 'self.objects', 'self.labels.map(k, k)', 'self.open.a', '[V]'],
  N: ['1', '1000000', 'size(self.text)', 'V'],
  B: ['true', 'false', 'V == V', 'has(self.time)'],
  M: ['self.labels', 'self.open', '{}', 'self.objects[3]'],
};

const variables = ['x', 'y', 'z', 'i', 'v', 'k'];

/** An expression of a kind, grown from a stream of random choices. */
function grow(kind: Kind, depth: number, choose: (count: number) => number): string {
  const from = depth <= 0 || choose(5) === 0 ? leaves[kind] : forms[kind];
  const form = from[choose(from.length)] as string;
  const name = variables[choose(3)] as string;
  const grown = form.replace(/\b[TLNBMV]\b(?!')/g, (letter) =>
    letter === 'V' ? name : grow(letter as Kind, depth - 1, choose),
  );
  return /^[\w.]+$/.test(grown) || grown.startsWith("'") ? grown : `(${grown})`;
}

/** Choices that follow from a number: the same expression wherever the test runs. */
function chooser(seed: number): (count: number) => number {
  let state = Math.imul(seed, 2654435761);
  return (count) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % count;
  };
}

function expressionOf(seed: number): string {
  const choose = chooser(seed);
  return grow('TLNBM'[choose(5)] as Kind, 1 + choose(5), choose);
}

/** Milliseconds of processor time, many times what an evaluation may take: the machine may have other things to do. */
const patience = 1000;

describe('The work of CEL expressions over a megabyte', () => {
  const declared = declaredType(schema, false, 'selfType');
  assert.ok(declared);
  const environment = kubernetesEnvironment.extend({ variables: { self: declared.type } });
  const expressions = Number(process.env.CEL_EXPRESSIONS ?? 1500);
  const first = Number(process.env.CEL_SEED ?? 1);

  it('ends within their budget, and soon', function () {
    this.timeout(expressions * 200);
    let evaluated = 0;
    const slow: string[] = [];
    for (let seed = first; seed < first + expressions; seed++) {
      const source = expressionOf(seed);
      let program: ReturnType<typeof environment.compile>;
      try {
        program = environment.compile(source);
      } catch (error) {
        assert.ok(error instanceof CompileError, `${seed}: ${source}`);
        continue;
      }
      evaluated++;
      const before = process.cpuUsage();
      const { work, limitExceeded } = program.run([declared.read(value)], perCallLimit);
      const { user, system } = process.cpuUsage(before);
      assert.ok(limitExceeded || work <= workOf(perCallLimit), `${seed}: ${source}`);
      const milliseconds = (user + system) / 1000;
      if (milliseconds > patience) slow.push(`${seed}: ${milliseconds} ms: ${source}`);
    }
    assert.deepEqual(slow, []);
    assert.ok(evaluated > expressions / 4, `only ${evaluated} of ${expressions} expressions compile`);
  });

  it('is not more for texts that nearly are what they are asked for', () => {
    const dots = `:${'.'.repeat(500_000)}x`;
    for (const source of ['isIP(text)', "isCIDR(text + '/8')", 'isQuantity(text)', 'isURL(text)', 'isSemver(text)']) {
      const program = kubernetesEnvironment.extend({ variables: { text: stringType } }).compile(source);
      const before = process.cpuUsage();
      program.evaluate({ text: dots });
      const { user, system } = process.cpuUsage(before);
      assert.ok((user + system) / 1000 < patience, source);
    }
  });

  it('bounds what becomes JSON: values share what JSON repeats', () => {
    const doubled = '.map(x, [x, x])'.repeat(40);
    const { value: list } = kubernetesEnvironment.compile(`[1]${doubled}`).run([]);
    const json = toJson(list);
    assert.ok(json instanceof CelError);
    assert.equal(json.message, 'the result is too large');
    assert.deepEqual(toJson(kubernetesEnvironment.compile('[1].map(x, {"a": [x, x]})').run([]).value), [{ a: [1, 1] }]);
  });
});
