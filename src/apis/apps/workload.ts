/** What the kinds that make pods from a template share. */
import { column, containerImages, containerNames, selectorText } from '../columns.ts';
import type { Column } from '../resource-type.ts';
import type { LabelSelector, PodTemplateSpec } from '../types.ts';

interface Workload {
  spec?: { template?: PodTemplateSpec; selector?: LabelSelector };
}

/** The wide columns of every workload. `definition` is its spec's. */
export function templateColumns(definition: string): readonly Column[] {
  return [
    column<Workload>('Containers', 'string', ({ spec }) => containerNames(spec?.template?.spec?.containers), {
      wide: true,
      description: 'Names of each container in the template.',
    }),
    column<Workload>('Images', 'string', ({ spec }) => containerImages(spec?.template?.spec?.containers), {
      wide: true,
      description: 'Images referenced by each container in the template.',
    }),
    column<Workload>('Selector', 'string', ({ spec }) => selectorText(spec?.selector), {
      wide: true,
      describedBy: [definition, 'selector'],
    }),
  ];
}

/** `spec.replicas`, `status.replicas` and the selector, where every workload that scales has them. */
export const scale = {
  specReplicasPath: '.spec.replicas',
  statusReplicasPath: '.status.replicas',
  labelSelectorPath: '.spec.selector',
} as const;
