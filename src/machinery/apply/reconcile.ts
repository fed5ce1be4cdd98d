/**
 * Fits field sets to a schema that has changed since they were written: what became atomic is owned as a whole from now
 * on. What was atomic and became granular counts as if it always had been.
 * Source: `sigs.k8s.io/structured-merge-diff/typed/reconcile_schema.go`.
 */
import { emptySet, type FieldSet, isMember, leaf, withMembership } from './field-set.ts';
import type { PathElement } from './path-element.ts';
import type { Type } from './type.ts';
import { fieldTypeOf } from './typed.ts';

/** Sets that were found to fit a type. Sets and types are immutable, so this need not be found out twice. */
const fitting = new WeakMap<FieldSet, Type>();

/** The set as `type` has it; `set` itself when it fits. */
export function reconcile(set: FieldSet, type: Type): FieldSet {
  if (fitting.get(set) === type) return set;
  const reconciled = reconcileNode(set, type, true) ?? emptySet;
  if (reconciled !== leaf) fitting.set(reconciled, type);
  return reconciled;
}

function reconcileNode(node: FieldSet, type: Type, root: boolean): FieldSet | undefined {
  const { map, list } = type;
  const hasBelow = !isLeaf(node);
  if (map !== undefined) {
    if (map.element?.scalar === 'untyped' && map.fields.size === 0) return node;
    if (map.atomic) return hasBelow && !root ? leaf : node;
  } else if (type.scalar !== undefined || list === undefined) {
    return node;
  } else if (list.atomic) {
    return hasBelow ? leaf : node;
  }
  if (!hasBelow) return node;

  let result: Record<PathElement, FieldSet> | undefined;
  for (const element in node) {
    if (element === '.') continue;
    const below = node[element] as FieldSet;
    const belowType = typeBelow(type, element);
    const fitted = belowType === undefined ? below : reconcileNode(below, belowType, false);
    if (fitted === below || fitted === undefined) continue;
    result ??= { ...node };
    result[element] = fitted;
  }
  return result === undefined ? node : withMembership(result, isMember(node) && !root);
}

function typeBelow({ map, list }: Type, element: PathElement): Type | undefined {
  if (map === undefined) return list?.element;
  const field = element.startsWith('f:') ? map.fields.get(element.slice(2)) : undefined;
  return field === undefined && map.element === undefined ? undefined : fieldTypeOf(map, field);
}

function isLeaf(node: FieldSet): boolean {
  for (const element in node) if (element !== '.') return false;
  return true;
}
