/** Random expressions and data, evaluated here and by another implementation of the language. */
import assert from 'node:assert/strict';
import { celEnv, celUint, isCelError, isCelUint, parse, plan } from '@bufbuild/cel';
import fc from 'fast-check';
import { CelError, Double, Environment, ListValue, MapValue, Uint, type Value } from '../../src/cel/index.ts';

const ours = new Environment({ variables: { x: 'dyn' } });
const theirs = celEnv();

/** Both sides' values in one form: `int 1`, `double 1`, lists, maps as sorted entries, `error`. */
function plain(value: Value): unknown {
  if (value instanceof CelError) return 'error';
  if (typeof value === 'number' || typeof value === 'bigint') return `int ${value}`;
  if (value instanceof Uint) return `uint ${value.value}`;
  if (value instanceof Double) return `double ${Object.is(value.value, -0) ? 0 : value.value}`;
  if (value instanceof ListValue) return [...value].map(plain);
  if (value instanceof MapValue) {
    const entries = [...value.keys()].map((key) => [plain(key), plain(value.get(key) as Value)]);
    return { map: entries.sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1)) };
  }
  return typeof value === 'string' || typeof value === 'boolean' || value === null ? value : 'other';
}

function plainTheirs(value: unknown): unknown {
  if (isCelError(value)) return 'error';
  if (typeof value === 'bigint') return `int ${value}`;
  if (isCelUint(value)) return `uint ${value.value}`;
  if (typeof value === 'number') return `double ${Object.is(value, -0) ? 0 : value}`;
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (value !== null && typeof value === 'object' && 'entries' in value && 'get' in value) {
    const entries = [...(value as ReadonlyMap<unknown, unknown>).entries()].map(([k, v]) => [
      plainTheirs(k),
      plainTheirs(v),
    ]);
    return { map: entries.sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1)) };
  }
  if (value !== null && typeof value === 'object' && Symbol.iterator in value)
    return [...(value as Iterable<unknown>)].map(plainTheirs);
  return 'other';
}

function evaluateTheirs(expression: string, x: unknown): unknown {
  return plainTheirs(plan(theirs, parse(expression))({ x: x as never }));
}

const edge = ['0', '1', '2', '7', '9007199254740991', '9007199254740993', '4611686018427387904', '9223372036854775807'];
const int = fc.tuple(fc.constantFrom('', '-'), fc.constantFrom(...edge)).map(([sign, digits]) => sign + digits);

describe('CEL against another implementation', () => {
  it('computes with integers alike', () => {
    const expression = fc.letrec<{ sum: string; atom: string }>((tie) => ({
      sum: fc.oneof(
        { maxDepth: 3 },
        tie('atom'),
        fc
          .tuple(tie('sum'), fc.constantFrom('+', '-', '*', '/', '%'), tie('sum'))
          .map(([a, op, b]) => `(${a} ${op} ${b})`),
      ),
      atom: int,
    })).sum;
    fc.assert(
      fc.property(expression, (text) => {
        assert.equal(plain(ours.compile(text).evaluate()), evaluateTheirs(text, null), text);
      }),
      { numRuns: 300 },
    );
  });

  it('compares numbers of all types alike', () => {
    const number = fc.oneof(
      int,
      int.filter((n) => !n.startsWith('-')).map((n) => `${n}u`),
      fc.constantFrom('0.5', '-1.0', '1.0', '7.0', '1e300'),
    );
    fc.assert(
      fc.property(number, fc.constantFrom('<', '<=', '>', '>=', '==', '!='), number, (a, op, b) => {
        const text = `dyn(${a}) ${op} dyn(${b})`;
        assert.equal(plain(ours.compile(text).evaluate()), evaluateTheirs(text, null), text);
      }),
      { numRuns: 300 },
    );
  });

  it('folds logic, lists, maps and strings alike', () => {
    interface Grammar {
      bool: string;
      list: string;
      string: string;
      int: string;
    }
    const of = (template: string, ...parts: fc.Arbitrary<string>[]) =>
      fc.tuple(...parts).map((values) => values.reduce((text, value) => text.replace('$', () => value), template));
    const grammar = fc.letrec<Grammar>((tie) => {
      const [bool, list, string, number] = [
        tie('bool'),
        tie('list'),
        tie('string'),
        tie('int'),
      ] as fc.Arbitrary<string>[] as [
        fc.Arbitrary<string>,
        fc.Arbitrary<string>,
        fc.Arbitrary<string>,
        fc.Arbitrary<string>,
      ];
      return {
        bool: fc.oneof(
          { maxDepth: 4, depthIdentifier: 'd' },
          fc.constantFrom('true', 'false', 'x.b', 'has(x.b)', 'has(x.zz)', 'x.zz'),
          of('($ && $)', bool, bool),
          of('($ || $)', bool, bool),
          of('!$', bool),
          of('($ ? $ : $)', bool, bool, bool),
          of('$.all(e, e > $)', list, number),
          of('$.exists(e, e == $)', list, number),
          of('$.exists_one(e, e % 2 == $)', list, number),
          of('($ in $)', number, list),
          of('$.startsWith($)', string, string),
          of('$.contains($)', string, string),
          of('($ == $)', list, list),
          of('($ < $)', string, string),
        ),
        list: fc.oneof(
          { maxDepth: 4, depthIdentifier: 'd' },
          fc.constantFrom('[1].filter(e, e < 0)', '[1]', '[1, 2, 3]', 'x.l', 'x.m.map(k, size(k))'),
          of('[$, $]', number, number),
          of('($ + $)', list, list),
          of('$.map(e, e + $)', list, number),
          of('$.filter(e, e != $)', list, number),
          of('($ ? $ : $)', bool, list, list),
        ),
        string: fc.oneof(
          { maxDepth: 4, depthIdentifier: 'd' },
          fc.constantFrom('""', '"a"', '"ab"', '"é😀"', 'x.s', 'x.m.k'),
          of('($ + $)', string, string),
          of('string($)', number),
        ),
        int: fc.oneof(
          { maxDepth: 4, depthIdentifier: 'd' },
          fc.constantFrom('0', '1', '2', 'x.n', 'x.l[1]', 'x.zz', 'x.m.size()'),
          of('size($)', list),
          of('size($)', string),
          of('($ + $)', number, number),
          of('($ / $)', number, number),
          of('$[$]', list, number),
        ),
      };
    });
    const json = { b: true, l: [3, 1, 2], s: 'abc', n: 2, m: { k: 'v' } };
    const bound = { b: true, l: [3n, 1n, 2n], s: 'abc', n: 2n, m: { k: 'v' } };
    fc.assert(
      fc.property(fc.oneof(grammar.bool, grammar.list, grammar.string, grammar.int), (text) => {
        assert.deepEqual(plain(ours.compile(text).evaluate({ x: json })), evaluateTheirs(text, bound), text);
      }),
      { numRuns: 1000 },
    );
  });

  it('reads unsigned integers alike', () => {
    for (const value of [0n, 1n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
      const own = ours
        .compile('x + 0u')
        .evaluate({ x: new Uint(value <= Number.MAX_SAFE_INTEGER ? Number(value) : value) });
      assert.equal(plain(own), evaluateTheirs('x + 0u', celUint(value)));
    }
  });
});
