/** A syntax tree whose nodes have types and whose names have a meaning; and what names may mean. */
import type { Ast } from './ast.ts';
import { escapeFieldName } from './field-names.ts';
import type { Overload } from './functions.ts';
import { fieldType, type Type } from './types.ts';
import type { Value } from './values.ts';

/** What a name in an expression means. */
export type Reference =
  /** A variable (by its full name), or a constant. */
  | { readonly kind: 'ident'; readonly name: string; readonly local: boolean; readonly value?: Value | undefined }
  /** The overloads that a call may resolve to. `namespaced`: the target is part of the function's name. */
  | {
      readonly kind: 'function';
      readonly name: string;
      readonly overloads: readonly Overload[];
      readonly namespaced: boolean;
    };

/** A checked expression: its types and references by node id. */
export interface CheckedAst extends Ast {
  readonly types: readonly (Type | undefined)[];
  readonly references: readonly (Reference | undefined)[];
}

/** The names that `name` may mean inside a container, the innermost first; a leading dot means the root. */
export function candidateNames(container: string, name: string): string[] {
  if (name.startsWith('.')) return [name.slice(1)];
  if (container === '') return [name];
  const parts = container.split('.');
  const names = parts.map((_, i) => `${parts.slice(0, parts.length - i).join('.')}.${name}`);
  return [...names, name];
}

/** The name under which a type has the field that an expression names. */
export function fieldKey(type: Type, field: string, keywordFields: boolean): string {
  if (!keywordFields || type.kind !== 'object' || fieldType(type, field) !== undefined) return field;
  return escapeFieldName(field) === `__${field}__` ? `__${field}__` : field;
}
