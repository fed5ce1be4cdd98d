/**
 * The schema of a resource version: OpenAPI v3 in structural form, with Kubernetes' extensions.
 *
 * The same type describes a custom resource's `openAPIV3Schema` and a built-in's generated schema, so that one walker
 * serves both. Schemas are immutable after they are made; whatever is compiled from one is cached by object identity.
 */
import type { JsonValue } from './json.ts';

export type SchemaType = 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';

export interface ValidationRule {
  rule: string;
  message?: string;
  messageExpression?: string;
  reason?: string;
  fieldPath?: string;
  optionalOldSelf?: boolean;
}

export interface Schema {
  /**
   * The name under which OpenAPI publishes this schema once and refers to it, e.g. `io.k8s.api.core.v1.PodSpec`.
   * Built-ins only; such schemas are shared by reference and may be recursive.
   */
  definition?: string;

  type?: SchemaType | '';
  format?: string;
  title?: string;
  description?: string;
  nullable?: boolean;
  default?: JsonValue;
  enum?: JsonValue[];
  example?: JsonValue;
  externalDocs?: { description?: string; url?: string };

  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  required?: string[];
  minProperties?: number;
  maxProperties?: number;

  items?: Schema;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;

  minLength?: number;
  maxLength?: number;
  pattern?: string;

  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
  multipleOf?: number;

  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  not?: Schema;

  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-embedded-resource'?: boolean;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: 'atomic' | 'granular';
  'x-kubernetes-validations'?: ValidationRule[];

  /** Strategic merge patch of built-ins: `merge`, `replace`, `retainKeys`, or two of them with a comma. */
  'x-kubernetes-patch-strategy'?: string;
  'x-kubernetes-patch-merge-key'?: string;
  'x-kubernetes-unions'?: { discriminator?: string; 'fields-to-discriminateBy': Record<string, string> }[];
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[];
}
