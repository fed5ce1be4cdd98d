/**
 * Conversion by webhook: a ConversionReview out, and what comes back checked: a webhook may change everything but the
 * identity of an object, and of its metadata only labels and annotations.
 * Source: KEP-598; apiextensions-apiserver `pkg/apiserver/conversion`.
 */
import { randomUUID } from 'node:crypto';
import { errorText, FieldPath, goQuote } from '../machinery/field.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../machinery/json.ts';
import { validateLabels } from '../machinery/label-selector.ts';
import { type ApiObject, parseGroupVersion } from '../machinery/object.ts';
import { validateAnnotations } from '../machinery/object-meta.ts';
import { StatusError } from '../machinery/status.ts';
import { WebhookError } from './webhook-client.ts';

/** Sends a review and answers what came back. Throws {@link WebhookError}. */
export type CallWebhook = (review: JsonObject) => Promise<JsonValue>;

const reviewGroup = 'apiextensions.k8s.io';
const spokenVersions: readonly string[] = ['v1', 'v1beta1'];

/**
 * `objects` in `apiVersion`, in one review; those that are in it already are not sent. `reviewVersions` is what the webhook
 * understands, the first that the server speaks is used. Throws 500 with Kubernetes' words.
 */
export async function convertByWebhook(
  objects: readonly ApiObject[],
  apiVersion: string,
  reviewVersions: readonly string[],
  call: CallWebhook,
): Promise<ApiObject[]> {
  const sent = objects.filter((object) => object.apiVersion !== apiVersion);
  if (sent.length === 0) return [...objects];
  const version = reviewVersions.find((candidate) => spokenVersions.includes(candidate));
  if (version === undefined) throw failure('no supported conversion review versions');
  const of = `conversion webhook for ${kindText(sent[0] as ApiObject)}`;
  const received = await review(sent, apiVersion, version, call).catch((error: unknown) => {
    if (error instanceof WebhookError) throw failure(`${of} failed: ${error.message}`);
    throw error;
  });
  if (received.length !== sent.length) {
    throw failure(`${of} returned ${received.length} objects, expected ${sent.length}`);
  }
  let index = 0;
  return objects.map((object) => {
    if (object.apiVersion === apiVersion) return object;
    const converted = received[index];
    // kube-apiserver counts from one here, except for what is no object at all.
    if (!isJsonObject(converted)) {
      throw failure(`${of} returned invalid converted object at index ${index}: ${notAnObject(converted)}`);
    }
    index += 1;
    const [where, whereChanged, whereMeta] =
      sent.length === 1
        ? ['object at index 0', 'object', 'metadata']
        : [
            `converted object at index ${index}`,
            `converted object at index ${index}`,
            `metadata in object at index ${index}`,
          ];
    const misfit = typeProblem(converted, object, apiVersion);
    if (misfit !== undefined) throw failure(`${of} returned invalid ${where}: ${misfit}`);
    const change = identityProblem(converted, object);
    if (change !== undefined) throw failure(`${of} returned invalid ${whereChanged}: ${change}`);
    const metadata = restoredMetadata(object, converted.metadata);
    if (typeof metadata === 'string') throw failure(`${of} returned invalid ${whereMeta}: ${metadata}`);
    return { ...(converted as unknown as ApiObject), metadata };
  });
}

