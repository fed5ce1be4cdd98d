import assert from 'node:assert/strict';
import { CompileError, Environment, formatType, kubernetesEnvironment, mutationLibrary } from '../../src/cel/index.ts';

const environment = kubernetesEnvironment.extend({
  variables: {
    i: 'int',
    u: 'uint',
    d: 'double',
    s: 'string',
    l: 'list(int)',
    m: 'map(string, int)',
    x: 'dyn',
    t: 'timestamp',
    o: 'optional_type(string)',
    'a.b': 'int',
  },
});

function typeOf(expression: string): string {
  return formatType(environment.compile(expression).type);
}

function refused(expression: string): string {
  try {
    environment.compile(expression);
  } catch (error) {
    assert.ok(error instanceof CompileError);
    return error.message;
  }
  return assert.fail(`compiles: ${expression}`);
}

describe('CEL checker', () => {
  const types: Record<string, string> = {
    '1 + i': 'int',
    'u * 2u': 'uint',
    'd / 2.0': 'double',
    's + "a"': 'string',
    'b"a" + b"b"': 'bytes',
    'l + [1]': 'list(int)',
    'l.map(e, string(e))': 'list(string)',
    'l.filter(e, e > 1)': 'list(int)',
    'l.all(e, e > 1)': 'bool',
    'm.map(k, k)': 'list(string)',
    'm["a"]': 'int',
    'm.a': 'int',
    'm.?a': 'optional_type(int)',
    'm[?"a"].orValue(0)': 'int',
    'o.optMap(v, size(v))': 'optional_type(int)',
    'i < d': 'bool',
    't - t': 'duration',
    't - duration("1s")': 'timestamp',
    x: 'dyn',
    'x.y.z': 'dyn',
    'x + 1': 'int',
    'i in l': 'bool',
    'true ? i : x': 'dyn',
    '[]': 'list(dyn)',
    '{}': 'map(dyn, dyn)',
    '[dyn(i), dyn(s)]': 'list(dyn)',
    '"%s %d".format([s, i])': 'string',
    'type(i)': 'type(int)',
    'a.b + 1': 'int',
    'l.transformMap(k, v, string(v))': 'map(int, string)',
    'm.transformList(k, v, v + 1)': 'list(int)',
    'quantity("1Gi").add(quantity("1Mi"))': 'kubernetes.Quantity',
    'url("http://a")': 'kubernetes.URL',
    'ip("1.1.1.1")': 'net.IP',
    'cidr("1.1.1.0/24")': 'net.CIDR',
    'semver("1.0.0")': 'kubernetes.Semver',
    'optional.of(1)': 'optional_type(int)',
    'dyn(1)': 'dyn',
  };
  for (const [expression, expected] of Object.entries(types)) {
    it(`${expression} is ${expected}`, () => assert.equal(typeOf(expression), expected));
  }

  const errors: Record<string, string> = {
    y: "ERROR: <input>:1:1: undeclared reference to 'y' (in container '')\n | y\n | ^",
    'f(1)': "ERROR: <input>:1:2: undeclared reference to 'f' (in container '')\n | f(1)\n | .^",
    'i.f()': "ERROR: <input>:1:4: undeclared reference to 'f' (in container '')\n | i.f()\n | ...^",
    'i + s': "ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(int, string)'\n | i + s\n | ..^",
    'i == s': "ERROR: <input>:1:3: found no matching overload for '_==_' applied to '(int, string)'\n | i == s\n | ..^",
    's.startsWith(1)':
      "ERROR: <input>:1:13: found no matching overload for 'startsWith' applied to 'string.(int)'\n | s.startsWith(1)\n | ............^",
    'i.a': "ERROR: <input>:1:2: type 'int' does not support field selection\n | i.a\n | .^",
    'l.a': "ERROR: <input>:1:2: type 'list(int)' does not support field selection\n | l.a\n | .^",
    'i.all(e, true)':
      "ERROR: <input>:1:1: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)\n | i.all(e, true)\n | ^",
    'i && true': "ERROR: <input>:1:1: expected type 'bool' but found 'int'\n | i && true\n | ^",
    'i ? 1 : 2':
      "ERROR: <input>:1:3: found no matching overload for '_?_:_' applied to '(int, int, int)'\n | i ? 1 : 2\n | ..^",
    'l["a"]':
      "ERROR: <input>:1:2: found no matching overload for '_[_]' applied to '(list(int), string)'\n | l[\"a\"]\n | .^",
    'l.map(e, e.a)':
      "ERROR: <input>:1:11: type 'int' does not support field selection\n | l.map(e, e.a)\n | ..........^",
    '[1, "a"]': `ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, "a"]\n | ....^`,
    '{"a": 1, 2: 3}': `ERROR: <input>:1:10: expected type 'string' but found 'int'\n | {"a": 1, 2: 3}\n | .........^`,
    '[x, 1]': "ERROR: <input>:1:5: expected type 'dyn' but found 'int'\n | [x, 1]\n | ....^",
    'timestamp("x")': 'ERROR: <input>:1:11: invalid timestamp argument\n | timestamp("x")\n | ..........^',
    'duration("1")': 'ERROR: <input>:1:10: invalid duration argument\n | duration("1")\n | .........^',
    's.matches("(")': 'ERROR: <input>:1:11: invalid matches argument\n | s.matches("(")\n | ..........^',
    'o + "a"':
      "ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(optional_type(string), string)'\n | o + \"a\"\n | ..^",
    'T{a: 1}': "ERROR: <input>:1:2: undeclared reference to 'T' (in container '')\n | T{a: 1}\n | .^",
    'has(i.a)': "ERROR: <input>:1:4: type 'int' does not support field selection\n | has(i.a)\n | ...^",
    'y + z':
      "ERROR: <input>:1:1: undeclared reference to 'y' (in container '')\n | y + z\n | ^\nERROR: <input>:1:5: undeclared reference to 'z' (in container '')\n | y + z\n | ....^",
    'i ==\n  s':
      "ERROR: <input>:1:3: found no matching overload for '_==_' applied to '(int, string)'\n | i ==\n | ..^",
  };
  for (const [expression, expected] of Object.entries(errors)) {
    it(`refuses ${JSON.stringify(expression)}`, () => assert.equal(refused(expression), expected));
  }

  it('finds names in the container from the inside out', () => {
    const inner = new Environment({
      container: 'a.b',
      variables: { 'a.b.x': 'int', 'a.x': 'string', x: 'bool', 'a.y': 'double' },
    });
    assert.equal(formatType(inner.compile('x').type), 'int');
    assert.equal(formatType(inner.compile('y').type), 'double');
    assert.equal(formatType(inner.compile('.x').type), 'bool');
    assert.throws(() => inner.compile('z'), /undeclared reference to 'z' \(in container 'a\.b'\)/);
  });

  it('gives comprehension variables precedence over variables', () => {
    assert.equal(typeOf('["a"].map(i, i)'), 'list(string)');
  });

  describe('types that mutating policies construct', () => {
    const mutating = environment.extend({ libraries: [...(environment.options.libraries ?? []), mutationLibrary] });

    it('are open, and checked by name only', () => {
      assert.equal(formatType(mutating.compile('Object{spec: Object.spec{replicas: 3}}').type), 'Object');
      assert.equal(formatType(mutating.compile('Object{}.anything').type), 'dyn');
    });

    it('have declared fields in JSON patches', () => {
      assert.equal(
        formatType(mutating.compile('[JSONPatch{op: "add", path: "/a", value: i}]').type),
        'list(JSONPatch)',
      );
      assert.throws(
        () => mutating.compile('JSONPatch{op: 1}'),
        /expected type of field 'op' is 'string' but provided type is 'int'/,
      );
      assert.throws(() => mutating.compile('JSONPatch{patch: 1}'), /undefined field 'patch'/);
    });

    it('are no values themselves', () => {
      assert.throws(() => mutating.compile('Object'), /undeclared reference to 'Object'/);
      assert.throws(() => mutating.compile('Objects{}'), /undeclared reference to 'Objects'/);
    });
  });
});
