/** Webhooks as configurations define them, compiled when they come. */
import { admissionEnvironment } from '../../apis/admissionregistration/expressions.ts';
import { WebhookClient, type WebhookClientConfig, type WebhookEnvironment } from '../../crd/webhook-client.ts';
import type { ApiObject } from '../../machinery/object.ts';
import { type Expression, expressionOf, namesUsed } from '../expression.ts';
import { type MatchCriteria, Matcher, type Rule } from '../matching.ts';

interface WebhookSpec {
  readonly name: string;
  readonly clientConfig: WebhookClientConfig;
  readonly rules?: readonly Rule[];
  readonly failurePolicy?: string;
  readonly matchPolicy?: string;
  readonly namespaceSelector?: MatchCriteria['namespaceSelector'];
  readonly objectSelector?: MatchCriteria['objectSelector'];
  readonly sideEffects?: string;
  readonly admissionReviewVersions?: readonly string[];
  readonly timeoutSeconds?: number;
  readonly reinvocationPolicy?: string;
  readonly matchConditions?: readonly { readonly name: string; readonly expression: string }[];
}

export interface Webhook {
  readonly name: string;
  readonly configuration: string;
  /** Unlike any other webhook of its kind. */
  readonly key: string;
  readonly matcher: Matcher;
  readonly conditions: readonly Expression[];
  /** The names that its conditions refer to. */
  readonly uses: ReadonlySet<string>;
  readonly failurePolicy: string;
  readonly sideEffects: string | undefined;
  /** Whether it understands the version of reviews that is sent. */
  readonly understands: boolean;
  readonly timeoutSeconds: number;
  readonly reinvocable: boolean;
  readonly service: WebhookClientConfig['service'];
  /** Made when it is first called, and kept with its connections. */
  readonly client: () => WebhookClient;
  readonly close: () => void;
}

/** The webhooks of one configuration, in order. */
export function compileWebhooks(
  { metadata, webhooks }: ApiObject,
  environment: WebhookEnvironment,
): readonly Webhook[] {
  const specs = (webhooks ?? []) as readonly WebhookSpec[];
  const seen = new Map<string, number>();
  return specs.map((spec) => {
    const count = seen.get(spec.name) ?? 0;
    seen.set(spec.name, count + 1);
    return compileWebhook(spec, metadata.name!, count, environment);
  });
}

function compileWebhook(
  spec: WebhookSpec,
  configuration: string,
  count: number,
  environment: WebhookEnvironment,
): Webhook {
  const { rules = [], namespaceSelector, objectSelector, matchPolicy, matchConditions = [] } = spec;
  const conditions = matchConditions.map(({ expression }) =>
    expressionOf(expression.trim(), admissionEnvironment({}), ['bool']),
  );
  const { timeoutSeconds = 10 } = spec;
  let client: WebhookClient | undefined;
  return {
    name: spec.name,
    configuration,
    key: `${configuration}/${spec.name}/${count}`,
    matcher: new Matcher({ resourceRules: rules, namespaceSelector, objectSelector, matchPolicy }, false),
    conditions,
    uses: namesUsed(conditions),
    failurePolicy: spec.failurePolicy ?? 'Fail',
    sideEffects: spec.sideEffects,
    understands: spec.admissionReviewVersions?.includes('v1') ?? false,
    timeoutSeconds,
    reinvocable: spec.reinvocationPolicy === 'IfNeeded',
    service: spec.clientConfig.service,
    client() {
      client ??= new WebhookClient(spec.clientConfig, environment, timeoutSeconds);
      return client;
    },
    close: () => client?.close(),
  };
}
