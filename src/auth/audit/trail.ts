/**
 * One request on its way through the audit log: what is known of it so far, and the events of its stages.
 * Source: `audit.k8s.io/v1` Event; `k8s.io/apiserver/pkg/audit` (request.go, context.go), `pkg/endpoints/filters/audit.go`.
 */
import type { Attributes, Decision } from '../../apis/authorizer.ts';
import type { UserInfo } from '../../apis/user-info.ts';
import type { Clock } from '../../clock/clock.ts';
import { isJsonObject, type JsonObject, type JsonValue, parseJson, stringifyJson } from '../../machinery/json.ts';
import type { ApiObject } from '../../machinery/object.ts';
import type { Status } from '../../machinery/status.ts';
import { type AuditConfig, type Level, levels, type Stage } from './policy.ts';

/** What the way that a request came says of it. */
export interface AuditedRequest {
  readonly auditId: string;
  readonly requestUri: string;
  readonly attributes: Attributes;
  readonly sourceIps: readonly string[];
  readonly userAgent: string;
  /** When it came, in milliseconds since the epoch. */
  readonly received: number;
}

/** A code alone, or what a Status says besides. */
type ResponseStatus = Partial<Pick<Status, 'status' | 'message' | 'reason' | 'details'>> & { readonly code: number };

const maxUserAgentLength = 1024;

export class AuditTrail {
  readonly #request: AuditedRequest;
  readonly #config: AuditConfig;
  readonly #clock: Clock;
  readonly #write: (line: string) => void;
  readonly #annotations: Record<string, string> = {};
  #annotated = false;
  #impersonated: UserInfo | undefined;
  /** What the body says of an object that the URL does not name. */
  #named: ApiObject['metadata'] | undefined;
  #requestObject: string | undefined;
  #responseObject: string | undefined;
  #said: Status | undefined;
  #status: ResponseStatus | undefined;
  #started = false;
  #complete = false;

  constructor(request: AuditedRequest, config: AuditConfig, clock: Clock, write: (line: string) => void) {
    this.#request = request;
    this.#config = config;
    this.#clock = clock;
    this.#write = write;
  }

  received(): void {
    this.#emit('RequestReceived', this.#request.received);
  }

