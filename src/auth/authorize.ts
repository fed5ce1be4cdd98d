/**
 * What a user may do. Authorizers are asked in order; the first that allows decides, and when none does the request is
 * refused in the words of kube-apiserver.
 */
import type { UserInfo } from '../apis/resource-type.ts';
import { forbiddenError, StatusError } from '../machinery/status.ts';

export interface ResourceAttributes {
  readonly user: UserInfo;
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string | undefined;
  readonly name: string;
}

export interface PathAttributes {
  readonly user: UserInfo;
  /** The HTTP method in lower case. */
  readonly verb: string;
  readonly path: string;
}

export type Attributes = ResourceAttributes | PathAttributes;

/** True: allowed. Undefined: no opinion. */
export type Authorizer = (attributes: Attributes) => true | undefined;

/** Members of `system:masters` may do everything, whatever other authorizers say. */
export const superuserAuthorizer: Authorizer = ({ user }) =>
  user.groups.includes('system:masters') ? true : undefined;

const publicPaths = new Set(['/healthz', '/livez', '/readyz', '/version']);

/** What everybody may read, signed in or not: health and version (the bootstrap role system:public-info-viewer). */
export const publicInfoAuthorizer: Authorizer = (attributes) =>
  'path' in attributes && attributes.verb === 'get' && publicPaths.has(attributes.path.replace(/(?<=.)\/.*$/, ''))
    ? true
    : undefined;

/** What every authenticated user may read: discovery and OpenAPI (the bootstrap role system:discovery). */
export const discoveryAuthorizer: Authorizer = (attributes) =>
  'path' in attributes &&
  attributes.verb === 'get' &&
  attributes.user.groups.includes('system:authenticated') &&
  /^\/(api|apis|openapi|version)(\/|$)/.test(attributes.path)
    ? true
    : undefined;

/** Processes of the control plane that run in the server's own process or with certificates of its CA. */
export const systemComponentAuthorizer: Authorizer = ({ user }) =>
  user.groups.includes('system:nodes') ||
  user.name.startsWith('system:kube-') ||
  user.name.startsWith('system:controller:')
    ? true
    : undefined;

export function authorizeWith(authorizers: readonly Authorizer[]): (attributes: Attributes) => void {
  return (attributes) => {
    if (!authorizers.some((authorizer) => authorizer(attributes))) throw refusal(attributes);
  };
}

function refusal(attributes: Attributes): StatusError {
  const { user, verb } = attributes;
  if ('path' in attributes) {
    const message = `User "${user.name}" cannot ${verb} path "${attributes.path}"`;
    return new StatusError(403, 'Forbidden', `forbidden: ${message}`, {});
  }
  const resource =
    attributes.subresource === '' ? attributes.resource : `${attributes.resource}/${attributes.subresource}`;
  const scope =
    attributes.namespace === undefined ? 'at the cluster scope' : `in the namespace "${attributes.namespace}"`;
  return forbiddenError(
    { group: attributes.group, name: attributes.resource },
    attributes.name,
    `User "${user.name}" cannot ${verb} resource "${resource}" in API group "${attributes.group}" ${scope}`,
  );
}
