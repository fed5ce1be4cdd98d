/** A pod against a Pod Security Standard. Source: `k8s.io/pod-security-admission/policy/registry.go`. */
import { baselineChecks } from './baseline.ts';
import type { Check, PodShape, Violation } from './check.ts';
import type { Level, Standard } from './policy.ts';
import { restrictedChecks } from './restricted.ts';

type Rule = Check['versions'][number]['check'];

/** In Kubernetes' order: the controls of the baseline standard, then those that only the restricted one has. */
export function violations(pod: PodShape, { level, minor }: Standard): Violation[] {
  return rulesOf(level, minor).flatMap((rule) => rule(pod) ?? []);
}

/** `reason (detail), reason (detail)`. */
export const violationsText = (all: readonly Violation[]): string =>
  all.map(({ reason, detail }) => `${reason} (${detail})`).join(', ');

const compiled = new Map<string, readonly Rule[]>();

function rulesOf(level: Level, minor: number): readonly Rule[] {
  if (level === 'privileged') return [];
  const key = `${level}:${minor}`;
  let rules = compiled.get(key);
  if (rules === undefined) {
    const restricted = level === 'baseline' ? [] : inForce(restrictedChecks, minor);
    const replaced = new Set(restricted.map(([control]) => control));
    const baseline = inForce(baselineChecks, minor).filter(([control]) => !replaced.has(control));
    rules = [...baseline, ...restricted].map(([, rule]) => rule);
    // Labels are anybody's text: what they name is not kept for ever.
    if (compiled.size < 200) compiled.set(key, rules);
  }
  return rules;
}

/** Each check in the newest form that is not younger than `minor`. */
function inForce(checks: readonly Check[], minor: number): (readonly [string, Rule])[] {
  return checks.flatMap(({ control, versions }) => {
    const version = versions.find(({ since }) => since <= minor);
    return version === undefined ? [] : [[control, version.check] as const];
  });
}
