/**
 * `/metrics` in Prometheus' text format, with kube-apiserver's names. prom-client is loaded when somebody asks: counting
 * must cost nothing at start and little per request.
 */
import type { Auditor } from '../auth/audit/auditor.ts';
import type { InFlight } from './in-flight.ts';
import type { PathHandler, PathResponse } from './paths.ts';

/** kube-apiserver's buckets of apiserver_request_duration_seconds, in seconds. */
const buckets = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

interface Series {
  readonly verb: string;
  readonly resource: string;
  readonly code: number;
  count: number;
  seconds: number;
  readonly buckets: number[];
}

export class ServerMetrics {
  readonly #series = new Map<string, Series>();

  observe(verb: string, resource: string, code: number, seconds: number): void {
    const key = `${verb} ${resource} ${code}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { verb, resource, code, count: 0, seconds: 0, buckets: buckets.map(() => 0) };
      this.#series.set(key, series);
    }
    series.count += 1;
    series.seconds += seconds;
    for (let i = buckets.length - 1; i >= 0 && seconds <= buckets[i]!; i--) series.buckets[i]! += 1;
  }

  path(inFlight: InFlight, auditor: Auditor | undefined): PathHandler {
    return ({ path }) => (path === '/metrics' ? this.#answer(inFlight, auditor) : undefined);
  }

  async #answer(inFlight: InFlight, auditor: Auditor | undefined): Promise<PathResponse> {
    return {
      code: 200,
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      body: `${this.#text(inFlight)}${auditor?.metrics() ?? ''}${await processMetrics()}`,
    };
  }

  #text(inFlight: InFlight): string {
    const lines: string[] = [
      '# HELP apiserver_request_total Counter of apiserver requests broken out for each verb, resource and HTTP response code.',
      '# TYPE apiserver_request_total counter',
    ];
    for (const { verb, resource, code, count } of this.#series.values()) {
      lines.push(
        `apiserver_request_total{verb="${verb.toUpperCase()}",resource="${resource}",code="${code}"} ${count}`,
      );
    }
    lines.push(
      '# HELP apiserver_request_duration_seconds Response latency distribution in seconds for each verb and resource.',
      '# TYPE apiserver_request_duration_seconds histogram',
    );
    for (const series of this.#series.values()) {
      const labels = `verb="${series.verb.toUpperCase()}",resource="${series.resource}",code="${series.code}"`;
      buckets.forEach((bound, i) => {
        lines.push(`apiserver_request_duration_seconds_bucket{${labels},le="${bound}"} ${series.buckets[i]}`);
      });
      lines.push(
        `apiserver_request_duration_seconds_bucket{${labels},le="+Inf"} ${series.count}`,
        `apiserver_request_duration_seconds_sum{${labels}} ${series.seconds}`,
        `apiserver_request_duration_seconds_count{${labels}} ${series.count}`,
      );
    }
    lines.push(
      '# HELP apiserver_current_inflight_requests Requests being served now, by kind.',
      '# TYPE apiserver_current_inflight_requests gauge',
      `apiserver_current_inflight_requests{request_kind="readOnly"} ${inFlight.reads}`,
      `apiserver_current_inflight_requests{request_kind="mutating"} ${inFlight.writes}`,
      '',
    );
    return lines.join('\n');
  }
}

let processRegistry: Promise<{ metrics(): Promise<string> }> | undefined;

/** The process' own figures (CPU, memory, event loop, garbage collection). */
async function processMetrics(): Promise<string> {
  processRegistry ??= import('prom-client').then(({ default: client }) => {
    const registry = new client.Registry();
    client.collectDefaultMetrics({ register: registry });
    return registry;
  });
  return await (await processRegistry).metrics();
}
