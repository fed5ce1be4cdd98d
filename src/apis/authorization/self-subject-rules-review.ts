/**
 * All that the requester may do in a namespace: `kubectl auth can-i --list`. What authorizers without rules allow is not
 * there. Source: Kubernetes `pkg/registry/authorization/selfsubjectrulesreview`.
 */
import type { ApiObject } from '../../machinery/object.ts';
import { badRequest } from '../../machinery/status.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, nameColumn } from '../columns.ts';
import type { VirtualRequest } from '../resource-type.ts';

interface RulesReview extends ApiObject {
  spec?: { namespace?: string };
}

export const selfSubjectRulesReviewType = builtinType<RulesReview>({
  group: 'authorization.k8s.io',
  kind: 'SelfSubjectRulesReview',
  plural: 'selfsubjectrulesreviews',
  scope: 'Cluster',
  verbs: ['create'],
  columns: [nameColumn, ageColumn],
  virtual: { create: review },
});

/** Made anew: nothing of what was sent is answered. */
function review(draft: ApiObject, { context }: VirtualRequest): ApiObject {
  const { namespace = '' } = (draft as RulesReview).spec ?? {};
  if (namespace === '') throw badRequest('no namespace on request');
  const { authorizer, user } = context;
  const found = authorizer.rulesFor?.(user, namespace);
  const { resourceRules = [], nonResourceRules = [], incomplete = true, error = '' } = found ?? {};
  return {
    apiVersion: draft.apiVersion,
    kind: draft.kind,
    metadata: {},
    spec: {},
    status: { resourceRules, nonResourceRules, incomplete, ...(error === '' ? {} : { evaluationError: error }) },
  };
}
