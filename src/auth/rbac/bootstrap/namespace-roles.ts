/** Kubernetes' default roles in the system's namespaces. Source: `bootstrappolicy` (namespace_policy.go). */
import type { PolicyRule } from '../types.ts';
import { can, read, recordEvents } from './rule.ts';

export interface DefaultRole {
  readonly namespace: string;
  readonly name: string;
  readonly rules: readonly PolicyRule[];
}

const leaderLocking = (component: string): DefaultRole => ({
  namespace: 'kube-system',
  name: `system::leader-locking-${component}`,
  rules: [
    can(`create ${read} update`, 'coordination.k8s.io', 'leases'),
    can(`create ${read} update`, 'coordination.k8s.io', 'leasecandidates'),
  ],
});

export const namespaceRoles: readonly DefaultRole[] = [
  {
    namespace: 'kube-public',
    name: 'system:controller:bootstrap-signer',
    rules: [can(read, 'core', 'configmaps'), can('update', 'core', 'configmaps', 'cluster-info'), recordEvents],
  },
  {
    namespace: 'kube-system',
    name: 'extension-apiserver-authentication-reader',
    rules: [can(read, 'core', 'configmaps', 'extension-apiserver-authentication')],
  },
  { namespace: 'kube-system', name: 'system:controller:bootstrap-signer', rules: [can(read, 'core', 'secrets')] },
  {
    namespace: 'kube-system',
    name: 'system:controller:cloud-provider',
    rules: [can(`create ${read}`, 'core', 'configmaps')],
  },
  {
    namespace: 'kube-system',
    name: 'system:controller:token-cleaner',
    rules: [can(`delete ${read}`, 'core', 'secrets'), recordEvents],
  },
  leaderLocking('kube-controller-manager'),
  leaderLocking('kube-scheduler'),
];
