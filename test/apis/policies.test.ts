import assert from 'node:assert/strict';
import {
  certificateSigningRequestType,
  mutatingWebhookConfigurationType,
  validatingAdmissionPolicyBindingType,
  validatingAdmissionPolicyType,
} from '../../src/apis/index.ts';
import type { CertificateSigningRequest } from '../../src/apis/types.ts';
import type { ApiObject } from '../../src/machinery/object.ts';
import { context, created, createErrors } from './create.ts';

const group = 'admissionregistration.k8s.io/v1';
const rule = { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'] };
const policy = (spec: object): object => ({
  apiVersion: group,
  kind: 'ValidatingAdmissionPolicy',
  metadata: { name: 'x' },
  spec: { matchConstraints: { resourceRules: [rule] }, ...spec },
});

describe('the expressions of policies and webhooks', () => {
  it('compile', () => {
    const variables = [
      { name: 'replicas', expression: 'object.spec.replicas' },
      { name: 'many', expression: 'variables.replicas > 3' },
    ];
    const validations = [
      { expression: 'variables.many', messageExpression: "'not ' + string(variables.replicas)" },
      { expression: "authorizer.group('apps').resource('deployments').check('create').allowed()" },
      { expression: 'params.limit > object.spec.replicas' },
    ];
    assert.deepEqual(
      createErrors(
        validatingAdmissionPolicyType,
        policy({ paramKind: { apiVersion: 'v1', kind: 'ConfigMap' }, variables, validations }),
      ),
      [],
    );
  });

  const rejected: readonly (readonly [spec: object, error: string])[] = [
    [
      { validations: [{ expression: '1' }] },
      'spec.validations[0].expression: Invalid value: "1": must evaluate to bool',
    ],
    [
      { validations: [{ expression: 'true', messageExpression: 'true' }] },
      'spec.validations[0].messageExpression: Invalid value: "true": must evaluate to string',
    ],
    [
      { auditAnnotations: [{ key: 'a', valueExpression: '1' }] },
      'spec.auditAnnotations[0].valueExpression: Invalid value: "1": must evaluate to string or null',
    ],
    [
      { validations: [{ expression: 'params.limit > 1' }] },
      `spec.validations[0].expression: Invalid value: "params.limit > 1": compilation failed: ERROR: <input>:1:1: undeclared reference to 'params' (in container '')\n | params.limit > 1\n | ^`,
    ],
    [
      { validations: [{ expression: 'variables.none == 1' }] },
      `spec.validations[0].expression: Invalid value: "variables.none == 1": compilation failed: ERROR: <input>:1:10: undefined field 'none'\n | variables.none == 1\n | .........^`,
    ],
    [
      { variables: [{ name: '4ever', expression: '1' }], validations: [{ expression: 'true' }] },
      'spec.variables[0].name: Invalid value: "4ever": name is not a valid CEL identifier',
    ],
  ];
  for (const [spec, error] of rejected) {
    it(`are refused: ${error.slice(0, 80).split('\n')[0]}`, () => {
      assert.deepEqual(createErrors(validatingAdmissionPolicyType, policy(spec)), [error]);
    });
  }

  it('of webhooks say when they are called', () => {
    const webhook = {
      name: 'a.example.com',
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      clientConfig: { url: 'https://example.com' },
    };
    const errors = (expression: string) =>
      createErrors(mutatingWebhookConfigurationType, {
        apiVersion: group,
        kind: 'MutatingWebhookConfiguration',
        metadata: { name: 'x' },
        webhooks: [{ ...webhook, matchConditions: [{ name: 'a', expression }] }],
      });
    assert.deepEqual(errors("request.operation == 'CREATE' && has(object.metadata.labels)"), []);
    assert.match(
      errors('object.x in [1, 2,')[0]!,
      /^webhooks\[0\]\.matchConditions\[0\]\.expression: Invalid value: .*: compilation failed: ERROR: <input>:1:19: Syntax error: /,
    );
  });
});

describe('bindings of policies', () => {
  it('do something, and not the same thing twice', () => {
    const errors = (spec: object) =>
      createErrors(validatingAdmissionPolicyBindingType, {
        apiVersion: group,
        kind: 'ValidatingAdmissionPolicyBinding',
        metadata: { name: 'x' },
        spec: { policyName: 'p', ...spec },
      });
    assert.deepEqual(errors({ validationActions: ['Deny'] }), []);
    assert.deepEqual(errors({}), [
      'spec.validationActions: Required value: at least one validation action is required',
    ]);
    assert.match(errors({ validationActions: ['Deny', 'Warn'] })[0]!, /must not contain both Deny and Warn/);
    assert.deepEqual(errors({ validationActions: ['Audit'], paramRef: { parameterNotFoundAction: 'Deny' } }), [
      'spec.paramRef: Required value: one of name or selector must be specified',
    ]);
  });
});

describe('certificate signing requests', () => {
  const request = Buffer.from(
    `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from([0x30, 0]).toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`,
  ).toString('base64');
  const csr = (spec: object = {}): object => ({
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name: 'x' },
    spec: { request, signerName: 'example.com/signer', usages: ['client auth'], ...spec },
  });

  it('carry the name of who asks, whatever he says', () => {
    const { spec } = created<CertificateSigningRequest>(
      certificateSigningRequestType,
      csr({ username: 'admin', groups: ['system:masters'] }),
    );
    assert.equal(spec.username, 'tester');
    assert.equal(spec.groups, undefined);
  });

  it('are refused when they are none', () => {
    const errors = createErrors(
      certificateSigningRequestType,
      csr({ request: 'eA==', signerName: 'plain', usages: ['flying'], expirationSeconds: 1 }),
    );
    assert.deepEqual(
      errors.map((error) => error.slice(0, error.indexOf(':'))),
      ['spec.request', 'spec.usages[0]', 'spec.signerName', 'spec.expirationSeconds'],
    );
  });

  it('are approved through their own subresource, once', async () => {
    let stored = created<ApiObject>(certificateSigningRequestType, csr());
    const access = {
      update: async (_ref: unknown, _ns: unknown, _name: string, change: (draft: ApiObject) => void) => {
        const draft = structuredClone(stored);
        change(draft);
        stored = draft;
        return stored;
      },
    };
    const decide = (...types: string[]) =>
      certificateSigningRequestType.subresources.approval!.handle({
        verb: 'update',
        name: 'x',
        body: { status: { conditions: types.map((type) => ({ type, status: 'True' })) } },
        context,
        access,
      } as never);
    await decide('Approved');
    const [condition] = (stored as unknown as CertificateSigningRequest).status!.conditions!;
    assert.equal(condition!.lastTransitionTime, '2026-01-31T09:30:00Z');
    await assert.rejects(decide('Approved', 'Denied'), /Approved and Denied conditions are mutually exclusive/);
    await assert.rejects(decide(), /updates may not remove a condition of type \\?"Approved\\?"/);
  });
});
