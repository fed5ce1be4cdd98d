/**
 * MutatingAdmissionWebhook: webhooks change the object one after the other.
 * Source: `k8s.io/apiserver/pkg/admission/plugin/webhook/mutating` (dispatcher.go).
 */
import { goQuote } from '../../machinery/field.ts';
import { deepEqual, isJsonObject, type JsonValue } from '../../machinery/json.ts';
import { applyJsonPatch, decodeJsonPatch, type JsonPatch, JsonPatchError } from '../../machinery/json-patch.ts';
import type { ApiObject } from '../../machinery/object.ts';
import { internalError, StatusError } from '../../machinery/status.ts';
import { type AdmissionPlugin, type AdmissionRequest, replaceDraft } from '../chain.ts';
import { exemptFromWebhooks } from '../exempt.ts';
import type { AdmissionHost } from '../host.ts';
import { ReinvocationNotes } from '../reinvocation.ts';
import type { RequestView } from '../request-view.ts';
import { convertTo, viewOf } from '../versions.ts';
import { CallError, callWebhook, conditionsMet } from './call.ts';
import type { ReviewResponse } from './review.ts';
import type { Webhook } from './webhook.ts';
import { type Candidate, WebhookSource } from './webhook-source.ts';

const configurations = { group: 'admissionregistration.k8s.io', plural: 'mutatingwebhookconfigurations' };

export function mutatingAdmissionWebhooks(host: AdmissionHost): AdmissionPlugin {
  const source = new WebhookSource(host, configurations);
  const plugin: AdmissionPlugin = {
    name: 'MutatingAdmissionWebhook',
    mutate(request) {
      if (exemptFromWebhooks(request)) return;
      const candidates = source.candidates(request);
      if (candidates instanceof Promise) return candidates.then((found) => dispatch(found, request));
      if (candidates.length > 0) return dispatch(candidates, request);
    },
  };
  const dispatch = async (candidates: readonly Candidate[], request: AdmissionRequest): Promise<void> => {
    const notes = ReinvocationNotes.of(plugin, request);
    notes.begin(request.object);
    for (const [index, { webhook, fits }] of candidates.entries()) {
      const shown = webhook.matcher.match(fits, request);
      if (shown === undefined) continue;
      const view = await viewOf(request, shown, host);
      if (!conditionsMet(webhook, view) || notes.skips(webhook.key)) continue;
      if (await invoke(webhook, index, view, host)) notes.changed();
      if (webhook.reinvocable) notes.ranReinvocable(webhook.key);
    }
    notes.end(request.object);
  };
  return plugin;
}

/** Whether the webhook has changed the object. */
async function invoke(webhook: Webhook, index: number, view: RequestView, host: AdmissionHost): Promise<boolean> {
  const { request } = view;
  const { name, configuration } = webhook;
  const at = `round_${request.reinvocation?.again === true ? 1 : 0}_index_${index}`;
  const annotate = (prefix: string, value: string, level?: 'Request'): void =>
    request.context.annotate?.(`${prefix}.webhook.admission.k8s.io/${at}`, value, level);
  let mutated = false;
  try {
    const response = await callWebhook(webhook, view, true, host);
    const patch = patchOf(webhook, response);
    if (patch.length === 0) return false;
    const changed = patchedObject(webhook, patch, view);
    mutated = await replace(request, view, changed, host);
    annotate('patch', JSON.stringify({ configuration, webhook: name, patch, patchType: 'JSONPatch' }), 'Request');
    return mutated;
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    if (webhook.failurePolicy !== 'Ignore') throw internalError(error.message);
    annotate('failed-open.mutation', name);
    return false;
  } finally {
    annotate('mutation', JSON.stringify({ configuration, webhook: name, mutated }));
  }
}

/** @throws CallError */
function patchOf({ name }: Webhook, { patch, patchType }: ReviewResponse): JsonPatch {
  if (patch === undefined) return [];
  let operations: JsonPatch;
  try {
    ({ operations } = decodeJsonPatch(Buffer.from(patch, 'base64')));
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    throw new CallError(name, `received undecodable patch in webhook response: ${error.message}`);
  }
  if (operations.length > 0 && patchType !== 'JSONPatch') {
    throw new CallError(name, `unsupported patch type ${goQuote(patchType)}`);
  }
  return operations;
}

function patchedObject({ name }: Webhook, patch: JsonPatch, { object }: RequestView): ApiObject {
  if (object === undefined) {
    const why = 'attempted to modify the object, which is not supported for this operation';
    throw internalError(`admission webhook ${goQuote(name)} ${why}`);
  }
  let changed: JsonValue;
  try {
    changed = applyJsonPatch(object as unknown as JsonValue, patch);
  } catch (error) {
    if (error instanceof JsonPatchError) throw internalError(error.message);
    throw error;
  }
  const { apiVersion, kind } = isJsonObject(changed) ? changed : {};
  if (apiVersion !== object.apiVersion || kind !== object.kind) {
    throw internalError(
      `no kind ${goQuote(String(kind ?? ''))} is registered for version ${goQuote(String(apiVersion ?? ''))}`,
    );
  }
  return changed as unknown as ApiObject;
}

/** Puts what the webhook has made into the place of the draft; whether that is something else. */
async function replace(
  request: AdmissionRequest,
  view: RequestView,
  changed: ApiObject,
  host: AdmissionHost,
): Promise<boolean> {
  const draft = request.object!;
  const sameVersion = view.shown.apiVersion === request.apiVersion;
  const before = { ...draft };
  replaceDraft(draft, sameVersion ? changed : await convertTo(request, changed, request.apiVersion, host));
  try {
    request.conform(draft);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    throw internalError(error.message.replace(/^.* cannot be handled as an? \w+: /, ''));
  }
  return !deepEqual(before, draft);
}
