/**
 * The rules that apply to one user in one scope, sorted by the resource that they name: a request looks at the few that
 * could allow it.
 * Source of what a rule matches: Kubernetes `pkg/apis/rbac/v1` (evaluation_helpers.go).
 */
import { type Attributes, allow, type Decision } from '../../apis/authorizer.ts';
import type { PolicyRule } from './types.ts';

/** The rules of one role that a binding gives to the user. */
export interface Grant {
  readonly rules: readonly PolicyRule[];
  /** Why they apply: `ClusterRoleBinding "x" of ClusterRole "y" to User "z"`. */
  readonly source: string;
}

/** One rule, made for the question. `undefined` sets match everything. */
interface CompiledRule {
  readonly verbs: ReadonlySet<string> | undefined;
  readonly groups: ReadonlySet<string> | undefined;
  readonly names: ReadonlySet<string> | undefined;
  /** Among all rules of the set: the first that allows gives the reason. */
  readonly position: number;
  readonly decision: Decision;
}

interface PathRule {
  readonly verbs: ReadonlySet<string> | undefined;
  readonly paths: readonly string[];
  readonly decision: Decision;
}

export class RuleSet {
  /** What could not be resolved, in Kubernetes' words. */
  readonly errors: readonly string[];
  readonly grants: readonly Grant[];
  readonly #byResource = new Map<string, CompiledRule[]>();
  readonly #paths: PathRule[] = [];

  constructor(grants: readonly Grant[], errors: readonly string[]) {
    this.grants = grants;
    this.errors = errors;
    let position = 0;
    for (const { rules, source } of grants) {
      const decision = allow(`RBAC: allowed by ${source}`);
      for (const rule of rules) this.#add(rule, position++, decision);
    }
  }

  /** `undefined`: no rule allows it. */
  decide(attributes: Attributes): Decision | undefined {
    if ('path' in attributes) return this.#decidePath(attributes.verb, attributes.path);
    const { verb, group, resource, subresource, name } = attributes;
    const rules = this.#byResource;
    let first = firstMatch(rules.get('*'), verb, group, name);
    if (subresource === '') {
      first = earlier(first, firstMatch(rules.get(resource), verb, group, name));
    } else {
      first = earlier(first, firstMatch(rules.get(`${resource}/${subresource}`), verb, group, name));
      first = earlier(first, firstMatch(rules.get(`*/${subresource}`), verb, group, name));
    }
    return first?.decision;
  }

  #decidePath(verb: string, path: string): Decision | undefined {
    for (const rule of this.#paths) {
      if (rule.verbs !== undefined && !rule.verbs.has(verb)) continue;
      if (rule.paths.some((pattern) => pathMatches(pattern, path))) return rule.decision;
    }
    return undefined;
  }

  #add(rule: PolicyRule, position: number, decision: Decision): void {
    const verbs = setOf(rule.verbs);
    if ((rule.nonResourceURLs ?? []).length > 0) this.#paths.push({ verbs, paths: rule.nonResourceURLs!, decision });
    const names = (rule.resourceNames ?? []).length === 0 ? undefined : new Set(rule.resourceNames);
    const compiled = { verbs, groups: setOf(rule.apiGroups ?? []), names, position, decision };
    for (const resource of new Set(rule.resources ?? [])) {
      const known = this.#byResource.get(resource);
      if (known === undefined) this.#byResource.set(resource, [compiled]);
      else known.push(compiled);
    }
  }
}

/** `undefined` when `*` is among them. */
function setOf(values: readonly string[]): ReadonlySet<string> | undefined {
  return values.includes('*') ? undefined : new Set(values);
}

function firstMatch(
  rules: readonly CompiledRule[] | undefined,
  verb: string,
  group: string,
  name: string,
): CompiledRule | undefined {
  if (rules === undefined) return undefined;
  for (const rule of rules) {
    if (rule.verbs !== undefined && !rule.verbs.has(verb)) continue;
    if (rule.groups !== undefined && !rule.groups.has(group)) continue;
    if (rule.names === undefined || rule.names.has(name)) return rule;
  }
  return undefined;
}

function earlier(a: CompiledRule | undefined, b: CompiledRule | undefined): CompiledRule | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.position <= b.position ? a : b;
}

/** A pattern is a path, or ends in `*` and stands for all that begin like it. */
export function pathMatches(pattern: string, path: string): boolean {
  if (pattern === '*' || pattern === path) return true;
  return pattern.endsWith('*') && path.startsWith(pattern.replace(/\*+$/, ''));
}
