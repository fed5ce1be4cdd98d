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
import type { AuditEvent } from './log.ts';
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

/** About what an event takes besides the objects that it holds, in characters. */
const eventSize = 1024;

export class AuditTrail {
  readonly #request: AuditedRequest;
  readonly #config: AuditConfig;
  readonly #clock: Clock;
  readonly #write: (event: AuditEvent) => void;
  /** Members of a JSON object, in the order in which they came. */
  #annotations = '';
  #annotated: Set<string> | undefined;
  #impersonated: UserInfo | undefined;
  /** What the body says of an object that the URL does not name. */
  #named: ApiObject['metadata'] | undefined;
  #requestObject: string | undefined;
  #responseObject: string | undefined;
  #said: Status | undefined;
  #status: ResponseStatus | undefined;
  #decided = false;
  #started = false;
  #complete = false;

  constructor(request: AuditedRequest, config: AuditConfig, clock: Clock, write: (event: AuditEvent) => void) {
    this.#request = request;
    this.#config = config;
    this.#clock = clock;
    this.#write = write;
  }

  received(): void {
    this.#emit('RequestReceived', this.#request.received);
  }

  /** The first to use a key keeps it. `level`: from which on it is told. */
  annotate(key: string, value: string, level: Level = 'Metadata'): void {
    if (this.#complete || !this.#takes(level)) return;
    this.#annotated ??= new Set();
    if (this.#annotated.has(key)) return;
    this.#annotated.add(key);
    this.#annotations += `${this.#annotations === '' ? '' : ','}${quote(key)}:${quote(value)}`;
  }

  /** What the authorizers say of it, once. */
  decided(decision: Decision): void {
    if (this.#decided || this.#complete) return;
    this.#decided = true;
    this.#annotations += (this.#annotations === '' ? '' : ',') + decisionText(decision);
  }

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
    this.#last('ResponseComplete');
  }

  /** Nobody knows the credentials: there is nothing to tell but that. */
  refused(message: string, code: number): void {
    this.#complete = true;
    this.#status = { message, code };
    this.#last('ResponseStarted');
  }

  /** What served the request broke down. */
  panicked(message: string): void {
    if (this.#complete) return;
    this.#complete = true;
    this.#status = { status: 'Failure', message: `APIServer panic'd: ${message}`, reason: 'InternalError', code: 500 };
    this.#last('Panic');
  }

  #takes(level: Level): boolean {
    return levels.indexOf(this.#config.level) >= levels.indexOf(level);
  }

  #bytesOf(object: JsonValue | ApiObject): string {
    const value = object as JsonValue;
    return stringifyJson(this.#config.omitManagedFields ? withoutManagedFields(value) : value);
  }

  /** Before more is known: told as it is now. */
  #emit(stage: Stage, at = this.#clock.now()): void {
    if (this.#config.omitStages.has(stage)) return;
    const line = this.#text(stage, at);
    this.#write({ size: line.length, text: () => line });
  }

  /** Nothing changes any more. */
  #last(stage: Stage): void {
    if (this.#config.omitStages.has(stage)) return;
    const at = this.#clock.now();
    const size = eventSize + (this.#requestObject?.length ?? 0) + (this.#responseObject?.length ?? 0);
    this.#write({ size, text: () => this.#text(stage, at) });
  }

  #text(stage: Stage, at: number): string {
    const { level } = this.#config;
    const { auditId, requestUri, attributes, sourceIps, userAgent, received } = this.#request;
    let line = `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"${level}","auditID":${quote(auditId)},"stage":"${stage}"`;
    line += `,"requestURI":${quote(requestUri)},"verb":${quote(attributes.verb)},"user":${userText(attributes.user)}`;
    if (this.#impersonated !== undefined) line += `,"impersonatedUser":${userText(this.#impersonated)}`;
    if (sourceIps.length > 0) line += `,"sourceIPs":[${sourceIps.map(quote).join(',')}]`;
    if (userAgent !== '') line += `,"userAgent":${quote(shortened(userAgent))}`;
    if (!('path' in attributes)) line += `,"objectRef":${this.#reference(attributes)}`;
    if (this.#status !== undefined) line += `,"responseStatus":${statusText(this.#status)}`;
    if (this.#requestObject !== undefined) line += `,"requestObject":${this.#requestObject}`;
    if (this.#responseObject !== undefined) line += `,"responseObject":${this.#responseObject}`;
    line += `,"requestReceivedTimestamp":"${microTime(received)}","stageTimestamp":"${microTime(at)}"`;
    if (this.#annotations !== '') line += `,"annotations":{${this.#annotations}}`;
    return `${line}}`;
  }

  #reference({
    resource,
    namespace,
    name,
    group,
    version,
    subresource,
  }: Exclude<Attributes, { path: string }>): string {
    const { namespace: ownNamespace, name: ownName, uid, resourceVersion } = this.#named ?? {};
    let text = `{"resource":${quote(resource)}`;
    const add = (field: string, value: string | undefined): void => {
      if (value) text += `,"${field}":${quote(value)}`;
    };
    add('namespace', namespace || ownNamespace);
    add('name', name || ownName);
    add('uid', uid);
    add('apiGroup', group);
    add('apiVersion', version);
    add('resourceVersion', resourceVersion);
    add('subresource', subresource);
    return `${text}}`;
  }
}

/** As JSON. Most strings need nothing but their quotes. */
function quote(text: string): string {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text);
}

const plain = /^[ !#-[\]-~]*$/;

function shortened(userAgent: string): string {
  return userAgent.length > maxUserAgentLength ? `${userAgent.slice(0, maxUserAgentLength)}...TRUNCATED` : userAgent;
}

/** Authorizers answer with few decisions, and with the same ones again. */
const decisions = new WeakMap<Decision, string>();

function decisionText(decision: Decision): string {
  let text = decisions.get(decision);
  if (text === undefined) {
    const { verdict, reason, error } = decision;
    const said = `"authorization.k8s.io/decision":"${verdict === 'allow' ? 'allow' : 'forbid'}"`;
    text =
      verdict !== 'allow' && error !== undefined
        ? '"authorization.k8s.io/reason":"internal error"'
        : `${said},"authorization.k8s.io/reason":${quote(reason)}`;
    decisions.set(decision, text);
  }
  return text;
}

function statusText(status: ResponseStatus): string {
  if (status.message === undefined && status.status === undefined) return `{"metadata":{},"code":${status.code}}`;
  return JSON.stringify({ metadata: {}, ...status });
}

function statusFields({ status, message, reason, details }: Status): object {
  return { status, message, reason, details };
}

/** Users stay what they are from request to request: connections and components keep theirs. */
const users = new WeakMap<UserInfo, string>();

function userText(user: UserInfo): string {
  let text = users.get(user);
  if (text === undefined) {
    const { name, uid, groups, extra } = user;
    const username = name || undefined;
    text = JSON.stringify({ username, uid: uid || undefined, groups: groups.length === 0 ? undefined : groups, extra });
    users.set(user, text);
  }
  return text;
}

let lastSecond = Number.NaN;
let lastText = '';

/** `metav1.MicroTime`; the clock counts milliseconds. */
function microTime(at: number): string {
  const second = Math.floor(at / 1000);
  // Events come by the thousand in a second.
  if (second !== lastSecond) {
    lastText = new Date(second * 1000).toISOString().slice(0, 20);
    lastSecond = second;
  }
  return `${lastText}${String(at - second * 1000).padStart(3, '0')}000Z`;
}

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
