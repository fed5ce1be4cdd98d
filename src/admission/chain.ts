/**
 * The admission chain: whoever may change or refuse a write between authentication and the store.
 *
 * Flow: every plugin's `mutate` in order, then (after validation by schema and strategy) every plugin's `validate`.
 * A plugin refuses by throwing a {@link StatusError}. Dry runs pass the whole chain.
 */
import type { RequestContext, ResourceAccess } from '../apis/resource-type.ts';
import type { ApiObject } from '../machinery/object.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

export interface AdmissionRequest {
  readonly operation: Operation;
  /** The resource as requested. */
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly subresource: string;
  readonly namespace: string | undefined;
  /** Empty for creates with generateName, until the name is made. */
  readonly name: string;
  /** The draft on CREATE and UPDATE: `mutate` may change it in place. */
  readonly object: ApiObject | undefined;
  readonly oldObject: ApiObject | undefined;
  readonly context: RequestContext;
  /** Sentences for `Warning` headers. */
  readonly warn: (message: string) => void;
  /** Reads other objects under the server's own identity. */
  readonly access: ResourceAccess;
}

export interface AdmissionPlugin {
  readonly name: string;
  readonly mutate?: (request: AdmissionRequest) => void | Promise<void>;
  readonly validate?: (request: AdmissionRequest) => void | Promise<void>;
}

export interface AdmissionChain {
  mutate(request: AdmissionRequest): void | Promise<void>;
  validate(request: AdmissionRequest): void | Promise<void>;
}

export function admissionChain(plugins: readonly AdmissionPlugin[]): AdmissionChain {
  const mutating = plugins.flatMap((plugin) => plugin.mutate ?? []);
  const validating = plugins.flatMap((plugin) => plugin.validate ?? []);
  return {
    mutate: (request) => runAll(mutating, request, 0),
    validate: (request) => runAll(validating, request, 0),
  };
}

type Step = (request: AdmissionRequest) => void | Promise<void>;

/** Runs steps in order, and stays synchronous as long as they do: most requests meet no asynchronous plugin. */
function runAll(steps: readonly Step[], request: AdmissionRequest, from: number): void | Promise<void> {
  for (let at = from; at < steps.length; at++) {
    const pending = steps[at]!(request);
    if (pending !== undefined) return pending.then(() => runAll(steps, request, at + 1));
  }
}
