/**
 * ValidatingAdmissionWebhook: all webhooks are asked at once; one refusal is enough.
 * Source: `k8s.io/apiserver/pkg/admission/plugin/webhook/validating` (dispatcher.go).
 */
import { internalError } from '../../machinery/status.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../chain.ts';
import { exemptFromWebhooks } from '../exempt.ts';
import type { AdmissionHost } from '../host.ts';
import type { RequestView } from '../request-view.ts';
import { viewOf } from '../versions.ts';
import { CallError, callWebhook, conditionsMet } from './call.ts';
import type { Webhook } from './webhook.ts';
import { type Candidate, WebhookSource } from './webhook-source.ts';

const configurations = { group: 'admissionregistration.k8s.io', plural: 'validatingwebhookconfigurations' };

export function validatingAdmissionWebhooks(host: AdmissionHost): AdmissionPlugin {
  const source = new WebhookSource(host, configurations);
  return {
    name: 'ValidatingAdmissionWebhook',
    validate(request) {
      if (exemptFromWebhooks(request)) return;
      const candidates = source.candidates(request);
      if (candidates instanceof Promise) return candidates.then((found) => dispatch(found, request, host));
      if (candidates.length > 0) return dispatch(candidates, request, host);
    },
  };
}

async function dispatch(
  candidates: readonly Candidate[],
  request: AdmissionRequest,
  host: AdmissionHost,
): Promise<void> {
  const calls: { readonly webhook: Webhook; readonly index: number; readonly view: RequestView }[] = [];
  const views = new Map<string, RequestView>();
  for (const [index, { webhook, fits }] of candidates.entries()) {
    const shown = webhook.matcher.match(fits, request);
    if (shown === undefined) continue;
    const view = views.get(shown.version) ?? (await viewOf(request, shown, host));
    views.set(shown.version, view);
    if (conditionsMet(webhook, view)) calls.push({ webhook, index, view });
  }
  const results = await Promise.allSettled(
    calls.map(async ({ webhook, index, view }) => {
      try {
        await callWebhook(webhook, view, false, host);
      } catch (error) {
        if (!(error instanceof CallError)) throw error;
        if (webhook.failurePolicy !== 'Ignore') throw internalError(error.message);
        const key = `failed-open.validating.webhook.admission.k8s.io/round_0_index_${index}`;
        request.context.annotate?.(key, webhook.name);
      }
    }),
  );
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
