/** Whoever keeps the audit log: begins a trail for requests that the policy wants to hear of. */
import type { Clock } from '../../clock/clock.ts';
import type { AuditEvent } from './log.ts';
import { type AuditPolicyRules, type Level, levels } from './policy.ts';
import { type AuditedRequest, AuditTrail } from './trail.ts';

export interface AuditorOptions {
  /** Asked for every request: it may change. */
  readonly policy: () => AuditPolicyRules;
  /** Must not wait. */
  readonly write: (event: AuditEvent) => void;
  readonly clock: Clock;
  /** How many events were lost on their way. */
  readonly lost?: () => number;
}

export class Auditor {
  readonly #options: AuditorOptions;
  readonly #byLevel = new Map<Level, number>(levels.map((level) => [level, 0]));
  #events = 0;

  constructor(options: AuditorOptions) {
    this.#options = options;
  }

  /** `undefined`: nothing is written of this request. */
  begin(request: AuditedRequest): AuditTrail | undefined {
    const trail = this.#trail(request);
    trail?.received();
    return trail;
  }

  /** A request with credentials that nobody knows. `user` of its attributes has no name. */
  refuse(request: AuditedRequest, message: string, code: number): void {
    this.#trail(request)?.refused(message, code);
  }

  #trail(request: AuditedRequest): AuditTrail | undefined {
    const config = this.#options.policy()(request.attributes);
    const { level } = config;
    this.#byLevel.set(level, this.#byLevel.get(level)! + 1);
    if (level === 'None') return undefined;
    return new AuditTrail(request, config, this.#options.clock, this.#write);
  }

  /** In Prometheus' text format, with kube-apiserver's names. */
  metrics(): string {
    const counter = (name: string, help: string, ...samples: string[]): string =>
      [`# HELP ${name} ${help}`, `# TYPE ${name} counter`, ...samples.map((sample) => name + sample), ''].join('\n');
    return [
      counter(
        'apiserver_audit_event_total',
        'Counter of audit events generated and sent to the audit backend.',
        ` ${this.#events}`,
      ),
      counter(
        'apiserver_audit_error_total',
        'Counter of audit events that failed to be audited properly. Plugin identifies the plugin affected by the error.',
        `{plugin="log"} ${this.#options.lost?.() ?? 0}`,
      ),
      counter(
        'apiserver_audit_level_total',
        'Counter of policy levels for audit events (1 per request).',
        ...[...this.#byLevel].map(([level, count]) => `{level="${level}"} ${count}`),
      ),
      counter(
        'apiserver_audit_requests_rejected_total',
        'Counter of apiserver requests rejected due to an error in audit logging backend.',
        ' 0',
      ),
    ].join('');
  }

  readonly #write = (event: AuditEvent): void => {
    this.#events += 1;
    this.#options.write(event);
  };
}
