/**
 * Macros: calls that the parser replaces by other syntax. Source: cel-go `parser/macro.go`, `cel/library.go` (optional
 * types), `ext/comprehensions.go` and `ext/bindings.go`.
 */
import type { Expr } from './ast.ts';

/** Makes nodes for an expansion; all of them take the position of the call that is expanded. */
export interface NodeFactory {
  literal(value: boolean | number): Expr;
  ident(name: string): Expr;
  presence(operand: Expr, field: string): Expr;
  call(name: string, ...args: Expr[]): Expr;
  method(name: string, target: Expr, ...args: Expr[]): Expr;
  list(...elements: Expr[]): Expr;
  map(): Expr;
  fold(parts: Fold): Expr;
}

export interface Fold {
  range: Expr;
  variable: string;
  variable2?: string;
  accumulator: string;
  init: Expr;
  condition: Expr;
  step: Expr;
  result: Expr;
}

/** Why a macro cannot be expanded, and at which of its arguments. */
export class MacroError {
  readonly at: Expr;
  readonly message: string;
  constructor(at: Expr, message: string) {
    this.at = at;
    this.message = message;
  }
}

/** The expansion, a {@link MacroError}, or undefined when the call is an ordinary one. */
type Expand = (make: NodeFactory, target: Expr, args: readonly Expr[]) => Expr | MacroError | undefined;

export interface Macro {
  readonly name: string;
  readonly args: number;
  readonly receiver: boolean;
  readonly expand: Expand;
}

/** The name of the accumulator in the folds of macros; no expression can name it. */
export const accumulator = '@result';
const legacyAccumulator = '__result__';
/** The iteration variable of a fold that only binds its accumulator. */
const unused = '#unused';

const global = (name: string, args: number, expand: Expand): Macro => ({ name, args, receiver: false, expand });
const receiver = (name: string, args: number, expand: Expand): Macro => ({ name, args, receiver: true, expand });

export const standardMacros: readonly Macro[] = [
  global('has', 1, (make, _, [arg]) =>
    arg?.kind === 'select' && !arg.testOnly
      ? make.presence(arg.operand, arg.field)
      : new MacroError(arg as Expr, 'invalid argument to has() macro'),
  ),
  receiver('all', 2, quantifier(all, 'argument must be a simple name')),
  receiver('exists', 2, quantifier(exists, 'argument must be a simple name')),
  receiver('exists_one', 2, quantifier(existsOne, 'argument must be a simple name')),
  receiver('existsOne', 2, quantifier(existsOne, 'argument must be a simple name')),
  receiver('map', 2, quantifier(map, 'argument is not an identifier')),
  receiver('map', 3, quantifier(map, 'argument is not an identifier')),
  receiver('filter', 2, quantifier(filter, 'argument is not an identifier')),
];

export const twoVariableMacros: readonly Macro[] = [
  receiver('all', 3, twoVariables(all)),
  receiver('exists', 3, twoVariables(exists)),
  receiver('existsOne', 3, twoVariables(existsOne)),
  receiver('exists_one', 3, twoVariables(existsOne)),
  receiver('transformList', 3, twoVariables(map)),
  receiver('transformList', 4, twoVariables(map)),
  receiver('transformMap', 3, twoVariables(transformMap)),
  receiver('transformMap', 4, twoVariables(transformMap)),
  receiver('transformMapEntry', 3, twoVariables(transformMapEntry)),
  receiver('transformMapEntry', 4, twoVariables(transformMapEntry)),
];

export const optionalMacros: readonly Macro[] = [
  receiver('optMap', 2, (make, target, args) =>
    optionalMap(make, 'optMap', target, args, (mapped) => make.call('optional.of', mapped)),
  ),
  receiver('optFlatMap', 2, (make, target, args) => optionalMap(make, 'optFlatMap', target, args, (mapped) => mapped)),
];

export const bindMacro: Macro = receiver('bind', 3, (make, target, [name, value, result]) => {
  if (target.kind !== 'ident' || target.name !== 'cel') return undefined;
  if (name?.kind !== 'ident') {
    return new MacroError(name as Expr, 'cel.bind() variable names must be simple identifiers');
  }
  return bind(make, name.name, value as Expr, result as Expr);
});

type Iteration = Pick<Fold, 'init' | 'condition' | 'step' | 'result'>;
/** What a macro does with its variables: from the arguments after them to the parts of the fold. */
type Body = (make: NodeFactory, variables: readonly string[], args: readonly Expr[]) => Iteration;

function quantifier(body: Body, notAName: string): Expand {
  return (make, target, [name, ...args]) => {
    const variable = iterationVariable(name as Expr, notAName);
    if (typeof variable !== 'string') return variable;
    return make.fold({ range: target, variable, accumulator, ...body(make, [variable], args) });
  };
}

