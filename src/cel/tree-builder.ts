/** Makes the nodes of a syntax tree: gives them their ids, and remembers where they are. */
import type { Expr } from './ast.ts';
import type { Fold } from './macros.ts';

export class TreeBuilder {
  /** By id; ids begin at 1. */
  readonly positions: number[] = [-1];

  id(offset: number): number {
    return this.positions.push(offset) - 1;
  }

  call(offset: number, name: string, ...args: Expr[]): Expr {
    return { kind: 'call', id: this.id(offset), target: undefined, function: name, args };
  }

  /** What macros make nodes with. */
  factory(offset: number) {
    const id = (): number => this.id(offset);
    return {
      literal: (value: boolean | number): Expr => ({ kind: 'literal', id: id(), value }),
      ident: (name: string): Expr => ({ kind: 'ident', id: id(), name }),
      presence: (operand: Expr, field: string): Expr => ({ kind: 'select', id: id(), operand, field, testOnly: true }),
      call: (name: string, ...args: Expr[]): Expr => this.call(offset, name, ...args),
      method: (name: string, target: Expr, ...args: Expr[]): Expr => ({
        kind: 'call',
        id: id(),
        target,
        function: name,
        args,
      }),
      list: (...elements: Expr[]): Expr => ({ kind: 'list', id: id(), elements, optionals: [] }),
      map: (): Expr => ({ kind: 'map', id: id(), entries: [] }),
      fold: (fold: Fold): Expr => ({
        kind: 'comprehension',
        id: id(),
        iterRange: fold.range,
        iterVar: fold.variable,
        iterVar2: fold.variable2 ?? '',
        accuVar: fold.accumulator,
        accuInit: fold.init,
        loopCondition: fold.condition,
        loopStep: fold.step,
        result: fold.result,
      }),
    };
  }
}
