/**
 * The admission chain: whoever may change or refuse a request between authorization and the store.
 *
 * Flow: every plugin's `mutate` in order, and once more when one of them asks for it ({@link Reinvocation}); then, after
 * validation by schema and strategy, every plugin's `validate`. A plugin refuses by throwing a StatusError. Dry runs pass the
 * whole chain. Source: `k8s.io/apiserver/pkg/admission` (chain.go, reinvocation.go).
 */
import type { RequestContext, ResourceAccess, ResourceType } from '../apis/resource-type.ts';
import type { ApiObject } from '../machinery/object.ts';
import { forbiddenError, type StatusError } from '../machinery/status.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

export interface AdmissionRequest {
  readonly operation: Operation;
  /** The resource as requested. */
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  /** Of the object: Scale for a scale, Eviction for an eviction, PodExecOptions for an exec. */
  readonly kind: string;
  /** Group and version of the kind, as `apiVersion` has them. */
  readonly apiVersion: string;
  readonly subresource: string;
  readonly namespace: string | undefined;
  /** Empty for creates with generateName, until the name is made. */
  readonly name: string;
  /**
   * The draft on CREATE and UPDATE, the options on CONNECT: `mutate` may change it in place. Made when it is first read, where
   * the write is known to change nothing: plugins look at it behind everything else.
   */
  readonly object: ApiObject | undefined;
  /** On UPDATE and DELETE. Not to be changed. */
  readonly oldObject: ApiObject | undefined;
  readonly options: OperationOptions | undefined;
  readonly context: RequestContext;
  /** The resource's type, whose other versions hold the same objects. */
  readonly type: ResourceType;
  /** Sentences for `Warning` headers. */
  readonly warn: (message: string) => void;
  /** Reads other objects under the server's own identity. */
  readonly access: ResourceAccess;
  /**
   * Brings a changed draft back into the shape of its kind: unknown fields go, defaults come.
   * @throws StatusError 400 for a value that does not go into its field
   */
  readonly conform: (draft: ApiObject) => void;
  /** Of one mutating pass; set by the first plugin that needs it. */
  reinvocation?: Reinvocation;
}

/** What clients may say of a write besides the object; those of the operation, whatever verb it came by. */
export interface OperationOptions {
  readonly fieldManager?: string;
  readonly fieldValidation?: string;
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: string;
  readonly orphanDependents?: boolean;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** What plugins tell each other of changes. The whole chain runs at most twice. */
export class Reinvocation {
  /** Whether the second pass is on. */
  again = false;
  /** A later plugin has changed the object: those that ran before it may want to see it. */
  wanted = false;
  /** What plugins keep from the first pass to the second. */
  readonly notes = new Map<AdmissionPlugin, unknown>();
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
  const mutating = plugins.filter(({ mutate }) => mutate !== undefined);
  const validating = plugins.filter(({ validate }) => validate !== undefined);
  const reinvoke = (request: AdmissionRequest): void | Promise<void> => {
    const { reinvocation } = request;
    if (reinvocation?.wanted !== true) return;
    reinvocation.again = true;
    return runAll(mutating, 'mutate', request, 0);
  };
  return {
    mutate(request) {
      const pending = runAll(mutating, 'mutate', request, 0);
      return pending === undefined ? reinvoke(request) : pending.then(() => reinvoke(request));
    },
    validate: (request) => runAll(validating, 'validate', request, 0),
  };
}

/** Runs plugins in order, and stays synchronous as long as they do: most requests meet no asynchronous plugin. */
function runAll(
  plugins: readonly AdmissionPlugin[],
  step: 'mutate' | 'validate',
  request: AdmissionRequest,
  from: number,
): void | Promise<void> {
  for (let at = from; at < plugins.length; at++) {
    const pending = plugins[at]![step]!(request);
    if (pending !== undefined) return pending.then(() => runAll(plugins, step, request, at + 1));
  }
}

/** Puts another object into the place of the draft, which others hold on to. */
export function replaceDraft(draft: ApiObject, by: ApiObject): void {
  if (draft === by) return;
  for (const field of Object.keys(draft)) if (!(field in by)) delete draft[field];
  Object.assign(draft, by);
}

/** The 403 of admission: `pods "x" is forbidden: why`. Source: `admission.NewForbidden`. */
export function admissionForbidden(request: AdmissionRequest, why: string): StatusError {
  const { group, resource } = request;
  return forbiddenError({ group, name: resource }, requestName(request), why);
}

/** What errors call the object of a request that may not have a name yet. */
export function requestName({ name, object }: AdmissionRequest): string {
  if (name !== '') return name;
  const { name: own = '', generateName = '' } = object?.metadata ?? {};
  return own || generateName || 'Unknown';
}
