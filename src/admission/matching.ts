/**
 * Which requests a webhook, policy or binding is about. Rules are resolved once for each endpoint and operation, so that what
 * does not match costs a request nothing.
 * Source: `k8s.io/apiserver/pkg/admission/plugin/policy/matching` and `plugin/webhook/predicates`.
 */
import type { ResourceType } from '../apis/resource-type.ts';
import { LabelSelector, type LabelSelectorSpec, type Labels } from '../machinery/label-selector.ts';
import { groupVersion } from '../machinery/object.ts';
import { notFound } from '../machinery/status.ts';
import type { AdmissionRequest } from './chain.ts';
import { namespaces } from './host.ts';

/** `admissionregistration.k8s.io/v1` NamedRuleWithOperations. */
export interface Rule {
  readonly operations?: readonly string[] | undefined;
  readonly apiGroups?: readonly string[] | undefined;
  readonly apiVersions?: readonly string[] | undefined;
  readonly resources?: readonly string[] | undefined;
  readonly scope?: string | undefined;
  readonly resourceNames?: readonly string[] | undefined;
}

/** `admissionregistration.k8s.io/v1` MatchResources; of webhooks `rules` are the resourceRules. */
export interface MatchCriteria {
  readonly resourceRules?: readonly Rule[] | undefined;
  readonly excludeResourceRules?: readonly Rule[] | undefined;
  readonly namespaceSelector?: LabelSelectorSpec | undefined;
  readonly objectSelector?: LabelSelectorSpec | undefined;
  readonly matchPolicy?: string | undefined;
}

/** The resource and kind under which a request is shown to whom it matched: with matchPolicy Equivalent, maybe another version. */
export interface Shown {
  readonly version: string;
  /** `apiVersion` of the object in that version. */
  readonly apiVersion: string;
}

/** A rule that fits an endpoint, with the names that it is limited to. */
interface Fit {
  readonly shown: Shown;
  readonly names: readonly string[] | undefined;
}

/** What the rules of a {@link Matcher} say of one endpoint and operation. */
export interface Fits {
  readonly included: readonly Fit[];
  readonly excluded: readonly Fit[];
}

/**
 * Of many webhooks or policies, those that requests to an endpoint can match at all, with what is known of them there. Worked
 * out once for each endpoint and operation; a changed definition of the resource starts anew.
 */
export class EndpointIndex<T, Candidate> {
  readonly #all: readonly T[];
  readonly #resolve: (item: T, request: AdmissionRequest) => Candidate | undefined;
  readonly #types = new WeakMap<ResourceType, Map<string, readonly Candidate[]>>();

  constructor(all: readonly T[], resolve: (item: T, request: AdmissionRequest) => Candidate | undefined) {
    this.#all = all;
    this.#resolve = resolve;
  }

  candidates(request: AdmissionRequest): readonly Candidate[] {
    if (this.#all.length === 0) return nothing;
    const { type, operation, version, subresource, namespace } = request;
    let known = this.#types.get(type);
    if (known === undefined) {
      known = new Map();
      this.#types.set(type, known);
    }
    const key = `${operation} ${version} ${subresource} ${namespace === undefined ? '' : 'namespaced'}`;
    let candidates = known.get(key);
    if (candidates === undefined) {
      candidates = this.#all.flatMap((item) => this.#resolve(item, request) ?? []);
      known.set(key, candidates);
    }
    return candidates;
  }
}

const nothing: readonly never[] = [];

export class Matcher {
  readonly #criteria: MatchCriteria;
  readonly #namespaces: LabelSelector;
  readonly #objects: LabelSelector;

