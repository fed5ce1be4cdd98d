/**
 * What a user may do. Authorizers are asked in order; the first that allows or denies decides, and when none does the
 * request is refused in the words of kube-apiserver.
 */
import {
  type Attributes,
  type Authorizer,
  allow,
  type Decision,
  noOpinion,
  type UserRules,
} from '../apis/authorizer.ts';
import { forbiddenError, internalError, StatusError } from '../machinery/status.ts';

/** Members of `system:masters` may do everything, whatever other authorizers say. */
export const superuserAuthorizer: Authorizer = {
  authorize: ({ user }) => (user.groups.includes('system:masters') ? superuser : noOpinion),
};

const superuser = allow('');

const publicPaths = new Set(['/healthz', '/livez', '/readyz', '/version']);

/** What everybody may read, signed in or not: health and version (the bootstrap role system:public-info-viewer). */
export const publicInfoAuthorizer: Authorizer = {
  authorize: (attributes) =>
    'path' in attributes && attributes.verb === 'get' && publicPaths.has(attributes.path.replace(/(?<=.)\/.*$/, ''))
      ? allow('')
      : noOpinion,
};

/** What every authenticated user may read: discovery and OpenAPI (the bootstrap role system:discovery). */
export const discoveryAuthorizer: Authorizer = {
  authorize: (attributes) =>
    'path' in attributes &&
    attributes.verb === 'get' &&
    attributes.user.groups.includes('system:authenticated') &&
    /^\/(api|apis|openapi|version)(\/|$)/.test(attributes.path)
      ? allow('')
      : noOpinion,
};

/** Several authorizers as one. Source: `k8s.io/apiserver/pkg/authorization/union`. */
export function unionAuthorizer(authorizers: readonly Authorizer[]): Authorizer {
  return {
    authorize: (attributes) => decide(authorizers, attributes, 0, noOpinion),
    rulesFor(user, namespace) {
      const found = authorizers.flatMap((authorizer) => authorizer.rulesFor?.(user, namespace) ?? []);
      return found.reduce(joinRules, noRules);
    },
    async start(source) {
      await Promise.all(authorizers.map((authorizer) => authorizer.start?.(source)));
    },
  };
}

/** Stays synchronous as long as the authorizers do. */
function decide(
  authorizers: readonly Authorizer[],
  attributes: Attributes,
  from: number,
  before: Decision,
): Decision | Promise<Decision> {
  let sum = before;
  for (let at = from; at < authorizers.length; at++) {
    const decision = authorizers[at]!.authorize(attributes);
    if (decision instanceof Promise) {
      return decision.then((settled) =>
        settled.verdict === 'no opinion' ? decide(authorizers, attributes, at + 1, undecided(sum, settled)) : settled,
      );
    }
    if (decision.verdict !== 'no opinion') return decision;
    if (decision !== noOpinion) sum = undecided(sum, decision);
  }
  return sum;
}

function undecided(a: Decision, b: Decision): Decision {
  const errors = [a.error, b.error].filter((error) => error !== undefined);
  return {
    verdict: 'no opinion',
    reason: [a.reason, b.reason].filter((reason) => reason !== '').join('\n'),
    ...(errors.length === 0 ? {} : { error: errors.join(', ') }),
  };
}

const noRules: UserRules = { resourceRules: [], nonResourceRules: [], incomplete: false, error: '' };

function joinRules(a: UserRules, b: UserRules): UserRules {
  return {
    resourceRules: [...a.resourceRules, ...b.resourceRules],
    nonResourceRules: [...a.nonResourceRules, ...b.nonResourceRules],
    incomplete: a.incomplete || b.incomplete,
    error: [a.error, b.error].filter((error) => error !== '').join(', '),
  };
}

/** Lets a request in, or refuses it by throwing a 403; asynchronous only where an authorizer is. `told` hears why first. */
export type Gate = (attributes: Attributes, told?: DecisionListener) => void | Promise<void>;

export interface DecisionListener {
  decided(decision: Decision): void;
}

export function gateOf(authorizer: Authorizer): Gate {
  return (attributes, told) => {
    const decision = authorizer.authorize(attributes);
    if (decision instanceof Promise) {
      return decision.then((settled) => {
        told?.decided(settled);
        requireAllowed(settled, attributes);
      });
    }
    told?.decided(decision);
    requireAllowed(decision, attributes);
  };
}

function requireAllowed({ verdict, reason, error }: Decision, attributes: Attributes): void {
  if (verdict === 'allow') return;
  if (error !== undefined) throw internalError(error);
  throw refusal(attributes, reason);
}

/** Source: `k8s.io/apiserver/pkg/endpoints/handlers/responsewriters` (forbiddenMessage). */
function refusal(attributes: Attributes, reason: string): StatusError {
  const { user, verb } = attributes;
  const why = reason === '' ? '' : `: ${reason}`;
  if ('path' in attributes) {
    return new StatusError(
      403,
      'Forbidden',
      `forbidden: User "${user.name}" cannot ${verb} path "${attributes.path}"${why}`,
      {},
    );
  }
  const { group, name, namespace = '' } = attributes;
  const resource =
    attributes.subresource === '' ? attributes.resource : `${attributes.resource}/${attributes.subresource}`;
  const scope = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  return forbiddenError(
    { group, name: attributes.resource },
    name,
    `User "${user.name}" cannot ${verb} resource "${resource}" in API group "${group}" ${scope}${why}`,
  );
}
