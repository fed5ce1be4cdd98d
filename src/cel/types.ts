/** Static types, how they are written and which may stand for which. Source: cel-go `common/types/types.go`, `checker/types.go`. */

export type TypeKind =
  | 'dyn'
  | 'any'
  | 'error'
  | 'null'
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'timestamp'
  | 'duration'
  | 'list'
  | 'map'
  | 'type'
  | 'object'
  | 'opaque'
  | 'param';

export interface Type {
  readonly kind: TypeKind;
  /** The name at run time (`null_type`, `google.protobuf.Timestamp`); for a parameter its own name. */
  readonly name: string;
  readonly params: readonly Type[];
  /** The wrapper of a primitive type, which null may stand for. */
  readonly nullable?: boolean;
  /** Of an object type: its fields, by the name that expressions use. */
  readonly fields?: ReadonlyMap<string, Type>;
  /** Of an object type: that it also has every other field, as dyn. */
  readonly open?: boolean;
}

const simple = (kind: TypeKind, name: string = kind): Type => ({ kind, name, params: [] });

export const dynType = simple('dyn');
export const anyType = simple('any', 'google.protobuf.Any');
export const errorType = simple('error', '!error!');
export const nullType = simple('null', 'null_type');
export const boolType = simple('bool');
export const intType = simple('int');
export const uintType = simple('uint');
export const doubleType = simple('double');
export const stringType = simple('string');
export const bytesType = simple('bytes');
export const timestampType = simple('timestamp', 'google.protobuf.Timestamp');
export const durationType = simple('duration', 'google.protobuf.Duration');
export const listOf = (element: Type): Type => ({ kind: 'list', name: 'list', params: [element] });
export const mapOf = (key: Type, value: Type): Type => ({ kind: 'map', name: 'map', params: [key, value] });
export const typeOf = (...param: Type[]): Type => ({ kind: 'type', name: 'type', params: param });
export const opaque = (name: string, ...params: Type[]): Type => ({ kind: 'opaque', name, params });
export const optionalOf = (value: Type): Type => opaque('optional_type', value);
export const paramType = (name: string): Type => simple('param', name);
export const wrapperOf = (primitive: Type): Type => ({ ...primitive, nullable: true });
export const objectType = (name: string, fields: ReadonlyMap<string, Type>): Type => ({
  kind: 'object',
  name,
  params: [],
  fields,
});

/** An object type with any fields whatever, each of them dyn. */
export const openObjectType = (name: string): Type => ({ kind: 'object', name, params: [], open: true });

/** The type of a field; undefined when there is no such field. */
export function fieldType(type: Type, name: string): Type | undefined {
  return type.fields?.get(name) ?? (type.open ? dynType : undefined);
}

const named: ReadonlyMap<string, Type> = new Map([
  ...[dynType, anyType, nullType, boolType, intType, uintType, doubleType, stringType, bytesType].map(
    (type) => [type.kind, type] as const,
  ),
  ['timestamp', timestampType],
  ['duration', durationType],
  ['type', typeOf()],
]);

/**
 * A type from its notation: `int`, `list(A)`, `map(string, dyn)`, `type(A)`, `optional_type(A)`, `kubernetes.URL`.
 * Single capitals are type parameters; other unknown names are opaque types.
 */
export function parseType(text: string): Type {
  const open = text.indexOf('(');
  if (open < 0) {
    const type = named.get(text);
    if (type !== undefined) return type;
    return /^[A-Z]$/.test(text) ? paramType(text) : opaque(text);
  }
  const params = splitTypes(text.slice(open + 1, -1)).map(parseType);
  const name = text.slice(0, open);
  if (name === 'list') return listOf(params[0] as Type);
  if (name === 'map') return mapOf(params[0] as Type, params[1] as Type);
  return name === 'type' ? typeOf(...params) : opaque(name, ...params);
}

/** The parts between the commas that are not in parentheses. */
export function splitTypes(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    const char = text[i];
    if (char === '(') depth++;
    else if (char === ')') depth--;
    else if ((char === ',' && depth === 0) || char === undefined) {
      const part = text.slice(start, i).trim();
      if (part !== '') parts.push(part);
      start = i + 1;
    }
  }
  return parts;
}

/** The type as error messages write it. */
export function formatType(type: Type): string {
  if (type.nullable) return `wrapper(${type.name})`;
  switch (type.kind) {
    case 'list':
    case 'map':
    case 'opaque':
    case 'type':
      return type.params.length === 0 ? type.name : `${type.name}(${type.params.map(formatType).join(', ')})`;
    case 'null':
    case 'any':
    case 'timestamp':
    case 'duration':
      return type.kind;
    default:
      return type.name;
  }
}

/** `(int, string)`, or `string.(int)` for a method. */
export function formatSignature(args: readonly Type[], member: boolean): string {
  const texts = args.map(formatType);
  return member ? `${texts[0]}.(${texts.slice(1).join(', ')})` : `(${texts.join(', ')})`;
}

