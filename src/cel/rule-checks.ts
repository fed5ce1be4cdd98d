/**
 * What is wrong with the rules of a schema, when it is declared: rules that are malformed, do not compile, use
 * `oldSelf` where nothing is comparable, or may cost too much.
 * Source: `apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go`, `cel_validation.go`.
 */
import { type FieldError, FieldPath, forbidden, internalField, invalid } from '../machinery/field.ts';
import type { Schema, ValidationRule } from '../machinery/schema.ts';
import { type Amount, addAmounts, multiplyAmounts } from './cost-amounts.ts';
import { ruleFormErrors } from './rule-form.ts';
import { type CompiledRule, compileNodeRules, selfTypeName } from './rules.ts';
import { declaredType } from './schema-types.ts';

/** What one rule may cost for one object, by estimate. */
export const maxRuleCost = 10_000_000;
/** What all rules of a schema may cost for one object, by estimate. */
export const maxSchemaCost = 100_000_000;

export interface RuleReport {
  /** Errors in the form of rules; where there are some, the rules around them are not compiled. */
  readonly formErrors: FieldError[];
  /** Errors of compiling and of cost. */
  readonly celErrors: FieldError[];
  /** The estimated cost of every expression that compiles, with how often it may be evaluated counted in. */
  readonly costs: readonly ExpressionCost[];
  readonly totalCost: Amount;
}

export interface ExpressionCost {
  readonly path: FieldPath;
  readonly cost: Amount;
}

export interface CheckOptions {
  /** Where the schema is. Defaults to the empty path. */
  readonly path?: FieldPath;
  /** Whether the schema is that of a resource. Defaults to true. */
  readonly isResourceRoot?: boolean;
  /** The schemas that have errors of another kind: their rules are not compiled, nor those of schemas around them. */
  readonly broken?: ReadonlySet<Schema>;
}

export function checkRules(schema: Schema, options: CheckOptions = {}): RuleReport {
  const isRoot = options.isResourceRoot ?? true;
  const path = options.path ?? FieldPath.of();
  const check = new Check(options.broken ?? new Set());
  check.node(schema, path, {
    isRoot,
    cardinality: 1,
    uncorrelatable: undefined,
  });
  const { formErrors, celErrors, costs } = check;
  const totalCost = costs.reduce((sum, { cost }) => addAmounts(sum, cost), 0 as Amount);
  if (totalCost > maxSchemaCost) {
    for (const expensive of mostExpensive(costs)) {
      const message = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema';
      celErrors.push(forbidden(expensive.path, message));
    }
    const what = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema';
    celErrors.push(forbidden(path, costMessage(what, totalCost, maxSchemaCost)));
  }
  return { formErrors, celErrors, costs, totalCost };
}

/** At most this many expressions are blamed for the total. */
const maxBlamed = 4;

function mostExpensive(costs: readonly ExpressionCost[]): readonly ExpressionCost[] {
  const least = maxSchemaCost / 100;
  return [...costs]
    .filter(({ cost }) => cost > least)
    .sort((a, b) => (a.cost > b.cost ? -1 : Number(a.cost < b.cost)))
    .slice(0, maxBlamed);
}

interface Context {
  readonly isRoot: boolean;
  /** How often the node may occur in one object; undefined when nothing bounds it. */
  readonly cardinality: Amount | undefined;
  /** The schema inside which old and new values cannot be matched. */
  readonly uncorrelatable: FieldPath | undefined;
}

class Check {
  readonly formErrors: FieldError[] = [];
  readonly celErrors: FieldError[] = [];
  readonly costs: ExpressionCost[] = [];
  readonly #broken: ReadonlySet<Schema>;

  constructor(broken: ReadonlySet<Schema>) {
    this.#broken = broken;
  }

