import { formatTime } from '../../clock/clock.ts';
import { type FieldError, FieldPath, invalid, required } from '../../machinery/field.ts';
import { isDns1123Subdomain, isInRange, nameIsDns1035Label } from '../../machinery/names.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { checkAll } from '../core/field-rules.ts';
import type { APIService } from '../types.ts';

export const apiServiceType = builtinType<APIService>({
  group: 'apiregistration.k8s.io',
  kind: 'APIService',
  plural: 'apiservices',
  categories: ['api-extensions'],
  scope: 'Cluster',
  status: true,
  columns: [
    nameColumn,
    column<APIService>(
      'Service',
      'string',
      ({ spec: { service } = {} as never }) =>
        service === undefined ? 'Local' : `${service.namespace ?? ''}/${service.name ?? ''}`,
      { description: 'The reference to the service that hosts this API endpoint.' },
    ),
    column<APIService>('Available', 'string', availableText, { description: 'Whether this service is available.' }),
    ageColumn,
  ],
  strategy: {
    resetFields: { object: ['status'], status: ['metadata', 'spec'] },
    default({ spec }) {
      if (spec?.service !== undefined) spec.service.port ??= 443;
    },
    prepareForCreate(draft, { now }) {
      draft.status = {};
      // What the server serves itself is there at once.
      if (draft.spec?.service === undefined) {
        const condition = {
          type: 'Available',
          status: 'True',
          reason: 'Local',
          message: 'Local APIServices are always available',
        };
        draft.status.conditions = [{ ...condition, lastTransitionTime: formatTime(now) }];
      }
    },
    prepareForUpdate(draft, old) {
      draft.status = old.status ?? {};
    },
    validate,
    validateUpdate: validate,
  },
});

function availableText({ status }: APIService): string {
  const available = status?.conditions?.find(({ type }) => type === 'Available');
  if (available === undefined) return 'Unknown';
  return available.status === 'True' ? 'True' : `${available.status} (${available.reason ?? ''})`;
}

/** Source: Kubernetes `kube-aggregator/pkg/apis/apiregistration/validation/validation.go`. */
function validate({ metadata, spec }: APIService): FieldError[] {
  const errors: FieldError[] = [];
  if (spec === undefined) return errors;
  const path = FieldPath.of('spec');
  const { group = '', version = '', service, caBundle, insecureSkipTLSVerify } = spec;
  const name = `${version}.${group}`;
  if (metadata.name !== name)
    errors.push(invalid(FieldPath.of('metadata', 'name'), metadata.name ?? '', `must be \`${name}\``));
  if (group === '') {
    if (version !== 'v1')
      errors.push(required(path.child('group'), 'only v1 may have an empty group and it better be legacy kube'));
  } else checkAll(isDns1123Subdomain(group), path.child('group'), group, errors);
  checkAll(nameIsDns1035Label(version), path.child('version'), version, errors);
  const priorities = [
    ['groupPriorityMinimum', spec.groupPriorityMinimum, 20000],
    ['versionPriority', spec.versionPriority, 1000],
  ] as const;
  for (const [field, value, max] of priorities) {
    if (value <= 0 || value > max)
      errors.push(invalid(path.child(field), value, `must be positive and less than ${max}`));
  }
  if (service === undefined) {
    if (caBundle !== undefined) {
      const bytes = `${Buffer.from(caBundle, 'base64').length} bytes`;
      errors.push(invalid(path.child('caBundle'), bytes, 'local APIServices may not have a caBundle'));
    }
    if (insecureSkipTLSVerify === true) {
      const why = 'local APIServices may not have insecureSkipTLSVerify';
      errors.push(invalid(path.child('insecureSkipTLSVerify'), true, why));
    }
    return errors;
  }
  if (insecureSkipTLSVerify === true && caBundle !== undefined) {
    errors.push(invalid(path.child('insecureSkipTLSVerify'), true, 'may not be true if caBundle is present'));
  }
  const at = path.child('service');
  if ((service.namespace ?? '') === '') errors.push(required(at.child('namespace')));
  if ((service.name ?? '') === '') errors.push(required(at.child('name')));
  for (const problem of isInRange(service.port ?? 443, 1, 65535)) {
    errors.push(invalid(at.child('port'), service.port, `port is not valid: ${problem}`));
  }
  return errors;
}
