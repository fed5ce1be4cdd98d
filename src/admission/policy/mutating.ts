/**
 * MutatingAdmissionPolicy: what the bound policies make of an object, one after the other.
 * Source: `k8s.io/apiserver/pkg/admission/plugin/policy/mutating` (dispatcher.go), `policy/generic` (policy_dispatcher.go).
 */
import { schemaOf } from '../../apis/schemas.ts';
import { deepEqual } from '../../machinery/json.ts';
import { type ApiObject, groupVersion } from '../../machinery/object.ts';
import type { Schema } from '../../machinery/schema.ts';
import { StatusError } from '../../machinery/status.ts';
import { type AdmissionPlugin, type AdmissionRequest, admissionForbidden, replaceDraft } from '../chain.ts';
import { exemptFromPolicies } from '../exempt.ts';
import type { AdmissionHost } from '../host.ts';
import type { Shown } from '../matching.ts';
import { ReinvocationNotes } from '../reinvocation.ts';
import { RequestView } from '../request-view.ts';
import { convertTo, viewOf } from '../versions.ts';
import { applies, compileMutatingPolicy, type MutatingPolicy, mutated } from './mutating-policy.ts';
import { MutationError } from './mutation-error.ts';
import { ConfigurationError, collectParams } from './params.ts';
import { type Binding, compileBinding } from './policy.ts';
import { type Hook, PolicySource } from './policy-source.ts';

type MutatingHook = Hook<MutatingPolicy, Binding>;

const group = 'admissionregistration.k8s.io';

export function mutatingAdmissionPolicies(host: AdmissionHost): AdmissionPlugin {
  const source = new PolicySource(
    host,
    { ref: { group, plural: 'mutatingadmissionpolicies' }, compile: compileMutatingPolicy },
    { ref: { group, plural: 'mutatingadmissionpolicybindings' }, compile: compileBinding },
  );
  const plugin: AdmissionPlugin = {
    name: 'MutatingAdmissionPolicy',
    mutate(request) {
      if (exemptFromPolicies(request)) return;
      const candidates = source.candidates(request);
      if (candidates instanceof Promise) return candidates.then((hooks) => dispatch(hooks, request));
      if (candidates.length > 0) return dispatch(candidates, request);
    },
  };
  const dispatch = (hooks: readonly MutatingHook[], request: AdmissionRequest): void | Promise<void> => {
    const invocations = new Invocations(request, ReinvocationNotes.of(plugin, request), host);
    return invocations.run(hooks);
  };
  return plugin;
}

/** A policy with one of its bindings and parameters. */
interface Invocation {
  readonly key: string;
  readonly policy: MutatingPolicy;
  readonly binding: string;
  readonly param: ApiObject | null;
  readonly shown: Shown;
}

class Invocations {
  readonly #request: AdmissionRequest;
  readonly #notes: ReinvocationNotes;
  readonly #host: AdmissionHost;
  readonly #errors: { readonly message: string; readonly reason: string }[] = [];

  constructor(request: AdmissionRequest, notes: ReinvocationNotes, host: AdmissionHost) {
    this.#request = request;
    this.#notes = notes;
    this.#host = host;
  }

  run(hooks: readonly MutatingHook[]): void | Promise<void> {
    const invocations = hooks.flatMap((hook) => this.#select(hook));
    this.#notes.begin(this.#request.object);
    const pending = this.#runAll(invocations, 0);
    return pending === undefined ? this.#finish() : pending.then(() => this.#finish());
  }

  #select({ policy, fits, bindings, params }: MutatingHook): Invocation[] {
    const request = this.#request;
    const shown = policy.matcher.match(fits, request);
    if (shown === undefined) return [];
    if (params instanceof ConfigurationError) {
      this.#fail(policy, undefined, `failed to configure policy: ${params.message}`, '');
      return [];
    }
    return bindings.flatMap(({ binding, fits: fitting }) => {
      if (binding.matcher.match(fitting, request) === undefined) return [];
      try {
        return collectParams(params, binding.paramRef, request).map((param) => ({
          key: [policy.name, binding.name, param?.metadata.namespace ?? '', param?.metadata.name ?? ''].join('/'),
          policy,
          binding: binding.name,
          param,
          shown,
        }));
      } catch (error) {
        if (!(error instanceof ConfigurationError)) throw error;
        this.#fail(policy, binding.name, `failed to configure binding: ${error.message}`, '');
        return [];
      }
    });
  }

