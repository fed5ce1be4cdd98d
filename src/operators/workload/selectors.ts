/** Selectors of workloads, compiled once for each version of the object that holds them. */
import type { LabelSelector as SelectorSpec } from '../../apis/types.ts';
import { LabelSelector, type LabelSelectorSpec, SelectorError } from '../../machinery/label-selector.ts';

/** Objects of caches are frozen: a selector never changes under its compiled form. */
const compiled = new WeakMap<SelectorSpec, LabelSelector>();

/** A selector that cannot be read selects nothing, as in Kubernetes' listers. */
export function selectorOf(spec: SelectorSpec | undefined): LabelSelector {
  if (spec === undefined) return LabelSelector.nothing;
  let selector = compiled.get(spec);
  if (selector === undefined) {
    selector = compile(spec);
    compiled.set(spec, selector);
  }
  return selector;
}

function compile(spec: SelectorSpec): LabelSelector {
  try {
    return LabelSelector.fromSpec(spec as LabelSelectorSpec);
  } catch (error) {
    if (error instanceof SelectorError) return LabelSelector.nothing;
    throw error;
  }
}
