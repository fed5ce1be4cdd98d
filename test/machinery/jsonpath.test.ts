import assert from 'node:assert/strict';
import type { JsonValue } from '../../src/machinery/json.ts';
import { compileJsonPath, JsonPathError, printJsonPathValue, simplePath } from '../../src/machinery/jsonpath.ts';

const object: JsonValue = {
  metadata: { name: 'web', labels: { 'app.kubernetes.io/name': 'web', __proto__x: 'p' } },
  spec: { replicas: 3, on: true, ports: [80, 443, 8080] },
  status: {
    conditions: [
      { type: 'Ready', status: 'True', age: 3 },
      { type: 'Scaled', status: 'False', age: 7 },
    ],
  },
};

describe('JSONPath', () => {
  const found: [string, JsonValue[]][] = [
    ['.metadata.name', ['web']],
    ['$.metadata.name', ['web']],
    ['.metadata.labels.app\\.kubernetes\\.io/name', ['web']],
    ["['metadata']['name']", ['web']],
    ['.spec.ports[0]', [80]],
    ['.spec.ports[-1]', [8080]],
    ['.spec.ports[-2]', [443]],
    ['.spec.ports[1:]', [443, 8080]],
    ['.spec.ports[0:2]', [80, 443]],
    ['.spec.ports[0:3:2]', [80, 8080]],
    ['.spec.ports[*]', [80, 443, 8080]],
    ['.spec.ports[0,2]', [80, 8080]],
    ['.status.conditions[?(@.type=="Ready")].status', ['True']],
    ["$.status.conditions[?(@.type == 'Scaled')].status", ['False']],
    ['.status.conditions[?(@.age>3)].type', ['Scaled']],
    ['.status.conditions[?(@.age<=3)].type', ['Ready']],
    ['.status.conditions[?(@.type!="Ready")].type', ['Scaled']],
    ['.status.conditions[?(@.type)].type', ['Ready', 'Scaled']],
    ['.status.conditions[*].type', ['Ready', 'Scaled']],
    ['.spec.missing.deep', []],
    ['.metadata.name.deep', []],
    ['.metadata.constructor', []],
    ['..age', [3, 7]],
    ['.status.*', [(object.status as { conditions: JsonValue }).conditions]],
  ];
  for (const [path, expected] of found) {
    it(`finds ${path}`, () => assert.deepEqual(compileJsonPath(path).find(object), expected));
  }

  const malformed: [string, string][] = [
    ['.a[', 'unterminated array'],
    ['.a[x]', 'invalid array index x'],
    ['.a[?(@.b=="c"', 'unterminated filter'],
    ['.a[?(@.b=="c")', 'unclosed array expect ]'],
    ['"b', 'unterminated quoted string'],
    ['#', "unrecognized character in action: U+0023 '#'"],
    ['....', 'invalid multiple recursive descent'],
    ['.a\n', 'unclosed action'],
  ];
  for (const [path, message] of malformed) {
    it(`refuses ${JSON.stringify(path)}`, () => {
      assert.throws(() => compileJsonPath(path), new JsonPathError(message));
    });
  }

  const failing: [string, string][] = [
    ['.spec.ports[3]', 'array index out of bounds: index 3, length 3'],
    ['.spec.replicas[0]', 'int64 is not array or slice'],
    ['.spec.replicas[?(@.a)]', '3 is not array or slice and cannot be filtered'],
    ['.status.conditions[?(@.type==1)]', 'incompatible types for comparison'],
    ['.status.conditions[?(@.missing=="x")]', 'can only compare one element at a time'],
    ['metadata', 'unrecognized identifier metadata'],
  ];
  for (const [path, message] of failing) {
    it(`fails to find ${path}`, () => {
      assert.throws(() => compileJsonPath(path).find(object), new JsonPathError(message));
    });
  }

  it('knows paths that are nothing but fields', () => {
    assert.deepEqual(simplePath('.spec.replicas'), ['spec', 'replicas']);
    assert.deepEqual(simplePath('.metadata.labels.a\\.b'), ['metadata', 'labels', 'a.b']);
    assert.equal(simplePath('.spec.ports[0]'), undefined);
    assert.equal(simplePath('.a['), undefined);
    assert.equal(simplePath(''), undefined);
  });

  it('prints what it finds', () => {
    assert.equal(printJsonPathValue('a'), 'a');
    assert.equal(printJsonPathValue(3), '3');
    assert.equal(printJsonPathValue(0.5), '0.5');
    assert.equal(printJsonPathValue(true), 'true');
    assert.equal(printJsonPathValue({ b: ['<'], a: 1 }), '{"a":1,"b":["\\u003c"]}');
  });
});