  /** Synchronous unless a policy asks for another version of an object that has to be converted. */
  #runAll(invocations: readonly Invocation[], from: number): void | Promise<void> {
    for (let at = from; at < invocations.length; at++) {
      const pending = this.#runOne(invocations[at]!);
      if (pending !== undefined) return pending.then(() => this.#runAll(invocations, at + 1));
    }
  }

  #runOne(invocation: Invocation): void | Promise<void> {
    const view = viewOf(this.#request, invocation.shown, this.#host);
    if (!(view instanceof Promise)) {
      this.#take(invocation, this.#mutate(invocation, view));
      return;
    }
    return view.then(async (converted) => {
      const changed = this.#mutate(invocation, converted);
      if (typeof changed !== 'object') this.#take(invocation, changed);
      else this.#take(invocation, await convertTo(this.#request, changed, this.#request.apiVersion, this.#host));
    });
  }

  /** What the policy makes of the object as it sees it; `unchanged` when it has run, `skipped` when it has not. */
  #mutate(invocation: Invocation, seen: RequestView): ApiObject | 'unchanged' | 'skipped' {
    const { key, policy, binding, param, shown } = invocation;
    const applying = applies(policy, seen, param);
    if (typeof applying === 'string') this.#fail(policy, binding, applying, 'Invalid');
    if (applying !== true || this.#notes.skips(key)) return 'skipped';
    let view = seen;
    for (const mutation of view.object === undefined ? [] : policy.mutations) {
      try {
        const object = mutated(policy, mutation, view, param, schemaOfShown(this.#request, shown));
        if (object !== view.object) view = new RequestView(this.#request, shown, object, view.oldObject);
      } catch (error) {
        if (!(error instanceof MutationError)) throw error;
        this.#fail(policy, binding, error.message, 'Invalid');
      }
    }
    return view === seen ? 'unchanged' : view.object!;
  }

  #take(invocation: Invocation, outcome: ApiObject | 'unchanged' | 'skipped'): void {
    if (outcome === 'skipped') return;
    if (outcome !== 'unchanged') this.#replace(invocation, outcome);
    if (invocation.policy.reinvocable) this.#notes.ranReinvocable(invocation.key);
  }

  #replace({ policy, binding }: Invocation, changed: ApiObject): void {
    const draft = this.#request.object!;
    const before = { ...draft };
    replaceDraft(draft, changed);
    try {
      this.#request.conform(draft);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      replaceDraft(draft, before);
      this.#fail(policy, binding, error.message, 'Invalid');
      return;
    }
    if (!deepEqual(before, draft)) this.#notes.changed();
  }

  #finish(): void {
    this.#notes.end(this.#request.object);
    const [first] = this.#errors;
    if (first === undefined) return;
    const { status } = admissionForbidden(this.#request, 'admission request denied by policy');
    throw new StatusError(403, first.reason || 'Forbidden', first.message, {
      ...status.details,
      causes: this.#errors.map(({ message }) => ({ message })),
    });
  }

  #fail({ name, failurePolicy }: MutatingPolicy, binding: string | undefined, why: string, reason: string): void {
    if (failurePolicy === 'Ignore') return;
    const who = binding === undefined ? `policy "${name}"` : `policy '${name}' with binding '${binding}'`;
    this.#errors.push({ message: `${who} denied request: ${why}`, reason });
  }
}

/** Of the object, or of what stands for it at a subresource with a kind of its own. */
function schemaOfShown(request: AdmissionRequest, { apiVersion }: Shown): Schema | undefined {
  const { type, group: of, kind, subresource } = request;
  if (kind === type.names.kind) return type.versions.find(({ name }) => groupVersion(of, name) === apiVersion)?.schema;
  return subresource === 'scale' ? schemaOf('io.k8s.api.autoscaling.v1.Scale') : type.subresources[subresource]?.schema;
}
