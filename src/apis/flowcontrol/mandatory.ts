/**
 * The flow schemas and priority levels that every cluster has and nobody may change.
 * Source: Kubernetes `pkg/apis/flowcontrol/internalbootstrap/default-internal.go`.
 */
import type { FlowSchema, PriorityLevelConfiguration } from '../types.ts';

type FlowSchemaSpec = NonNullable<FlowSchema['spec']>;
type PriorityLevelSpec = NonNullable<PriorityLevelConfiguration['spec']>;

const groups = (...names: string[]) => names.map((name) => ({ kind: 'Group', group: { name } }));

const everything = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
};

/** By name. */
export const mandatoryFlowSchemas: Readonly<Record<string, FlowSchemaSpec>> = {
  exempt: {
    priorityLevelConfiguration: { name: 'exempt' },
    matchingPrecedence: 1,
    rules: [{ subjects: groups('system:masters'), ...everything }],
  },
  'catch-all': {
    priorityLevelConfiguration: { name: 'catch-all' },
    matchingPrecedence: 10_000,
    distinguisherMethod: { type: 'ByUser' },
    rules: [{ subjects: groups('system:unauthenticated', 'system:authenticated'), ...everything }],
  },
};

/** By name. Of `exempt`, what stands under `exempt` is the administrator's. */
export const mandatoryPriorityLevels: Readonly<Record<string, PriorityLevelSpec>> = {
  exempt: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  'catch-all': {
    type: 'Limited',
    limited: { nominalConcurrencyShares: 5, lendablePercent: 0, limitResponse: { type: 'Reject' } },
  },
};
