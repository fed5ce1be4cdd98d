/**
 * Kubernetes' own kinds for the typed client: each name is the type of the objects and, as a value, the definition of the
 * resource: `client.resource(Pod).get(…)` answers a `Pod`.
 */
import type * as k8s from '@kubernetes/client-node';
import type * as types from '../apis/types.ts';
import type { ResourceDefinition, TypedObject } from './definition.ts';

function builtin<T extends TypedObject>(
  group: string,
  version: string,
  kind: string,
  plural: string,
  scope: 'Namespaced' | 'Cluster',
): ResourceDefinition<T> {
  return Object.freeze({ group, version, kind, plural, namespaced: scope === 'Namespaced' });
}

export type ConfigMap = types.ConfigMap;
export const ConfigMap = builtin<ConfigMap>('', 'v1', 'ConfigMap', 'configmaps', 'Namespaced');

export type Endpoints = types.Endpoints;
export const Endpoints = builtin<Endpoints>('', 'v1', 'Endpoints', 'endpoints', 'Namespaced');

export type Event = types.Event;
export const Event = builtin<Event>('', 'v1', 'Event', 'events', 'Namespaced');

export type LimitRange = types.Kind<k8s.V1LimitRange>;
export const LimitRange = builtin<LimitRange>('', 'v1', 'LimitRange', 'limitranges', 'Namespaced');

export type Namespace = types.Namespace;
export const Namespace = builtin<Namespace>('', 'v1', 'Namespace', 'namespaces', 'Cluster');

export type Node = types.Node;
export const Node = builtin<Node>('', 'v1', 'Node', 'nodes', 'Cluster');

export type PersistentVolumeClaim = types.PersistentVolumeClaim;
export const PersistentVolumeClaim = builtin<PersistentVolumeClaim>(
  '',
  'v1',
  'PersistentVolumeClaim',
  'persistentvolumeclaims',
  'Namespaced',
);

export type PersistentVolume = types.PersistentVolume;
export const PersistentVolume = builtin<PersistentVolume>('', 'v1', 'PersistentVolume', 'persistentvolumes', 'Cluster');

export type PodTemplate = types.Kind<k8s.V1PodTemplate>;
export const PodTemplate = builtin<PodTemplate>('', 'v1', 'PodTemplate', 'podtemplates', 'Namespaced');

export type Pod = types.Pod;
export const Pod = builtin<Pod>('', 'v1', 'Pod', 'pods', 'Namespaced');

export type ReplicationController = types.Kind<k8s.V1ReplicationController>;
export const ReplicationController = builtin<ReplicationController>(
  '',
  'v1',
  'ReplicationController',
  'replicationcontrollers',
  'Namespaced',
);

export type ResourceQuota = types.Kind<k8s.V1ResourceQuota>;
export const ResourceQuota = builtin<ResourceQuota>('', 'v1', 'ResourceQuota', 'resourcequotas', 'Namespaced');

export type Secret = types.Secret;
export const Secret = builtin<Secret>('', 'v1', 'Secret', 'secrets', 'Namespaced');

export type ServiceAccount = types.ServiceAccount;
export const ServiceAccount = builtin<ServiceAccount>('', 'v1', 'ServiceAccount', 'serviceaccounts', 'Namespaced');

export type Service = types.Service;
export const Service = builtin<Service>('', 'v1', 'Service', 'services', 'Namespaced');

export type MutatingWebhookConfiguration = types.Kind<k8s.V1MutatingWebhookConfiguration>;
export const MutatingWebhookConfiguration = builtin<MutatingWebhookConfiguration>(
  'admissionregistration.k8s.io',
  'v1',
  'MutatingWebhookConfiguration',
  'mutatingwebhookconfigurations',
  'Cluster',
);

export type ValidatingAdmissionPolicyBinding = types.Kind<k8s.V1ValidatingAdmissionPolicyBinding>;
export const ValidatingAdmissionPolicyBinding = builtin<ValidatingAdmissionPolicyBinding>(
  'admissionregistration.k8s.io',
  'v1',
  'ValidatingAdmissionPolicyBinding',
  'validatingadmissionpolicybindings',
  'Cluster',
);

export type ValidatingAdmissionPolicy = types.Kind<k8s.V1ValidatingAdmissionPolicy>;
export const ValidatingAdmissionPolicy = builtin<ValidatingAdmissionPolicy>(
  'admissionregistration.k8s.io',
  'v1',
  'ValidatingAdmissionPolicy',
  'validatingadmissionpolicies',
  'Cluster',
);

export type ValidatingWebhookConfiguration = types.Kind<k8s.V1ValidatingWebhookConfiguration>;
export const ValidatingWebhookConfiguration = builtin<ValidatingWebhookConfiguration>(
  'admissionregistration.k8s.io',
  'v1',
  'ValidatingWebhookConfiguration',
  'validatingwebhookconfigurations',
  'Cluster',
);

export type CustomResourceDefinition = types.Kind<k8s.V1CustomResourceDefinition>;
export const CustomResourceDefinition = builtin<CustomResourceDefinition>(
  'apiextensions.k8s.io',
  'v1',
  'CustomResourceDefinition',
  'customresourcedefinitions',
  'Cluster',
);

export type APIService = types.Kind<k8s.V1APIService>;
export const APIService = builtin<APIService>('apiregistration.k8s.io', 'v1', 'APIService', 'apiservices', 'Cluster');

