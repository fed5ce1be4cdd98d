/** Which parameters a binding gives its policy. Source: `k8s.io/apiserver/pkg/admission/plugin/policy/generic`, CollectParams. */
import type { ResourceRef } from '../../apis/resource-type.ts';
import { LabelSelector } from '../../machinery/label-selector.ts';
import { type ApiObject, parseGroupVersion } from '../../machinery/object.ts';
import type { AdmissionRequest } from '../chain.ts';
import { type AdmissionHost, servedKind, shownNamespace } from '../host.ts';
import type { ParamKind, ParamRef } from './policy.ts';

/** Why a policy or a binding cannot be evaluated at all; its failurePolicy says what that means for the request. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

export interface ParamResource {
  readonly ref: ResourceRef;
  readonly apiVersion: string;
  readonly namespaced: boolean;
}

/** @throws ConfigurationError */
export function paramResource({ apiVersion = '', kind = '' }: ParamKind, host: AdmissionHost): ParamResource {
  const served = servedKind(host.resources, apiVersion, kind);
  if (served === undefined) {
    const { group, version } = parseGroupVersion(apiVersion);
    const named = `${group}/${version}, Kind=${kind}`;
    throw new ConfigurationError(`failed to find resource referenced by paramKind: '${named}'`);
  }
  const { type } = served;
  return { ref: { group: type.group, plural: type.names.plural }, apiVersion, namespaced: type.scope === 'Namespaced' };
}

const noParams: readonly null[] = [null];

/**
 * The parameters to evaluate with, one after the other; null: without any. None: the policy is not evaluated.
 * @throws ConfigurationError
 */
export function collectParams(
  resource: ParamResource | undefined,
  paramRef: ParamRef | undefined,
  request: AdmissionRequest,
): readonly (ApiObject | null)[] {
  if (resource === undefined || paramRef === undefined) return noParams;
  const within = paramNamespace(resource, paramRef, shownNamespace(request));
  const found = findParams(resource, paramRef, within, request.access);
  if (found.length === 0 && paramRef.parameterNotFoundAction === 'Deny') {
    throw new ConfigurationError('no params found for policy binding with `Deny` parameterNotFoundAction');
  }
  return found;
}

function paramNamespace(
  { namespaced }: ParamResource,
  { namespace = '' }: ParamRef,
  ofRequest: string | undefined,
): string | undefined {
  if (!namespaced) {
    if (namespace === '') return undefined;
    throw new ConfigurationError('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
  }
  if (namespace !== '') return namespace;
  if (ofRequest !== undefined) return ofRequest;
  throw new ConfigurationError(
    'cannot use namespaced paramRef in policy binding that matches cluster-scoped resources',
  );
}

function findParams(
  { ref, apiVersion }: ParamResource,
  { name = '', selector }: ParamRef,
  namespace: string | undefined,
  access: AdmissionRequest['access'],
): readonly ApiObject[] {
  if (name !== '') {
    const param = access.peek(ref, namespace, name);
    return param === undefined ? [] : [inVersion(param, apiVersion)];
  }
  if (selector === undefined) throw new ConfigurationError('one of name or selector must be provided');
  const compiled = LabelSelector.fromSpec(selector);
  const found = access.peekAll(ref, namespace).filter(({ metadata }) => compiled.matches(metadata.labels));
  return found.map((param) => inVersion(param, apiVersion));
}

/** As resources without a converter have it; parameters of others are shown as they are stored. */
function inVersion(param: ApiObject, apiVersion: string): ApiObject {
  return param.apiVersion === apiVersion ? param : { ...param, apiVersion };
}
