/** The webhooks of one kind of configuration, as they are now, in the order of the configurations' names. */
import type { ResourceRef } from '../../apis/resource-type.ts';
import type { AdmissionRequest } from '../chain.ts';
import { CompiledObjects } from '../compiled-objects.ts';
import { type AdmissionHost, namespaces } from '../host.ts';
import { EndpointIndex, type Fits } from '../matching.ts';
import { compileWebhooks, type Webhook } from './webhook.ts';

/** A webhook that requests to an endpoint can match. */
export interface Candidate {
  readonly webhook: Webhook;
  readonly fits: Fits;
}

function candidateOf(webhook: Webhook, request: AdmissionRequest): Candidate | undefined {
  const fits = webhook.matcher.fits(request);
  return fits === undefined ? undefined : { webhook, fits };
}

export class WebhookSource {
  readonly #host: AdmissionHost;
  readonly #configurations: CompiledObjects<readonly Webhook[]>;
  #built = -1;
  #index = new EndpointIndex<Webhook, Candidate>([], candidateOf);

  constructor(host: AdmissionHost, configurations: ResourceRef) {
    this.#host = host;
    this.#configurations = new CompiledObjects(
      host,
      configurations,
      (object) => compileWebhooks(object, host.webhooks),
      (webhooks) => {
        for (const { close } of webhooks) close();
      },
    );
  }

  /** The webhooks that the request may match; a promise only while something is being loaded. */
  candidates(request: AdmissionRequest): readonly Candidate[] | Promise<readonly Candidate[]> {
    const pending = this.#configurations.unready();
    if (pending !== undefined) return pending.then(() => this.candidates(request));
    const { version } = this.#configurations;
    if (version !== this.#built) {
      this.#index = new EndpointIndex(this.#configurations.all().flat(), candidateOf);
      this.#built = version;
    }
    const candidates = this.#index.candidates(request);
    const source = candidates.length === 0 ? undefined : this.#host.source(namespaces);
    return source === undefined || source.ready ? candidates : source.start().then(() => candidates);
  }
}
