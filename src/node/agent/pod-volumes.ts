/** A pod's volumes over its life: set up before the first container, then kept up to date. */
import type { Pod } from '../../apis/types.ts';
import type { AgentContext } from './agent-context.ts';
import { podDirectory } from './paths.ts';
import type { PodPlace } from './sources.ts';
import { setUpVolumes, volumesChange } from './volumes.ts';

/** How often content is compared with the API, in milliseconds; kubelet's sync period. */
const refreshInterval = 60_000;

export class PodVolumes {
  readonly #context: AgentContext;
  #paths: ReadonlyMap<string, string> | undefined;
  #refreshAt = Number.POSITIVE_INFINITY;

  constructor(context: AgentContext) {
    this.#context = context;
  }

  get ready(): boolean {
    return this.#paths !== undefined;
  }

  /** Directories by volume name. */
  get paths(): ReadonlyMap<string, string> {
    return this.#paths ?? new Map();
  }

  /** When to call again, in milliseconds since the epoch; Infinity when nothing can change. */
  get refreshAt(): number {
    return this.#refreshAt;
  }

  /** Does what is due. @throws MountError; what was set up before stays as it is then, and is tried again when due. */
  async update(pod: Pod, place: PodPlace): Promise<void> {
    const { clock, source, directory } = this.#context;
    const now = clock.now();
    if (this.#paths !== undefined && now < this.#refreshAt) return;
    if (volumesChange(pod)) this.#refreshAt = now + refreshInterval;
    this.#paths = await setUpVolumes({
      pod,
      directory: podDirectory(directory, pod.metadata.uid ?? ''),
      place,
      source,
      stamp: `${new Date(now).toISOString().replace(/[-:TZ]/g, '_')}${Math.floor(clock.random() * 1e9)}`,
    });
  }
}