export function sameType(a: Type, b: Type): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || a.name !== b.name || a.params.length !== b.params.length) return false;
  if ((a.nullable ?? false) !== (b.nullable ?? false)) return false;
  return a.params.every((param, i) => sameType(param, b.params[i] as Type));
}

export function isDyn(type: Type): boolean {
  return type.kind === 'dyn' || type.kind === 'any';
}

export function isDynOrError(type: Type): boolean {
  return isDyn(type) || type.kind === 'error';
}

/** What type parameters stand for, with a trail so that a failed attempt leaves no trace. */
export class Substitutions {
  readonly #bound = new Map<string, Type>();
  readonly #trail: [string, Type | undefined][] = [];

  find(type: Type): Type | undefined {
    return type.kind === 'param' ? this.#bound.get(type.name) : undefined;
  }

  /** Whether a value of `from` may be given where `to` is asked for; if so, remembers what parameters came to mean. */
  isAssignable(to: Type, from: Type): boolean {
    const mark = this.#trail.length;
    return this.#assignable(to, from) || this.#undo(mark);
  }

  areAssignable(to: readonly Type[], from: readonly Type[]): boolean {
    if (to.length !== from.length) return false;
    const mark = this.#trail.length;
    for (let i = 0; i < to.length; i++) {
      if (!this.#assignable(to[i] as Type, from[i] as Type)) return this.#undo(mark);
    }
    return true;
  }

  /** The type with its parameters replaced by what they stand for; free ones become dyn on request. */
  apply(type: Type, freeToDyn: boolean): Type {
    if (type.kind === 'param') {
      const bound = this.#bound.get(type.name);
      if (bound !== undefined) return this.apply(bound, freeToDyn);
      return freeToDyn ? dynType : type;
    }
    if (type.params.length === 0) return type;
    let changed = false;
    const params = type.params.map((param) => {
      const applied = this.apply(param, freeToDyn);
      changed ||= applied !== param;
      return applied;
    });
    return changed ? { ...type, params } : type;
  }

  /** Forgets what an attempt that failed has bound. */
  #undo(mark: number): false {
    while (this.#trail.length > mark) {
      const [name, previous] = this.#trail.pop() as [string, Type | undefined];
      if (previous === undefined) this.#bound.delete(name);
      else this.#bound.set(name, previous);
    }
    return false;
  }

  #bind(param: Type, type: Type): void {
    this.#trail.push([param.name, this.#bound.get(param.name)]);
    this.#bound.set(param.name, type);
  }

  #assignable(a: Type, b: Type): boolean {
    if (b.kind === 'param') {
      const [valid, bound] = this.#substitutes(a, b);
      if (valid) return true;
      if (bound) return false;
    }
    if (a.kind === 'param') return this.#substitutes(b, a)[0];
    if (isDynOrError(a) || isDynOrError(b)) return true;
    if (a.kind === 'null') return acceptsNull(b);
    if (b.kind === 'null') return acceptsNull(a);
    if (a.kind !== b.kind) return false;
    if (a.kind === 'type') return true;
    if (a.name !== b.name || a.params.length !== b.params.length) return false;
    return a.params.every((param, i) => this.#assignable(param, b.params[i] as Type));
  }

  /** Whether `param` may stand for `type`, and whether it stood for something already. */
  #substitutes(type: Type, param: Type): [valid: boolean, bound: boolean] {
    if (type.kind === 'param' && type.name === param.name) return [true, true];
    const bound = this.#bound.get(param.name);
    if (bound !== undefined) {
      if (sameType(type, bound)) return [true, true];
      if (!this.#assignable(type, bound)) return [false, true];
      const general = mostGeneral(type, bound);
      if (!this.#occursIn(param, general)) this.#bind(param, general);
      return [true, true];
    }
    if (this.#occursIn(param, type)) return [false, false];
    this.#bind(param, type);
    return [true, false];
  }

  #occursIn(param: Type, within: Type): boolean {
    if (within.kind === 'param') {
      if (within.name === param.name) return true;
      const bound = this.#bound.get(within.name);
      return bound !== undefined && this.#occursIn(param, bound);
    }
    return within.params.some((inner) => this.#occursIn(param, inner));
  }
}

/** The more general of two types that are known to agree. */
export function mostGeneral(a: Type, b: Type): Type {
  return isAsGeneral(a, b) ? a : b;
}

function isAsGeneral(a: Type, b: Type): boolean {
  if (isDyn(a) || a.kind === 'param') return true;
  if (isDyn(b) || b.kind === 'param') return false;
  if (a.kind !== b.kind) return false;
  switch (a.kind) {
    case 'opaque':
    case 'list':
    case 'map':
      return (
        a.name === b.name &&
        a.params.length === b.params.length &&
        a.params.every((param, i) => isAsGeneral(param, b.params[i] as Type))
      );
    case 'type':
      return true;
    default:
      return sameType(a, b);
  }
}

function acceptsNull(type: Type): boolean {
  return type.nullable === true || ['opaque', 'object', 'null', 'any', 'duration', 'timestamp'].includes(type.kind);
}
