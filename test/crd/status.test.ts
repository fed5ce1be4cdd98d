import assert from 'node:assert/strict';
import { crdStatus } from '../../src/crd/status.ts';
import type { CustomResourceDefinition } from '../../src/crd/types.ts';
import { definition } from './definition.ts';

const now = Date.UTC(2026, 0, 2, 3, 4, 5);
const at = '2026-01-02T03:04:05Z';

const conditions = (status: ReturnType<typeof crdStatus>): string[] =>
  (status.conditions ?? []).map(({ type, status: is, reason, message }) => `${type}=${is} ${reason}: ${message}`);

function settled(crd: CustomResourceDefinition, others: CustomResourceDefinition[] = []): CustomResourceDefinition {
  return { ...crd, status: crdStatus(crd, others, now) };
}

describe('the status of a definition', () => {
  it('is established when its names are free', () => {
    const status = crdStatus(definition(), [], now);
    assert.deepEqual(status, {
      conditions: [
        {
          lastTransitionTime: at,
          message: 'no conflicts found',
          reason: 'NoConflicts',
          status: 'True',
          type: 'NamesAccepted',
        },
        {
          lastTransitionTime: at,
          message: 'the initial names have been accepted',
          reason: 'InitialNamesAccepted',
          status: 'True',
          type: 'Established',
        },
      ],
      acceptedNames: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
      storedVersions: ['v1'],
    });
  });

  it('does not change once it is settled', () => {
    const crd = settled(definition());
    assert.deepEqual(crdStatus(crd, [], now + 60_000), crd.status);
  });

  const other = settled(
    definition({
      metadata: { name: 'gadgets.example.com' },
      names: { plural: 'gadgets', singular: 'gadget', kind: 'Gadget', listKind: 'GadgetList', shortNames: ['g', 'gd'] },
    }),
  );
  const clashes: [what: string, names: object, reason: string, message: string][] = [
    ['plural', { plural: 'gadget' }, 'PluralConflict', '"gadget" is already in use'],
    ['singular', { singular: 'g' }, 'SingularConflict', '"g" is already in use'],
    [
      'short names',
      { shortNames: ['g', 'x', 'gd'] },
      'ShortNamesConflict',
      '["g" is already in use, "gd" is already in use]',
    ],
    ['kind', { kind: 'Gadget' }, 'KindConflict', '"Gadget" is already in use'],
    ['list kind', { listKind: 'GadgetList' }, 'ListKindConflict', '"GadgetList" is already in use'],
  ];
  for (const [what, names, reason, message] of clashes) {
    it(`is not established when another has its ${what}`, () => {
      assert.deepEqual(conditions(crdStatus(definition({ names }), [other], now)), [
        `NamesAccepted=False ${reason}: ${message}`,
        'Established=False NotAccepted: not all names are accepted',
      ]);
    });
  }

  it('takes the names that are free and leaves those that are not', () => {
    const { acceptedNames } = crdStatus(definition({ names: { kind: 'Gadget', shortNames: ['w'] } }), [other], now);
    assert.deepEqual(acceptedNames, {
      plural: 'widgets',
      singular: 'widget',
      kind: '',
      listKind: 'WidgetList',
      shortNames: ['w'],
    });
  });

  it('is established when the names come free', () => {
    const waiting = settled(definition({ names: { kind: 'Gadget' } }), [other]);
    assert.deepEqual(conditions(crdStatus(waiting, [], now)), [
      'NamesAccepted=True NoConflicts: no conflicts found',
      'Established=True InitialNamesAccepted: the initial names have been accepted',
    ]);
  });

  it('stays established when a later change of names clashes', () => {
    const crd = settled(definition());
    crd.spec = { ...crd.spec, names: { ...crd.spec.names, shortNames: ['g'] } };
    assert.deepEqual(conditions(crdStatus(crd, [other], now)), [
      'NamesAccepted=False ShortNamesConflict: "g" is already in use',
      'Established=True InitialNamesAccepted: the initial names have been accepted',
    ]);
  });

  it('minds only definitions of its own group', () => {
    const elsewhere = { ...other, spec: { ...other.spec, group: 'example.org' } };
    assert.equal(
      conditions(crdStatus(definition({ names: { kind: 'Gadget' } }), [elsewhere], now))[0]?.includes('True'),
      true,
    );
  });

  it('says what is not structural', () => {
    const schema = { type: 'object', properties: { a: {} } } as const;
    const old = definition({ schema, spec: { preserveUnknownFields: true } });
    assert.deepEqual(conditions(crdStatus(old, [], now)).slice(2), [
      'NonStructuralSchema=True Violations: spec.versions[0].schema.openAPIV3Schema.properties[a].type: Required value: must not be empty for specified object fields',
    ]);
    const repaired = settled(old);
    repaired.spec = definition().spec;
    assert.equal(conditions(crdStatus(repaired, [], now)).length, 2);
  });

  it('says how the community sees its group', () => {
    const group = { spec: { group: 'x.k8s.io' } };
    const policy = (value?: string): string | undefined =>
      conditions(
        crdStatus(
          definition({
            ...group,
            metadata: value === undefined ? {} : { annotations: { 'api-approved.kubernetes.io': value } },
          }),
          [],
          now,
        ),
      )[2];
    const type = 'KubernetesAPIApprovalPolicyConformant';
    assert.equal(policy('https://example.com/1'), `${type}=True ApprovedAnnotation: approved in https://example.com/1`);
    assert.equal(
      policy('unapproved, for now'),
      `${type}=False UnapprovedAnnotation: not approved: "unapproved, for now"`,
    );
    assert.match(policy() ?? '', new RegExp(`^${type}=False MissingAnnotation: protected groups must have`));
    assert.match(policy('yes') ?? '', new RegExp(`^${type}=False InvalidAnnotation: protected groups must have`));
  });

  it('is terminating when it is being deleted', () => {
    const crd = definition({ metadata: { deletionTimestamp: at } });
    assert.deepEqual(conditions(crdStatus(crd, [], now)).slice(2), [
      'Terminating=True InstanceDeletionPending: CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
    ]);
  });

  it('remembers every version that was stored', () => {
    const crd = definition({ version: { name: 'v2' }, status: { storedVersions: ['v1'] } });
    assert.deepEqual(crdStatus(crd, [], now).storedVersions, ['v1', 'v2']);
  });
});
