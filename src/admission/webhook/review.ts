/**
 * `admission.k8s.io/v1` AdmissionReview: what webhooks are asked, and what they may answer.
 * Source: `k8s.io/apiserver/pkg/admission/plugin/webhook/request` (admissionreview.go).
 */
import { goQuote } from '../../machinery/field.ts';
import { isJsonObject, type JsonObject, type JsonValue, stringifyJson } from '../../machinery/json.ts';
import type { JsonPatch } from '../../machinery/json-patch.ts';
import { type ApiObject, parseGroupVersion } from '../../machinery/object.ts';
import type { Operation } from '../chain.ts';

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface GroupVersionResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** `request` of a review. What is empty is absent. */
export interface ReviewRequest {
  readonly uid: string;
  readonly kind: GroupVersionKind;
  readonly resource: GroupVersionResource;
  readonly subResource?: string;
  readonly requestKind: GroupVersionKind;
  readonly requestResource: GroupVersionResource;
  readonly requestSubResource?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly operation: Operation;
  readonly userInfo: {
    readonly username?: string;
    readonly uid?: string;
    readonly groups?: readonly string[];
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
  readonly object: ApiObject | null;
  readonly oldObject: ApiObject | null;
  readonly dryRun: boolean;
  readonly options: JsonObject | null;
}

/** What a handler answers. */
export interface ReviewAnswer {
  readonly allowed: boolean;
  /** Why not; `code` 400 to 599, default 400. */
  readonly status?: { readonly code?: number; readonly reason?: string; readonly message?: string };
  /** Of mutating webhooks: what to change of the object. */
  readonly patch?: JsonPatch;
  readonly warnings?: readonly string[];
  /** Keys are put behind the name of the webhook. */
  readonly auditAnnotations?: Readonly<Record<string, string>>;
}

export const reviewVersion = 'admission.k8s.io/v1';

/** A review as webhooks get it. */
export function reviewOf(request: JsonObject): JsonObject {
  return { kind: 'AdmissionReview', apiVersion: reviewVersion, request };
}

/** A handler's answer as webhooks give it. */
export function answerOf(uid: string, { patch, ...rest }: ReviewAnswer): JsonObject {
  const patched =
    patch === undefined || patch.length === 0
      ? {}
      : { patch: Buffer.from(stringifyJson(patch as JsonValue)).toString('base64'), patchType: 'JSONPatch' };
  const response = { uid, ...(rest as unknown as JsonObject), ...patched };
  return { kind: 'AdmissionReview', apiVersion: reviewVersion, response };
}

/** An answer as it came, checked. */
export interface ReviewResponse {
  readonly allowed: boolean;
  readonly result: JsonObject | undefined;
  /** Base64; undefined: nothing to change. */
  readonly patch: string | undefined;
  readonly patchType: string;
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
}

/** An answer that cannot be used; the message says why. */
export class InvalidResponse extends Error {
  override readonly name = 'InvalidResponse';
}

/** @throws InvalidResponse */
export function verifyResponse(review: JsonValue, uid: string, mutating: boolean): ReviewResponse {
  if (!isJsonObject(review)) throw new InvalidResponse('webhook response was absent');
  const { response, apiVersion = '', kind = '' } = review;
  if (!isJsonObject(response)) throw new InvalidResponse('webhook response was absent');
  const answered = typeof response.uid === 'string' ? response.uid : '';
  if (answered !== uid) {
    throw new InvalidResponse(`expected response.uid=${goQuote(uid)}, got ${goQuote(answered)}`);
  }
  if (apiVersion !== reviewVersion || kind !== 'AdmissionReview') {
    const got = parseGroupVersion(String(apiVersion));
    throw new InvalidResponse(
      `expected webhook response of ${reviewVersion}, Kind=AdmissionReview, got ${got.group}/${got.version}, Kind=${kind}`,
    );
  }
  return { ...readResponse(response), ...readPatch(response, mutating) };
}

function readResponse(
  response: JsonObject,
): Pick<ReviewResponse, 'allowed' | 'result' | 'warnings' | 'auditAnnotations'> {
  const { allowed, status, warnings, auditAnnotations } = response;
  if (allowed !== undefined && typeof allowed !== 'boolean') throw wrongType('allowed', allowed, 'bool');
  if (warnings !== undefined && warnings !== null && !isStrings(warnings)) {
    throw wrongType('warnings', warnings, '[]string');
  }
  if (auditAnnotations !== undefined && auditAnnotations !== null && !isStringMap(auditAnnotations)) {
    throw wrongType('auditAnnotations', auditAnnotations, 'map[string]string');
  }
  return {
    allowed: allowed === true,
    result: isJsonObject(status) ? status : undefined,
    warnings: isStrings(warnings) ? warnings : [],
    auditAnnotations: isStringMap(auditAnnotations) ? auditAnnotations : {},
  };
}

function readPatch(response: JsonObject, mutating: boolean): Pick<ReviewResponse, 'patch' | 'patchType'> {
  const patch = response.patch ?? '';
  const { patchType } = response;
  if (typeof patch !== 'string') throw wrongType('patch', patch, '[]uint8');
  const typed = patchType !== undefined && patchType !== null;
  if (!mutating) {
    if (patch !== '') throw new InvalidResponse('validating webhook may not return response.patch');
    if (typed) throw new InvalidResponse('validating webhook may not return response.patchType');
    return { patch: undefined, patchType: '' };
  }
  if (patch !== '' && !typed) throw new InvalidResponse('webhook returned response.patch but not response.patchType');
  if (patch === '' && typed) throw new InvalidResponse('webhook returned response.patchType but not response.patch');
  if (patchType === '') throw new InvalidResponse('webhook returned invalid response.patchType of ""');
  return { patch: patch === '' ? undefined : patch, patchType: typed ? String(patchType) : '' };
}

function wrongType(field: string, value: JsonValue, type: string): InvalidResponse {
  const got = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  return new InvalidResponse(
    `json: cannot unmarshal ${got} into Go struct field AdmissionResponse.response.${field} of type ${type}`,
  );
}

function isStrings(value: JsonValue | undefined): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isStringMap(value: JsonValue | undefined): value is Record<string, string> {
  return isJsonObject(value) && Object.values(value).every((item) => typeof item === 'string');
}
