/** One HTTP request and its answer: what both sides of the handling need of it. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuditTrail } from '../auth/audit/trail.ts';
import { asksForWebSocket, type Upgrade } from '../streaming/upgrade.ts';
import { plainJson, type Representation } from './media.ts';
import { decodePath } from './request-info.ts';
import { warningHeader } from './warning-header.ts';

const noQuery = new URLSearchParams();

export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  /** Its escapes cannot be read. */
  readonly brokenPath: boolean;
  readonly query: URLSearchParams;
  verb = '';
  resource = '';
  representation: Representation = plainJson;
  /** The client asks for a WebSocket, which it gets for a watch; everything else is answered plainly. */
  readonly upgrade: Upgrade | undefined;
  /** The connection that the client wants to use for another protocol, whichever. */
  readonly connection: Upgrade | undefined;
  /** The user's token came as a sub-protocol of the WebSocket. */
  knownByProtocol = false;
  /** What is written of it in the audit log; `undefined`: nothing. */
  audit: AuditTrail | undefined;
  readonly #started = performance.now();
  readonly #warnings: string[] = [];
  #auditId: string | undefined;
  #abort: AbortController | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, connection?: Upgrade) {
    this.request = request;
    this.response = response;
    this.connection = connection;
    this.upgrade = connection !== undefined && asksForWebSocket(request) ? connection : undefined;
    const url = originForm(request.url ?? '/');
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    const decoded = decodePath(path);
    this.brokenPath = decoded === undefined;
    this.path = decoded ?? path;
    this.query = mark < 0 || mark === url.length - 1 ? noQuery : new URLSearchParams(url.slice(mark + 1));
  }

  /** Aborted when the client has gone. Made only for those who ask. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      this.response.once('close', () => abort.abort());
    }
    return this.#abort.signal;
  }

  readonly warn = (message: string): void => {
    if (!this.#warnings.includes(message)) this.#warnings.push(message);
  };

  /** What the audit log calls the request: what its client calls it, or else a name of its own. */
  get auditId(): string {
    const given = this.request.headers['audit-id'];
    this.#auditId ??= typeof given === 'string' && given !== '' ? given : randomUUID();
    return this.#auditId;
  }

  /** What every answer carries. */
  headers(): Record<string, string> {
    const headers: Record<string, string> = { 'Audit-Id': this.auditId, 'Cache-Control': 'no-cache, private' };
    if (this.#warnings.length > 0) headers.Warning = warningHeader(this.#warnings);
    return headers;
  }

  seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }
}

/** Requests through proxies name the whole URL (RFC 9112, 3.2.2); which host they name counts for nothing here. */
function originForm(target: string): string {
  if (target.startsWith('/')) return target;
  const rest = /^https?:\/\/[^/?]*(.*)$/i.exec(target)?.[1] ?? target;
  return rest.startsWith('?') || rest === '' ? `/${rest}` : rest;
}
