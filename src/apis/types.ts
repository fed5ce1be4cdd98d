/**
 * Static types of Kubernetes' own kinds, as they travel in JSON: the types of `@kubernetes/client-node`, with times as the
 * strings that they are. Nothing of that package is loaded.
 */
import type * as k8s from '@kubernetes/client-node';
import type { ObjectMeta } from '../machinery/object.ts';

/** A type of client-node as JSON carries it. */
export type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? Wire<Item>[]
    : T extends object
      ? { [Field in keyof T]: Wire<T[Field]> }
      : T;

/** A kind of client-node as an object of the API: `apiVersion`, `kind` and `metadata` are always there. */
export type Kind<T> = Omit<Wire<T>, 'apiVersion' | 'kind' | 'metadata'> & {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
};

export type APIService = Kind<k8s.V1APIService>;
export type Binding = Kind<k8s.V1Binding>;
export type CertificateSigningRequest = Kind<k8s.V1CertificateSigningRequest>;
export type CSIDriver = Kind<k8s.V1CSIDriver>;
export type CSINode = Kind<k8s.V1CSINode>;
export type CSIStorageCapacity = Kind<k8s.V1CSIStorageCapacity>;
export type FlowSchema = Kind<k8s.V1FlowSchema>;
export type HorizontalPodAutoscaler = Kind<k8s.V2HorizontalPodAutoscaler>;
export type LimitRange = Kind<k8s.V1LimitRange>;
export type MutatingWebhookConfiguration = Kind<k8s.V1MutatingWebhookConfiguration>;
export type PodTemplate = Kind<k8s.V1PodTemplate>;
export type PriorityLevelConfiguration = Kind<k8s.V1PriorityLevelConfiguration>;
export type PriorityClass = Kind<k8s.V1PriorityClass>;
export type ReplicationController = Kind<k8s.V1ReplicationController>;
export type ResourceQuota = Kind<k8s.V1ResourceQuota>;
export type RuntimeClass = Kind<k8s.V1RuntimeClass>;
export type ValidatingAdmissionPolicy = Kind<k8s.V1ValidatingAdmissionPolicy>;
export type ValidatingAdmissionPolicyBinding = Kind<k8s.V1ValidatingAdmissionPolicyBinding>;
export type ValidatingWebhookConfiguration = Kind<k8s.V1ValidatingWebhookConfiguration>;
export type VolumeAttachment = Kind<k8s.V1VolumeAttachment>;
export type VolumeAttributesClass = Kind<k8s.V1VolumeAttributesClass>;
export type ComponentStatus = Kind<k8s.V1ComponentStatus>;
export type ConfigMap = Kind<k8s.V1ConfigMap>;
export type ControllerRevision = Kind<k8s.V1ControllerRevision>;
export type CronJob = Kind<k8s.V1CronJob>;
export type DaemonSet = Kind<k8s.V1DaemonSet>;
export type Deployment = Kind<k8s.V1Deployment>;
export type Endpoints = Kind<k8s.V1Endpoints>;
export type EndpointSlice = Kind<k8s.V1EndpointSlice>;
export type Event = Kind<k8s.CoreV1Event>;
/** `events.k8s.io/v1`. */
export type NewEvent = Kind<k8s.EventsV1Event>;
export type Ingress = Kind<k8s.V1Ingress>;
export type IngressClass = Kind<k8s.V1IngressClass>;
export type IPAddress = Kind<k8s.V1IPAddress>;
export type Job = Kind<k8s.V1Job>;
export type Lease = Kind<k8s.V1Lease>;
export type Namespace = Kind<k8s.V1Namespace>;
export type NetworkPolicy = Kind<k8s.V1NetworkPolicy>;
export type Node = Kind<k8s.V1Node>;
export type PersistentVolume = Kind<k8s.V1PersistentVolume>;
export type PersistentVolumeClaim = Kind<k8s.V1PersistentVolumeClaim>;
export type Pod = Kind<k8s.V1Pod>;
export type PodDisruptionBudget = Kind<k8s.V1PodDisruptionBudget>;
export type ReplicaSet = Kind<k8s.V1ReplicaSet>;
export type Role = Kind<k8s.V1Role>;
export type RoleBinding = Kind<k8s.V1RoleBinding>;
export type ClusterRole = Kind<k8s.V1ClusterRole>;
export type ClusterRoleBinding = Kind<k8s.V1ClusterRoleBinding>;
export type Secret = Kind<k8s.V1Secret>;
export type Service = Kind<k8s.V1Service>;
export type ServiceAccount = Kind<k8s.V1ServiceAccount>;
export type ServiceCIDR = Kind<k8s.V1ServiceCIDR>;
export type StatefulSet = Kind<k8s.V1StatefulSet>;
export type StorageClass = Kind<k8s.V1StorageClass>;

export type Affinity = Wire<k8s.V1Affinity>;
export type Container = Wire<k8s.V1Container>;
export type ContainerPort = Wire<k8s.V1ContainerPort>;
export type ContainerStatus = Wire<k8s.V1ContainerStatus>;
export type EnvFromSource = Wire<k8s.V1EnvFromSource>;
export type EnvVar = Wire<k8s.V1EnvVar>;
export type EphemeralContainer = Wire<k8s.V1EphemeralContainer>;
export type LabelSelector = Wire<k8s.V1LabelSelector>;
export type LifecycleHandler = Wire<k8s.V1LifecycleHandler>;
export type PodSecurityContext = Wire<k8s.V1PodSecurityContext>;
export type PodSpec = Wire<k8s.V1PodSpec>;
export type PodStatus = Wire<k8s.V1PodStatus>;
export type PodTemplateSpec = Wire<k8s.V1PodTemplateSpec>;
export type Probe = Wire<k8s.V1Probe>;
export type ResourceRequirements = Wire<k8s.V1ResourceRequirements>;
export type SecurityContext = Wire<k8s.V1SecurityContext>;
export type ServicePort = Wire<k8s.V1ServicePort>;
export type ServiceSpec = Wire<k8s.V1ServiceSpec>;
export type Taint = Wire<k8s.V1Taint>;
export type Toleration = Wire<k8s.V1Toleration>;
export type TopologySpreadConstraint = Wire<k8s.V1TopologySpreadConstraint>;
export type Volume = Wire<k8s.V1Volume>;
export type VolumeMount = Wire<k8s.V1VolumeMount>;