async function review(
  objects: readonly ApiObject[],
  desiredAPIVersion: string,
  version: string,
  call: CallWebhook,
): Promise<readonly JsonValue[]> {
  const uid = randomUUID();
  const apiVersion = `${reviewGroup}/${version}`;
  const answer = await call({
    kind: 'ConversionReview',
    apiVersion,
    request: { uid, desiredAPIVersion, objects: objects as unknown as JsonObject[] },
  });
  const given = isJsonObject(answer) ? answer : {};
  if (version === 'v1' && (given.kind !== 'ConversionReview' || given.apiVersion !== apiVersion)) {
    const got = kindText({ apiVersion: String(given.apiVersion ?? ''), kind: String(given.kind ?? '') });
    throw new WebhookError(`expected webhook response of ${reviewGroup}/${version}, Kind=ConversionReview, got ${got}`);
  }
  const { response } = given;
  if (!isJsonObject(response)) throw new WebhookError('no response provided');
  // v1beta1 never compared the uid.
  if (version === 'v1' && response.uid !== uid) {
    throw new WebhookError(`expected response.uid=${goQuote(uid)}, got ${goQuote(String(response.uid ?? ''))}`);
  }
  const result = isJsonObject(response.result) ? response.result : {};
  if (result.status !== 'Success') {
    const { message } = result;
    throw new WebhookError(
      typeof message === 'string' && message !== ''
        ? message
        : `response.result.status was '${String(result.status ?? '')}', not 'Success'`,
    );
  }
  return Array.isArray(response.convertedObjects) ? response.convertedObjects : [];
}

function failure(message: string): StatusError {
  return new StatusError(500, '', message);
}

/** As Go prints a group, version and kind. */
function kindText({ apiVersion, kind }: { apiVersion: string; kind: string }): string {
  const { group, version } = parseGroupVersion(apiVersion);
  return `${group}/${version}, Kind=${kind}`;
}

const notAnObject = (converted: JsonValue | undefined): string =>
  `expected an object, got ${goType(converted ?? null)}`;

const text = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '');

function typeProblem(converted: JsonObject, original: ApiObject, apiVersion: string): string | undefined {
  if (converted.apiVersion !== apiVersion) {
    return `invalid groupVersion (expected ${apiVersion}, received ${text(converted.apiVersion)})`;
  }
  if (converted.kind !== original.kind) {
    return `invalid kind (expected ${original.kind}, received ${text(converted.kind)})`;
  }
  return undefined;
}

function identityProblem(converted: JsonObject, original: ApiObject): string | undefined {
  const metadata = isJsonObject(converted.metadata) ? converted.metadata : {};
  for (const [field, name] of identity) {
    const before = original.metadata[field] ?? '';
    const after = text(metadata[field]);
    if (before !== after) return `must have the same ${name}: ${before} != ${after}`;
  }
  return undefined;
}

const identity = [
  ['name', 'name'],
  ['namespace', 'namespace'],
  ['uid', 'UID'],
] as const;

/** The original's metadata with the labels and annotations of the converted object, or what is wrong with them. */
function restoredMetadata(original: ApiObject, converted: JsonValue | undefined): ApiObject['metadata'] | string {
  if (converted === undefined) return 'missing metadata in converted object';
  if (!isJsonObject(converted)) return `invalid metadata of type ${goType(converted)} in converted object`;
  const metadata = { ...original.metadata };
  for (const field of ['labels', 'annotations'] as const) {
    const given = converted[field];
    if (given === undefined || given === null) {
      delete metadata[field];
      continue;
    }
    if (!isJsonObject(given)) return `invalid metadata.${field} of type ${goType(given)} in converted object`;
    for (const [key, value] of Object.entries(given)) {
      if (typeof value !== 'string') {
        return `metadata.${field}[${key}] must be a string, but is ${goType(value ?? null)} in converted object`;
      }
    }
    const texts = given as Record<string, string>;
    const errors =
      field === 'labels'
        ? validateLabels(texts, FieldPath.of('metadata', 'labels'))
        : validateAnnotations(texts, FieldPath.of('metadata', 'annotation'));
    if (errors.length > 0) {
      const all = errors.map(errorText);
      return all.length === 1 ? (all[0] as string) : `[${all.join(', ')}]`;
    }
    metadata[field] = texts;
  }
  return metadata;
}

function goType(value: JsonValue): string {
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return '[]interface {}';
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'object':
      return 'map[string]interface {}';
    default:
      return typeof value === 'bigint' || Number.isInteger(value) ? 'int64' : 'float64';
  }
}
