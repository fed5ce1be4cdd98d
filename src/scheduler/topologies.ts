/** Which values nodes have for labels: the domains of topologies. Found once for each combination, until nodes change. */
import type { NodeInfo } from './node-info.ts';

export class Topologies {
  readonly #nodes: () => readonly NodeInfo[];
  readonly #known = new Map<string, readonly ReadonlySet<string>[]>();

  constructor(nodes: () => readonly NodeInfo[]) {
    this.#nodes = nodes;
  }

  /** For each key, the values of the nodes that have all of the keys. */
  domains(keys: readonly string[]): readonly ReadonlySet<string>[] {
    const text = keys.join('|');
    let known = this.#known.get(text);
    if (known === undefined) {
      const nodes = this.#nodes().filter((node) => hasLabels(node, keys));
      known = keys.map((key) => new Set(nodes.map(({ labels }) => labels[key]!)));
      this.#known.set(text, known);
    }
    return known;
  }

  nodesChanged(): void {
    this.#known.clear();
  }
}

export function hasLabels({ labels }: NodeInfo, keys: readonly string[]): boolean {
  for (const key of keys) if (labels[key] === undefined) return false;
  return true;
}
