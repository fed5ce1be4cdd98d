import assert from 'node:assert/strict';
import {
  CelError,
  Double,
  Duration,
  Environment,
  kubernetesEnvironment,
  ListValue,
  latestStringsLibrary,
  MapValue,
  Timestamp,
  toJson,
  Uint,
  type Value,
} from '../../src/cel/index.ts';

const environment = kubernetesEnvironment.extend({
  variables: { x: 'dyn', y: 'dyn', n: 'int', l: 'list(dyn)', m: 'map(string, dyn)' },
});

function evaluate(expression: string, bindings: Record<string, unknown> = {}): Value {
  return environment.compile(expression).evaluate(bindings);
}

function failure(expression: string, bindings: Record<string, unknown> = {}): string {
  const value = evaluate(expression, bindings);
  assert.ok(value instanceof CelError, `${expression} gave ${JSON.stringify(toJson(value))}`);
  return value.message;
}

function holds(...expressions: string[]): void {
  for (const expression of expressions) {
    it(expression, () => {
      const value = evaluate(expression);
      assert.equal(value, true, value instanceof CelError ? value.message : undefined);
    });
  }
}

function fails(cases: Record<string, string>): void {
  for (const [expression, message] of Object.entries(cases)) {
    it(`${expression}: ${message}`, () => assert.equal(failure(expression), message));
  }
}

