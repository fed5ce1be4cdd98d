/**
 * One call of a webhook: the question, the answer, and what goes wrong with either.
 * Source: `k8s.io/apiserver/pkg/admission/plugin/webhook` (generic, errors), `pkg/util/webhook`.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock/clock.ts';
import { WebhookError } from '../../crd/webhook-client.ts';
import { goQuote } from '../../machinery/field.ts';
import { cloneJson, type JsonObject, type JsonValue } from '../../machinery/json.ts';
import { badRequest, forbiddenError, type StatusDetails, StatusError } from '../../machinery/status.ts';
import type { AdmissionHost } from '../host.ts';
import { conditionsHold } from '../match-conditions.ts';
import { type RequestView, requestJson } from '../request-view.ts';
import type { WebhookHandler } from './handlers.ts';
import {
  answerOf,
  InvalidResponse,
  type ReviewRequest,
  type ReviewResponse,
  reviewOf,
  verifyResponse,
} from './review.ts';
import type { Webhook } from './webhook.ts';

/** The webhook was not asked, or has not answered: its failurePolicy says what that means for the request. */
export class CallError extends Error {
  override readonly name = 'CallError';
  constructor(webhook: string, reason: string) {
    super(`failed calling webhook ${goQuote(webhook)}: ${reason}`);
  }
}

/** @throws StatusError 403 when it is not known whether the webhook's conditions hold, and its failurePolicy is Fail */
export function conditionsMet({ conditions, uses, failurePolicy }: Webhook, view: RequestView): boolean {
  if (conditions.length === 0) return true;
  const hold = conditionsHold(conditions, view.globals(undefined, true, uses), failurePolicy);
  if (typeof hold === 'boolean') return hold;
  const { group, resource, name } = view.request;
  throw forbiddenError({ group, name: resource }, name, hold);
}

/**
 * Asks, passes on warnings and annotations, and answers what the webhook says of the request when it allows it.
 * @throws CallError
 * @throws StatusError when the webhook refuses, or cannot be asked of a dry run
 */
export async function callWebhook(
  webhook: Webhook,
  view: RequestView,
  mutating: boolean,
  host: AdmissionHost,
): Promise<ReviewResponse> {
  const { request } = view;
  const { name, sideEffects } = webhook;
  if (request.context.dryRun && sideEffects !== 'None' && sideEffects !== 'NoneOnDryRun') {
    throw badRequest(`admission webhook ${goQuote(name)} does not support dry run`);
  }
  if (!webhook.understands) {
    const why = 'webhook does not accept known AdmissionReview versions (v1)';
    throw new CallError(name, `could not create admission objects: ${why}`);
  }
  const uid = randomUUID();
  const answer = await post(webhook, questionOf(view, uid), host);
  let response: ReviewResponse;
  try {
    response = verifyResponse(answer, uid, mutating);
  } catch (error) {
    if (!(error instanceof InvalidResponse)) throw error;
    throw new CallError(name, `received invalid webhook response: ${error.message}`);
  }
  for (const [key, value] of Object.entries(response.auditAnnotations)) {
    request.context.annotate?.(`${name}/${key}`, value);
  }
  for (const warning of response.warnings) request.warn(warning);
  if (!response.allowed) throw refusal(name, response.result ?? {});
  return response;
}

function questionOf({ request, shown, object, oldObject }: RequestView, uid: string): JsonObject {
  const { dryRun, options, ...frame } = requestJson(request, shown) as JsonObject;
  return {
    uid,
    ...frame,
    object: (object ?? null) as JsonValue,
    oldObject: (oldObject ?? null) as JsonValue,
    dryRun: dryRun!,
    options: options!,
  };
}

async function post(webhook: Webhook, question: JsonObject, host: AdmissionHost): Promise<JsonValue> {
  const handler = host.handlers.find(webhook.name, webhook.service);
  try {
    if (handler !== undefined) return await handled(handler, question, webhook.timeoutSeconds, host.webhooks.clock);
    return await webhook.client().post(reviewOf(question));
  } catch (error) {
    if (!(error instanceof WebhookError)) throw error;
    throw new CallError(webhook.name, `failed to call webhook: ${error.message}`);
  }
}

/** A handler gets what a webhook gets: copies, and a deadline. */
async function handled(
  handler: WebhookHandler,
  question: JsonObject,
  timeoutSeconds: number,
  clock: Clock,
): Promise<JsonValue> {
  const answer = await new Promise<Awaited<ReturnType<WebhookHandler>>>((resolve, reject) => {
    const timer = clock.setTimeout(() => reject(new WebhookError('context deadline exceeded')), timeoutSeconds * 1000);
    Promise.resolve()
      .then(() => handler(cloneJson(question) as unknown as ReviewRequest))
      .then(resolve, (error: unknown) => {
        reject(new WebhookError(error instanceof Error ? error.message : String(error)));
      })
      .finally(() => timer.cancel());
  });
  return answerOf(question.uid as string, answer);
}

/** The answer to the client of a request that a webhook does not allow. */
function refusal(webhook: string, result: JsonObject): StatusError {
  const text = (field: string): string => (typeof result[field] === 'string' ? (result[field] as string) : '');
  const code = typeof result.code === 'number' ? result.code : 0;
  const deniedBy = `admission webhook ${goQuote(webhook)} denied the request`;
  const why = text('message') || text('reason');
  const message = why === '' ? `${deniedBy} without explanation` : `${deniedBy}: ${why}`;
  const details = result.details as StatusDetails | undefined;
  return new StatusError(Math.max(code, 400), text('reason'), message, details ?? undefined);
}
