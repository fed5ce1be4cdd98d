/**
 * ValidatingAdmissionPolicy: what the bound policies refuse, warn of and note.
 * Source: `k8s.io/apiserver/pkg/admission/plugin/policy/validating` (dispatcher.go).
 */
import type { ApiObject } from '../../machinery/object.ts';
import { StatusError } from '../../machinery/status.ts';
import { type AdmissionPlugin, type AdmissionRequest, admissionForbidden } from '../chain.ts';
import { exemptFromPolicies } from '../exempt.ts';
import type { AdmissionHost } from '../host.ts';
import type { Shown } from '../matching.ts';
import type { RequestView } from '../request-view.ts';
import { viewOf } from '../versions.ts';
import { ConfigurationError, collectParams } from './params.ts';
import { type Binding, compileBinding } from './policy.ts';
import { type Hook, PolicySource } from './policy-source.ts';
import { compileValidatingPolicy, judge, type ValidatingPolicy } from './validating-policy.ts';

interface ValidatingBinding extends Binding {
  readonly actions: readonly string[];
}

type ValidatingHook = Hook<ValidatingPolicy, ValidatingBinding>;

interface Refusal {
  readonly policy: string;
  readonly binding: string | undefined;
  readonly message: string;
  readonly reason: string;
}

const group = 'admissionregistration.k8s.io';
const maxAnnotationBytes = 10 * 1024;

export function validatingAdmissionPolicies(host: AdmissionHost): AdmissionPlugin {
  const source = new PolicySource(
    host,
    { ref: { group, plural: 'validatingadmissionpolicies' }, compile: compileValidatingPolicy },
    { ref: { group, plural: 'validatingadmissionpolicybindings' }, compile: compileValidatingBinding },
  );
  return {
    name: 'ValidatingAdmissionPolicy',
    validate(request) {
      if (exemptFromPolicies(request)) return;
      const candidates = source.candidates(request);
      if (candidates instanceof Promise) return candidates.then((hooks) => dispatch(hooks, request, host));
      if (candidates.length > 0) return dispatch(candidates, request, host);
    },
  };
}

function compileValidatingBinding(object: ApiObject): ValidatingBinding {
  const { validationActions = [] } = (object.spec ?? {}) as { validationActions?: string[] };
  return { ...compileBinding(object), actions: validationActions };
}

/** Synchronous unless a policy asks for another version of an object that has to be converted. */
function dispatch(
  hooks: readonly ValidatingHook[],
  request: AdmissionRequest,
  host: AdmissionHost,
): void | Promise<void> {
  const evaluation = new Evaluation(request);
  return evaluation.run(hooks, 0, host);
}

class Evaluation {
  readonly #request: AdmissionRequest;
  #refusal: Refusal | undefined;
  /** The last one: policies nearly always ask for the same version. */
  #view: RequestView | undefined;

  constructor(request: AdmissionRequest) {
    this.#request = request;
  }

  run(hooks: readonly ValidatingHook[], from: number, host: AdmissionHost): void | Promise<void> {
    for (let at = from; at < hooks.length; at++) {
      const hook = hooks[at]!;
      const shown = hook.policy.matcher.match(hook.fits, this.#request);
      if (shown === undefined) continue;
      const view = this.#viewOf(shown, host);
      if (view instanceof Promise) {
        return view.then((converted) => {
          this.#evaluate(hook, converted);
          return this.run(hooks, at + 1, host);
        });
      }
      this.#evaluate(hook, view);
    }
    if (this.#refusal !== undefined) throw refused(this.#request, this.#refusal);
  }

  #viewOf(shown: Shown, host: AdmissionHost): RequestView | Promise<RequestView> {
    if (this.#view?.shown.version === shown.version) return this.#view;
    const view = viewOf(this.#request, shown, host);
    if (view instanceof Promise) return view.then((converted) => (this.#view = converted));
    this.#view = view;
    return view;
  }

  #evaluate({ policy, bindings, params }: ValidatingHook, view: RequestView): void {
    if (params instanceof ConfigurationError) {
      this.#misconfigured(policy, undefined, params);
      return;
    }
    let notes: Map<string, string[]> | undefined;
    for (const { binding, fits } of bindings) {
      if (binding.matcher.match(fits, this.#request) === undefined) continue;
      let collected: readonly (ApiObject | null)[];
      try {
        collected = collectParams(params, binding.paramRef, this.#request);
      } catch (error) {
        if (!(error instanceof ConfigurationError)) throw error;
        this.#misconfigured(policy, binding.name, error);
        continue;
      }
      for (const param of collected) {
        const { denials, annotations, annotationErrors } = judge(policy, view, param);
        for (const denial of denials) this.#act(policy, binding, denial);
        for (const { key, value } of annotations) {
          notes ??= new Map();
          addNote(notes, key, value);
        }
        for (const message of annotationErrors) this.#refuse(policy.name, binding.name, message, '');
      }
    }
    for (const [key, values] of notes ?? []) {
      this.#request.context.annotate?.(`${policy.name}/${key}`, values.join(', '));
    }
  }

  #act(
    policy: ValidatingPolicy,
    binding: ValidatingBinding,
    { index, message, reason }: { index: number; message: string; reason: string },
  ): void {
    for (const action of binding.actions) {
      if (action === 'Deny') this.#refuse(policy.name, binding.name, message, reason);
      else if (action === 'Warn') {
        this.#request.warn(
          `Validation failed for ValidatingAdmissionPolicy '${policy.name}' with binding '${binding.name}': ${message}`,
        );
      } else if (action === 'Audit') {
        const failure = {
          message,
          policy: policy.name,
          binding: binding.name,
          expressionIndex: index,
          validationActions: binding.actions,
        };
        this.#request.context.annotate?.(
          'validation.policy.admission.k8s.io/validation_failure',
          JSON.stringify([failure]),
        );
      }
    }
  }

  #misconfigured(policy: ValidatingPolicy, binding: string | undefined, { message }: ConfigurationError): void {
    if (policy.failurePolicy === 'Ignore') return;
    const what = binding === undefined ? 'policy' : 'binding';
    this.#refuse(policy.name, binding, `failed to configure ${what}: ${message}`, '');
  }

  #refuse(policy: string, binding: string | undefined, message: string, reason: string): void {
    // The first one is the answer.
    this.#refusal ??= { policy, binding, message, reason };
  }
}

function addNote(notes: Map<string, string[]>, key: string, value: string): void {
  const bounded = Buffer.byteLength(value) > maxAnnotationBytes ? value.slice(0, maxAnnotationBytes) : value;
  const values = notes.get(key);
  if (values === undefined) notes.set(key, [bounded]);
  else if (!values.includes(bounded)) values.push(bounded);
}

const codes: Readonly<Record<string, number>> = {
  Forbidden: 403,
  Unauthorized: 401,
  RequestEntityTooLarge: 413,
};

function refused(request: AdmissionRequest, { policy, binding, message, reason }: Refusal): StatusError {
  const bound = binding === undefined ? '' : ` with binding '${binding}'`;
  const why = `ValidatingAdmissionPolicy '${policy}'${bound} denied request: ${message}`;
  const { status } = admissionForbidden(request, why);
  return new StatusError(codes[reason] ?? 422, reason || 'Invalid', status.message!, {
    ...status.details,
    causes: [{ message: why }],
  });
}
