/**
 * The policies of one kind with their bindings, as they are now. A write of a policy is in force with the next request.
 */
import type { ResourceRef } from '../../apis/resource-type.ts';
import type { ApiObject } from '../../machinery/object.ts';
import type { AdmissionRequest } from '../chain.ts';
import { CompiledObjects } from '../compiled-objects.ts';
import { type AdmissionHost, type CurrentObjects, namespaces } from '../host.ts';
import { EndpointIndex, type Matcher } from '../matching.ts';
import { ConfigurationError, type ParamResource, paramResource } from './params.ts';
import type { Binding, Policy } from './policy.ts';

/** A policy that is bound. */
export interface Hook<P extends Policy, B extends Binding> {
  readonly policy: P;
  readonly bindings: readonly B[];
  readonly matcher: Matcher;
  readonly params: ParamResource | ConfigurationError | undefined;
}

export class PolicySource<P extends Policy, B extends Binding> {
  readonly #host: AdmissionHost;
  readonly #policies: CompiledObjects<P>;
  readonly #bindings: CompiledObjects<B>;
  #built = '';
  #index = new EndpointIndex<Hook<P, B>>([]);
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
    const unready = [this.#policies, this.#bindings].flatMap((objects) => objects.unready() ?? []);
    if (unready.length > 0) return Promise.all(unready);
    const now = `${this.#policies.version} ${this.#bindings.version} ${this.#host.resources.generation}`;
    if (now !== this.#built) {
      this.#build();
      this.#built = now;
    }
    if (this.#cold.length === 0) return undefined;
    const cold = this.#cold;
    this.#cold = [];
    return Promise.all(cold.map((source) => source.start()));
  }

  #build(): void {
    const bindings = new Map<string, B[]>();
    for (const binding of this.#bindings.all()) {
      const bound = bindings.get(binding.policyName);
      if (bound === undefined) bindings.set(binding.policyName, [binding]);
      else bound.push(binding);
    }
    const hooks: Hook<P, B>[] = [];
    const looked = new Set<CurrentObjects>();
    for (const policy of this.#policies.all()) {
      const bound = bindings.get(policy.name);
      if (bound === undefined) continue;
      const params = this.#paramsOf(policy);
      hooks.push({ policy, bindings: bound, matcher: policy.matcher, params });
      for (const ref of params === undefined || params instanceof ConfigurationError ? [] : [params.ref]) {
        const source = this.#host.source(ref);
        if (source !== undefined) looked.add(source);
      }
    }
    const namespaceSource = this.#host.source(namespaces);
    if (hooks.length > 0 && namespaceSource !== undefined) looked.add(namespaceSource);
    this.#cold = [...looked].filter(({ ready }) => !ready);
    this.#index = new EndpointIndex(hooks);
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
