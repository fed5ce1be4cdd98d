/** What a request asks of the authorizers. Source: `k8s.io/apiserver/pkg/endpoints` (RequestInfo, GetAuthorizerAttributes). */
import type { ResourceAttributes } from '../apis/authorizer.ts';
import type { UserInfo, Verb } from '../apis/resource-type.ts';
import { FieldSelector } from '../machinery/field-selector.ts';
import { LabelSelector, SelectorError } from '../machinery/label-selector.ts';
import { isPathSegmentName } from '../machinery/names.ts';

interface Target {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string | undefined;
  readonly name: string;
  /** The deprecated `/watch/` form of paths, which knows no selectors. */
  readonly watch?: boolean;
}

export function attributesOf(
  user: UserInfo,
  verb: Verb | '',
  target: Target,
  query: URLSearchParams,
): ResourceAttributes {
  const { group, version, resource, subresource, namespace, name } = target;
  const attributes = { user, verb, group, version, resource, subresource, namespace, name };
  if (verb !== 'list' && verb !== 'watch' && verb !== 'deletecollection') return attributes;
  if (target.watch === true) return attributes;
  return withSelectors(attributes, query);
}

function withSelectors(attributes: ResourceAttributes, query: URLSearchParams): ResourceAttributes {
  const fields = query.get('fieldSelector') ?? '';
  const labels = query.get('labelSelector') ?? '';
  if (fields === '' && labels === '') return attributes;
  const fieldSelector = readable(() => FieldSelector.parse(fields));
  const labelSelector = readable(() => LabelSelector.parse(labels));
  // A list of one object by its name is authorized as that object.
  const named = attributes.verb === 'deletecollection' ? undefined : fieldSelector?.exactValue('metadata.name');
  return {
    ...attributes,
    ...(attributes.name === '' && named !== undefined && isPathSegmentName(named).length === 0 ? { name: named } : {}),
    ...(fieldSelector === undefined ? {} : { fieldSelector: fieldSelector.requirements }),
    ...(labelSelector === undefined ? {} : { labelSelector: labelSelector.requirements }),
  };
}

/** What cannot be read narrows nothing: the verb itself refuses the request in its own words. */
function readable<T extends { readonly requirements: readonly unknown[] }>(parse: () => T): T | undefined {
  try {
    const selector = parse();
    return selector.requirements.length === 0 ? undefined : selector;
  } catch (error) {
    if (error instanceof SelectorError) return undefined;
    throw error;
  }
}
