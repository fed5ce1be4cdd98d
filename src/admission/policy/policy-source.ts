/**
 * The policies of one kind with their bindings, as they are now. A write of a policy is in force with the next request.
 */
import type { ResourceRef } from '../../apis/resource-type.ts';
import type { ApiObject } from '../../machinery/object.ts';
import type { AdmissionRequest } from '../chain.ts';
import { CompiledObjects } from '../compiled-objects.ts';
import { type AdmissionHost, type CurrentObjects, namespaces } from '../host.ts';
import { EndpointIndex, type Fits } from '../matching.ts';
import { ConfigurationError, type ParamResource, paramResource } from './params.ts';
import type { Binding, Policy } from './policy.ts';

/** A policy that is bound. */
interface BoundPolicy<P extends Policy, B extends Binding> {
  readonly policy: P;
  readonly bindings: readonly B[];
  readonly params: ParamResource | ConfigurationError | undefined;
}

/** A policy that requests to an endpoint can match, with those of its bindings that they can match too. */
export interface Hook<P extends Policy, B extends Binding> {
  readonly policy: P;
  readonly fits: Fits;
  readonly bindings: readonly { readonly binding: B; readonly fits: Fits }[];
  readonly params: ParamResource | ConfigurationError | undefined;
}

export class PolicySource<P extends Policy, B extends Binding> {
  readonly #host: AdmissionHost;
  readonly #policies: CompiledObjects<P>;
  readonly #bindings: CompiledObjects<B>;
  #builtPolicies = -1;
  #builtBindings = -1;
  #builtResources = -1;
  #index = new EndpointIndex<BoundPolicy<P, B>, Hook<P, B>>([], hookOf);
  /** Resources whose objects the policies look at, and which are not there yet. */
  #cold: readonly CurrentObjects[] = [];

  constructor(
    host: AdmissionHost,
    policies: { readonly ref: ResourceRef; readonly compile: (object: ApiObject) => P },
    bindings: { readonly ref: ResourceRef; readonly compile: (object: ApiObject) => B },
  ) {
    this.#host = host;
    this.#policies = new CompiledObjects(host, policies.ref, policies.compile);
    this.#bindings = new CompiledObjects(host, bindings.ref, bindings.compile);
  }

  /** The policies that the request may match; a promise only while something is being loaded. */
  candidates(request: AdmissionRequest): readonly Hook<P, B>[] | Promise<readonly Hook<P, B>[]> {
    const pending = this.#refresh();
    if (pending !== undefined) return pending.then(() => this.candidates(request));
    return this.#index.candidates(request);
  }

  #refresh(): Promise<unknown> | undefined {
    const unready = this.#policies.unready() ?? this.#bindings.unready();
    if (unready !== undefined) return unready;
    const { generation } = this.#host.resources;
    if (
      this.#policies.version !== this.#builtPolicies ||
      this.#bindings.version !== this.#builtBindings ||
      generation !== this.#builtResources
    ) {
      this.#build();
      this.#builtPolicies = this.#policies.version;
      this.#builtBindings = this.#bindings.version;
      this.#builtResources = generation;
    }
    if (this.#cold.length === 0) return undefined;
    const cold = this.#cold.filter(({ ready }) => !ready);
    this.#cold = cold;
    return cold.length === 0 ? undefined : Promise.all(cold.map((source) => source.start()));
  }

  #build(): void {
    const bindings = new Map<string, B[]>();
    for (const binding of this.#bindings.all()) {
      const bound = bindings.get(binding.policyName);
      if (bound === undefined) bindings.set(binding.policyName, [binding]);
      else bound.push(binding);
    }
    const hooks: BoundPolicy<P, B>[] = [];
    const looked = new Set<CurrentObjects>();
    for (const policy of this.#policies.all()) {
      const bound = bindings.get(policy.name);
      if (bound === undefined) continue;
      const params = this.#paramsOf(policy);
      hooks.push({ policy, bindings: bound, params });
      for (const ref of params === undefined || params instanceof ConfigurationError ? [] : [params.ref]) {
        const source = this.#host.source(ref);
        if (source !== undefined) looked.add(source);
      }
    }
    const namespaceSource = this.#host.source(namespaces);
    if (hooks.length > 0 && namespaceSource !== undefined) looked.add(namespaceSource);
    this.#cold = [...looked].filter(({ ready }) => !ready);
    this.#index = new EndpointIndex(hooks, hookOf);
  }

  #paramsOf({ paramKind }: P): ParamResource | ConfigurationError | undefined {
    if (paramKind === undefined) return undefined;
    try {
      return paramResource(paramKind, this.#host);
    } catch (error) {
      if (error instanceof ConfigurationError) return error;
      throw error;
    }
  }
}

function hookOf<P extends Policy, B extends Binding>(
  { policy, bindings, params }: BoundPolicy<P, B>,
  request: AdmissionRequest,
): Hook<P, B> | undefined {
  const fits = policy.matcher.fits(request);
  if (fits === undefined) return undefined;
  const bound = bindings.flatMap((binding) => {
    const fitting = binding.matcher.fits(request);
    return fitting === undefined ? [] : { binding, fits: fitting };
  });
  return { policy, fits, bindings: bound, params };
}
