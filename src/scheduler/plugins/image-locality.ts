/**
 * ImageLocality: nodes that have the pod's images start it sooner. An image counts the more the larger it is, and the less
 * the fewer nodes have it, so that pods do not crowd on the one node that does.
 * Source: Kubernetes "Scheduling Framework", ImageLocality.
 */
import type { Pod } from '../../client/kinds.ts';
import { highestScore, type ScorePlugin } from '../framework.ts';
import { imagesOf } from '../image-counts.ts';

const megabyte = 1024 * 1024;
/** Less than this in all is no advantage. */
const leastBytes = 23 * megabyte;
/** More than this for each container is no greater advantage. */
const mostBytes = 1000 * megabyte;

export const imageLocality: ScorePlugin = {
  name: 'ImageLocality',
  weight: 1,
  prepareScore({ pod }, { images, nodes }) {
    const wanted = imagesWanted(pod);
    const shares = new Map<string, number>();
    for (const image of wanted) {
      const known = images.get(image);
      if (known !== undefined) shares.set(image, known.nodes / nodes.length);
    }
    if (shares.size === 0) return undefined;
    const most = mostBytes * wanted.length;
    return ({ node }) => {
      const present = imagesOf(node);
      let bytes = 0;
      for (const image of wanted) bytes += Math.floor((present.get(image) ?? 0) * (shares.get(image) ?? 0));
      const counted = Math.min(most, Math.max(leastBytes, bytes));
      return Math.floor((highestScore * (counted - leastBytes)) / (most - leastBytes));
    };
  },
};

function imagesWanted({ spec }: Pod): string[] {
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  return containers.map(({ image = '' }) => withTag(image));
}

/** As nodes name it. */
function withTag(image: string): string {
  return image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image;
}
