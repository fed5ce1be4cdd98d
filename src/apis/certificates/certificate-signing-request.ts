import { formatTime } from '../../clock/clock.ts';
import { humanDuration } from '../../machinery/duration.ts';
import { deepEqual } from '../../machinery/json.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import type { CertificateSigningRequest } from '../types.ts';
import { validateConditions, validateRequest } from './certificate-signing-request-validation.ts';

type Conditions = NonNullable<NonNullable<CertificateSigningRequest['status']>['conditions']>;

const spec = 'io.k8s.api.certificates.v1.CertificateSigningRequestSpec';

export const certificateSigningRequestType = builtinType<CertificateSigningRequest>({
  group: 'certificates.k8s.io',
  kind: 'CertificateSigningRequest',
  plural: 'certificatesigningrequests',
  shortNames: ['csr'],
  scope: 'Cluster',
  status: true,
  columns: [
    nameColumn,
    ageColumn,
    column<CertificateSigningRequest>('SignerName', 'string', (csr) => csr.spec.signerName, {
      describedBy: [spec, 'signerName'],
    }),
    column<CertificateSigningRequest>('Requestor', 'string', (csr) => csr.spec.username ?? '', {
      describedBy: [spec, 'request'],
    }),
    column<CertificateSigningRequest>(
      'RequestedDuration',
      'string',
      ({ spec: { expirationSeconds } }) =>
        expirationSeconds === undefined ? '<none>' : humanDuration(expirationSeconds * 1000),
      { describedBy: [spec, 'expirationSeconds'] },
    ),
    column<CertificateSigningRequest>('Condition', 'string', conditionText, {
      describedBy: ['io.k8s.api.certificates.v1.CertificateSigningRequestStatus', 'conditions'],
    }),
  ],
  selectableFields: [
    { name: 'spec.signerName', value: (object) => (object as unknown as CertificateSigningRequest).spec.signerName },
  ],
  strategy: {
    resetFields: { object: ['spec', 'status'], status: ['spec', 'status.conditions'] },
    prepareForCreate(draft, { user }) {
      // Who asks is the server's to say.
      const { request, signerName, usages, expirationSeconds } = draft.spec;
      draft.spec = {
        request,
        signerName,
        ...(expirationSeconds === undefined ? {} : { expirationSeconds }),
        ...(usages === undefined ? {} : { usages }),
        ...(user.name === '' ? {} : { username: user.name }),
        ...(user.uid === undefined ? {} : { uid: user.uid }),
        ...(user.groups.length === 0 ? {} : { groups: [...user.groups] }),
        ...(user.extra === undefined
          ? {}
          : { extra: Object.fromEntries(Object.entries(user.extra).map(([key, values]) => [key, [...values]])) }),
      };
      draft.status = {};
    },
    prepareForUpdate(draft, old) {
      draft.spec = old.spec;
      draft.status = old.status ?? {};
    },
    prepareForStatusUpdate(draft, old, { now }) {
      // Only the approval subresource approves and denies.
      const decided = (list: Conditions | undefined) =>
        (list ?? []).filter(({ type }) => type === 'Approved' || type === 'Denied');
      const others = (list: Conditions | undefined) =>
        (list ?? []).filter(({ type }) => type !== 'Approved' && type !== 'Denied');
      draft.status ??= {};
      const conditions = [...decided(old.status?.conditions), ...others(draft.status.conditions)];
      if (conditions.length === 0) delete draft.status.conditions;
      else draft.status.conditions = stamped(conditions, old.status?.conditions, now);
    },
    validate: validateRequest,
    validateUpdate: () => [],
    validateStatusUpdate: (object, old) => validateConditions(object, old),
  },
  objectSubresources: {
    approval: {
      verbs: ['get', 'update', 'patch'],
      resetFields: ['spec', 'status.certificate'],
      prepareForUpdate(draft, old, { now }) {
        const conditions = draft.status?.conditions ?? [];
        draft.spec = old.spec;
        draft.status = { ...old.status };
        if (conditions.length === 0) delete draft.status.conditions;
        else draft.status.conditions = stamped(conditions, old.status?.conditions, now);
      },
      validateUpdate: (object, old) => validateConditions(object, old, true),
    },
  },
});

/** Times that the client leaves out are the server's. */
function stamped(conditions: Conditions, old: Conditions | undefined, now: number): Conditions {
  return conditions.map((condition) => {
    const before = old?.find(({ type }) => type === condition.type);
    const changed = before === undefined || before.status !== condition.status;
    const time = formatTime(now);
    return {
      ...condition,
      lastUpdateTime:
        condition.lastUpdateTime ?? (deepEqual(before, condition) ? before?.lastUpdateTime : undefined) ?? time,
      lastTransitionTime: condition.lastTransitionTime ?? (changed ? time : (before.lastTransitionTime ?? time)),
    };
  });
}

function conditionText({ status }: CertificateSigningRequest): string {
  const types = (status?.conditions ?? []).map(({ type }) => type);
  const words: string[] = [];
  if (types.includes('Denied')) words.push('Denied');
  else if (types.includes('Approved')) words.push('Approved');
  else words.push('Pending');
  if (types.includes('Failed')) words.push('Failed');
  if ((status?.certificate ?? '') !== '') words.push('Issued');
  return words.join(',');
}
