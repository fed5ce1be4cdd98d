/** Which changes of an object are worth a reconcile. What a predicate leaves out, it lets pass. */
import type { TypedObject } from '../client/definition.ts';

export interface Predicate<T> {
  added?(object: T): boolean;
  updated?(object: T, old: T): boolean;
  deleted?(object: T): boolean;
}

/** Updates that change what is wanted: `metadata.generation` counts those. Deletion marks count, too. */
export const generationChanged: Predicate<TypedObject> = {
  updated: ({ metadata: now }, { metadata: old }) =>
    now.generation !== old.generation || now.deletionTimestamp !== old.deletionTimestamp || now.uid !== old.uid,
};

/** Updates that change a label. */
export const labelsChanged: Predicate<TypedObject> = {
  updated: ({ metadata: now }, { metadata: old }) => !sameEntries(now.labels, old.labels),
};

/** Updates that change an annotation. */
export const annotationsChanged: Predicate<TypedObject> = {
  updated: ({ metadata: now }, { metadata: old }) => !sameEntries(now.annotations, old.annotations),
};

/** Lets a change pass that any of `predicates` lets pass. */
export function anyOf<T>(...predicates: readonly Predicate<T>[]): Predicate<T> {
  return {
    added: (object) => predicates.some((predicate) => predicate.added?.(object) ?? true),
    updated: (object, old) => predicates.some((predicate) => predicate.updated?.(object, old) ?? true),
    deleted: (object) => predicates.some((predicate) => predicate.deleted?.(object) ?? true),
  };
}

function sameEntries(a: Record<string, string> = {}, b: Record<string, string> = {}): boolean {
  if (a === b) return true;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
