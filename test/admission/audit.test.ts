/** What admission leaves in the audit event of a request. */
import assert from 'node:assert/strict';
import { type AdmissionPlugin, type AdmissionRequest, admissionChain } from '../../src/admission/chain.ts';
import { dynamicAdmission } from '../../src/admission/dynamic.ts';
import type { AdmissionHost } from '../../src/admission/host.ts';
import { WebhookHandlers } from '../../src/admission/webhook/handlers.ts';
import { alwaysAllow } from '../../src/apis/authorizer.ts';
import { builtinTypes } from '../../src/apis/index.ts';
import type { ResourceAccess } from '../../src/apis/resource-type.ts';
import { systemClock } from '../../src/clock/clock.ts';
import type { ApiObject } from '../../src/machinery/object.ts';
import { configMap, ruleFor, type Spec } from './support.ts';

const types = builtinTypes();
const type = types.find(({ names }) => names.kind === 'ConfigMap')!;
const onConfigMaps = { resourceRules: [ruleFor('', ['configmaps'])] };

/** A host with these objects of admission, by resource. */
function hostOf(objects: Readonly<Record<string, Spec[]>>): AdmissionHost {
  const access = { peek: () => undefined, peekAll: () => [] } as unknown as ResourceAccess;
  return {
    access,
    handlers: new WebhookHandlers(),
    webhooks: { clock: systemClock, resolveService: () => Promise.reject(new Error('none')) },
    convert: (_, object) => Promise.resolve(object),
    resources: { generation: 1, get: () => undefined, all: () => types },
    source({ plural }) {
      const all = (objects[plural] ?? []).map(
        ({ name, ...rest }): ApiObject => ({
          apiVersion: 'admissionregistration.k8s.io/v1',
          kind: plural,
          metadata: { name, uid: `${plural}/${name}`, generation: 1 },
          ...rest,
        }),
      );
      return { ready: true, start: () => Promise.resolve(), version: 1, objects: () => all };
    },
  };
}

async function notes(
  host: AdmissionHost,
  object: ApiObject,
  step: 'mutate' | 'validate',
): Promise<Record<string, string>> {
  const annotations: Record<string, string> = {};
  const plugins: AdmissionPlugin[] = dynamicAdmission.map((plugin) => plugin(host));
  const request: AdmissionRequest = {
    operation: 'CREATE',
    group: '',
    version: 'v1',
    resource: 'configmaps',
    kind: 'ConfigMap',
    apiVersion: 'v1',
    subresource: '',
    namespace: 'default',
    name: object.metadata.name!,
    object,
    oldObject: undefined,
    options: undefined,
    context: {
      now: 0,
      user: { name: 'me', groups: [] },
      dryRun: false,
      authorizer: alwaysAllow,
      annotate: (key, value) => {
        annotations[key] = value;
      },
    },
    type,
    warn: () => undefined,
    access: host.access,
    conform: () => undefined,
  };
  await admissionChain(plugins)[step](request);
  return annotations;
}

const webhook = { admissionReviewVersions: ['v1'], sideEffects: 'None', rules: [ruleFor('', ['configmaps'])] };

describe('the audit annotations of admission', () => {
  it('of a policy: what its expressions say, together for all bindings, and what failed', async () => {
    const host = hostOf({
      validatingadmissionpolicies: [
        {
          name: 'p',
          spec: {
            matchConstraints: onConfigMaps,
            validations: [{ expression: 'true' }, { expression: "object.data.a == '2'", message: 'not 2' }],
            auditAnnotations: [
              { key: 'seen', valueExpression: "'a is ' + object.data.a" },
              { key: 'silent', valueExpression: 'null' },
            ],
          },
        },
      ],
      validatingadmissionpolicybindings: [
        { name: 'b', spec: { policyName: 'p', validationActions: ['Audit'] } },
        { name: 'c', spec: { policyName: 'p', validationActions: ['Audit'] } },
      ],
    });
    const { 'validation.policy.admission.k8s.io/validation_failure': failure, ...others } = await notes(
      host,
      configMap('x', { a: '1' }),
      'validate',
    );
    assert.deepEqual(others, { 'p/seen': 'a is 1' });
    assert.deepEqual(JSON.parse(failure!), [
      { message: 'not 2', policy: 'p', binding: 'c', expressionIndex: 1, validationActions: ['Audit'] },
    ]);
  });

  it('of webhooks: their own, their patches, and their failures', async () => {
    const host = hostOf({
      mutatingwebhookconfigurations: [
        {
          name: 'c',
          webhooks: [
            { ...webhook, name: 'a.example.com', clientConfig: { url: 'https://a' } },
            { ...webhook, name: 'b.example.com', clientConfig: { url: 'https://b' }, failurePolicy: 'Ignore' },
          ],
        },
      ],
    });
    const patch = [{ op: 'add', path: '/data/b', value: '2' }];
    host.handlers.register({ webhook: 'a.example.com' }, () => ({
      allowed: true,
      patch,
      auditAnnotations: { why: 'because' },
    }));
    host.handlers.register({ webhook: 'b.example.com' }, () => Promise.reject(new Error('away')));
    const found = await notes(host, configMap('x', { a: '1' }), 'mutate');
    const at = (prefix: string, index: number, round = 0): string =>
      `${prefix}.webhook.admission.k8s.io/round_${round}_index_${index}`;
    assert.equal(found['a.example.com/why'], 'because');
    assert.deepEqual(JSON.parse(found[at('patch', 0)]!), {
      configuration: 'c',
      webhook: 'a.example.com',
      patch,
      patchType: 'JSONPatch',
    });
    assert.deepEqual(JSON.parse(found[at('mutation', 0)]!), {
      configuration: 'c',
      webhook: 'a.example.com',
      mutated: true,
    });
    assert.equal(found[at('failed-open.mutation', 1)], 'b.example.com');
    // Neither wants to run again.
    assert.equal(found[at('mutation', 0, 1)], undefined);
  });
});
