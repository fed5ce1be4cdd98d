/**
 * Label selectors: the query syntax (`app=web,tier in (a,b),!legacy`) and `metav1.LabelSelector`, both compiled into one
 * matcher. Parse errors are those of `k8s.io/apimachinery/pkg/labels`.
 */
import { type FieldError, type FieldPath, forbidden, invalid, required } from './field.ts';
import {
  checkedRequirement,
  compareText,
  compileRequirement,
  type LabelOperator,
  type LabelRequirement,
  type Labels,
  type LabelTest,
  noLabels,
  requirementText,
  SelectorError,
} from './label-requirement.ts';
import { parseRequirements } from './label-selector-parser.ts';
import { isLabelKey, isLabelValue } from './names.ts';

export { checkedRequirement, type LabelOperator, type LabelRequirement, type Labels, SelectorError };

/** `metav1.LabelSelectorRequirement`. */
export interface LabelSelectorRequirement {
  key: string;
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  values?: string[];
}

/** `metav1.LabelSelector`, as objects hold it. */
export interface LabelSelectorSpec {
  matchLabels?: Record<string, string>;
  matchExpressions?: LabelSelectorRequirement[];
}

/** All requirements must hold. Immutable; made once and matched against many objects. */
export class LabelSelector {
  static readonly everything = new LabelSelector([]);
  /** What an absent `metav1.LabelSelector` selects. */
  static readonly nothing = new LabelSelector([], false);

  readonly requirements: readonly LabelRequirement[];
  readonly #tests: readonly LabelTest[];
  readonly #selectable: boolean;

  private constructor(requirements: readonly LabelRequirement[], selectable = true) {
    this.requirements = requirements;
    this.#tests = requirements.map(compileRequirement);
    this.#selectable = selectable;
  }

  /** @throws SelectorError */
  static parse(text: string): LabelSelector {
    return LabelSelector.of(parseRequirements(text));
  }

  static of(requirements: readonly LabelRequirement[]): LabelSelector {
    if (requirements.length === 0) return LabelSelector.everything;
    return new LabelSelector([...requirements].sort((a, b) => compareText(a.key, b.key)));
  }

  /** The selector that wants exactly these labels, unvalidated; none or no labels select everything. */
  static fromLabels(labels: Labels | undefined): LabelSelector {
    const entries = Object.entries(labels ?? {});
    return LabelSelector.of(entries.map(([key, value]) => ({ key, operator: '=', values: [value] })));
  }

  /** As controllers read a `metav1.LabelSelector`: absent selects nothing, empty selects everything. @throws SelectorError */
  static fromSpec(spec: LabelSelectorSpec | undefined | null): LabelSelector {
    if (spec === undefined || spec === null) return LabelSelector.nothing;
    const requirements: LabelRequirement[] = [];
    for (const [key, value] of Object.entries(spec.matchLabels ?? {})) {
      requirements.push(checkedRequirement(key, '=', [value]));
    }
    for (const { key, operator, values } of spec.matchExpressions ?? []) {
      const compact = specOperators[operator];
      if (compact === undefined) {
        throw new SelectorError(`${JSON.stringify(operator)} is not a valid label selector operator`);
      }
      requirements.push(checkedRequirement(key, compact, values ?? []));
    }
    return LabelSelector.of(requirements);
  }

  matches(labels: Labels | undefined): boolean {
    if (!this.#selectable) return false;
    for (const test of this.#tests) if (!test(labels ?? noLabels)) return false;
    return true;
  }

  /** Whether it selects every object. */
  get empty(): boolean {
    return this.#selectable && this.requirements.length === 0;
  }

  /** Whether it can select no object at all. */
  get selectsNothing(): boolean {
    return !this.#selectable;
  }

  /** The only value that the label may have, when the selector leaves one; an index can then be asked. */
  exactValue(key: string): string | undefined {
    const found = this.requirements.find((requirement) => requirement.key === key);
    if (found === undefined || found.values.length !== 1) return undefined;
    return found.operator === '=' || found.operator === '==' || found.operator === 'in' ? found.values[0] : undefined;
  }

  and(...more: LabelRequirement[]): LabelSelector {
    return this.#selectable ? LabelSelector.of([...this.requirements, ...more]) : this;
  }

  /** The canonical text, sorted by key. */
  toString(): string {
    return this.requirements.map(requirementText).join(',');
  }
}

const specOperators: Readonly<Record<string, LabelOperator | undefined>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

/** What is wrong with a `metav1.LabelSelector` in an object. */
export function validateLabelSelector(
  spec: LabelSelectorSpec | undefined | null,
  path: FieldPath,
  options: { allowInvalidValues?: boolean } = {},
): FieldError[] {
  if (spec === undefined || spec === null) return [];
  const errors = validateLabels(spec.matchLabels, path.child('matchLabels'));
  spec.matchExpressions?.forEach(({ key, operator, ...expression }, i) => {
    const values = expression.values ?? [];
    const at = path.child('matchExpressions').index(i);
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) {
        errors.push(required(at.child('values'), "must be specified when `operator` is 'In' or 'NotIn'"));
      }
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0) {
        errors.push(
          forbidden(at.child('values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
        );
      }
    } else errors.push(invalid(at.child('operator'), operator ?? '', 'not a valid selector operator'));
    errors.push(...validateLabelName(key ?? '', at.child('key')));
    if (options.allowInvalidValues) return;
    values.forEach((value, j) => {
      for (const message of isLabelValue(value)) errors.push(invalid(at.child('values').index(j), value, message));
    });
  });
  return errors;
}

export function validateLabelName(name: string, path: FieldPath): FieldError[] {
  return isLabelKey(name).map((message) => invalid(path, name, message));
}

export function validateLabels(labels: Labels | undefined, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    errors.push(...validateLabelName(key, path));
    for (const message of isLabelValue(value)) errors.push(invalid(path, value, message));
  }
  return errors;
}
