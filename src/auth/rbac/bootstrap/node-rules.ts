/**
 * What node agents may do: the role `system:node`, which is bound to nobody, and what the node authorizer allows besides the
 * objects of a node's own pods. Source: Kubernetes' default roles, `NodeRules`.
 */
import type { PolicyRule } from '../types.ts';
import { can, read } from './rule.ts';

export const nodeRules: readonly PolicyRule[] = [
  can('create', 'authentication.k8s.io', 'tokenreviews'),
  can('create', 'authorization.k8s.io', 'localsubjectaccessreviews subjectaccessreviews'),
  can(read, 'core', 'services'),
  can(`create ${read}`, 'core', 'nodes'),
  can('patch update', 'core', 'nodes/status'),
  can('patch update', 'core', 'nodes'),
  can('create patch update', 'core', 'events'),
  can(read, 'core', 'pods'),
  can('create delete', 'core', 'pods'),
  can('patch update', 'core', 'pods/status'),
  can('create', 'core', 'pods/eviction'),
  can(read, 'core', 'configmaps secrets'),
  can('get', 'core', 'persistentvolumeclaims persistentvolumes'),
  can('get', 'core', 'endpoints'),
  can(`create ${read}`, 'certificates.k8s.io', 'certificatesigningrequests'),
  can('create delete get patch update', 'coordination.k8s.io', 'leases'),
  can('get', 'storage.k8s.io', 'volumeattachments'),
  can('create', 'core', 'serviceaccounts/token'),
  can('get patch update', 'core', 'persistentvolumeclaims/status'),
  can(read, 'storage.k8s.io', 'csidrivers'),
  can('create delete get patch update', 'storage.k8s.io', 'csinodes'),
  can(read, 'node.k8s.io', 'runtimeclasses'),
  can('get', 'resource.k8s.io', 'resourceclaims'),
  can('deletecollection', 'resource.k8s.io', 'resourceslices'),
];