describe('CEL evaluation', () => {
  describe('integers', () => {
    holds(
      '9007199254740991 + 1 == 9007199254740992',
      '9007199254740993 - 1 == 9007199254740992',
      '9223372036854775807 == 9223372036854775806 + 1',
      '3037000499 * 3037000499 == 9223372030926249001',
      '-9223372036854775808 / 2 == -4611686018427387904',
      '7 / -2 == -3 && 7 % -2 == 1 && -7 % 2 == -1',
      '18446744073709551615u - 1u == 18446744073709551614u',
      'int("9223372036854775807") == 9223372036854775807',
      'uint(1) == 1u && int(1u) == 1',
      'string(9007199254740993) == "9007199254740993"',
      'dyn(1) == dyn(1u) && dyn(1) == dyn(1.0)',
      '1 < 1.5 && 2u > 1.5 && 1 < 2u',
      'dyn(9007199254740993) == dyn(9007199254740992.0)',
      '9223372036854775807 < 9.3e18',
      '[1, 2] == [1, 2]',
      'dyn([1u]) == dyn([1.0])',
    );
    fails({
      '9223372036854775807 + 1': 'integer overflow',
      '-9223372036854775807 - 2': 'integer overflow',
      '9223372036854775807 * 2': 'integer overflow',
      '-(-9223372036854775808)': 'integer overflow',
      '-9223372036854775808 / -1': 'integer overflow',
      '1u - 2u': 'unsigned integer overflow',
      '18446744073709551615u + 1u': 'unsigned integer overflow',
      '1 / 0': 'division by zero',
      '1 % 0': 'modulus by zero',
      '1u / 0u': 'division by zero',
    });

    it('keeps numbers that JavaScript can represent, and turns to bigint where it cannot', () => {
      assert.equal(evaluate('n + 1', { n: 1 }), 2);
      assert.equal(evaluate('n + 1', { n: Number.MAX_SAFE_INTEGER }), 2n ** 53n);
      assert.equal(evaluate('n - 1', { n: 2n ** 53n }), Number.MAX_SAFE_INTEGER);
    });
  });

  describe('doubles', () => {
    holds(
      '0.0 == -0.0',
      '1.0 / 0.0 > 1e308',
      'double("NaN") != double("NaN")',
      'string(1.0) == "1" && string(1e21) == "1e+21" && string(0.1 + 0.2) == "0.30000000000000004"',
      'double("Infinity") == 1.0 / 0.0',
      'int(-1.9) == -1 && uint(1.9) == 1u',
      '!(double("NaN") < 1.0) && !(double("NaN") > 1.0)',
    );
    it('overflow where they become integers', () => {
      assert.equal(failure('int(1e19)'), 'integer overflow');
      assert.equal(failure('uint(-1.0)'), 'unsigned integer overflow');
      assert.equal(failure('int(double("NaN"))'), 'integer overflow');
    });
  });

  describe('strings and bytes', () => {
    holds(
      'size("é😀") == 2 && size(b"é") == 2',
      '"a" + "b" == "ab"',
      '"\\uffff" < "😀"',
      '"abc".contains("b") && "abc".startsWith("a") && "abc".endsWith("c")',
      'string(b"abc") == "abc" && bytes("abc") == b"abc"',
      '"a.b".matches("^a\\\\.b$") && "xay".matches("a")',
      'b"a" < b"b"',
      'bool("true") && !bool("f")',
      '"日本語".charAt(1) == "本"',
    );
    it('refuses what is not UTF-8, not a number, not a boolean', () => {
      assert.equal(failure('string(b"\\xff")'), 'invalid UTF-8 in bytes, cannot convert to string');
      assert.equal(failure('int(x)', { x: '1.5' }), "type conversion error from 'string' to 'int'");
      assert.equal(failure('bool(x)', { x: 'yes' }), "type conversion error from 'string' to 'bool'");
    });
  });

  describe('timestamps and durations', () => {
    holds(
      'timestamp("2024-02-29T12:34:56.123456789Z").getMilliseconds() == 123',
      'timestamp("2024-02-29T23:30:00Z").getDate("+01:00") == 1',
      'timestamp("2024-02-29T00:00:00Z").getDayOfYear() == 59',
      'timestamp("2024-02-29T00:00:00Z").getFullYear("America/New_York") == 2024',
      'timestamp("2024-03-01T00:00:00Z") - timestamp("2024-02-29T00:00:00Z") == duration("24h")',
      'timestamp("2024-02-29T00:00:00Z") + duration("1h1ms") == timestamp("2024-02-29T01:00:00.001Z")',
      'string(duration("1h30m")) == "5400s"',
      'string(timestamp("2024-02-29T01:00:00+01:00")) == "2024-02-29T00:00:00Z"',
      'duration("-1.5s").getMilliseconds() == -1500 && duration("90m").getHours() == 1',
      'timestamp(0) == timestamp("1970-01-01T00:00:00Z") && int(timestamp("1970-01-01T00:01:00Z")) == 60',
      'duration("1us") > duration("1ns")',
      'timestamp("0001-01-01T00:00:00Z") < timestamp("9999-12-31T23:59:59.999999999Z")',
    );
    fails({
      'timestamp("9999-12-31T23:59:59Z") + duration("1s")': 'timestamp overflow',
      'duration("2562047h") + duration("2562047h")': 'duration overflow',
      'timestamp("9999-12-31T00:00:00Z") - timestamp("0001-01-01T00:00:00Z")': 'duration overflow',
    });
    it('refuses what is not a time, a duration, a zone', () => {
      assert.equal(
        failure('timestamp(x)', { x: '2024-02-30T00:00:00Z' }),
        "type conversion error from 'string' to 'google.protobuf.Timestamp'",
      );
      assert.equal(
        failure('duration(x)', { x: '1 hour' }),
        "type conversion error from 'string' to 'google.protobuf.Duration'",
      );
      assert.match(failure('timestamp(0).getDate(x)', { x: 'Moon/Crater' }), /unknown time zone Moon\/Crater/);
    });
  });

  describe('lists and maps', () => {
    holds(
      '[1, 2] + [3] == [1, 2, 3]',
      '{"a": [1], "b": [2]} == {"b": [2], "a": [1]}',
      'dyn({1: "a"}) == dyn({1u: "a"})',
      'size({"a": 1}) == 1 && size([]) == 0',
      '"a" in {"a": 1} && !("b" in {"a": 1}) && 1 in [1, 2]',
      '{"a": {"b": 1}}.a.b == 1 && {1: 2}[1] == 2 && {true: 2}[true] == 2',
      'dyn([1, 2])[1.0] == 2',
      'has({"a": 1}.a) && !has({"a": 1}.b)',
      '[1, 2, 3].exists(e, e > 2) && ![1].exists(e, e > 2)',
      '[1, 2, 3].exists_one(e, e > 2) && ![3, 3].exists_one(e, e > 2)',
      '[1, 2, 3].map(e, e > 1, e * 2) == [4, 6]',
      '{"a": 1}.all(k, k == "a") && {"a": 1}.all(k, v, k == "a" && v == 1)',
      '[1, 2].transformMap(i, v, v * 2) == {0: 2, 1: 4}',
      '{"a": 1}.transformMapEntry(k, v, {v: k}) == {1: "a"}',
      '[[1, 2], [3]].map(e, e.map(f, f + size(e))) == [[3, 4], [4]]',
      '[1, 2].existsOne(i, v, i == 1 && v == 2)',
    );
    it('fail where nothing is', () => {
      assert.equal(failure('l[2]', { l: [1, 2] }), 'index out of bounds: 2');
      assert.equal(failure('l[-1]', { l: [1, 2] }), 'index out of bounds: -1');
      assert.equal(failure('m["b"]', { m: { a: 1 } }), 'no such key: b');
      assert.equal(failure('m.b', { m: { a: 1 } }), 'no such key: b');
      assert.equal(failure('x.b', { x: 1 }), 'no such key: b');
      assert.equal(failure('{"a": 1}.transformMapEntry(k, v, {"b": v, k: v})["c"]'), 'no such key: c');
      assert.match(failure('[1, 2].transformMapEntry(i, v, {"same": v})'), /insert failed: key same already exists/);
    });
    it('see JSON without what JavaScript objects inherit', () => {
      assert.equal(failure('m.constructor', { m: {} }), 'no such key: constructor');
      assert.equal(evaluate('"toString" in m || has(m.hasOwnProperty)', { m: {} }), false);
      assert.equal(evaluate('m.__proto__ == 1', { m: JSON.parse('{"__proto__": 1}') }), true);
    });
  });

  describe('errors', () => {
    it('are absorbed by && and || when the other side decides', () => {
      for (const expression of [
        '!(x.a && false)',
        '!(false && x.a)',
        'x.a || true',
        'true || x.a',
        '[0, 1].exists(e, 1 / e == 1)',
        '![0, 1].all(e, 1 / e == 2)',
        'true ? true : x.a',
      ]) {
        assert.equal(evaluate(expression, { x: {} }), true, expression);
      }
    });
    it('are kept when nothing decides', () => {
      assert.equal(failure('x.a && true', { x: {} }), 'no such key: a');
      assert.equal(failure('x.a || x.b', { x: {} }), 'no such key: a');
      assert.equal(failure('[0, 2].exists(e, 1 / e == 1)'), 'division by zero');
      assert.equal(failure('[0, 1].exists_one(e, 1 / e == 1)'), 'division by zero');
      assert.equal(failure('x.a ? 1 : 2', { x: {} }), 'no such key: a');
    });
    it('tell of values of the wrong type', () => {
      assert.equal(failure('x + y', { x: 1, y: 'a' }), 'no such overload');
      assert.equal(failure('x && true', { x: 1 }), 'no such overload');
      assert.equal(failure('x ? 1 : 2', { x: 'a' }), 'no such overload');
      assert.equal(failure('x.startsWith("a")', { x: 1 }), 'no such overload: startsWith(int, string)');
    });
    it('tell of variables without a value', () => {
      assert.equal(failure('x == 1'), 'no such attribute(s): x');
    });
  });

  describe('optional values', () => {
    holds(
      'optional.of(1).value() == 1 && !optional.none().hasValue()',
      '{"a": {"b": 1}}.?a.b == optional.of(1)',
      '{"a": 1}.?b.orValue(2) == 2',
      '{"a": {}}.?a.?b.or(optional.of(3)) == optional.of(3)',
      '[1, 2][?5] == optional.none() && [1, 2][?1] == optional.of(2)',
      '[?optional.none(), dyn(1)] == [dyn(1)]',
      '{?"a": optional.none(), "b": 1} == {"b": 1}',
      'optional.of(1).optMap(v, v + 1) == optional.of(2)',
      'optional.of(1).optFlatMap(v, optional.none()) == optional.none()',
      'optional.ofNonZeroValue("") == optional.none() && optional.ofNonZeroValue("a").hasValue()',
      '{"a": 1}.?a.hasValue() && !{"a": 1}.?b.hasValue()',
    );
    fails({ 'optional.none().value()': 'optional.none() dereference' });
  });

  describe('types', () => {
    holds(
      'type(1) == int && type(1u) == uint && type("a") == string && type(null) == null_type',
      'type([]) == list && type({}) == map && type(type(1)) == type',
      'type(timestamp(0)) == google.protobuf.Timestamp && type(duration("1s")) == google.protobuf.Duration',
      'type(optional.none()) == optional_type',
    );
  });

  it('takes and gives values of every type', () => {
    assert.deepEqual(evaluate('x', { x: new Uint(1) }), new Uint(1));
    assert.deepEqual(evaluate('x + 0.5', { x: new Double(1) }), new Double(1.5));
    assert.ok(evaluate('timestamp(x)', { x: '2024-01-01T00:00:00Z' }) instanceof Timestamp);
    assert.ok(evaluate('duration(x)', { x: '1s' }) instanceof Duration);
    assert.ok(evaluate('l.map(e, e)', { l: [1] }) instanceof ListValue);
    assert.ok(evaluate('m', { m: { a: 1 } }) instanceof MapValue);
    const list = evaluate('[dyn(1), dyn(null), dyn(b"a"), dyn(duration("1s")), dyn({"b": 1.5})]');
    assert.deepEqual(toJson(list), [1, null, 'YQ==', '1s', { b: 1.5 }]);
  });

  it('resolves names without a check', () => {
    const plain = new Environment({ variables: { x: 'dyn' }, libraries: [latestStringsLibrary] });
    assert.equal(plain.compileUnchecked('x.a + 1 == 2').evaluate({ x: { a: 1 } }), true);
    assert.deepEqual(plain.compileUnchecked('nobody').evaluate(), new CelError('no such attribute(s): nobody'));
    assert.deepEqual(plain.compileUnchecked('1 + "a"').evaluate(), new CelError('no such overload'));
  });

  it('answers with an error when values are nested too deeply to be compared', () => {
    const nest = (depth: number): unknown => {
      let value: unknown = 1;
      for (let i = 0; i < depth; i++) value = [value];
      return value;
    };
    assert.equal(failure('x == y', { x: nest(100_000), y: nest(100_000) }), 'value nesting limit exceeded');
  });

  describe('cost', () => {
    const costs: Record<string, number> = {
      '1 + 1 == 2': 2,
      'x == 1': 2,
      'x.a.b == 1': 4,
      'has(x.a)': 1,
      'l.all(e, e > 0)': 17,
      '"aaaaaaaaaaaaaaaaaaaa".startsWith("aa")': 1,
      'x.a.b == 1 || true': 4,
    };
    const bindings = { x: { a: { b: 1 } }, l: [1, 2, 3] };
    for (const [expression, cost] of Object.entries(costs)) {
      it(`of ${expression} is ${cost}`, () => {
        const program = environment.compile(expression);
        assert.equal(program.run(environment.bind(bindings)).cost, cost);
      });
    }

    it('is counted before a call is made that would take long', () => {
      const globals = environment.bind({ l: Array.from({ length: 100_000 }, (_, i) => i) });
      for (const expression of ['l.distinct().size()', 'sets.equivalent(l, l)', 'sets.contains(l, l)']) {
        assert.equal(environment.compile(expression).run(globals, 1_000_000).limitExceeded, true, expression);
      }
    });

    it('stops an evaluation that costs too much', () => {
      const program = environment.compile('l.all(a, l.all(b, l.all(c, a + b + c > 0)))');
      const globals = environment.bind({ l: Array.from({ length: 1000 }, () => 1) });
      const outcome = program.run(globals, 10_000);
      assert.equal(outcome.limitExceeded, true);
      assert.ok(outcome.cost > 10_000 && outcome.cost < 10_100, String(outcome.cost));
      assert.deepEqual(outcome.value, new CelError('operation cancelled: actual cost limit exceeded'));
    });
  });
});
