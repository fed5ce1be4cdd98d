/** Tokens on request: `serviceaccounts/token`. Source: Kubernetes `pkg/registry/core/serviceaccount/storage/token.go`. */
import { formatTime } from '../../clock/clock.ts';
import { type FieldError, goQuote, invalid } from '../../machinery/field.ts';
import type { ApiObject, ObjectMeta } from '../../machinery/object.ts';
import { badRequest, conflict, invalidObject, notFound, resourceNotServed } from '../../machinery/status.ts';
import type { NamedSubresource, SubresourceRequest, SubresourceResponse } from '../resource-type.ts';
import { schemaOf } from '../schemas.ts';
import type { ClaimedObject, IssuedClaims } from '../service-account-tokens.ts';
import type { Pod } from '../types.ts';

interface TokenRequest {
  metadata?: ObjectMeta;
  spec?: {
    audiences?: string[];
    expirationSeconds?: number;
    boundObjectRef?: { apiVersion?: string; kind?: string; name?: string; uid?: string };
  };
}

const kind = { group: 'authentication.k8s.io', name: 'TokenRequest' };

/** In seconds. */
const defaultExpiration = 60 * 60;
const minExpiration = 10 * 60;
const maxExpiration = 2 ** 32;
/**
 * Pods ask for tokens of this life; they are served longer, for programs that read their token once, and counted as late
 * from then on.
 */
export const podTokenExpiration = 60 * 60 + 7;
const extendedExpiration = 365 * 24 * 60 * 60;

export const tokenSubresource: NamedSubresource = {
  verbs: ['create'],
  kind: 'TokenRequest',
  group: 'authentication.k8s.io',
  version: 'v1',
  get schema() {
    return schemaOf('io.k8s.api.authentication.v1.TokenRequest');
  },
  handle: createToken,
};

async function createToken(request: SubresourceRequest): Promise<SubresourceResponse> {
  const { namespace = '', name, access, context, serviceAccountTokens: tokens, warn } = request;
  if (tokens === undefined) throw resourceNotServed();
  const { metadata = {}, spec = {} } = (request.body ?? {}) as TokenRequest;
  checkMetadata(metadata, namespace, name);
  const account = await access.get({ group: '', plural: 'serviceaccounts' }, namespace, name);
  if (account === undefined) throw notFound({ group: '', name: 'serviceaccounts' }, name);
  const asked = spec.expirationSeconds ?? defaultExpiration;
  const errors = validateExpiration(asked);
  if (errors.length > 0) throw invalidObject(kind, '', errors);

  const bound = await boundObjects(request, spec.boundObjectRef);
  const audiences = (spec.audiences ?? []).length === 0 ? tokens.audiences : spec.audiences!;
  const longest = tokens.maxExpirationSeconds ?? Number.POSITIVE_INFINITY;
  if (asked > longest) warn(`requested expiration of ${asked} seconds shortened to ${longest} seconds`);
  const seconds = Math.min(asked, longest);
  const isExtended =
    bound.pod !== undefined &&
    seconds === podTokenExpiration &&
    audiences.every((audience) => tokens.audiences.includes(audience));
  const now = Math.floor(context.now / 1000);
  const { token, id } = await tokens.issue({
    audiences,
    issuedAt: now,
    expiresAt: now + (isExtended ? Math.min(extendedExpiration, longest) : seconds),
    namespace,
    serviceAccount: { name, uid: account.metadata.uid! },
    ...bound,
    ...(isExtended ? { warnAfter: now + seconds } : {}),
  });
  context.annotate?.('authentication.kubernetes.io/issued-credential-id', `JTI=${id}`);
  const object = {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { ...metadata, name, namespace, creationTimestamp: formatTime(context.now) },
    spec: { audiences, expirationSeconds: seconds, boundObjectRef: spec.boundObjectRef ?? null },
    status: { token, expirationTimestamp: formatTime((now + seconds) * 1000) },
  };
  return { kind: 'object', code: 201, object: object as unknown as ApiObject };
}

function checkMetadata(metadata: ObjectMeta, namespace: string, name: string): void {
  const wrong = (field: string, value: string, detail: string): never => {
    throw invalidObject(kind, name, [invalid(`metadata.${field}`, value, detail)]);
  };
  if ((metadata.name ?? '') !== '' && metadata.name !== name) {
    wrong('name', metadata.name!, 'must match the service account name if specified');
  }
  if ((metadata.namespace ?? '') !== '' && metadata.namespace !== namespace) {
    wrong('namespace', metadata.namespace!, 'must match the service account namespace if specified');
  }
}

function validateExpiration(seconds: number): FieldError[] {
  const field = 'spec.expirationSeconds';
  const errors: FieldError[] = [];
  if (seconds < minExpiration) errors.push(invalid(field, seconds, 'may not specify a duration less than 10 minutes'));
  if (seconds > maxExpiration) {
    errors.push(invalid(field, seconds, 'may not specify a duration larger than 2^32 seconds'));
  }
  return errors;
}

type Bound = Pick<IssuedClaims, 'pod' | 'secret' | 'node'>;

/** The object that the token is revoked with, as it is now. */
async function boundObjects(
  { namespace, name: account, access }: SubresourceRequest,
  reference: NonNullable<TokenRequest['spec']>['boundObjectRef'],
): Promise<Bound> {
  if (reference === undefined || reference === null) return {};
  const { apiVersion = '', kind: boundKind = '', name = '', uid = '' } = reference;
  const found = async (plural: string, within: string | undefined): Promise<ApiObject> => {
    const object = await access.get({ group: '', plural }, within, name);
    if (object === undefined) throw notFound({ group: '', name: plural }, name);
    if (uid !== '' && object.metadata.uid !== uid) {
      const recreated = 'The object might have been deleted and then recreated';
      throw conflict(
        { group: '', name: boundKind },
        name,
        `the UID in the bound object reference (${uid}) does not match the UID in record. ${recreated}`,
      );
    }
    return object;
  };
  const claim = ({ metadata }: ApiObject): ClaimedObject => ({ name: metadata.name!, uid: metadata.uid! });

  // Whatever stands before the slash is the group: Go takes `v1` for a version and no group.
  const known = apiVersion.includes('/') ? '' : boundKind;
  if (known === 'Secret') return { secret: claim(await found('secrets', namespace)) };
  if (known === 'Node') return { node: claim(await found('nodes', undefined)) };
  if (known === 'Pod') {
    const pod = (await found('pods', namespace)) as Pod;
    if (pod.spec?.serviceAccountName !== account) {
      throw badRequest(
        `cannot bind token for serviceaccount ${goQuote(account)} to pod running with different serviceaccount name.`,
      );
    }
    const { nodeName = '' } = pod.spec;
    if (nodeName === '') return { pod: claim(pod) };
    const node = await access.cached({ group: '', plural: 'nodes' }, undefined, nodeName);
    return { pod: claim(pod), node: node === undefined ? { name: nodeName } : claim(node) };
  }
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/', 2) : ['', apiVersion];
  throw badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${boundKind}`);
}
