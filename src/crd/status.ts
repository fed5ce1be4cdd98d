/**
 * What Kubernetes' controllers for definitions decide, as pure functions: which names a definition gets, whether it is
 * established, and what else its conditions say.
 * Source: apiextensions-apiserver `pkg/controller` (status, establish, nonstructuralschema, apiapproval, finalizer).
 */
import { formatTime } from '../clock/clock.ts';
import { errorText, FieldPath, goQuote } from '../machinery/field.ts';
import { deepEqual } from '../machinery/json.ts';
import { apiApproval, isProtectedGroup } from './api-approval.ts';
import { unsupportedField, validateStructural } from './structural.ts';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
  CustomResourceDefinitionConditionType,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionStatus,
} from './types.ts';

export type Condition = Omit<CustomResourceDefinitionCondition, 'lastTransitionTime'>;

/**
 * The status of a definition beside the `others` of its cluster, at `now` (milliseconds since the epoch). Equal to the
 * present status when nothing changes.
 */
export function crdStatus(
  crd: CustomResourceDefinition,
  others: readonly CustomResourceDefinition[],
  now: number,
): CustomResourceDefinitionStatus {
  const { names, accepted } = acceptNames(crd, others);
  const found: (Condition | undefined)[] = [
    accepted,
    established(crd, accepted),
    nonStructural(crd),
    approvalPolicy(crd),
    terminating(crd),
  ];
  let conditions = crd.status?.conditions ?? [];
  for (const condition of found) if (condition !== undefined) conditions = withCondition(conditions, condition, now);
  if (found[2] === undefined) conditions = conditions.filter(({ type }) => type !== 'NonStructuralSchema');
  return { ...crd.status, conditions, acceptedNames: names, storedVersions: storedVersions(crd) };
}

