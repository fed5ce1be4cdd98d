/**
 * Kubernetes' default cluster roles for users and for components other than controllers.
 * Source: the authorization documentation, "Default roles and role bindings"; `bootstrappolicy` (policy.go).
 */
import type { PolicyRule } from '../types.ts';
import { nodeRules } from './node-rules.ts';
import { can, canPath, read, readWrite, recordEvents, write } from './rule.ts';

export interface DefaultClusterRole {
  readonly name: string;
  /** Absent: aggregated. */
  readonly rules?: readonly PolicyRule[];
  /** The roles whose rules are this one's: those with the label `aggregate-to-<it>`. */
  readonly aggregates?: string;
  readonly aggregateTo?: string;
}

const aggregated: readonly DefaultClusterRole[] = [
  { name: 'admin', aggregates: 'admin' },
  { name: 'edit', aggregates: 'edit', aggregateTo: 'admin' },
  { name: 'view', aggregates: 'view', aggregateTo: 'edit' },
  {
    name: 'system:aggregate-to-admin',
    aggregateTo: 'admin',
    rules: [
      can('create', 'authorization.k8s.io', 'localsubjectaccessreviews'),
      can(readWrite, 'rbac.authorization.k8s.io', 'rolebindings roles'),
    ],
  },
  {
    name: 'system:aggregate-to-edit',
    aggregateTo: 'edit',
    rules: [
      can(read, 'core', 'pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy'),
      can('impersonate', 'core', 'serviceaccounts'),
      can(write, 'core', 'pods pods/attach pods/exec pods/portforward pods/proxy'),
      can('create', 'core', 'pods/eviction'),
      can(
        write,
        'core',
        'configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy',
      ),
      can('create', 'core', 'serviceaccounts/token'),
      can(
        write,
        'apps',
        'daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale',
      ),
      can(write, 'autoscaling', 'horizontalpodautoscalers'),
      can(write, 'batch', 'cronjobs jobs'),
      can(
        write,
        'extensions',
        'daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets replicasets/scale replicationcontrollers/scale',
      ),
      can(write, 'policy', 'poddisruptionbudgets'),
      can(write, 'networking.k8s.io', 'ingresses networkpolicies'),
      can(readWrite, 'coordination.k8s.io', 'leases'),
      can(write, 'resource.k8s.io', 'resourceclaims resourceclaimtemplates'),
    ],
  },
  {
    name: 'system:aggregate-to-view',
    aggregateTo: 'view',
    rules: [
      can(
        read,
        'core',
        'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status',
      ),
      can(
        read,
        'core',
        'bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
      ),
      can(read, 'core', 'namespaces'),
      can(read, 'discovery.k8s.io', 'endpointslices'),
      can(
        read,
        'apps',
        'controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status',
      ),
      can(read, 'autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status'),
      can(read, 'batch', 'cronjobs cronjobs/status jobs jobs/status'),
      can(
        read,
        'extensions',
        'daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale',
      ),
      can(read, 'policy', 'poddisruptionbudgets poddisruptionbudgets/status'),
      can(read, 'networking.k8s.io', 'ingresses ingresses/status networkpolicies'),
      can(read, 'resource.k8s.io', 'resourceclaims resourceclaims/status resourceclaimtemplates'),
    ],
  },
];

const signerRole = (name: string, signer: string): DefaultClusterRole => ({
  name: `system:certificates.k8s.io:${name}`,
  rules: [can('approve', 'certificates.k8s.io', 'signers', signer)],
});

const users: readonly DefaultClusterRole[] = [
  { name: 'cluster-admin', rules: [can('*', '*', '*'), canPath('*', '*')] },
  {
    name: 'system:auth-delegator',
    rules: [
      can('create', 'authentication.k8s.io', 'tokenreviews'),
      can('create', 'authorization.k8s.io', 'subjectaccessreviews'),
    ],
  },
  {
    name: 'system:basic-user',
    rules: [
      can('create', 'authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews'),
      can('create', 'authentication.k8s.io', 'selfsubjectreviews'),
    ],
  },
  {
    name: 'system:discovery',
    rules: [
      canPath(
        'get',
        '/api',
        '/api/*',
        '/apis',
        '/apis/*',
        '/healthz',
        '/livez',
        '/openapi',
        '/openapi/*',
        '/readyz',
        '/version',
        '/version/',
      ),
    ],
  },
  {
    name: 'system:public-info-viewer',
    rules: [canPath('get', '/healthz', '/livez', '/readyz', '/version', '/version/')],
  },
  {
    name: 'system:service-account-issuer-discovery',
    rules: [
      canPath(
        'get',
        '/.well-known/openid-configuration',
        '/.well-known/openid-configuration/',
        '/openid/v1/jwks',
        '/openid/v1/jwks/',
      ),
    ],
  },
  {
    name: 'system:monitoring',
    rules: [
      canPath(
        'get',
        '/healthz',
        '/healthz/*',
        '/livez',
        '/livez/*',
        '/metrics',
        '/metrics/slis',
        '/readyz',
        '/readyz/*',
      ),
    ],
  },
  {
    name: 'system:certificates.k8s.io:certificatesigningrequests:nodeclient',
    rules: [can('create', 'certificates.k8s.io', 'certificatesigningrequests/nodeclient')],
  },
  {
    name: 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient',
    rules: [can('create', 'certificates.k8s.io', 'certificatesigningrequests/selfnodeclient')],
  },
  signerRole('kube-apiserver-client-approver', 'kubernetes.io/kube-apiserver-client'),
  signerRole('kube-apiserver-client-kubelet-approver', 'kubernetes.io/kube-apiserver-client-kubelet'),
  signerRole('kubelet-serving-approver', 'kubernetes.io/kubelet-serving'),
  signerRole('legacy-unknown-approver', 'kubernetes.io/legacy-unknown'),
];

