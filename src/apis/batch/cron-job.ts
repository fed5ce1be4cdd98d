import { FieldPath } from '../../machinery/field.ts';
import { builtinType } from '../builtin.ts';
import { age, ageColumn, column, containerImages, containerNames, nameColumn, selectorText } from '../columns.ts';
import { defaultPodSpec } from '../core/pod-defaults.ts';
import { podTemplateWarnings } from '../core/pod-warnings.ts';
import type { CronJob } from '../types.ts';
import { validateCronJob, validateCronJobUpdate } from './cron-job-validation.ts';

const spec = 'io.k8s.api.batch.v1.CronJobSpec';
const status = 'io.k8s.api.batch.v1.CronJobStatus';
const template = FieldPath.of('spec', 'jobTemplate', 'spec', 'template');

export const cronJobType = builtinType<CronJob>({
  group: 'batch',
  kind: 'CronJob',
  plural: 'cronjobs',
  shortNames: ['cj'],
  categories: ['all'],
  status: true,
  columns: [
    nameColumn,
    column<CronJob>('Schedule', 'string', (job) => job.spec?.schedule ?? '', { describedBy: [spec, 'schedule'] }),
    column<CronJob>('Timezone', 'string', (job) => job.spec?.timeZone ?? '<none>', { describedBy: [spec, 'timeZone'] }),
    column<CronJob>('Suspend', 'boolean', (job) => (job.spec?.suspend === true ? 'True' : 'False'), {
      describedBy: [spec, 'suspend'],
    }),
    column<CronJob>('Active', 'integer', (job) => job.status?.active?.length ?? 0, { describedBy: [status, 'active'] }),
    column<CronJob>(
      'Last Schedule',
      'string',
      (job, now) => (job.status?.lastScheduleTime === undefined ? '<none>' : age(job.status.lastScheduleTime, now)),
      { describedBy: [status, 'lastScheduleTime'] },
    ),
    ageColumn,
    column<CronJob>(
      'Containers',
      'string',
      (job) => containerNames(job.spec?.jobTemplate.spec?.template.spec?.containers),
      {
        wide: true,
        description: 'Names of each container in the template.',
      },
    ),
    column<CronJob>(
      'Images',
      'string',
      (job) => containerImages(job.spec?.jobTemplate.spec?.template.spec?.containers),
      {
        wide: true,
        description: 'Images referenced by each container in the template.',
      },
    ),
    column<CronJob>('Selector', 'string', (job) => selectorText(job.spec?.jobTemplate.spec?.selector), {
      wide: true,
      describedBy: ['io.k8s.api.batch.v1.JobSpec', 'selector'],
    }),
  ],
  strategy: {
    generation: true,
    default({ spec: draft }) {
      if (draft === undefined) return;
      draft.concurrencyPolicy ??= 'Allow';
      draft.suspend ??= false;
      draft.successfulJobsHistoryLimit ??= 3;
      draft.failedJobsHistoryLimit ??= 1;
      // A job's own defaults come when one is made from the template.
      const pod = draft.jobTemplate.spec?.template.spec;
      if (pod !== undefined) defaultPodSpec(pod);
    },
    prepareForCreate(draft) {
      draft.status = {};
    },
    prepareForUpdate(draft, old) {
      draft.status = old.status ?? {};
    },
    validate: validateCronJob,
    validateUpdate: validateCronJobUpdate,
    warnings: (job, old) =>
      old !== undefined && old.metadata.generation === job.metadata.generation
        ? []
        : podTemplateWarnings(job.spec?.jobTemplate.spec?.template, template),
  },
});
