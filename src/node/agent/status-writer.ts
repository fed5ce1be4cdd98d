/**
 * Writes a pod's status to the API, only what has changed, one write at a time: what comes while one is under way is
 * written next, the last word only. Source: kubelet's status manager.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Pod, PodStatus } from '../../apis/types.ts';
import { Pod as pods } from '../../client/kinds.ts';
import type { JsonObject, JsonValue } from '../../machinery/json.ts';
import { StatusError } from '../../machinery/status.ts';
import type { AgentContext } from './agent-context.ts';

const firstRetry = 500;
const longestRetry = 10_000;

export class StatusWriter {
  readonly #context: AgentContext;
  readonly #pod: Pick<Pod, 'metadata'>;
  /** What the API has, as far as this node has written it. */
  #written: PodStatus;
  #wanted: PodStatus;
  #writing: Promise<void> | undefined;
  #stopped = new AbortController();

  constructor(context: AgentContext, pod: Pod) {
    this.#context = context;
    this.#pod = pod;
    this.#written = bare(pod.status ?? {});
    this.#wanted = this.#written;
  }

  get current(): PodStatus {
    return this.#wanted;
  }

  set(status: PodStatus): void {
    if (isDeepStrictEqual(status, this.#wanted)) return;
    this.#wanted = status;
    this.#writing ??= this.#write();
  }

  /** Resolves when the last word is written, or nobody wants it any more. */
  async flushed(): Promise<void> {
    await this.#writing;
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #write(): Promise<void> {
    // The first write waits a turn, so that changes of one moment are one write.
    await Promise.resolve();
    const { clock, log } = this.#context;
    let retry = firstRetry;
    while (!this.#stopped.signal.aborted) {
      const wanted = this.#wanted;
      const patch = statusPatch(this.#written, wanted);
      if (patch === undefined) break;
      try {
        await this.#patch(patch);
        this.#written = wanted;
        retry = firstRetry;
      } catch (error) {
        // The pod is gone, or another has its name.
        if (error instanceof StatusError && (error.code === 404 || error.code === 409)) break;
        log.warn({ pod: this.#pod.metadata.name, error, retry }, 'the status of a pod cannot be written');
        await new Promise<void>((resolve) => {
          const timer = clock.setTimeout(resolve, retry);
          this.#stopped.signal.addEventListener('abort', () => {
            timer.cancel();
            resolve();
          });
        });
        retry = Math.min(retry * 2, longestRetry);
      }
    }
    this.#writing = undefined;
  }

  async #patch(status: JsonObject): Promise<void> {
    const { namespace, name = '', uid = '' } = this.#pod.metadata;
    await this.#context.client
      .resource(pods)
      .patchStatus(
        { namespace, name },
        { metadata: { uid }, status },
        { type: 'application/strategic-merge-patch+json', fieldManager: 'kubelet' },
      );
  }
}

/** Without the nulls that the API writes: what this node says has none. */
function bare(status: PodStatus): PodStatus {
  if (status.conditions === undefined) return status;
  const conditions = status.conditions.map(({ lastProbeTime, ...condition }) =>
    lastProbeTime ? { ...condition, lastProbeTime } : condition,
  );
  return { ...status, conditions };
}

/** The strategic merge patch from one status to another; `undefined` when they are equal. */
export function statusPatch(from: PodStatus, to: PodStatus): JsonObject | undefined {
  const patch: JsonObject = {};
  const fields = new Set([...Object.keys(from), ...Object.keys(to)]) as Set<keyof PodStatus>;
  for (const field of fields) {
    if (field === 'conditions' || isDeepStrictEqual(from[field], to[field])) continue;
    const value = to[field] as JsonValue | undefined;
    if (value === undefined) patch[field] = null;
    // These lists are merged by address: without the directive, former addresses would stay.
    else if ((field === 'podIPs' || field === 'hostIPs') && from[field] !== undefined) {
      patch[field] = [...(value as JsonValue[]), { $patch: 'replace' }];
    } else patch[field] = value;
  }
  const before = new Map((from.conditions ?? []).map((condition) => [condition.type, condition]));
  const changed = (to.conditions ?? []).filter(
    (condition) => !isDeepStrictEqual(before.get(condition.type), condition),
  );
  if (changed.length > 0) {
    patch['$setElementOrder/conditions'] = (to.conditions ?? []).map(({ type }) => ({ type }));
    patch.conditions = changed.map((condition) => {
      const old = before.get(condition.type);
      const cleared: JsonObject = {};
      for (const field of ['reason', 'message'] as const) {
        if (old?.[field] !== undefined && condition[field] === undefined) cleared[field] = null;
      }
      return { ...(condition as JsonObject), ...cleared };
    });
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}