  /** The first to use a key keeps it. `level`: from which on it is told. */
  readonly annotate = (key: string, value: string, level: Level = 'Metadata'): void => {
    if (!this.#takes(level)) return;
    if (Object.hasOwn(this.#annotations, key)) return;
    this.#annotations[key] = value;
    this.#annotated = true;
  };

  readonly decided = ({ verdict, reason, error }: Decision): void => {
    if (verdict !== 'allow' && error !== undefined) {
      this.annotate('authorization.k8s.io/reason', 'internal error');
      return;
    }
    this.annotate('authorization.k8s.io/decision', verdict === 'allow' ? 'allow' : 'forbid');
    this.annotate('authorization.k8s.io/reason', reason);
  };

  impersonates(user: UserInfo): void {
    this.#impersonated = user;
  }

  /** The object as it was read, before admission. What is done again counts once. */
  requested(object: ApiObject | JsonObject): void {
    // A copy: the server goes on to write into the object.
    this.#named ??= { ...(object as Partial<ApiObject>).metadata };
    if (this.#takes('Request')) this.#requestObject ??= this.#bytesOf(object);
  }

  /** A patch, which is no object; `value` reads it when it is wanted. */
  patched(value: () => JsonValue): void {
    if (this.#takes('Request')) this.#requestObject ??= stringifyJson(value());
  }

  /** Whether {@link responded} wants the object of an answer. */
  get takesResponses(): boolean {
    return this.#takes('RequestResponse');
  }

  /** JSON of the answer's object. */
  responded(json: string): void {
    if (!this.takesResponses) return;
    this.#responseObject = this.#config.omitManagedFields ? this.#bytesOf(parseJson(json)) : json;
  }

  /** The head of an answer that goes on is out. */
  started(code: number): void {
    if (this.#started || this.#complete) return;
    this.#started = true;
    this.#status = { code };
    this.#emit('ResponseStarted');
  }

  /** The answer is, or ends with, a Status. */
  said(status: Status): void {
    this.#said = status;
    if (this.#responseObject === undefined) this.responded(JSON.stringify(status));
  }

  /** The answer is out, or nobody is left to take it. Called again, it says nothing more. */
  complete(code: number): void {
    if (this.#complete) return;
    this.#complete = true;
    this.#status = this.#said === undefined ? { code } : { ...statusFields(this.#said), code };
    this.#emit('ResponseComplete');
  }

  /** Nobody knows the credentials: there is nothing to tell but that. */
  refused(message: string, code: number): void {
    this.#complete = true;
    this.#status = { message, code };
    this.#emit('ResponseStarted');
  }

  /** What served the request broke down. */
  panicked(message: string): void {
    if (this.#complete) return;
    this.#complete = true;
    this.#status = { status: 'Failure', message: `APIServer panic'd: ${message}`, reason: 'InternalError', code: 500 };
    this.#emit('Panic');
  }

  #takes(level: Level): boolean {
    return levels.indexOf(this.#config.level) >= levels.indexOf(level);
  }

  #bytesOf(object: JsonValue | ApiObject): string {
    const value = object as JsonValue;
    return stringifyJson(this.#config.omitManagedFields ? withoutManagedFields(value) : value);
  }

  #emit(stage: Stage, at = this.#clock.now()): void {
    const { level, omitStages } = this.#config;
    if (omitStages.has(stage)) return;
    const { auditId, requestUri, attributes, sourceIps, userAgent, received } = this.#request;
    const head = JSON.stringify({
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level,
      auditID: auditId,
      stage,
      requestURI: requestUri,
      verb: attributes.verb,
      user: userOf(attributes.user),
      impersonatedUser: this.#impersonated && userOf(this.#impersonated),
      sourceIPs: sourceIps.length === 0 ? undefined : sourceIps,
      userAgent:
        userAgent.length > maxUserAgentLength
          ? `${userAgent.slice(0, maxUserAgentLength)}...TRUNCATED`
          : userAgent || undefined,
      objectRef: 'path' in attributes ? undefined : this.#reference(attributes),
      responseStatus: this.#status && { metadata: {}, ...this.#status },
    });
    const request = this.#requestObject === undefined ? '' : `,"requestObject":${this.#requestObject}`;
    const response = this.#responseObject === undefined ? '' : `,"responseObject":${this.#responseObject}`;
    const annotations = this.#annotated ? `,"annotations":${JSON.stringify(this.#annotations)}` : '';
    const times = `,"requestReceivedTimestamp":"${microTime(received)}","stageTimestamp":"${microTime(at)}"`;
    this.#write(`${head.slice(0, -1)}${request}${response}${times}${annotations}}`);
  }

  #reference(attributes: Exclude<Attributes, { path: string }>): JsonObject {
    const { resource, namespace, name, group, version, subresource } = attributes;
    const { namespace: ownNamespace, name: ownName, uid, resourceVersion } = this.#named ?? {};
    return present({
      resource,
      namespace: namespace || ownNamespace,
      name: name || ownName,
      uid,
      apiGroup: group,
      apiVersion: version,
      resourceVersion,
      subresource,
    });
  }
}

function statusFields({ status, message, reason, details }: Status): object {
  return { status, message, reason, details };
}

function present(fields: Readonly<Record<string, string | undefined>>): JsonObject {
  const found: JsonObject = {};
  for (const field in fields) if (fields[field]) found[field] = fields[field];
  return found;
}

/** Users stay what they are from request to request: connections and components keep theirs. */
const users = new WeakMap<UserInfo, object>();

function userOf(user: UserInfo): object {
  let known = users.get(user);
  if (known === undefined) {
    const { name, uid, groups, extra } = user;
    known = {
      username: name || undefined,
      uid: uid || undefined,
      groups: groups.length === 0 ? undefined : groups,
      extra,
    };
    users.set(user, known);
  }
  return known;
}

/** `metav1.MicroTime`; the clock counts milliseconds. */
const microTime = (at: number): string => `${new Date(at).toISOString().slice(0, -1)}000Z`;

/** Of an object, or of those of a list. */
function withoutManagedFields(value: JsonValue): JsonValue {
  if (!isJsonObject(value)) return value;
  const found: JsonObject = { ...value };
  if (isJsonObject(found.metadata) && found.metadata.managedFields !== undefined) {
    const { managedFields: _, ...metadata } = found.metadata;
    found.metadata = metadata;
  }
  if (Array.isArray(found.items)) found.items = found.items.map(withoutManagedFields);
  return found;
}
