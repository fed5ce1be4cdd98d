/** Which images the nodes have: how large each is, and on how many nodes. */
import type { Node } from '../client/kinds.ts';

export interface ImageCount {
  readonly size: number;
  readonly nodes: number;
}

export class ImageCounts {
  readonly #counts = new Map<string, ImageCount>();

  get(image: string): ImageCount | undefined {
    return this.#counts.get(image);
  }

  get size(): number {
    return this.#counts.size;
  }

  /** The node has come, changed or gone. */
  change(old: Node | undefined, node: Node | undefined): void {
    if (old?.status?.images === node?.status?.images) return;
    for (const [name] of imagesOf(old)) {
      const { size, nodes } = this.#counts.get(name)!;
      if (nodes === 1) this.#counts.delete(name);
      else this.#counts.set(name, { size, nodes: nodes - 1 });
    }
    for (const [name, size] of imagesOf(node)) {
      this.#counts.set(name, { size, nodes: (this.#counts.get(name)?.nodes ?? 0) + 1 });
    }
  }
}

/** The sizes in bytes, by every name of each image. */
export function imagesOf(node: Node | undefined): Map<string, number> {
  const images = new Map<string, number>();
  for (const { names, sizeBytes = 0 } of node?.status?.images ?? []) {
    for (const name of names ?? []) images.set(name, Number(sizeBytes));
  }
  return images;
}
