/** Syntax trees as text, in the layout of cel-go's `debug.ToAdornedDebugString`; for tests and for people. */
import { goQuote } from '../machinery/go-text.ts';
import type { Expr, MapEntry, StructField } from './ast.ts';
import { formatDouble } from './numbers.ts';
import { Double, Uint, type Value } from './values.ts';

/** What to append to a node; entries of maps and structs are nodes too. */
export type Adorn = (node: Expr | MapEntry | StructField) => string;

export function debugString(expr: Expr, adorn: Adorn = () => '', rename?: (expr: Expr) => string | undefined): string {
  const lines = (items: readonly string[], open: string, close: string): string =>
    items.length === 0 ? open + close : `${open}\n${indent(items.join(',\n'))}\n${close}`;
  const show = (node: Expr): string => body(node) + adorn(node);
  const body = (node: Expr): string => {
    const renamed = rename?.(node);
    switch (node.kind) {
      case 'literal':
        return showLiteral(node.value);
      case 'ident':
        return renamed ?? node.name;
      case 'select':
        return renamed ?? `${show(node.operand)}.${node.field}${node.testOnly ? '~test-only~' : ''}`;
      case 'call': {
        const target = node.target === undefined || renamed !== undefined ? '' : `${show(node.target)}.`;
        return lines(node.args.map(show), `${target}${renamed ?? node.function}(`, ')');
      }
      case 'list': {
        const elements = node.elements.map((e, i) => (node.optionals.includes(i) ? '?' : '') + show(e));
        return lines(elements, '[', ']');
      }
      case 'map': {
        const entries = node.entries.map((e) => `${e.optional ? '?' : ''}${show(e.key)}:${show(e.value)}${adorn(e)}`);
        return lines(entries, '{', '}');
      }
      case 'struct': {
        const fields = node.fields.map((f) => `${f.optional ? '?' : ''}${f.name}:${show(f.value)}${adorn(f)}`);
        return lines(fields, `${renamed ?? node.name}{`, '}');
      }
      case 'comprehension': {
        const parts: [string, string][] = [
          ['Variable', node.iterVar],
          ['Target', show(node.iterRange)],
          ['Accumulator', node.accuVar],
          ['Init', show(node.accuInit)],
          ['LoopCondition', show(node.loopCondition)],
          ['LoopStep', show(node.loopStep)],
          ['Result', show(node.result)],
        ];
        if (node.iterVar2 !== '') parts.splice(1, 0, ['Variable2', node.iterVar2]);
        return `__comprehension__(\n${indent(parts.map(([title, text]) => `// ${title}\n${text}`).join(',\n'))})`;
      }
    }
  };
  return show(expr);
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ');
}

function showLiteral(value: Value): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return goQuote(value);
  if (value instanceof Uint) return `${value.value}u`;
  if (value instanceof Double) return formatDouble(value.value);
  if (value instanceof Uint8Array) return showBytes(value);
  return String(value);
}

/** The bytes as text, those that are none escaped. */
function showBytes(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('utf8');
  // What could not be decoded has become a replacement character: such bytes are shown one by one.
  if (!text.includes('\ufffd')) return `b${goQuote(text)}`;
  const shown = [...bytes].map((byte) =>
    byte < 0x80 ? goQuote(String.fromCharCode(byte)).slice(1, -1) : `\\x${byte.toString(16)}`,
  );
  return `b"${shown.join('')}"`;
}
