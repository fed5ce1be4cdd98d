import assert from 'node:assert/strict';
import {
  certificateSigningRequestType,
  mutatingAdmissionPolicyType,
  mutatingWebhookConfigurationType,
  validatingAdmissionPolicyBindingType,
  validatingAdmissionPolicyType,
} from '../../src/apis/index.ts';
import type { CertificateSigningRequest } from '../../src/apis/types.ts';
import { created, createErrors, subresourceUpdate } from './create.ts';

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
      'spec.validations[0].expression: Invalid value: "1": must evaluate to bool but got int',
    ],
    [
      { validations: [{ expression: 'true', messageExpression: 'true' }] },
      'spec.validations[0].messageExpression: Invalid value: "true": must evaluate to string but got bool',
    ],
    [
      { auditAnnotations: [{ key: 'a', valueExpression: '1' }] },
      'spec.auditAnnotations[0].valueExpression: Invalid value: "1": must evaluate to one of [string null_type] but got int',
    ],
    [
      { validations: [{ expression: 'params.limit > 1' }] },
      `spec.validations[0].expression: Invalid value: "params.limit > 1": compilation failed: ERROR: <input>:1:1: undeclared reference to 'params' (in container '')\n | params.limit > 1\n | ^`,
    ],
    [
      { variables: [{ name: 'some', expression: '1' }], validations: [{ expression: 'variables.none == 1' }] },
      `spec.validations[0].expression: Invalid value: "variables.none == 1": compilation failed: ERROR: <input>:1:10: undefined field 'none'\n | variables.none == 1\n | .........^`,
    ],
    [
      { validations: [{ expression: 'object.spec.paused' }] },
      'spec.validations[0].expression: Invalid value: "object.spec.paused": must evaluate to bool but got dyn',
    ],
    [
      { validations: [{ expression: 'request.uid == ""' }] },
      `spec.validations[0].expression: Invalid value: "request.uid == \\"\\"": compilation failed: ERROR: <input>:1:8: undefined field 'uid'\n | request.uid == ""\n | .......^`,
    ],
    [
      {
        validations: [{ expression: 'true', messageExpression: "string(authorizer.path('/').check('get').allowed())" }],
      },
      `spec.validations[0].messageExpression: Invalid value: "string(authorizer.path('/').check('get').allowed())": compilation failed: ERROR: <input>:1:8: undeclared reference to 'authorizer' (in container '')\n | string(authorizer.path('/').check('get').allowed())\n | .......^`,
    ],
    [
      { validations: [{ expression: 'true', reason: 'Unauthorized' }] },
      'spec.validations[0].reason: Unsupported value: "Unauthorized": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
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

describe('mutating policies', () => {
  const errors = (spec: object): string[] =>
    createErrors(mutatingAdmissionPolicyType, {
      apiVersion: group,
      kind: 'MutatingAdmissionPolicy',
      metadata: { name: 'x' },
      spec: { matchConstraints: { resourceRules: [rule] }, reinvocationPolicy: 'Never', ...spec },
    });
  const applied = (expression: string) => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } });
  const patched = (expression: string) => ({ patchType: 'JSONPatch', jsonPatch: { expression } });

  it('make configurations and patches', () => {
    assert.deepEqual(
      errors({
        variables: [{ name: 'n', expression: '3' }],
        mutations: [
          applied('Object{spec: Object.spec{replicas: variables.n}}'),
          patched('[JSONPatch{op: "add", path: "/metadata/labels/a", value: "b"}]'),
        ],
      }),
      [],
    );
  });

  const refused: readonly (readonly [spec: object, error: string])[] = [
    [{ mutations: [] }, 'spec.mutations: Required value: mutations must contain at least one item'],
    [{ mutations: [applied('Object{}')], reinvocationPolicy: '' }, 'spec.reinvocationPolicy: Required value'],
    [{ mutations: [{}] }, 'spec.mutations[0].patchType: Required value'],
    [
      { mutations: [{ patchType: 'JSONPatch' }] },
      'spec.mutations[0].jsonPatch: Required value: must be specified when patchType is JSONPatch',
    ],
    [
      { mutations: [{ ...applied('Object{}'), jsonPatch: { expression: '[]' } }] },
      'spec.mutations[0].jsonPatch: Invalid value: "{jsonPatch}": must not be specified when patchType is ApplyConfiguration',
    ],
    [
      { mutations: [applied('1')] },
      'spec.mutations[0].applyConfiguration.expression: Invalid value: "1": must evaluate to Object but got int',
    ],
    [
      { mutations: [applied('Object{}')], matchConstraints: { resourceRules: [{ ...rule, operations: ['DELETE'] }] } },
      'spec.matchConstraints.resourceRules[0].operations[0]: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
    ],
  ];
  for (const [spec, error] of refused) {
    it(`are refused: ${error}`, () => {
      assert.deepEqual(errors(spec), [error]);
    });
  }
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

  it('are approved through their own subresource, once', () => {
    const request = created<CertificateSigningRequest>(certificateSigningRequestType, csr());
    const decide = (old: CertificateSigningRequest, ...types: string[]) =>
      subresourceUpdate(certificateSigningRequestType, 'approval', old, (draft) => {
        draft.status = { certificate: 'bWluZQ==', conditions: types.map((type) => ({ type, status: 'True' })) };
      });
    const { object: approved, errors } = decide(request, 'Approved');
    assert.deepEqual(errors, []);
    assert.equal(approved.status!.conditions![0]!.lastTransitionTime, '2026-01-31T09:30:00Z');
    assert.equal(approved.status!.certificate, undefined);
    assert.match(
      decide(approved, 'Approved', 'Denied').errors.join(),
      /Approved and Denied conditions are mutually exclusive/,
    );
    assert.match(decide(approved).errors.join(), /updates may not remove a condition of type \\?"Approved\\?"/);
  });
});