const components: readonly DefaultClusterRole[] = [
  {
    name: 'system:heapster',
    rules: [can(read, 'core', 'events namespaces nodes pods'), can(read, 'extensions', 'deployments')],
  },
  { name: 'system:kube-aggregator', rules: [can(read, 'core', 'endpoints services')] },
  {
    name: 'system:kube-controller-manager',
    rules: [
      recordEvents,
      can('create', 'coordination.k8s.io', 'leases'),
      can('get update', 'coordination.k8s.io', 'leases', 'kube-controller-manager'),
      can('create', 'core', 'secrets serviceaccounts'),
      can('delete', 'core', 'secrets'),
      can('get', 'core', 'configmaps namespaces secrets serviceaccounts'),
      can('update', 'core', 'secrets serviceaccounts'),
      can('create', 'authentication.k8s.io', 'tokenreviews'),
      can('create', 'authorization.k8s.io', 'subjectaccessreviews'),
      can('list watch', '*', '*'),
      can('create', 'core', 'serviceaccounts/token'),
    ],
  },
  { name: 'system:kube-dns', rules: [can('list watch', 'core', 'endpoints services')] },
  {
    name: 'system:kube-scheduler',
    rules: [
      recordEvents,
      can('create', 'coordination.k8s.io', 'leases'),
      can('get list update watch', 'coordination.k8s.io', 'leases', 'kube-scheduler'),
      can(readWrite, 'coordination.k8s.io', 'leasecandidates'),
      can(read, 'core', 'nodes'),
      can('delete get list watch', 'core', 'pods'),
      can('create', 'core', 'bindings pods/binding'),
      can('patch update', 'core', 'pods/status'),
      can(read, 'core', 'replicationcontrollers services'),
      can(read, 'apps extensions', 'replicasets'),
      can(read, 'apps', 'statefulsets'),
      can(read, 'policy', 'poddisruptionbudgets'),
      can(read, 'core', 'persistentvolumeclaims persistentvolumes'),
      can('create', 'authentication.k8s.io', 'tokenreviews'),
      can('create', 'authorization.k8s.io', 'subjectaccessreviews'),
      can(read, 'storage.k8s.io', 'csinodes'),
      can(read, 'storage.k8s.io', 'volumeattachments'),
      can(read, 'core', 'namespaces'),
      can(read, 'storage.k8s.io', 'csidrivers'),
      can(read, 'storage.k8s.io', 'csistoragecapacities'),
      can(read, 'resource.k8s.io', 'deviceclasses'),
      can(`${read} patch update`, 'resource.k8s.io', 'resourceclaims'),
      can(`${read} patch update`, 'resource.k8s.io', 'resourceclaims/status'),
      can(`${read} patch update`, 'core', 'pods/finalizers'),
      can(read, 'resource.k8s.io', 'resourceslices'),
    ],
  },
  {
    name: 'system:kubelet-api-admin',
    rules: [
      can(read, 'core', 'nodes'),
      can('proxy', 'core', 'nodes'),
      can('*', 'core', 'nodes/log nodes/metrics nodes/proxy nodes/stats'),
    ],
  },
  { name: 'system:node', rules: nodeRules },
  {
    name: 'system:node-bootstrapper',
    rules: [can(`create ${read}`, 'certificates.k8s.io', 'certificatesigningrequests')],
  },
  {
    name: 'system:node-problem-detector',
    rules: [can('get', 'core', 'nodes'), can('patch', 'core', 'nodes/status'), recordEvents],
  },
  {
    name: 'system:node-proxier',
    rules: [
      can('list watch', 'core', 'endpoints services'),
      can(read, 'core', 'nodes'),
      recordEvents,
      can('list watch', 'discovery.k8s.io', 'endpointslices'),
    ],
  },
  {
    name: 'system:persistent-volume-provisioner',
    rules: [
      can(`create delete ${read}`, 'core', 'persistentvolumes'),
      can(`update ${read}`, 'core', 'persistentvolumeclaims'),
      can(read, 'storage.k8s.io', 'storageclasses'),
      can('watch', 'core', 'events'),
      recordEvents,
    ],
  },
  {
    name: 'system:volume-scheduler',
    rules: [
      can(`${read} patch update`, 'core', 'persistentvolumes'),
      can(read, 'storage.k8s.io', 'storageclasses'),
      can(`${read} patch update`, 'core', 'persistentvolumeclaims'),
    ],
  },
];

export const clusterRoles: readonly DefaultClusterRole[] = [...users, ...aggregated, ...components];
