/**
 * Groups under `k8s.io` and `kubernetes.io` belong to the community: definitions there carry the approval of their API.
 * Source: KEP-1111; apiextensions-apiserver `pkg/apihelpers`.
 */
import { type FieldError, FieldPath, goQuote, invalid, required } from '../machinery/field.ts';
import type { CustomResourceDefinition } from './types.ts';

export const approvalAnnotation = 'api-approved.kubernetes.io';

export interface ApiApproval {
  readonly state: 'approved' | 'bypassed' | 'missing' | 'invalid';
  readonly reason: string;
}

export function isProtectedGroup(group: string): boolean {
  return /(?:^|\.)(?:k8s|kubernetes)\.io$/.test(group);
}

export function apiApproval(annotations: Readonly<Record<string, string>> | undefined): ApiApproval {
  const annotation = annotations?.[approvalAnnotation] ?? '';
  const more = 'see https://github.com/kubernetes/enhancements/pull/1111';
  if (annotation === '') {
    return {
      state: 'missing',
      reason: `protected groups must have approval annotation ${goQuote(approvalAnnotation)}, ${more}`,
    };
  }
  if (annotation.startsWith('unapproved')) return { state: 'bypassed', reason: `not approved: ${goQuote(annotation)}` };
  if (/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#\s]+\S*$/.test(annotation)) {
    return { state: 'approved', reason: `approved in ${annotation}` };
  }
  return {
    state: 'invalid',
    reason: `protected groups must have approval annotation ${goQuote(approvalAnnotation)} with either a URL or a reason starting with "unapproved", ${more}`,
  };
}

/** On update, a state that has not changed passes. */
export function validateApiApproval(crd: CustomResourceDefinition, old?: CustomResourceDefinition): FieldError[] {
  if (!isProtectedGroup(crd.spec.group ?? '')) return [];
  const { state, reason } = apiApproval(crd.metadata.annotations);
  if (old !== undefined && apiApproval(old.metadata.annotations).state === state) return [];
  const path = FieldPath.of('metadata', 'annotations').key(approvalAnnotation);
  switch (state) {
    case 'missing':
      return [required(path, reason)];
    case 'invalid':
      return [invalid(path, crd.metadata.annotations?.[approvalAnnotation], reason)];
    default:
      return [];
  }
}
