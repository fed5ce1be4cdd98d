import { type FieldError, FieldPath, forbidden, invalid, notSupported, required } from '../../machinery/field.ts';
import { deepEqual, type JsonValue } from '../../machinery/json.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import type { PriorityLevelConfiguration } from '../types.ts';
import { mandatoryPriorityLevels } from './mandatory.ts';

type Limited = NonNullable<NonNullable<PriorityLevelConfiguration['spec']>['limited']>;

const definition = 'io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationSpec';
const limits = 'io.k8s.api.flowcontrol.v1.LimitedPriorityLevelConfiguration';
const queuing = 'io.k8s.api.flowcontrol.v1.QueuingConfiguration';
const path = FieldPath.of('spec');

const queueColumn = (name: string, field: 'queues' | 'handSize' | 'queueLengthLimit') =>
  column<PriorityLevelConfiguration>(
    name,
    'string',
    ({ spec }) => spec?.limited?.limitResponse?.queuing?.[field] ?? '<none>',
    {
      describedBy: [queuing, field],
    },
  );

export const priorityLevelConfigurationType = builtinType<PriorityLevelConfiguration>({
  group: 'flowcontrol.apiserver.k8s.io',
  kind: 'PriorityLevelConfiguration',
  plural: 'prioritylevelconfigurations',
  scope: 'Cluster',
  status: true,
  columns: [
    nameColumn,
    column<PriorityLevelConfiguration>('Type', 'string', ({ spec }) => spec?.type ?? '', {
      describedBy: [definition, 'type'],
    }),
    column<PriorityLevelConfiguration>(
      'NominalConcurrencyShares',
      'string',
      ({ spec }) => spec?.limited?.nominalConcurrencyShares ?? spec?.exempt?.nominalConcurrencyShares ?? '<none>',
      { describedBy: [limits, 'nominalConcurrencyShares'] },
    ),
    queueColumn('Queues', 'queues'),
    queueColumn('HandSize', 'handSize'),
    queueColumn('QueueLengthLimit', 'queueLengthLimit'),
    ageColumn,
  ],
  strategy: {
    generation: true,
    resetFields: { object: ['status'], status: ['metadata', 'spec'] },
    default({ spec }) {
      const { limited, exempt } = spec ?? {};
      if (exempt !== undefined) {
        exempt.nominalConcurrencyShares ??= 0;
        exempt.lendablePercent ??= 0;
      }
      if (limited === undefined) return;
      limited.nominalConcurrencyShares ??= 30;
      limited.lendablePercent ??= 0;
      const queues = limited.limitResponse?.queuing;
      if (queues === undefined) return;
      queues.queues ??= 64;
      queues.handSize ??= 8;
      queues.queueLengthLimit ??= 50;
    },
    prepareForCreate(draft) {
      draft.status = {};
    },
    prepareForUpdate(draft, old) {
      draft.status = old.status ?? {};
    },
    validate,
    validateUpdate: validate,
  },
});

const maxQueues = 10 * 1000 * 1000;

/** Source: Kubernetes `pkg/apis/flowcontrol/validation/validation.go`, ValidatePriorityLevelConfiguration. */
function validate({ metadata, spec }: PriorityLevelConfiguration): FieldError[] {
  const errors: FieldError[] = [];
  if (spec === undefined) return errors;
  const { type, limited, exempt } = spec;
  const { name = '' } = metadata;
  if ((type === 'Exempt') !== (name === 'exempt')) {
    errors.push(invalid(path.child('type'), type, "type must be 'Exempt' if and only if name is 'exempt'"));
  }
  switch (type) {
    case 'Exempt':
      if (limited !== undefined)
        errors.push(forbidden(path.child('limited'), 'must be nil if the type is not Limited'));
      validateShares(exempt ?? {}, path.child('exempt'), errors);
      break;
    case 'Limited':
      if (exempt !== undefined) errors.push(forbidden(path.child('exempt'), 'must be nil if the type is Limited'));
      if (limited === undefined) errors.push(required(path.child('limited'), 'must not be empty when type is Limited'));
      else validateLimited(limited, path.child('limited'), errors);
      break;
    default:
      errors.push(notSupported(path.child('type'), type, ['Exempt', 'Limited']));
  }
  const fixed = mandatoryPriorityLevels[name];
  if (fixed === undefined) return errors;
  if (name === 'exempt') {
    if (!deepEqual({ ...spec, exempt: null } as JsonValue, { ...fixed, exempt: null } as JsonValue)) {
      const why = "spec of 'exempt' except the 'spec.exempt' field must equal the fixed value";
      errors.push(invalid(path, spec, why));
    }
  } else if (!deepEqual(spec as JsonValue, fixed as JsonValue)) {
    errors.push(invalid(path, spec, `spec of '${name}' must equal the fixed value`));
  }
  return errors;
}

type Shares = Pick<Limited, 'nominalConcurrencyShares' | 'lendablePercent'>;

function validateShares(
  { nominalConcurrencyShares: shares, lendablePercent: lendable }: Shares,
  at: FieldPath,
  errors: FieldError[],
): void {
  if (shares !== undefined && shares < 0) {
    errors.push(invalid(at.child('nominalConcurrencyShares'), shares, 'must be a non-negative integer'));
  }
  if (lendable !== undefined && (lendable < 0 || lendable > 100)) {
    errors.push(invalid(at.child('lendablePercent'), lendable, 'must be between 0 and 100, inclusive'));
  }
}

function validateLimited(limited: Limited, at: FieldPath, errors: FieldError[]): void {
  const { borrowingLimitPercent: limit, limitResponse } = limited;
  validateShares(limited, at, errors);
  if (limit !== undefined && limit < 0)
    errors.push(invalid(at.child('borrowingLimitPercent'), limit, 'if specified, must be a non-negative integer'));
  const response = at.child('limitResponse');
  const queues = limitResponse?.queuing;
  switch (limitResponse?.type) {
    case 'Reject':
      if (queues !== undefined)
        errors.push(forbidden(response.child('queuing'), 'must be nil if limited.limitResponse.type is not Limited'));
      return;
    case 'Queue':
      break;
    default:
      errors.push(notSupported(response.child('type'), limitResponse?.type ?? '', ['Queue', 'Reject']));
      return;
  }
  const queuesPath = response.child('queuing');
  if (queues === undefined) {
    errors.push(required(queuesPath, 'must not be empty if limited.limitResponse.type is Limited'));
    return;
  }
  const { queues: count = 0, handSize = 0, queueLengthLimit = 0 } = queues;
  if (queueLengthLimit <= 0)
    errors.push(invalid(queuesPath.child('queueLengthLimit'), queueLengthLimit, 'must be positive'));
  if (count <= 0) errors.push(invalid(queuesPath.child('queues'), count, 'must be positive'));
  else if (count > maxQueues)
    errors.push(invalid(queuesPath.child('queues'), count, `must not be greater than ${maxQueues}`));
  if (handSize <= 0) errors.push(invalid(queuesPath.child('handSize'), handSize, 'must be positive'));
  else if (handSize > count) {
    errors.push(invalid(queuesPath.child('handSize'), handSize, `should not be greater than queues (${count})`));
  }
}