export type ControllerRevision = types.ControllerRevision;
export const ControllerRevision = builtin<ControllerRevision>(
  'apps',
  'v1',
  'ControllerRevision',
  'controllerrevisions',
  'Namespaced',
);

export type DaemonSet = types.DaemonSet;
export const DaemonSet = builtin<DaemonSet>('apps', 'v1', 'DaemonSet', 'daemonsets', 'Namespaced');

export type Deployment = types.Deployment;
export const Deployment = builtin<Deployment>('apps', 'v1', 'Deployment', 'deployments', 'Namespaced');

export type ReplicaSet = types.ReplicaSet;
export const ReplicaSet = builtin<ReplicaSet>('apps', 'v1', 'ReplicaSet', 'replicasets', 'Namespaced');

export type StatefulSet = types.StatefulSet;
export const StatefulSet = builtin<StatefulSet>('apps', 'v1', 'StatefulSet', 'statefulsets', 'Namespaced');

export type HorizontalPodAutoscaler = types.Kind<k8s.V2HorizontalPodAutoscaler>;
export const HorizontalPodAutoscaler = builtin<HorizontalPodAutoscaler>(
  'autoscaling',
  'v2',
  'HorizontalPodAutoscaler',
  'horizontalpodautoscalers',
  'Namespaced',
);

export type CronJob = types.CronJob;
export const CronJob = builtin<CronJob>('batch', 'v1', 'CronJob', 'cronjobs', 'Namespaced');

export type Job = types.Job;
export const Job = builtin<Job>('batch', 'v1', 'Job', 'jobs', 'Namespaced');

export type CertificateSigningRequest = types.Kind<k8s.V1CertificateSigningRequest>;
export const CertificateSigningRequest = builtin<CertificateSigningRequest>(
  'certificates.k8s.io',
  'v1',
  'CertificateSigningRequest',
  'certificatesigningrequests',
  'Cluster',
);

export type Lease = types.Lease;
export const Lease = builtin<Lease>('coordination.k8s.io', 'v1', 'Lease', 'leases', 'Namespaced');

export type EndpointSlice = types.EndpointSlice;
export const EndpointSlice = builtin<EndpointSlice>(
  'discovery.k8s.io',
  'v1',
  'EndpointSlice',
  'endpointslices',
  'Namespaced',
);

export type IngressClass = types.IngressClass;
export const IngressClass = builtin<IngressClass>(
  'networking.k8s.io',
  'v1',
  'IngressClass',
  'ingressclasses',
  'Cluster',
);

export type Ingress = types.Ingress;
export const Ingress = builtin<Ingress>('networking.k8s.io', 'v1', 'Ingress', 'ingresses', 'Namespaced');

export type NetworkPolicy = types.NetworkPolicy;
export const NetworkPolicy = builtin<NetworkPolicy>(
  'networking.k8s.io',
  'v1',
  'NetworkPolicy',
  'networkpolicies',
  'Namespaced',
);

export type PodDisruptionBudget = types.PodDisruptionBudget;
export const PodDisruptionBudget = builtin<PodDisruptionBudget>(
  'policy',
  'v1',
  'PodDisruptionBudget',
  'poddisruptionbudgets',
  'Namespaced',
);

export type ClusterRoleBinding = types.ClusterRoleBinding;
export const ClusterRoleBinding = builtin<ClusterRoleBinding>(
  'rbac.authorization.k8s.io',
  'v1',
  'ClusterRoleBinding',
  'clusterrolebindings',
  'Cluster',
);

export type ClusterRole = types.ClusterRole;
export const ClusterRole = builtin<ClusterRole>(
  'rbac.authorization.k8s.io',
  'v1',
  'ClusterRole',
  'clusterroles',
  'Cluster',
);

export type RoleBinding = types.RoleBinding;
export const RoleBinding = builtin<RoleBinding>(
  'rbac.authorization.k8s.io',
  'v1',
  'RoleBinding',
  'rolebindings',
  'Namespaced',
);

export type Role = types.Role;
export const Role = builtin<Role>('rbac.authorization.k8s.io', 'v1', 'Role', 'roles', 'Namespaced');

export type FlowSchema = types.FlowSchema;
export const FlowSchema = builtin<FlowSchema>(
  'flowcontrol.apiserver.k8s.io',
  'v1',
  'FlowSchema',
  'flowschemas',
  'Cluster',
);

export type PriorityLevelConfiguration = types.PriorityLevelConfiguration;
export const PriorityLevelConfiguration = builtin<PriorityLevelConfiguration>(
  'flowcontrol.apiserver.k8s.io',
  'v1',
  'PriorityLevelConfiguration',
  'prioritylevelconfigurations',
  'Cluster',
);

export type PriorityClass = types.Kind<k8s.V1PriorityClass>;
export const PriorityClass = builtin<PriorityClass>(
  'scheduling.k8s.io',
  'v1',
  'PriorityClass',
  'priorityclasses',
  'Cluster',
);

export type StorageClass = types.StorageClass;
export const StorageClass = builtin<StorageClass>('storage.k8s.io', 'v1', 'StorageClass', 'storageclasses', 'Cluster');

export type VolumeAttachment = types.Kind<k8s.V1VolumeAttachment>;
export const VolumeAttachment = builtin<VolumeAttachment>(
  'storage.k8s.io',
  'v1',
  'VolumeAttachment',
  'volumeattachments',
  'Cluster',
);