/** The names that a definition gets: those it asks for, unless another definition of its group has them already. */
export function acceptNames(
  crd: CustomResourceDefinition,
  others: readonly CustomResourceDefinition[],
): { readonly names: CustomResourceDefinitionNames; readonly accepted: Condition } {
  const rivals = others
    .filter((other) => other.spec.group === crd.spec.group && other.metadata.name !== crd.metadata.name)
    .map((other) => other.status?.acceptedNames);
  const resources = new Set(rivals.flatMap((names) => [names?.plural, names?.singular, ...(names?.shortNames ?? [])]));
  const kinds = new Set(rivals.flatMap((names) => [names?.kind, names?.listKind]));
  const wanted = crd.spec.names;
  const held = crd.status?.acceptedNames ?? { plural: '', kind: '' };
  const names: CustomResourceDefinitionNames = { ...held };
  let conflict: Pick<Condition, 'reason' | 'message'> | undefined;

  const claim = (field: 'plural' | 'singular' | 'kind' | 'listKind', used: Set<string | undefined>): void => {
    const name = wanted[field];
    if (name !== undefined && name !== held[field] && used.has(name)) {
      conflict = { reason: `${field[0]?.toUpperCase()}${field.slice(1)}Conflict`, message: inUse(name) };
    } else if (name === undefined) delete names[field];
    else names[field] = name;
  };
  claim('plural', resources);
  claim('singular', resources);
  const taken = (wanted.shortNames ?? []).filter(
    (name) => resources.has(name) && held.shortNames?.includes(name) !== true,
  );
  if (taken.length > 0) conflict = { reason: 'ShortNamesConflict', message: aggregate(taken.map(inUse)) };
  else if (wanted.shortNames === undefined) delete names.shortNames;
  else names.shortNames = wanted.shortNames;
  claim('kind', kinds);
  claim('listKind', kinds);
  if (wanted.categories === undefined) delete names.categories;
  else names.categories = wanted.categories;

  const accepted: Condition =
    conflict === undefined
      ? { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
      : { type: 'NamesAccepted', status: 'False', ...conflict };
  return { names, accepted };
}

const inUse = (name: string): string => `${goQuote(name)} is already in use`;

/** Several errors as Go's aggregate prints them. */
function aggregate(texts: readonly string[]): string {
  const distinct = [...new Set(texts)];
  return distinct.length === 1 ? (distinct[0] as string) : `[${distinct.join(', ')}]`;
}

/** Once established, a definition stays so, whatever becomes of its names. */
function established(crd: CustomResourceDefinition, accepted: Condition): Condition {
  const before = findCondition(crd, 'Established');
  if (before?.status === 'True') return before;
  return accepted.status === 'True'
    ? {
        type: 'Established',
        status: 'True',
        reason: 'InitialNamesAccepted',
        message: 'the initial names have been accepted',
      }
    : (before ?? {
        type: 'Established',
        status: 'False',
        reason: 'NotAccepted',
        message: 'not all names are accepted',
      });
}

/** Only definitions that preserve unknown fields may have schemas that are not structural, and none is made any more. */
function nonStructural(crd: CustomResourceDefinition): Condition | undefined {
  if (crd.spec.preserveUnknownFields !== true) return undefined;
  const errors: string[] = [];
  for (const [i, version] of crd.spec.versions.entries()) {
    const schema = version.schema?.openAPIV3Schema;
    if (schema === undefined) continue;
    const unsupported = unsupportedField(schema);
    if (unsupported !== undefined) {
      return {
        type: 'NonStructuralSchema',
        status: 'Unknown',
        reason: 'StructuralError',
        message: `failed to check validation schema for version ${version.name}: ${unsupported}`,
      };
    }
    const path = FieldPath.of('spec', 'versions').index(i).child('schema').child('openAPIV3Schema');
    errors.push(...validateStructural(schema, path).map(errorText));
  }
  if (errors.length === 0) return undefined;
  return { type: 'NonStructuralSchema', status: 'True', reason: 'Violations', message: aggregate(errors) };
}

const approvalReasons = {
  approved: 'ApprovedAnnotation',
  bypassed: 'UnapprovedAnnotation',
  missing: 'MissingAnnotation',
  invalid: 'InvalidAnnotation',
} as const;

function approvalPolicy(crd: CustomResourceDefinition): Condition | undefined {
  if (!isProtectedGroup(crd.spec.group)) return undefined;
  const { state, reason } = apiApproval(crd.metadata.annotations);
  return {
    type: 'KubernetesAPIApprovalPolicyConformant',
    status: state === 'approved' ? 'True' : 'False',
    reason: approvalReasons[state],
    message: reason,
  };
}

/** The steps of a deletion; whoever deletes the custom resources moves on from one to the next. */
export const terminatingConditions = {
  pending: {
    type: 'Terminating',
    status: 'True',
    reason: 'InstanceDeletionPending',
    message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
  },
  inProgress: {
    type: 'Terminating',
    status: 'True',
    reason: 'InstanceDeletionInProgress',
    message: 'CustomResource deletion is in progress',
  },
  completed: {
    type: 'Terminating',
    status: 'False',
    reason: 'InstanceDeletionCompleted',
    message: 'removed all instances',
  },
  failed: (why: string) => ({
    type: 'Terminating',
    status: 'True',
    reason: 'InstanceDeletionFailed',
    message: `could not issue all deletes: ${why}`,
  }),
} as const satisfies Record<string, Condition | ((why: string) => Condition)>;

function terminating(crd: CustomResourceDefinition): Condition | undefined {
  if (crd.metadata.deletionTimestamp === undefined) return undefined;
  return findCondition(crd, 'Terminating') ?? terminatingConditions.pending;
}

export function findCondition(
  crd: CustomResourceDefinition,
  type: CustomResourceDefinitionConditionType,
): CustomResourceDefinitionCondition | undefined {
  return crd.status?.conditions?.find((condition) => condition.type === type);
}

/** Sets one condition; its time of transition changes with its status. The list is left as it is when nothing changes. */
export function withCondition(
  conditions: readonly CustomResourceDefinitionCondition[],
  condition: Condition,
  now: number,
): CustomResourceDefinitionCondition[] {
  const { type, status, reason, message } = condition;
  const at = conditions.findIndex((known) => known.type === type);
  const before = conditions[at];
  const stays = before?.lastTransitionTime != null && before.status === status;
  const next: CustomResourceDefinitionCondition = {
    lastTransitionTime: stays ? (before.lastTransitionTime as string) : formatTime(now),
    ...(message === undefined ? {} : { message }),
    ...(reason === undefined ? {} : { reason }),
    status,
    type,
  };
  if (before === undefined) return [...conditions, next];
  return deepEqual(before, next) ? [...conditions] : conditions.with(at, next);
}

/** Every version that objects may have been stored in: what the status says, and the present storage version. */
export function storedVersions(crd: CustomResourceDefinition): string[] {
  const stored = crd.status?.storedVersions ?? [];
  const storage = crd.spec.versions?.find((version) => version.storage)?.name;
  return storage === undefined || stored.includes(storage) ? stored : [...stored, storage];
}
