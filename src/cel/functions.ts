/** Functions as libraries declare them: overloads with their signatures and what they do. */
import type { Macro } from './macros.ts';
import { parseType, splitTypes, type Type } from './types.ts';
import type { Value } from './values.ts';

/**
 * What an overload does with its arguments, the receiver first. It is called with values only, never with errors,
 * unless it is declared as not strict.
 */
export type Implementation = (...args: never[]) => Value;

export interface Overload {
  readonly id: string;
  /** Whether it is called as `target.name(…)`; the target is then the first of `params`. */
  readonly member: boolean;
  readonly params: readonly Type[];
  readonly result: Type;
  /** The names of the type parameters in the signature. */
  readonly typeParams: readonly string[];
  readonly implementation: Implementation | undefined;
}

export interface FunctionDeclaration {
  readonly name: string;
  readonly overloads: readonly Overload[];
}

/** What an environment can be extended by. */
export interface Library {
  readonly functions?: readonly FunctionDeclaration[];
  readonly macros?: readonly Macro[];
  /** Names of types that expressions may use as values, such as `kubernetes.URL`. */
  readonly types?: readonly Type[];
  /** The type of `Name{…}` for names that are too many to list. */
  readonly findType?: (name: string) => Type | undefined;
}

/** Overload ids with `signature, implementation`; signatures read `(int, int) -> int` or `string.(int) -> string`. */
export type OverloadTable = Readonly<Record<string, readonly [signature: string, implementation?: Implementation]>>;

export function declare(name: string, overloads: OverloadTable): FunctionDeclaration {
  return {
    name,
    overloads: Object.entries(overloads).map(([id, [signature, implementation]]) => ({
      id,
      ...parseSignature(signature),
      implementation,
    })),
  };
}

function parseSignature(signature: string): Pick<Overload, 'member' | 'params' | 'result' | 'typeParams'> {
  const arrow = signature.lastIndexOf(' -> ');
  const result = parseType(signature.slice(arrow + 4));
  const call = signature.slice(0, arrow);
  const dot = call.indexOf('.(');
  const member = dot >= 0;
  const texts = splitTypes(call.slice(member ? dot + 2 : 1, -1));
  if (member) texts.unshift(call.slice(0, dot));
  const params = texts.map(parseType);
  const names = new Set<string>();
  for (const type of [result, ...params]) collectParams(type, names);
  return { member, params, result, typeParams: [...names] };
}

function collectParams(type: Type, names: Set<string>): void {
  if (type.kind === 'param') names.add(type.name);
  for (const param of type.params) collectParams(param, names);
}
