/** `apiextensions.k8s.io/v1` CustomResourceDefinition, as objects of it are stored. */
import type { ApiObject } from '../machinery/object.ts';
import type { Schema } from '../machinery/schema.ts';

export const crdGroup = 'apiextensions.k8s.io';
/** Holds a deleted definition back until its custom resources are gone. */
export const crdFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

export interface CustomResourceDefinition extends ApiObject {
  spec: CustomResourceDefinitionSpec;
  status?: CustomResourceDefinitionStatus;
}

export interface CustomResourceDefinitionSpec {
  group: string;
  names: CustomResourceDefinitionNames;
  scope: 'Namespaced' | 'Cluster';
  versions: CustomResourceDefinitionVersion[];
  conversion?: CustomResourceConversion;
  preserveUnknownFields?: boolean;
}

export interface CustomResourceDefinitionNames {
  plural: string;
  singular?: string;
  shortNames?: string[];
  kind: string;
  listKind?: string;
  categories?: string[];
}

export interface CustomResourceDefinitionVersion {
  name: string;
  served: boolean;
  storage: boolean;
  deprecated?: boolean;
  deprecationWarning?: string;
  schema?: { openAPIV3Schema?: JsonSchemaProps };
  subresources?: CustomResourceSubresources;
  additionalPrinterColumns?: CustomResourceColumnDefinition[];
  selectableFields?: { jsonPath: string }[];
}

/** A schema as users write it: what {@link Schema} allows, and what a structural schema then forbids. */
export interface JsonSchemaProps extends Omit<Schema, 'definition' | 'items' | 'additionalProperties' | SubSchemas> {
  id?: string;
  $schema?: string;
  $ref?: string;
  items?: JsonSchemaProps | (JsonSchemaProps | null)[];
  additionalProperties?: JsonSchemaProps | boolean;
  additionalItems?: JsonSchemaProps | boolean;
  properties?: Record<string, JsonSchemaProps>;
  patternProperties?: Record<string, JsonSchemaProps>;
  definitions?: Record<string, JsonSchemaProps>;
  dependencies?: Record<string, JsonSchemaProps | string[]>;
  allOf?: JsonSchemaProps[];
  anyOf?: JsonSchemaProps[];
  oneOf?: JsonSchemaProps[];
  not?: JsonSchemaProps;
}
type SubSchemas = 'properties' | 'allOf' | 'anyOf' | 'oneOf' | 'not';

export interface CustomResourceSubresources {
  status?: Record<string, never>;
  scale?: { specReplicasPath: string; statusReplicasPath: string; labelSelectorPath?: string };
}

export interface CustomResourceColumnDefinition {
  name: string;
  type: string;
  format?: string;
  description?: string;
  priority?: number;
  jsonPath: string;
}

export interface CustomResourceConversion {
  strategy: 'None' | 'Webhook';
  webhook?: {
    clientConfig?: {
      url?: string;
      service?: { namespace: string; name: string; path?: string; port?: number };
      caBundle?: string;
    };
    conversionReviewVersions?: string[] | null;
  };
}

export interface CustomResourceDefinitionStatus {
  conditions?: CustomResourceDefinitionCondition[] | null;
  acceptedNames?: CustomResourceDefinitionNames;
  storedVersions?: string[] | null;
}

export type CustomResourceDefinitionConditionType =
  | 'Established'
  | 'NamesAccepted'
  | 'NonStructuralSchema'
  | 'Terminating'
  | 'KubernetesAPIApprovalPolicyConformant';

export interface CustomResourceDefinitionCondition {
  type: CustomResourceDefinitionConditionType;
  status: 'True' | 'False' | 'Unknown';
  lastTransitionTime?: string;
  reason?: string;
  message?: string;
}