function twoVariables(body: Body): Expand {
  return (make, target, [first, second, ...args]) => {
    const notAName = 'argument must be an identifier';
    const variable = iterationVariable(first as Expr, notAName);
    if (typeof variable !== 'string') return variable;
    const variable2 = iterationVariable(second as Expr, notAName);
    if (typeof variable2 !== 'string') return variable2;
    if (variable === variable2) return new MacroError(second as Expr, `duplicate variable name: ${variable}`);
    const fold = body(make, [variable, variable2], args);
    return make.fold({ range: target, variable, variable2, accumulator, ...fold });
  };
}

function iterationVariable(name: Expr, notAName: string): string | MacroError {
  if (name.kind !== 'ident') return new MacroError(name, notAName);
  if (name.name === accumulator || name.name === legacyAccumulator) {
    return new MacroError(name, 'iteration variable overwrites accumulator variable');
  }
  return name.name;
}

function all(make: NodeFactory, _: readonly string[], [predicate]: readonly Expr[]): Iteration {
  return {
    init: make.literal(true),
    condition: make.call('@not_strictly_false', make.ident(accumulator)),
    step: make.call('_&&_', make.ident(accumulator), predicate as Expr),
    result: make.ident(accumulator),
  };
}

function exists(make: NodeFactory, _: readonly string[], [predicate]: readonly Expr[]): Iteration {
  return {
    init: make.literal(false),
    condition: make.call('@not_strictly_false', make.call('!_', make.ident(accumulator))),
    step: make.call('_||_', make.ident(accumulator), predicate as Expr),
    result: make.ident(accumulator),
  };
}

function existsOne(make: NodeFactory, _: readonly string[], [predicate]: readonly Expr[]): Iteration {
  const counted = make.call('_+_', make.ident(accumulator), make.literal(1));
  return {
    init: make.literal(0),
    condition: make.literal(true),
    step: make.call('_?_:_', predicate as Expr, counted, make.ident(accumulator)),
    result: make.call('_==_', make.ident(accumulator), make.literal(1)),
  };
}

function map(make: NodeFactory, _: readonly string[], args: readonly Expr[]): Iteration {
  return collect(make, args, make.list(), (transformed) =>
    make.call('_+_', make.ident(accumulator), make.list(transformed)),
  );
}

function filter(make: NodeFactory, [variable]: readonly string[], [predicate]: readonly Expr[]): Iteration {
  const element = make.ident(variable as string);
  return collect(make, [predicate as Expr, element], make.list(), (kept) =>
    make.call('_+_', make.ident(accumulator), make.list(kept)),
  );
}

function transformMap(make: NodeFactory, [key]: readonly string[], args: readonly Expr[]): Iteration {
  return collect(make, args, make.map(), (value) =>
    make.call('cel.@mapInsert', make.ident(accumulator), make.ident(key as string), value),
  );
}

function transformMapEntry(make: NodeFactory, _: readonly string[], args: readonly Expr[]): Iteration {
  return collect(make, args, make.map(), (entry) => make.call('cel.@mapInsert', make.ident(accumulator), entry));
}

/** Folds into a container: `args` are an optional filter and the transformation. */
function collect(make: NodeFactory, args: readonly Expr[], init: Expr, add: (transformed: Expr) => Expr): Iteration {
  const added = add(args.at(-1) as Expr);
  return {
    init,
    condition: make.literal(true),
    step: args.length === 1 ? added : make.call('_?_:_', args[0] as Expr, added, make.ident(accumulator)),
    result: make.ident(accumulator),
  };
}

/** The hidden name to which a target is bound that is more than a name, so that it is evaluated once. */
const boundTarget = '@target';

function optionalMap(
  make: NodeFactory,
  name: string,
  target: Expr,
  [variable, mapped]: readonly Expr[],
  wrap: (mapped: Expr) => Expr,
): Expr | MacroError {
  if (variable?.kind !== 'ident') {
    return new MacroError(variable as Expr, `${name}() variable name must be a simple identifier`);
  }
  const source = target.kind === 'ident' ? target.name : boundTarget;
  const value = make.method('value', make.ident(source));
  const conditional = make.call(
    '_?_:_',
    make.method('hasValue', make.ident(source)),
    wrap(bind(make, variable.name, value, mapped as Expr)),
    make.call('optional.none'),
  );
  return source === boundTarget ? bind(make, boundTarget, target, conditional) : conditional;
}

/** A fold over nothing, whose accumulator is the bound name. */
function bind(make: NodeFactory, name: string, value: Expr, result: Expr): Expr {
  return make.fold({
    range: make.list(),
    variable: unused,
    accumulator: name,
    init: value,
    condition: make.literal(false),
    step: make.ident(name),
    result,
  });
}

/** What a macro is found by. */
export function macroKey(name: string, args: number, receiver: boolean): string {
  return `${name}:${args}:${receiver}`;
}

export function macroTable(macros: readonly Macro[]): Map<string, Macro> {
  return new Map(macros.map((macro) => [macroKey(macro.name, macro.args, macro.receiver), macro]));
}