  /** Checks the rules below a node, then its own. Returns whether there are errors of form here or below. */
  node(schema: Schema, path: FieldPath, context: Context): boolean {
    let isBroken = this.#broken.has(schema);
    const visit = (child: Schema, childPath: FieldPath, more: Partial<Context>): void => {
      const isRoot = child['x-kubernetes-embedded-resource'] === true;
      if (this.node(child, childPath, { ...context, isRoot, ...more })) isBroken = true;
    };
    const { additionalProperties: values, items, properties = {} } = schema;
    const { cardinality, uncorrelatable } = context;
    const mapType = schema['x-kubernetes-map-type'] ?? 'granular';
    const within = uncorrelatable ?? (mapTypes.includes(mapType) ? undefined : path);
    if (typeof values === 'object') {
      visit(values, path.child('additionalProperties'), { cardinality: times(cardinality, schema.maxProperties) });
    }
    for (const [name, property] of Object.entries(properties)) {
      visit(property, path.child('properties').key(name), { uncorrelatable: within });
    }
    if (items !== undefined) {
      const isMap = schema['x-kubernetes-list-type'] === 'map';
      visit(items, path.child('items'), {
        cardinality: times(cardinality, schema.maxItems),
        uncorrelatable: uncorrelatable ?? (isMap ? undefined : path),
      });
    }
    const rules = schema['x-kubernetes-validations'] ?? [];
    if (rules.length === 0) return isBroken;
    const at = path.child('x-kubernetes-validations');
    const before = this.formErrors.length;
    rules.forEach((rule, i) => {
      this.formErrors.push(...ruleFormErrors(rule, at.index(i), schema));
    });
    if (this.formErrors.length > before) isBroken = true;
    if (!isBroken) this.#compile(schema, rules, at, context);
    return isBroken;
  }

  #compile(schema: Schema, rules: readonly ValidationRule[], at: FieldPath, context: Context): void {
    const declared = declaredType(schema, context.isRoot, selfTypeName);
    if (declared === undefined) {
      const why = 'failed to construct type information for x-kubernetes-validations rules';
      const cause = 'unable to convert structural schema to CEL declarations';
      this.celErrors.push(internalField(at, `internal error: ${why}: ${cause}`));
      return;
    }
    compileNodeRules(schema, rules, declared).forEach((compiled, i) => {
      this.#rule(compiled, at.index(i), context);
    });
  }

  #rule(compiled: CompiledRule, path: FieldPath, { cardinality, uncorrelatable }: Context): void {
    const { rule } = compiled;
    const add = (error: FieldError): void => {
      this.celErrors.push(error);
    };
    this.#cost(
      'estimated rule cost',
      path.child('rule'),
      multiplyAmounts(compiled.maxCost, cardinality ?? compiled.maxCardinality),
    );
    if (compiled.error !== undefined) add(invalid(path.child('rule'), shownRule(rule), compiled.error));
    if (compiled.messageExpressionError !== undefined) {
      add(invalid(path.child('messageExpression'), shownRule(rule), compiled.messageExpressionError));
    } else if (compiled.messageExpression !== undefined) {
      const message = path.child('messageExpression');
      this.#cost('estimated messageExpression cost', message, compiled.messageExpressionMaxCost);
    }
    if (compiled.usesOldSelf) {
      if (uncorrelatable !== undefined) {
        const where = `the uncorrelatable portion of the schema within ${uncorrelatable}`;
        add(invalid(path.child('rule'), rule.rule, `oldSelf cannot be used on ${where}`));
      }
    } else if (rule.optionalOldSelf !== undefined) {
      const why = 'may not be set if oldSelf is not used in rule';
      add(invalid(path.child('optionalOldSelf'), rule.optionalOldSelf, why));
    }
  }

  #cost(what: string, path: FieldPath, cost: Amount): void {
    if (cost > maxRuleCost) this.celErrors.push(forbidden(path, costMessage(what, cost, maxRuleCost)));
    this.costs.push({ path, cost });
  }
}

const mapTypes: readonly string[] = ['atomic', 'granular'];

function times(cardinality: Amount | undefined, max: number | undefined): Amount | undefined {
  return cardinality === undefined || max === undefined ? undefined : multiplyAmounts(cardinality, Math.max(max, 0));
}

/** The rule as messages show it. */
function shownRule(rule: ValidationRule): unknown {
  return {
    Rule: rule.rule,
    Message: rule.message ?? '',
    MessageExpression: rule.messageExpression ?? '',
    Reason: rule.reason ?? null,
    FieldPath: rule.fieldPath ?? '',
    OptionalOldSelf: rule.optionalOldSelf ?? null,
  };
}

function costMessage(what: string, cost: Amount, limit: number): string {
  const factor = Number(cost) / limit;
  let times = 'more than 100x';
  if (factor <= 100) times = factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  const advice =
    'try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared';
  return `${what} exceeds budget by factor of ${times} (${advice})`;
}
