import assert from 'node:assert/strict';
import fc from 'fast-check';
import { debugString } from '../../src/cel/debug.ts';
import { bindingsLibrary, formatIssues, kubernetesLibraries, macroTable, parse } from '../../src/cel/index.ts';
import { standardLibrary } from '../../src/cel/standard.ts';

const macros = macroTable(
  [standardLibrary, ...kubernetesLibraries, bindingsLibrary].flatMap((library) => library.macros ?? []),
);

function tree(text: string): string {
  const result = parse(text, { macros });
  assert.ok('ast' in result, 'ast' in result ? '' : formatIssues(text, result.issues));
  return debugString(result.ast.expr).replace(/\s+/g, ' ');
}

function problems(text: string): string {
  const result = parse(text, { macros });
  assert.ok(!('ast' in result), `parsed: ${text}`);
  return formatIssues(text, result.issues);
}

describe('CEL parser', () => {
  const trees: Record<string, string> = {
    'a.b.c': 'a.b.c',
    '.a.b': '.a.b',
    'a + b * c - d': '_-_( _+_( a, _*_( b, c ) ), d )',
    'a < b == c': '_==_( _<_( a, b ), c )',
    'a ? b : c ? d : e': '_?_:_( a, b, _?_:_( c, d, e ) )',
    'a && b || c && d': '_||_( _&&_( a, b ), _&&_( c, d ) )',
    'a && b && c && d': '_&&_( _&&_( a, b ), _&&_( c, d ) )',
    '!a': '!_( a )',
    '!!a': 'a',
    '-a': '-_( a )',
    '--a': 'a',
    '-9223372036854775808': '-9223372036854775808',
    'a in [1, 2u, 3.0]': '@in( a, [ 1, 2u, 3 ] )',
    '{"a": 1, ?b: c}': '{ "a":1, ?b:c }',
    'a[0].b(c)[?"d"].?e': '_?._( _[?_]( _[_]( a, 0 ).b( c ), "d" ), "e" )',
    '[?a, b]': '[ ?a, b ]',
    'A.B{c: 1, ?d: e}': 'A.B{ c:1, ?d:e }',
    'has(a.b)': 'a.b~test-only~',
    'a.`b-c/d.e`': 'a.b-c/d.e',
    '0x1F': '31',
    'r"\\n"': '"\\\\n"',
    '"""a\n"b"""': '"a\\n\\"b"',
    '"\\u00e9\\U0001F600\\x41\\101"': '"é😀AA"',
    'b"\\xff"': 'b"\\xff"',
    '1e3': '1000',
    '.5': '0.5',
    'a // comment\n + b': '_+_( a, b )',
  };
  for (const [text, expected] of Object.entries(trees)) {
    it(`reads ${JSON.stringify(text)}`, () => assert.equal(tree(text), expected));
  }

  it('expands macros into comprehensions', () => {
    assert.match(tree('a.all(x, x > 0)'), /^__comprehension__\( \/\/ Variable x, \/\/ Target a,/);
    assert.match(tree('a.exists_one(x, x > 0)'), /_==_\( @result, 1 \)/);
    assert.match(tree('a.map(x, x > 0, x + 1)'), /_\?_:_\( _>_\( x, 0 \), _\+_\( @result, \[ _\+_\( x, 1 \) \] \)/);
    assert.match(tree('a.all(i, x, i < x)'), /Variable i, \/\/ Variable x|Variable i/);
    assert.match(tree('cel.bind(x, 1, x + x)'), /#unused/);
    assert.match(tree('a.optMap(x, x + 1)'), /hasValue\(\)/);
  });

  it('leaves calls that only look like macros alone', () => {
    assert.equal(tree('a.all(x)'), 'a.all( x )');
    assert.equal(tree('all(a, x, true)'), 'all( a, x, true )');
    assert.equal(tree('a.has(b.c)'), 'a.has( b.c )');
  });

  const errors: Record<string, string> = {
    '': "ERROR: <input>:1:1: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | \n | ^",
    '1 +':
      "ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | 1 +\n | ...^",
    'a b': "ERROR: <input>:1:3: Syntax error: extraneous input 'b' expecting <EOF>\n | a b\n | ..^",
    '9223372036854775808': 'ERROR: <input>:1:1: invalid int literal\n | 9223372036854775808\n | ^',
    '18446744073709551616u': 'ERROR: <input>:1:1: invalid uint literal\n | 18446744073709551616u\n | ^',
    '1e999': 'ERROR: <input>:1:1: invalid double literal\n | 1e999\n | ^',
    'a.all(1, true)': 'ERROR: <input>:1:7: argument must be a simple name\n | a.all(1, true)\n | ......^',
    'has(a)': 'ERROR: <input>:1:5: invalid argument to has() macro\n | has(a)\n | ....^',
    while: 'ERROR: <input>:1:1: reserved identifier: while\n | while\n | ^',
  };
  for (const [text, expected] of Object.entries(errors)) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(problems(text), expected));
  }

  it('points at the column in characters, below wide ones with a wide caret', () => {
    assert.match(
      problems('"日本" + while'),
      /^ERROR: <input>:1:8: reserved identifier: while\n \| "日本" \+ while\n \| \.．．\.\.\.\.\^$/,
    );
  });

  it('refuses more nesting than cel-go does, without exhausting the stack', () => {
    assert.equal(tree(`${'('.repeat(40)}a${')'.repeat(40)}`), 'a');
    assert.match(problems(`${'['.repeat(20_000)}`), /recursion|Syntax error/);
    assert.match(problems(`${'('.repeat(500)}1${')'.repeat(500)}`), /expression recursion limit exceeded: 250/);
    assert.match(problems(`a${'.b'.repeat(5000)}`), /max recursion depth exceeded/);
  });

  it('refuses expressions of more than 100,000 characters', () => {
    assert.match(
      problems('1'.padEnd(100_001, ' ')),
      /expression code point size exceeds limit: size: 100001, limit 100000/,
    );
  });

  it('balances long chains of && and ||', () => {
    const text = Array.from({ length: 2000 }, (_, i) => `a${i}`).join(' && ');
    assert.ok(tree(text).startsWith('_&&_( _&&_( _&&_('));
  });

  it('answers whatever it is given, with a tree or with positions inside the text', () => {
    const alphabet = fc.constantFrom(...'ab1.()[]{}?:,"\'`\\+-*/<=>!&| \nré😀'.split(/(?:)/u));
    fc.assert(
      fc.property(fc.array(alphabet, { maxLength: 24 }), (chars) => {
        const text = chars.join('');
        const result = parse(text, { macros });
        if ('ast' in result) return;
        assert.ok(result.issues.length > 0);
        assert.match(formatIssues(text, result.issues), /^ERROR: <input>:\d+:\d+: /);
      }),
    );
  });
});
