import type * as k8s from '@kubernetes/client-node';
import { humanDuration } from '../../machinery/duration.ts';
import { FieldPath } from '../../machinery/field.ts';
import { deepEqual } from '../../machinery/json.ts';
import { builtinType } from '../builtin.ts';
import { age, ageColumn, column, containerImages, containerNames, nameColumn, selectorText } from '../columns.ts';
import { defaultPodSpec } from '../core/pod-defaults.ts';
import { podTemplateWarnings } from '../core/pod-warnings.ts';
import type { Job, Wire } from '../types.ts';
import { validateJob, validateJobUpdate } from './job-validation.ts';

type JobSpec = Wire<k8s.V1JobSpec>;

const spec = 'io.k8s.api.batch.v1.JobSpec';
const status = 'io.k8s.api.batch.v1.JobStatus';

export const jobType = builtinType<Job>({
  group: 'batch',
  kind: 'Job',
  plural: 'jobs',
  categories: ['all'],
  status: true,
  columns: [
    nameColumn,
    column<Job>('Status', 'string', statusText, { description: 'Status of the job' }),
    column<Job>('Completions', 'string', completionsText, { describedBy: [status, 'succeeded'] }),
    column<Job>('Duration', 'string', durationText, { description: 'Time required to complete the job.' }),
    ageColumn,
    column<Job>('Containers', 'string', (job) => containerNames(job.spec?.template.spec?.containers), {
      wide: true,
      description: 'Names of each container in the template.',
    }),
    column<Job>('Images', 'string', (job) => containerImages(job.spec?.template.spec?.containers), {
      wide: true,
      description: 'Images referenced by each container in the template.',
    }),
    column<Job>('Selector', 'string', (job) => selectorText(job.spec?.selector), {
      wide: true,
      describedBy: [spec, 'selector'],
    }),
  ],
  selectableFields: [
    { name: 'status.successful', value: (object) => String((object as unknown as Job).status?.succeeded ?? 0) },
  ],
  strategy: {
    generation: true,
    defaultPropagation: 'orphan',
    default({ metadata, spec: draft }) {
      if (draft === undefined) return;
      defaultJobSpec(draft);
      if (Object.keys(metadata.labels ?? {}).length === 0 && draft.template.metadata?.labels !== undefined) {
        // The same map, as in Go: what the template's labels gain, these gain.
        metadata.labels = draft.template.metadata.labels;
      }
    },
    prepareForCreate(draft) {
      generateSelector(draft);
      draft.status = {};
    },
    prepareForUpdate(draft, old) {
      draft.status = old.status ?? {};
    },
    validate: validateJob,
    validateUpdate: validateJobUpdate,
    warnings: (job, old) =>
      old !== undefined && old.metadata.generation === job.metadata.generation
        ? []
        : podTemplateWarnings(job.spec?.template, FieldPath.of('spec', 'template')),
  },
});

/** Source: Kubernetes `pkg/apis/batch/v1/defaults.go`, SetDefaults_Job. */
export function defaultJobSpec(draft: JobSpec): void {
  if (draft.template.spec !== undefined) defaultPodSpec(draft.template.spec);
  if (draft.completions === undefined && draft.parallelism === undefined) {
    draft.completions = 1;
    draft.parallelism = 1;
  }
  draft.parallelism ??= 1;
  draft.backoffLimit ??= draft.backoffLimitPerIndex === undefined ? 6 : 0x7fffffff;
  draft.completionMode ??= 'NonIndexed';
  draft.suspend ??= false;
  for (const rule of draft.podFailurePolicy?.rules ?? []) {
    for (const pattern of rule.onPodConditions ?? []) pattern.status ??= 'True';
  }
  draft.podReplacementPolicy ??= draft.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed';
}

/** The labels by which a job finds its pods, in their present names and in their old ones. */
const uidLabels = ['batch.kubernetes.io/controller-uid', 'controller-uid'] as const;
const nameLabels = ['batch.kubernetes.io/job-name', 'job-name'] as const;

/**
 * Unless the author selects pods by hand, each job selects its own, by its uid. What the author set is left for
 * validation to refuse. Source: Kubernetes `pkg/registry/batch/job/strategy.go`, generateSelector.
 */
function generateSelector({ metadata, spec: draft }: Job): void {
  if (draft === undefined) return;
  draft.template.metadata ??= {};
  const template = draft.template.metadata;
  // A job without labels of its own has its template's, the generated ones included. Drafts whose name is generated are
  // copies, in which the two are no longer one.
  const inherits =
    metadata.labels === undefined ||
    metadata.labels === template.labels ||
    ((metadata.generateName ?? '') !== '' && deepEqual(metadata.labels, template.labels));
  if (draft.manualSelector !== true) {
    const labels: Record<string, string> = {};
    for (const label of uidLabels) labels[label] = metadata.uid ?? '';
    for (const label of nameLabels) labels[label] = metadata.name ?? '';
    template.labels = { ...labels, ...template.labels };
    draft.selector ??= {};
    draft.selector.matchLabels = { [uidLabels[0]]: metadata.uid ?? '', ...draft.selector.matchLabels };
  }
  if (inherits && template.labels !== undefined) metadata.labels = { ...template.labels };
}

function statusText(job: Job): string {
  const is = (type: string): boolean =>
    job.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
  if (is('Complete')) return 'Complete';
  if (is('Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (is('Suspended')) return 'Suspended';
  if (is('FailureTarget')) return 'FailureTarget';
  if (is('SuccessCriteriaMet')) return 'SuccessCriteriaMet';
  return 'Running';
}

function completionsText({
  spec: { completions, parallelism = 0 } = { template: {} },
  status: { succeeded = 0 } = {},
}: Job): string {
  if (completions !== undefined) return `${succeeded}/${completions}`;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function durationText({ status: { startTime, completionTime } = {} }: Job, now: number): string {
  if (startTime === undefined) return '';
  return completionTime === undefined
    ? age(startTime, now)
    : humanDuration(Date.parse(completionTime) - Date.parse(startTime));
}
