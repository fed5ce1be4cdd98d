import { type FieldError, FieldPath } from '../../machinery/field.ts';
import { builtinType } from '../builtin.ts';
import { column, containerImages, containerNames, labelsText, nameColumn } from '../columns.ts';
import type { PodTemplate } from '../types.ts';
import { defaultPodSpec } from './pod-defaults.ts';
import { validatePodTemplate } from './pod-validation.ts';
import { podTemplateWarnings } from './pod-warnings.ts';

const path = FieldPath.of('template');

export const podTemplateType = builtinType<PodTemplate>({
  group: '',
  kind: 'PodTemplate',
  plural: 'podtemplates',
  columns: [
    nameColumn,
    column<PodTemplate>('Containers', 'string', ({ template }) => containerNames(template?.spec?.containers), {
      description: 'Names of each container in the template.',
    }),
    column<PodTemplate>('Images', 'string', ({ template }) => containerImages(template?.spec?.containers), {
      description: 'Images referenced by each container in the template.',
    }),
    column<PodTemplate>('Pod Labels', 'string', ({ template }) => labelsText(template?.metadata?.labels), {
      description: 'The labels for the pod template',
    }),
  ],
  strategy: {
    generation: true,
    default({ template }) {
      if (template?.spec !== undefined) defaultPodSpec(template.spec);
    },
    validate,
    validateUpdate: validate,
    warnings: ({ template }) => podTemplateWarnings(template, path),
  },
});

function validate({ template }: PodTemplate): FieldError[] {
  const errors: FieldError[] = [];
  if (template !== undefined) validatePodTemplate(template, path, errors);
  return errors;
}
