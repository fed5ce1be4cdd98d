/**
 * A request as expressions and webhooks see it. Nothing is copied, and nothing is made that no expression asks for.
 * Source: `k8s.io/apiserver/pkg/admission/plugin/cel` (activation.go, CreateAdmissionRequest).
 */
import type { Attributes, Decision } from '../apis/authorizer.ts';
import type { UserInfo } from '../apis/resource-type.ts';
import {
  type AuthorizationAnswer,
  type AuthorizationQuestion,
  type Authorize,
  authorizerValue,
  fromJson,
  resourceCheckValue,
  type Value,
} from '../cel/index.ts';
import { FieldSelector } from '../machinery/field-selector.ts';
import type { JsonObject } from '../machinery/json.ts';
import { LabelSelector } from '../machinery/label-selector.ts';
import { type ApiObject, parseGroupVersion } from '../machinery/object.ts';
import { notFound } from '../machinery/status.ts';
import type { AdmissionRequest } from './chain.ts';
import { namespaces, shownNamespace } from './host.ts';
import type { Shown } from './matching.ts';

export class RequestView {
  readonly request: AdmissionRequest;
  readonly shown: Shown;
  /** In the version in which it is shown. */
  readonly object: ApiObject | undefined;
  readonly oldObject: ApiObject | undefined;
  readonly #object: Value;
  readonly #oldObject: Value;
  #review: Value | undefined;
  #namespace: Value | undefined;
  #authorizer: Value | undefined;
  #requestResource: Value | undefined;

  constructor(
    request: AdmissionRequest,
    shown: Shown,
    object: ApiObject | undefined,
    oldObject: ApiObject | undefined,
  ) {
    this.request = request;
    this.shown = shown;
    this.object = object;
    this.oldObject = oldObject;
    this.#object = object === undefined ? null : fromJson(object);
    this.#oldObject = oldObject === undefined ? null : fromJson(oldObject);
  }

  /** Values in the order of `admissionVariables`; `params` undefined: the scope has none. */
  globals(params: Value | undefined, authorizer: boolean, uses: ReadonlySet<string>): (Value | undefined)[] {
    const values: (Value | undefined)[] = [
      this.#object,
      this.#oldObject,
      uses.has('request') ? this.#requestValue() : undefined,
      uses.has('namespaceObject') ? this.#namespaceValue() : undefined,
    ];
    if (params !== undefined) values.push(params);
    if (!authorizer) return values;
    if (!uses.has('authorizer') && !uses.has('authorizer.requestResource')) values.push(undefined, undefined);
    else values.push(this.#authorizerValue(), this.#requestResource);
    return values;
  }

  #requestValue(): Value {
    this.#review ??= fromJson(requestJson(this.request, this.shown));
    return this.#review;
  }

  #namespaceValue(): Value {
    if (this.#namespace === undefined) {
      const { namespace: name, access } = this.request;
      if (name === undefined) this.#namespace = null;
      else {
        const namespace = access.peek(namespaces, undefined, name);
        if (namespace === undefined) throw notFound({ group: '', name: 'namespaces' }, name);
        this.#namespace = fromJson(namespace);
      }
    }
    return this.#namespace;
  }

  #authorizerValue(): Value {
    if (this.#authorizer === undefined) {
      const { group, resource, subresource, name } = this.request;
      const namespace = shownNamespace(this.request);
      const authorize = authorizeFor(this.request);
      this.#authorizer = authorizerValue(authorize);
      this.#requestResource = resourceCheckValue(authorize, {
        group,
        resource,
        subresource,
        ...(namespace === undefined ? {} : { namespace }),
        name,
      });
    }
    return this.#authorizer;
  }
}

/** `admission.k8s.io/v1` AdmissionRequest without uid and objects; what is empty is left out, as Go does. */
export function requestJson(request: AdmissionRequest, shown: Shown): JsonObject {
  const { operation, group, version, resource, kind, apiVersion, subresource, name, options } = request;
  const namespace = shownNamespace(request);
  const { dryRun, user } = request.context;
  return {
    kind: { ...parseGroupVersion(shown.apiVersion), kind },
    resource: { group, version: shown.version, resource },
    ...(subresource === '' ? {} : { subResource: subresource }),
    requestKind: { ...parseGroupVersion(apiVersion), kind },
    requestResource: { group, version, resource },
    ...(subresource === '' ? {} : { requestSubResource: subresource }),
    ...(name === '' ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
    operation,
    userInfo: userJson(user),
    dryRun,
    options: optionsJson(operation, options, dryRun),
  };
}

const optionsKinds: Readonly<Record<string, string>> = {
  CREATE: 'CreateOptions',
  UPDATE: 'UpdateOptions',
  DELETE: 'DeleteOptions',
};

/** The options of a CONNECT are its object. */
function optionsJson(
  operation: AdmissionRequest['operation'],
  options: AdmissionRequest['options'],
  dryRun: boolean,
): JsonObject | null {
  const kind = optionsKinds[operation];
  if (kind === undefined) return null;
  return { kind, apiVersion: 'meta.k8s.io/v1', ...(dryRun ? { dryRun: ['All'] } : {}), ...(options as JsonObject) };
}

function userJson({ name, uid = '', groups, extra = {} }: UserInfo): JsonObject {
  return {
    ...(name === '' ? {} : { username: name }),
    ...(uid === '' ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups: groups as string[] }),
    ...(Object.keys(extra).length === 0 ? {} : { extra: extra as Record<string, string[]> }),
  };
}

/** Asks the server's authorizer, the same question once. */
function authorizeFor({ context }: AdmissionRequest): Authorize {
  const answers = new Map<string, AuthorizationAnswer>();
  return (question) => {
    const key = JSON.stringify(question);
    let answer = answers.get(key);
    if (answer === undefined) {
      answer = answerOf(context.authorizer.authorize(attributesOf(question, context.user)));
      answers.set(key, answer);
    }
    return answer;
  };
}

function attributesOf(question: AuthorizationQuestion, requester: UserInfo): Attributes {
  const { verb, path, serviceAccount, fieldSelector, labelSelector } = question;
  const user = serviceAccount === undefined ? requester : serviceAccountUser(serviceAccount);
  if (path !== undefined) return { user, verb, path };
  const fields = readable(fieldSelector, (text) => FieldSelector.parse(text).requirements);
  const labels = readable(labelSelector, (text) => LabelSelector.parse(text).requirements);
  return {
    user,
    verb,
    group: question.group ?? '',
    version: '*',
    resource: question.resource ?? '',
    subresource: question.subresource ?? '',
    namespace: question.namespace,
    name: question.name ?? '',
    ...(fields === undefined ? {} : { fieldSelector: fields }),
    ...(labels === undefined ? {} : { labelSelector: labels }),
  };
}

/** A selector that cannot be read narrows nothing. */
function readable<T>(text: string | undefined, parse: (text: string) => T): T | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

function serviceAccountUser({ namespace, name }: { namespace: string; name: string }): UserInfo {
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  };
}

function answerOf(decision: Decision | Promise<Decision>): AuthorizationAnswer {
  if (decision instanceof Promise) {
    decision.catch(() => undefined);
    return { allowed: false, reason: '', error: 'the authorizer takes time to decide, which expressions do not have' };
  }
  return { allowed: decision.verdict === 'allow', reason: decision.reason, error: decision.error ?? '' };
}
