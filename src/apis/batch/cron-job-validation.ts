/** Source: Kubernetes `pkg/apis/batch/validation/validation.go`, ValidateCronJobCreate and what it calls. */
import { type FieldError, FieldPath, invalid, notSupported, required } from '../../machinery/field.ts';
import { checkNonNegative } from '../core/field-rules.ts';
import type { CronJob } from '../types.ts';
import { validateJobSpec } from './job-validation.ts';
import { scheduleProblem } from './schedule.ts';

/** Job names are made of the CronJob's and eleven characters more. */
const maxNameLength = 52;

export function validateCronJob(job: CronJob): FieldError[] {
  const errors: FieldError[] = [];
  validateSpec(job, errors);
  const { name = '' } = job.metadata;
  if (name.length > maxNameLength) {
    errors.push(invalid(FieldPath.of('metadata', 'name'), name, `must be no more than ${maxNameLength} characters`));
  }
  return errors;
}

export function validateCronJobUpdate(job: CronJob): FieldError[] {
  const errors: FieldError[] = [];
  validateSpec(job, errors);
  return errors;
}

const policies = ['Allow', 'Forbid', 'Replace'];

function validateSpec({ spec }: CronJob, errors: FieldError[]): void {
  if (spec === undefined) return;
  const path = FieldPath.of('spec');
  const at = path.child('schedule');
  if (spec.schedule === '') errors.push(required(at));
  else {
    const problem = scheduleProblem(spec.schedule);
    if (problem !== undefined) errors.push(invalid(at, spec.schedule, problem));
    if (spec.schedule.includes('TZ')) {
      const why = 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead';
      errors.push(invalid(at, spec.schedule, why));
    }
  }
  checkNonNegative(spec.startingDeadlineSeconds, path.child('startingDeadlineSeconds'), errors);
  validateTimeZone(spec.timeZone, path.child('timeZone'), errors);
  const policy = spec.concurrencyPolicy ?? '';
  if (policy === '') errors.push(required(path.child('concurrencyPolicy')));
  else if (!policies.includes(policy)) errors.push(notSupported(path.child('concurrencyPolicy'), policy, policies));
  checkNonNegative(spec.successfulJobsHistoryLimit, path.child('successfulJobsHistoryLimit'), errors);
  checkNonNegative(spec.failedJobsHistoryLimit, path.child('failedJobsHistoryLimit'), errors);
  const template = path.child('jobTemplate').child('spec');
  const job = spec.jobTemplate.spec;
  if (job === undefined) return;
  validateJobSpec(job, template, errors, true);
  if (job.manualSelector !== undefined && job.manualSelector) {
    errors.push(notSupported(template.child('manualSelector'), job.manualSelector, ['nil', 'false']));
  }
  if (job.selector !== undefined) {
    errors.push(invalid(template.child('selector'), job.selector, '`selector` will be auto-generated'));
  }
}

function validateTimeZone(zone: string | undefined, path: FieldPath, errors: FieldError[]): void {
  if (zone === undefined) return;
  if (zone === '') errors.push(invalid(path, zone, 'timeZone must be nil or non-empty string'));
  else if (zone.toLowerCase() === 'local')
    errors.push(
      invalid(path, zone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'),
    );
  else if (!isTimeZone(zone)) errors.push(invalid(path, zone, `unknown time zone ${zone}`));
}

function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