  /** `everything`: no rules at all match every request, as bindings have it. Webhooks without rules match none. */
  constructor(criteria: MatchCriteria, everything: boolean) {
    const any = { apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*', '*/*'] };
    const { resourceRules = [] } = criteria;
    this.#criteria = everything && resourceRules.length === 0 ? { ...criteria, resourceRules: [any] } : criteria;
    this.#namespaces = LabelSelector.fromSpec(criteria.namespaceSelector ?? {});
    this.#objects = LabelSelector.fromSpec(criteria.objectSelector ?? {});
  }

  /**
   * How the request is shown, or undefined when it does not match. `fits`: what {@link fits} has said of its endpoint.
   * @throws StatusError 404 when the request matches but for a namespace that cannot be looked at
   */
  match(fits: Fits, request: AdmissionRequest): Shown | undefined {
    if (!this.#objects.empty && !this.#matchesObjects(request)) return undefined;
    if (fits.excluded.length > 0 && named(fits.excluded, request.name) !== undefined) return undefined;
    const shown = named(fits.included, request.name);
    if (shown === undefined || !this.#matchesNamespace(request)) return undefined;
    return shown;
  }

  /** Undefined when no request to the endpoint can match. */
  fits(request: AdmissionRequest): Fits | undefined {
    const { resourceRules, excludeResourceRules, matchPolicy } = this.#criteria;
    const equivalent = matchPolicy === 'Equivalent';
    const included = fitting(resourceRules ?? [], request, equivalent);
    if (included.length === 0) return undefined;
    const excluded = fitting(excludeResourceRules ?? [], request, equivalent);
    return excluded.some(({ names }) => names === undefined) ? undefined : { included, excluded };
  }

  /** Either the object or what it was carries the labels. */
  #matchesObjects({ object, oldObject }: AdmissionRequest): boolean {
    if (object !== undefined && this.#objects.matches(object.metadata?.labels)) return true;
    return oldObject !== undefined && this.#objects.matches(oldObject.metadata?.labels);
  }

  #matchesNamespace(request: AdmissionRequest): boolean {
    if (this.#namespaces.empty) return true;
    const isNamespace = request.group === '' && request.resource === 'namespaces';
    if (request.namespace === undefined && !isNamespace) return true;
    return this.#namespaces.matches(namespaceLabels(request, isNamespace));
  }
}

/** The labels of the namespace of the request, or of the namespace that it writes. */
function namespaceLabels(request: AdmissionRequest, isNamespace: boolean): Labels | undefined {
  const { operation, subresource, object, name } = request;
  if (isNamespace && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE')) {
    return object?.metadata.labels;
  }
  const wanted = isNamespace ? name : request.namespace!;
  const namespace = request.access.peek(namespaces, undefined, wanted);
  if (namespace === undefined) throw notFound({ group: '', name: 'namespaces' }, wanted);
  return namespace.metadata.labels;
}

/** Rules for the resource as it was requested come first, then those for its other versions, in the order of the rules. */
function fitting(rules: readonly Rule[], request: AdmissionRequest, equivalent: boolean): Fit[] {
  const fits: Fit[] = [];
  const add = (rule: Rule, version: string): void => {
    if (!ruleFits(rule, request, version)) return;
    const names = (rule.resourceNames?.length ?? 0) === 0 ? undefined : rule.resourceNames;
    fits.push({ shown: shownIn(request, version), names });
  };
  for (const rule of rules) add(rule, request.version);
  if (!equivalent) return fits;
  const others = request.type.versions.filter(({ name, served }) => served && name !== request.version);
  for (const rule of rules) for (const { name } of others) add(rule, name);
  return fits;
}

/** What a subresource with a kind of its own is about stays the same in all versions of its resource. */
function shownIn({ apiVersion, group, kind, type }: AdmissionRequest, version: string): Shown {
  const own = kind === type.names.kind && type.versions.some(({ name }) => groupVersion(group, name) === apiVersion);
  return { version, apiVersion: own ? groupVersion(group, version) : apiVersion };
}

function ruleFits(rule: Rule, request: AdmissionRequest, version: string): boolean {
  const { group, operation, resource, subresource, namespace } = request;
  return (
    includes(rule.operations, operation) &&
    includes(rule.apiGroups, group) &&
    includes(rule.apiVersions, version) &&
    scopeFits(rule.scope, namespace) &&
    (rule.resources ?? []).some((pattern) => resourceFits(pattern, resource, subresource))
  );
}

function includes(values: readonly string[] | undefined, value: string): boolean {
  return values?.some((candidate) => candidate === '*' || candidate === value) ?? false;
}

function scopeFits(scope: string | undefined, namespace: string | undefined): boolean {
  if (scope === 'Namespaced') return namespace !== undefined;
  return scope !== 'Cluster' || namespace === undefined;
}

// `pods`, `pods/log`, `*` (no subresources), `*/scale`, `pods/*`, `*/*`. A resource is its own empty subresource.
function resourceFits(pattern: string, resource: string, subresource: string): boolean {
  const slash = pattern.indexOf('/');
  const name = slash < 0 ? pattern : pattern.slice(0, slash);
  const sub = slash < 0 ? '' : pattern.slice(slash + 1);
  return (name === '*' || name === resource) && (sub === '*' || sub === subresource);
}

function named(fits: readonly Fit[], name: string): Shown | undefined {
  for (const { shown, names } of fits) if (names === undefined || names.includes(name)) return shown;
  return undefined;
}
