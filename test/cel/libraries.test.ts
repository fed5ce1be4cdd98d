import assert from 'node:assert/strict';
import fc from 'fast-check';
import { RE2JS } from 're2js';
import {
  type AuthorizationQuestion,
  type Authorize,
  authorizerType,
  authorizerValue,
  CelError,
  kubernetesEnvironment,
  misnamedObjects,
  mutationLibrary,
  resourceCheckType,
  resourceCheckValue,
  toJson,
} from '../../src/cel/index.ts';
import { linearRegExp } from '../../src/cel/linear-regex.ts';

const environment = kubernetesEnvironment.extend({ variables: { s: 'string', x: 'dyn' } });

function evaluate(expression: string, bindings: Record<string, unknown> = {}) {
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

describe('CEL libraries', () => {
  describe('lists', () => {
    holds(
      '[1, 1, 2].isSorted() && !["b", "a"].isSorted() && [].isSorted()',
      '[1, 2].sum() == 3 && [1.5, 2.5].sum() == 4.0 && [duration("1m"), duration("1s")].sum() == duration("61s")',
      '[3, 1, 2].min() == 1 && ["b", "c"].max() == "c"',
      '[1, 2, 1].indexOf(1) == 0 && [1, 2, 1].lastIndexOf(1) == 2 && [1].indexOf(2) == -1',
      '[1, 2, 3, 4].slice(1, 3) == [2, 3]',
      '[[1, 2], [3]].flatten() == [1, 2, 3]',
      '[3, 1, 2].sort() == [1, 2, 3] && [1, 1, 2].distinct() == [1, 2] && [1, 2].reverse() == [2, 1]',
      '["a", "bb"].sortBy(e, -size(e)) == ["bb", "a"]',
      'lists.range(3) == [0, 1, 2]',
    );
    fails({
      '[].min()': 'min called on empty list',
      '[].max()': 'max called on empty list',
      '[1, 2].slice(1, 3)': 'cannot slice(1, 3), list is length 2',
      '[1, 2].slice(-1, 1)': 'cannot slice(-1, 1), negative indexes not supported',
    });
  });

  describe('regex', () => {
    holds(
      '"abc 123".find("[0-9]+") == "123" && "abc".find("[0-9]+") == ""',
      '"1 22 333".findAll("[0-9]+") == ["1", "22", "333"] && "1 22 333".findAll("[0-9]+", 2) == ["1", "22"]',
      '"aXbX".matches("(?i)ax.x")',
      '"a\\nb".matches("^a$") == false && "a\\nb".matches("(?m)^a$")',
    );
    it('refuses what RE2 does not know', () => {
      assert.match(
        failure('"a".matches(s)', { s: '(?=a)' }),
        /error parsing regexp: invalid or unsupported Perl syntax: `\(\?=`/,
      );
      assert.match(failure('"a".matches(s)', { s: '(a' }), /error parsing regexp: missing closing \): `\(a`/);
      assert.match(failure('"a".matches(s)', { s: 'a{1001}' }), /invalid repeat count: `\{1001\}`/);
    });
    it('takes linear time for patterns that backtracking engines choke on', () => {
      assert.equal(evaluate('s.matches("^(a+)+$")', { s: `${'a'.repeat(20_000)}b` }), false);
    });
    it('finds with the faster engine, where it is used, what RE2 finds', () => {
      const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\d', '\\.', '-', 'é');
      const piece = fc.tuple(atom, fc.constantFrom('', '+', '*', '?', '{2}', '{1,2}')).map((parts) => parts.join(''));
      const pattern = fc
        .tuple(fc.constantFrom('', '^'), fc.array(piece, { minLength: 1, maxLength: 4 }), fc.constantFrom('', '$'))
        .map(([start, pieces, end]) => start + pieces.join('') + end);
      const text = fc
        .array(fc.constantFrom('a', 'b', '1', '.', '-', 'é', '\n'), { maxLength: 8 })
        .map((c) => c.join(''));
      let compared = 0;
      fc.assert(
        fc.property(pattern, fc.array(text, { minLength: 1, maxLength: 4 }), (source, texts) => {
          const fast = linearRegExp(source);
          if (fast === undefined) return;
          const re2 = RE2JS.compile(source);
          for (const one of texts) {
            compared++;
            assert.equal(fast.test(one), re2.matcher(one).find(), `${source} on ${JSON.stringify(one)}`);
          }
        }),
        { numRuns: 500 },
      );
      assert.ok(compared > 100, String(compared));
    });
  });

  describe('url', () => {
    holds(
      'isURL("https://a.b:80/p?q=1") && !isURL("../a") && !isURL("a b")',
      'url("https://user@a.b:80/p%20q?q=1&q=2#f").getHost() == "a.b:80"',
      'url("https://a.b:80/p").getHostname() == "a.b" && url("https://a.b:80/p").getPort() == "80"',
      'url("https://a/p%20q").getEscapedPath() == "/p%20q" && url("https://a").getScheme() == "https"',
      'url("https://a?k=1&k=2&l=%20").getQuery() == {"k": ["1", "2"], "l": [" "]}',
      'url("https://[::1]:80/").getHostname() == "::1"',
    );
    it('refuses what is none', () => {
      assert.match(
        failure('url(s)', { s: '../a' }),
        /^URL parse error during conversion from string: parse "\.\.\/a": invalid URI for request$/,
      );
    });
  });

  describe('quantity', () => {
    holds(
      'isQuantity("1.3Gi") && !isQuantity("1.3Gx")',
      'quantity("1000m") == quantity("1") && quantity("1Ki").isGreaterThan(quantity("1k"))',
      'quantity("50k").add(quantity("20k")) == quantity("70k") && quantity("50k").sub(20000) == quantity("30k")',
      'quantity("1Gi").asInteger() == 1073741824 && quantity("1.5").asApproximateFloat() == 1.5',
      'quantity("200M").compareTo(quantity("0.2G")) == 0 && quantity("-5").sign() == -1',
      'quantity("1").isInteger() && !quantity("1m").isInteger()',
    );
    it('refuses what is none', () => {
      assert.match(failure('quantity(s)', { s: '10Mo' }), /^quantities must match the regular expression/);
      assert.match(failure('quantity("9999999999999999999999").asInteger()'), /cannot convert value to integer/);
    });
  });

  describe('ip and cidr', () => {
    holds(
      'isIP("::ffff") && isIP("1.2.3.4") && !isIP("1.2.3") && !isIP("01.2.3.4")',
      'ip("127.0.0.1").isLoopback() && ip("127.0.0.1").family() == 4 && ip("::1").family() == 6',
      'ip("fe80::1").isLinkLocalUnicast() && ip("10.0.0.1").isGlobalUnicast() && ip("0.0.0.0").isUnspecified()',
      'ip.isCanonical("2001:db8::1") && !ip.isCanonical("2001:DB8::1")',
      'ip("2001:db8::0001") == ip("2001:db8::1") && string(ip("2001:db8::0001")) == "2001:db8::1"',
      'isCIDR("10.0.0.0/8") && !isCIDR("10.0.0.0/33")',
      'cidr("10.0.0.0/8").containsIP("10.1.2.3") && !cidr("10.0.0.0/8").containsIP(ip("11.0.0.1"))',
      'cidr("10.0.0.0/8").containsCIDR("10.1.0.0/16") && !cidr("10.1.0.0/16").containsCIDR(cidr("10.0.0.0/8"))',
      'cidr("10.1.2.3/8").masked() == cidr("10.0.0.0/8") && cidr("10.1.2.3/8").prefixLength() == 8',
      'cidr("10.1.2.3/8").ip() == ip("10.1.2.3")',
    );
    it('refuses what is none', () => {
      assert.match(
        failure('ip(s)', { s: '1.2.3.256' }),
        /^IP Address "1\.2\.3\.256" parse error during conversion from string/,
      );
      assert.match(failure('ip(s)', { s: '::ffff:1.2.3.4' }), /IPv4-mapped IPv6 address/);
      assert.match(failure('cidr(s)', { s: '10.0.0.0' }), /^network address parse error during conversion from string/);
    });
  });

  describe('format', () => {
    holds(
      'format.dns1123Label().validate("abc") == optional.none()',
      'format.dns1123Label().validate("A").hasValue()',
      'format.named("dns1123Subdomain").hasValue() && !format.named("nothing").hasValue()',
      'format.uuid().validate("123e4567-e89b-12d3-a456-426614174000") == optional.none()',
      'format.date().validate("2021-13-01").hasValue()',
      'format.qualifiedName().validate("a/b") == optional.none()',
    );
  });

  describe('semver', () => {
    holds(
      'isSemver("1.2.3-rc.1+b") && !isSemver("1.2") && isSemver("v1.2", true)',
      'semver("1.2.3").isLessThan(semver("1.10.0")) && semver("1.0.0-rc.1").isLessThan(semver("1.0.0"))',
      'semver("v01.2", true) == semver("1.2.0") && semver("1.2.3").major() == 1 && semver("1.2.3").patch() == 3',
      'semver("1.2.3").compareTo(semver("1.2.3+build")) == 0',
    );
  });

  describe('sets', () => {
    holds(
      'sets.contains([1, 2], [2]) && !sets.contains([1], [1, 2]) && sets.contains([1], [])',
      'sets.intersects([1, 2], [2, 3]) && !sets.intersects([1], [])',
      'sets.equivalent([1, 1, 2], [2, 1]) && !sets.equivalent([1], [1, 2])',
    );
  });

  describe('strings', () => {
    holds(
      '"hello".indexOf("l") == 2 && "hello".lastIndexOf("l") == 3 && "hello".indexOf("l", 3) == 3 && "a".indexOf("b") == -1',
      '["a", "b"].join("-") == "a-b" && "a,b".split(",") == ["a", "b"] && "a,b,c".split(",", 2) == ["a", "b,c"]',
      '"ÀbC".lowerAscii() == "Àbc" && "aé".upperAscii() == "Aé"',
      '" a ".trim() == "a" && "abcabc".replace("b", "X") == "aXcaXc" && "abcabc".replace("b", "X", 1) == "aXcabc"',
      '"hello".substring(1, 3) == "el" && "hello".substring(4) == "o"',
      '"%s %d %.2f %x %b %e %o".format(["a", 1, 1.5, 255, 5, 1000.0, 8]) == "a 1 1.50 ff 101 1.000000\u202f\u00d7\u202f10\u2070\u00b3 10"',
      '"%s".format([{"b": 1, "a": 2}]) == "{\\"a\\":2, \\"b\\":1}" && "%%%s".format([[1, 2]]) == "%[1, 2]"',
      'strings.quote("a\\n\\"") == "\\"a\\\\n\\\\\\"\\""',
    );
    fails({
      '"abc".charAt(4)': 'index out of range: 4',
      '"abc".substring(2, 1)': 'invalid substring range. start: 2, end: 1',
      '"abc".substring(4)': 'index out of range: 4',
      '"%s".format([])': 'index 0 out of range',
    });
  });

  it('escapes keys for JSON pointers', () => {
    assert.equal(evaluate('jsonpatch.escapeKey("a/b~c")'), 'a~1b~0c');
  });

  describe('mutation', () => {
    const mutating = environment.extend({ libraries: [...(environment.options.libraries ?? []), mutationLibrary] });
    const construct = (expression: string) => mutating.compile(expression).evaluate({ x: { a: 1 } });

    it('constructs objects', () => {
      const object = construct(
        'Object{spec: Object.spec{replicas: 3, ?paused: optional.none(), items: [Object.spec.items{a: x.a}]}}',
      );
      assert.deepEqual(toJson(object), { spec: { replicas: 3, items: [{ a: 1 }] } });
      assert.deepEqual(misnamedObjects(object), []);
      assert.equal(construct('Object{a: 1} == Object{a: 2 - 1} && Object{a: [1, 2]}.a.sum() == 3'), true);
      assert.deepEqual(construct('Object{}.a'), new CelError('no such key: a'));
    });

    it('constructs JSON patches', () => {
      const patch = construct(
        '[JSONPatch{op: "add", path: "/metadata/labels/" + jsonpatch.escapeKey("a/b"), value: Object.metadata{b: x.a}}]',
      );
      assert.deepEqual(toJson(patch), [{ op: 'add', path: '/metadata/labels/a~1b', value: { b: 1 } }]);
    });

    it('tells of objects that stand where another type belongs', () => {
      assert.deepEqual(misnamedObjects(construct('Object{metadata: Object.spec{}}')), [
        'unexpected type name "Object.spec", expected "Object.metadata", which matches field name path from root Object type',
      ]);
      assert.equal(misnamedObjects(construct('Object{a: [{"b": Object{}}]}')).length, 1);
    });
  });

  describe('authorizer', () => {
    const asked: AuthorizationQuestion[] = [];
    const authorizing = environment.extend({
      variables: { authorizer: authorizerType, 'authorizer.requestResource': resourceCheckType },
    });
    const authorize: Authorize = (question) => {
      asked.push(question);
      if (question.verb === 'break') return { allowed: false, reason: '', error: 'webhook is down' };
      const allowed = question.verb === 'get';
      return { allowed, reason: allowed ? 'a friend' : '', error: '' };
    };
    const bindings = {
      authorizer: authorizerValue(authorize),
      'authorizer.requestResource': resourceCheckValue(authorize, { group: '', resource: 'pods', namespace: 'ns' }),
    };
    const ask = (expression: string) => authorizing.compile(expression).evaluate(bindings);

    it('asks about resources', () => {
      asked.length = 0;
      const check =
        'authorizer.group("apps").resource("deployments").subresource("scale").namespace("ns").name("n").check("get")';
      assert.equal(ask(`${check}.allowed()`), true);
      assert.equal(ask(`${check}.reason()`), 'a friend');
      assert.deepEqual(asked[0], {
        group: 'apps',
        resource: 'deployments',
        subresource: 'scale',
        namespace: 'ns',
        name: 'n',
        verb: 'get',
      });
    });
    it('asks about paths', () => {
      asked.length = 0;
      assert.equal(ask('authorizer.path("/healthz").check("post").allowed()'), false);
      assert.deepEqual(asked, [{ path: '/healthz', verb: 'post' }]);
    });
    it('asks on behalf of service accounts', () => {
      asked.length = 0;
      assert.equal(
        ask('authorizer.serviceAccount("ns", "sa").group("").resource("pods").check("get").allowed()'),
        true,
      );
      const serviceAccount = { namespace: 'ns', name: 'sa' };
      assert.deepEqual(asked, [{ serviceAccount, group: '', resource: 'pods', verb: 'get' }]);
    });
    it('asks about the resource of the request', () => {
      assert.equal(ask('authorizer.requestResource.check("get").allowed()'), true);
    });
    it('asks with selectors', () => {
      asked.length = 0;
      const check = 'authorizer.group("").resource("pods").fieldSelector("a=b").labelSelector("x in (a)").check("get")';
      assert.equal(ask(`${check}.allowed()`), true);
      const [question] = asked;
      assert.deepEqual([question?.fieldSelector, question?.labelSelector], ['a=b', 'x in (a)']);
    });
    it('tells of errors', () => {
      assert.equal(ask('authorizer.group("").resource("pods").check("break").errored()'), true);
      assert.equal(ask('authorizer.group("").resource("pods").check("break").error()'), 'webhook is down');
    });
    it('refuses empty resources and paths, and wrong service accounts', () => {
      const refused: Record<string, string> = {
        'authorizer.group("").resource("").check("get")': 'resource must not be empty',
        'authorizer.path("").check("get")': 'path must not be empty',
        'authorizer.serviceAccount("A", "sa").path("/").check("get")': 'Invalid service account namespace',
      };
      asked.length = 0;
      for (const [expression, message] of Object.entries(refused)) {
        assert.deepEqual(ask(`${expression}.allowed()`), new CelError(message));
      }
      assert.deepEqual(asked, []);
    });
  });
});
