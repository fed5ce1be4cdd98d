/**
 * Whether rules allow all that other rules allow. Source: Kubernetes `component-helpers/auth/rbac/validation`
 * (policy_comparator.go) and `pkg/registry/rbac/validation` (policy_compact.go).
 */
import { goQuote } from '../../machinery/field.ts';

/** A rule as far as it is compared. */
export interface Rule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

/** What `servants` allow and `owners` do not: rules of one verb and one resource each. */
export function uncovered(owners: readonly Rule[], servants: readonly Rule[]): Rule[] {
  return servants.flatMap(breakDown).filter((rule) => !owners.some((owner) => covers(owner, rule)));
}

/** A rule as its smallest parts, each of which one rule covers whole or not at all. */
function breakDown({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: Rule): Rule[] {
  const parts: Rule[] = [];
  for (const group of apiGroups ?? []) {
    for (const resource of resources ?? []) {
      for (const verb of verbs) {
        const part = { apiGroups: [group], resources: [resource], verbs: [verb] };
        if ((resourceNames ?? []).length === 0) parts.push(part);
        else for (const name of resourceNames!) parts.push({ ...part, resourceNames: [name] });
      }
    }
  }
  for (const url of nonResourceURLs ?? [])
    for (const verb of verbs) parts.push({ nonResourceURLs: [url], verbs: [verb] });
  return parts;
}

function covers(owner: Rule, part: Rule): boolean {
  const names = owner.resourceNames ?? [];
  const wanted = part.resourceNames ?? [];
  return (
    hasAll(owner.verbs, part.verbs) &&
    hasAll(owner.apiGroups, part.apiGroups) &&
    (part.resources ?? []).every((resource) => coversResource(owner.resources ?? [], resource)) &&
    (names.length === 0 || (wanted.length > 0 && wanted.every((name) => names.includes(name)))) &&
    (part.nonResourceURLs ?? []).every((url) => (owner.nonResourceURLs ?? []).some((own) => coversUrl(own, url)))
  );
}

function hasAll(own: readonly string[] = [], wanted: readonly string[] = []): boolean {
  return own.includes('*') || wanted.every((value) => own.includes(value));
}

function coversResource(own: readonly string[], resource: string): boolean {
  if (own.includes('*') || own.includes(resource)) return true;
  const slash = resource.indexOf('/');
  return slash >= 0 && own.includes(`*${resource.slice(slash)}`);
}

function coversUrl(own: string, url: string): boolean {
  return own === url || (own.endsWith('*') && url.startsWith(own.replace(/\*+$/, '')));
}

/** Rules of the same single resource as one with all their verbs. */
export function compact(rules: readonly Rule[]): Rule[] {
  const others: Rule[] = [];
  const simple = new Map<string, Rule & { readonly verbs: string[] }>();
  for (const rule of rules) {
    const { apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
    if (apiGroups.length !== 1 || resources.length !== 1 || resourceNames.length > 1 || nonResourceURLs.length > 0) {
      others.push(rule);
      continue;
    }
    const id = JSON.stringify([apiGroups, resources, resourceNames]);
    const known = simple.get(id);
    if (known === undefined) simple.set(id, { ...rule, verbs: [...rule.verbs] });
    else known.verbs.push(...rule.verbs);
  }
  return [...others, ...simple.values()];
}

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}` */
export function ruleText({ apiGroups, resources, nonResourceURLs, resourceNames, verbs }: Rule): string {
  const parts: readonly [string, readonly string[] | undefined][] = [
    ['APIGroups', apiGroups],
    ['Resources', resources],
    ['NonResourceURLs', nonResourceURLs],
    ['ResourceNames', resourceNames],
    ['Verbs', verbs],
  ];
  const written = parts.flatMap(([name, values = []]) => (values.length === 0 ? [] : `${name}:${quoted(values)}`));
  return `{${written.join(', ')}}`;
}

/** As Go writes a list of strings with %q. */
export function quoted(values: readonly string[]): string {
  return `[${values.map(goQuote).join(' ')}]`;
}
