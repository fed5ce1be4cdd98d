/**
 * Webhooks in this process: handlers that the server calls directly where a configuration names them, without a connection
 * or a certificate. The configuration decides when they are called, as for any other webhook.
 */
import type { ReviewAnswer, ReviewRequest } from './review.ts';

export type WebhookHandler = (request: ReviewRequest) => ReviewAnswer | Promise<ReviewAnswer>;

/** A webhook by its name in the configurations, or by the Service that they say it runs behind. */
export type WebhookTarget =
  | { readonly webhook: string }
  | { readonly service: { readonly namespace: string; readonly name: string; readonly path?: string } };

export class WebhookHandlers {
  readonly #handlers = new Map<string, WebhookHandler>();

  /** Answers how to take the handler away again. Throws when there is one for the target already. */
  register(target: WebhookTarget, handler: WebhookHandler): () => void {
    const key = keyOf(target);
    if (this.#handlers.has(key)) throw new Error(`there is a handler for ${key} already`);
    this.#handlers.set(key, handler);
    return () => {
      if (this.#handlers.get(key) === handler) this.#handlers.delete(key);
    };
  }

  /** The handler of a webhook; a name counts for more than a Service. */
  find(
    webhook: string,
    service: { namespace: string; name: string; path?: string } | undefined,
  ): WebhookHandler | undefined {
    if (this.#handlers.size === 0) return undefined;
    const named = this.#handlers.get(keyOf({ webhook }));
    return named ?? (service === undefined ? undefined : this.#handlers.get(keyOf({ service })));
  }
}

function keyOf(target: WebhookTarget): string {
  if ('webhook' in target) return `webhook ${target.webhook}`;
  const { namespace, name, path = '' } = target.service;
  return `service ${namespace}/${name}/${path.replace(/^\/+|\/+$/g, '')}`;
}
