/** ValidatingAdmissionPolicy: the policies of the Kubernetes documentation, with the results that it states. */
import assert from 'node:assert/strict';
import { type Api, startApi } from '../apiserver/support/api.ts';
import { bind, configMap, configMaps, deployment, deployments, refusal, registration, ruleFor } from './support.ts';

const onDeployments = { resourceRules: [ruleFor('apps', ['deployments'])] };
const onConfigMaps = { resourceRules: [ruleFor('', ['configmaps'])] };

describe('validating admission policies', () => {
  let api: Api;
  beforeEach(async () => {
    api = await startApi();
  });
  afterEach(async () => {
    await api[Symbol.asyncDispose]();
  });
  const denied = (policy: string, message: string): string =>
    `ValidatingAdmissionPolicy '${policy}' with binding '${policy}-binding' denied request: ${message}`;
  const messageOf = async (object: { metadata: { name: string } }, path = configMaps): Promise<string> =>
    (await refusal(api, 'POST', path, object)).message;

  it('refuse what an expression says no to', async () => {
    const name = 'demo-policy.example.com';
    await bind(api, 'Validating', name, {
      failurePolicy: 'Fail',
      matchConstraints: onDeployments,
      validations: [{ expression: 'object.spec.replicas <= 5' }],
    });
    const why = denied(name, 'failed expression: object.spec.replicas <= 5');
    assert.deepEqual(await refusal(api, 'POST', deployments, deployment('big', { replicas: 6 })), {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: `deployments.apps "big" is forbidden: ${why}`,
      reason: 'Invalid',
      details: { name: 'big', group: 'apps', kind: 'deployments', causes: [{ message: why }] },
      code: 422,
    });
    await api.ok('POST', deployments, deployment('small', { replicas: 5 }));
    const changed = await api.send('PATCH', `${deployments}/small`, {
      body: { spec: { replicas: 6 } },
      type: 'application/merge-patch+json',
    });
    assert.equal(changed.code, 422);
  });

  it('look at the namespaces that their bindings select', async () => {
    await api.ok('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'test', labels: { environment: 'test' } },
    });
    const binding = { matchResources: { namespaceSelector: { matchLabels: { environment: 'test' } } } };
    const validations = [{ expression: 'object.spec.replicas <= 5' }];
    await bind(api, 'Validating', 'demo', { matchConstraints: onDeployments, validations }, binding);
    await api.ok('POST', deployments, deployment('d', { replicas: 9 }));
    await refusal(api, 'POST', '/apis/apps/v1/namespaces/test/deployments', deployment('d', { replicas: 9 }));
  });

  describe('with parameters', () => {
    const limits = '/apis/rules.example.com/v1/namespaces/default/replicalimits';
    const paramKind = { apiVersion: 'rules.example.com/v1', kind: 'ReplicaLimit' };
    const limit = (name: string, maxReplicas: number, labels = {}) => ({
      ...paramKind,
      metadata: { name, labels },
      maxReplicas,
    });
    const policy = {
      paramKind,
      matchConstraints: onDeployments,
      validations: [
        {
          expression: 'object.spec.replicas <= params.maxReplicas',
          messageExpression: "'object.spec.replicas must be no greater than ' + string(params.maxReplicas)",
          reason: 'Forbidden',
        },
      ],
    };
    beforeEach(async () => {
      await api.ok('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'replicalimits.rules.example.com' },
        spec: {
          group: 'rules.example.com',
          names: { plural: 'replicalimits', kind: 'ReplicaLimit' },
          scope: 'Namespaced',
          versions: [
            {
              name: 'v1',
              served: true,
              storage: true,
              schema: { openAPIV3Schema: { type: 'object', properties: { maxReplicas: { type: 'integer' } } } },
            },
          ],
        },
      });
    });

    it('by name: what they say now', async () => {
      await api.ok('POST', limits, limit('test', 3));
      await bind(api, 'Validating', 'limit', policy, {
        paramRef: { name: 'test', namespace: 'default', parameterNotFoundAction: 'Deny' },
      });
      const status = await refusal(api, 'POST', deployments, deployment('d', { replicas: 4 }));
      assert.equal(status.code, 403);
      assert.equal(status.reason, 'Forbidden');
      const why = denied('limit', 'object.spec.replicas must be no greater than 3');
      assert.equal(status.message, `deployments.apps "d" is forbidden: ${why}`);
      await api.ok('PATCH', `${limits}/test`, { maxReplicas: 4 }, 'application/merge-patch+json');
      await api.ok('POST', deployments, deployment('d', { replicas: 4 }));
    });

    it('that are not there: refuse or let pass, as parameterNotFoundAction says', async () => {
      await bind(api, 'Validating', 'limit', policy, {
        paramRef: { name: 'none', namespace: 'default', parameterNotFoundAction: 'Deny' },
      });
      assert.equal(
        await messageOf(deployment('d', { replicas: 1 }), deployments),
        `deployments.apps "d" is forbidden: ${denied('limit', 'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction')}`,
      );
      const binding = `${registration}/validatingadmissionpolicybindings/limit-binding`;
      const allow = { spec: { paramRef: { name: 'none', namespace: 'default', parameterNotFoundAction: 'Allow' } } };
      await api.ok('PATCH', binding, allow, 'application/merge-patch+json');
      await api.ok('POST', deployments, deployment('d', { replicas: 99 }));
    });

    it('by selector: every one of them is asked, in the namespace of the request', async () => {
      await api.ok('POST', limits, limit('a', 10, { use: 'yes' }));
      await api.ok('POST', limits, limit('b', 2, { use: 'yes' }));
      await api.ok('POST', limits, limit('c', 0));
      await bind(api, 'Validating', 'limit', policy, {
        paramRef: { selector: { matchLabels: { use: 'yes' } }, parameterNotFoundAction: 'Deny' },
      });
      assert.match(await messageOf(deployment('d', { replicas: 3 }), deployments), /must be no greater than 2$/);
      await api.ok('POST', deployments, deployment('d', { replicas: 2 }));
    });

    it('of an unknown kind: the policy cannot be configured', async () => {
      await bind(
        api,
        'Validating',
        'limit',
        { ...policy, paramKind: { apiVersion: 'rules.example.com/v1', kind: 'Nothing' } },
        { paramRef: { name: 'x', parameterNotFoundAction: 'Allow' } },
      );
      assert.equal(
        await messageOf(deployment('d'), deployments),
        `deployments.apps "d" is forbidden: ValidatingAdmissionPolicy 'limit' denied request: failed to configure policy: failed to find resource referenced by paramKind: 'rules.example.com/v1, Kind=Nothing'`,
      );
    });

    it('without a paramRef: params is null', async () => {
      await bind(api, 'Validating', 'limit', {
        ...policy,
        validations: [{ expression: 'params == null ? object.spec.replicas < 2 : false' }],
      });
      await api.ok('POST', deployments, deployment('d', { replicas: 1 }));
      assert.equal((await refusal(api, 'POST', deployments, deployment('e', { replicas: 2 }))).code, 422);
    });
  });

  it('warn and audit instead of refusing', async () => {
    await bind(
      api,
      'Validating',
      'soft',
      { matchConstraints: onConfigMaps, validations: [{ expression: "'a' in object.data", message: 'no a' }] },
      { validationActions: ['Warn', 'Audit'] },
    );
    const answer = await api.send('POST', configMaps, { body: configMap('x', { b: '1' }) });
    assert.equal(answer.code, 201);
    assert.deepEqual(answer.warnings, [
      "Validation failed for ValidatingAdmissionPolicy 'soft' with binding 'soft-binding': no a",
    ]);
  });

  it('hold only where their conditions do', async () => {
    await bind(api, 'Validating', 'conditional', {
      matchConstraints: { resourceRules: [ruleFor('*', ['*'], ['CREATE', 'UPDATE'], ['*'])] },
      matchConditions: [
        {
          name: 'exclude-leases',
          expression: '!(request.resource.group == "coordination.k8s.io" && request.resource.resource == "leases")',
        },
        { name: 'exclude-kubelet-requests', expression: '!("system:nodes" in request.userInfo.groups)' },
        { name: 'rbac', expression: 'request.resource.group != "rbac.authorization.k8s.io"' },
        { name: 'named', expression: 'object.metadata.name.startsWith("no-")' },
      ],
      validations: [{ expression: "!object.metadata.name.contains('demo') || object.metadata.namespace == 'demo'" }],
    });
    await api.ok('POST', configMaps, configMap('demo'));
    assert.match(await messageOf(configMap('no-demo')), /failed expression: !object\.metadata\.name\.contains/);
  });

  it('fail with a condition that fails, unless they are to ignore it', async () => {
    const spec = {
      matchConstraints: onConfigMaps,
      matchConditions: [{ name: 'broken', expression: 'object.none.of.it == 1' }],
      validations: [{ expression: 'false' }],
    };
    await bind(api, 'Validating', 'strict', spec);
    assert.equal(
      await messageOf(configMap('x')),
      `configmaps "x" is forbidden: ${denied('strict', "expression 'object.none.of.it == 1' resulted in error: no such key: none")}`,
    );
    const policy = `${registration}/validatingadmissionpolicies/strict`;
    await api.ok('PATCH', policy, { spec: { failurePolicy: 'Ignore' } }, 'application/merge-patch+json');
    await api.ok('POST', configMaps, configMap('x'));
  });

  it('fail with an expression that fails', async () => {
    await bind(api, 'Validating', 'broken', {
      matchConstraints: onConfigMaps,
      validations: [{ expression: "object.data.missing == 'x'", message: 'never shown' }],
    });
    const status = await refusal(api, 'POST', configMaps, configMap('x'));
    assert.equal(status.reason, 'Invalid');
    assert.match(
      status.message,
      /expression 'object\.data\.missing == 'x'' resulted in error: no such key: (?:data|missing)$/,
    );
  });

  it('compute variables once, and name the namespace', async () => {
    const name = 'image-matches-namespace-environment.policy.example.com';
    await bind(api, 'Validating', name, {
      failurePolicy: 'Fail',
      matchConstraints: onDeployments,
      variables: [
        {
          name: 'environment',
          expression:
            "has(namespaceObject.metadata.labels) && 'environment' in namespaceObject.metadata.labels ? namespaceObject.metadata.labels['environment'] : 'prod'",
        },
        {
          name: 'exempt',
          expression:
            "has(object.metadata.labels) && 'exempt' in object.metadata.labels && object.metadata.labels['exempt'] == 'true'",
        },
        { name: 'containers', expression: 'object.spec.template.spec.containers' },
        {
          name: 'containersToCheck',
          expression: "variables.containers.filter(c, c.image.contains('example.com/'))",
        },
      ],
      validations: [
        {
          expression:
            "variables.exempt || variables.containersToCheck.all(c, c.image.startsWith(variables.environment + '.'))",
          messageExpression:
            "'only ' + variables.environment + ' images in namespace ' + namespaceObject.metadata.name",
        },
      ],
    });
    const withImage = (of: string, image: string, labels = {}) => {
      const made = deployment(of, {}, { labels });
      made.spec.template.spec.containers[0].image = image;
      return made;
    };
    assert.equal(
      await messageOf(withImage('invalid', 'dev.example.com/nginx'), deployments),
      `deployments.apps "invalid" is forbidden: ${denied(name, 'only prod images in namespace default')}`,
    );
    await api.ok('POST', deployments, withImage('valid', 'prod.example.com/nginx'));
    await api.ok('POST', deployments, withImage('other', 'nginx'));
    await api.ok('POST', deployments, withImage('exempt', 'dev.example.com/nginx', { exempt: 'true' }));
  });

  it('name the variable that fails', async () => {
    await bind(api, 'Validating', 'vars', {
      matchConstraints: onConfigMaps,
      variables: [{ name: 'a', expression: 'object.spec.none' }],
      validations: [{ expression: 'variables.a == 1' }],
    });
    assert.match(
      await messageOf(configMap('x')),
      /expression 'variables\.a == 1' resulted in error: composited variable "a" fails to evaluate: no such key: spec$/,
    );
  });

  it('ask the authorizer', async () => {
    await bind(api, 'Validating', 'authorized', {
      matchConstraints: onConfigMaps,
      validations: [
        { expression: "authorizer.requestResource.check('custom').allowed()", message: 'you may not' },
        {
          expression:
            "!authorizer.serviceAccount('default', 'nobody').group('').resource('pods').check('list').allowed()",
        },
      ],
    });
    // The administrator may everything.
    await api.ok('POST', configMaps, configMap('x'));
    const rules = (verbs: string[]) => ({ rules: [{ apiGroups: [''], resources: ['configmaps'], verbs }] });
    const rbac = '/apis/rbac.authorization.k8s.io/v1/clusterroles';
    await api.ok('POST', rbac, { metadata: { name: 'writer' }, ...rules(['create']) });
    await api.ok('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
      metadata: { name: 'writer' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'writer' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'jane' }],
    });
    const asJane = (name: string) =>
      api.send('POST', configMaps, { body: configMap(name), headers: { 'Impersonate-User': 'jane' } });
    assert.match((await asJane('y')).json.message, /denied request: you may not$/);
    await api.ok('PUT', `${rbac}/writer`, { metadata: { name: 'writer' }, ...rules(['create', 'custom']) });
    assert.equal((await asJane('y')).code, 201);
  });

  it('see deletes, connects and old objects', async () => {
    await bind(api, 'Validating', 'keep', {
      matchConstraints: { resourceRules: [ruleFor('', ['configmaps'], ['DELETE', 'UPDATE'])] },
      validations: [
        {
          expression: "request.operation != 'DELETE' || object == null && !('keep' in oldObject.data)",
          message: 'is kept',
        },
        { expression: "request.operation != 'UPDATE' || object.data == oldObject.data", message: 'is immutable' },
      ],
    });
    await api.ok('POST', configMaps, configMap('a', { keep: '1' }));
    await api.ok('POST', configMaps, configMap('b', { free: '1' }));
    assert.match((await refusal(api, 'DELETE', `${configMaps}/a`)).message, /is kept$/);
    await api.ok('DELETE', `${configMaps}/b`);
    const path = `${configMaps}/a`;
    const changed = await api.send('PATCH', path, { body: { data: { x: '1' } }, type: 'application/merge-patch+json' });
    assert.match(changed.json.message, /is immutable$/);
    assert.match((await refusal(api, 'DELETE', configMaps)).message, /is kept$/);
  });

  it('leave out what is excluded, by rule and by name', async () => {
    await bind(api, 'Validating', 'most', {
      matchConstraints: {
        resourceRules: [ruleFor('', ['*'])],
        excludeResourceRules: [
          { ...ruleFor('', ['configmaps']), resourceNames: ['free'] },
          ruleFor('', ['secrets', 'events', 'namespaces']),
        ],
      },
      validations: [{ expression: 'false', message: 'no' }],
    });
    await api.ok('POST', configMaps, configMap('free'));
    await refusal(api, 'POST', configMaps, configMap('bound'));
    await api.ok('POST', '/api/v1/namespaces/default/secrets', { metadata: { name: 's' } });
  });

  it('see a scale as a Scale', async () => {
    await bind(api, 'Validating', 'scales', {
      matchConstraints: { resourceRules: [ruleFor('apps', ['deployments/scale'], ['UPDATE'])] },
      validations: [
        {
          expression:
            "request.kind.kind == 'Scale' && request.kind.group == 'autoscaling' && request.subResource == 'scale' && object.spec.replicas < 4",
          messageExpression:
            "'too many: ' + string(object.spec.replicas) + ' after ' + string(oldObject.spec.replicas)",
        },
      ],
    });
    await api.ok('POST', deployments, deployment('d', { replicas: 1 }));
    const scale = (replicas: number) =>
      api.send('PATCH', `${deployments}/d/scale`, {
        body: { spec: { replicas } },
        type: 'application/merge-patch+json',
      });
    assert.equal((await scale(3)).code, 200);
    const refused = await scale(4);
    assert.equal(refused.code, 422);
    assert.match(refused.json.message, /^deployments\.apps "d" is forbidden: .* too many: 4 after 3$/);
  });

  it('match other versions of the resource', async () => {
    await api.ok('POST', '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers', {
      metadata: { name: 'before' },
      spec: { maxReplicas: 9, scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' } },
    });
    const rule = ruleFor('autoscaling', ['horizontalpodautoscalers'], ['CREATE'], ['v1']);
    await bind(api, 'Validating', 'v1', {
      matchConstraints: { resourceRules: [rule] },
      validations: [
        {
          expression:
            "request.kind.version == 'v1' && request.requestKind.version == 'v2' && object.apiVersion == 'autoscaling/v1' && object.spec.maxReplicas < 5",
          message: 'too many',
        },
      ],
    });
    const scaler = (name: string, maxReplicas: number) => ({
      metadata: { name },
      spec: { maxReplicas, scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' } },
    });
    const path = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers';
    await api.ok('POST', path, scaler('a', 4));
    assert.match((await refusal(api, 'POST', path, scaler('b', 5))).message, /too many$/);
  });

  it('are never asked about policies', async () => {
    await bind(api, 'Validating', 'nothing', {
      matchConstraints: { resourceRules: [ruleFor('*', ['*'], ['*'], ['*'])] },
      validations: [{ expression: 'false' }],
    });
    await refusal(api, 'POST', configMaps, configMap('x'));
    await api.ok('DELETE', `${registration}/validatingadmissionpolicybindings/nothing-binding`);
    await api.ok('DELETE', `${registration}/validatingadmissionpolicies/nothing`);
    await api.ok('POST', configMaps, configMap('x'));
  });

  it('hold for dry runs too', async () => {
    await bind(api, 'Validating', 'dry', {
      matchConstraints: onConfigMaps,
      validations: [{ expression: 'request.dryRun == false', message: 'dry' }],
    });
    await refusal(api, 'POST', `${configMaps}?dryRun=All`, configMap('x'));
    await api.ok('POST', configMaps, configMap('x'));
  });

  it('stop when they cost too much', async () => {
    const expression = `${Array.from({ length: 7 }, (_, i) => `object.data.all(k${i}, `).join('')}true${')'.repeat(7)}`;
    await bind(api, 'Validating', 'dear', { matchConstraints: onConfigMaps, validations: [{ expression }] });
    const data = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, 'v']));
    assert.match(
      await messageOf(configMap('x', data)),
      /resulted in error: operation cancelled: actual cost limit exceeded$/,
    );
  });

  it('say in their status what the types say', async () => {
    const policies = `${registration}/validatingadmissionpolicies`;
    await api.ok('POST', policies, {
      metadata: { name: 'typed' },
      spec: { matchConstraints: onDeployments, validations: [{ expression: 'object.replicas > 1' }] },
    });
    const status = await until(
      async () => (await api.ok('GET', `${policies}/typed`)).status,
      (s) => s.observedGeneration === 1,
    );
    assert.deepEqual(status, {
      observedGeneration: 1,
      typeChecking: {
        expressionWarnings: [
          {
            fieldRef: 'spec.validations[0].expression',
            warning:
              "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'\n | object.replicas > 1\n | ......^\n",
          },
        ],
      },
    });
    const good = { spec: { validations: [{ expression: 'object.spec.replicas > 1' }] } };
    await api.ok('PATCH', `${policies}/typed`, good, 'application/merge-patch+json');
    const again = await until(
      async () => (await api.ok('GET', `${policies}/typed`)).status,
      (s) => s.observedGeneration === 2,
    );
    assert.deepEqual(again, { observedGeneration: 2, typeChecking: {} });
  });
});

async function until<T>(read: () => Promise<T>, done: (value: T) => boolean): Promise<T> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const value = await read();
    if (done(value)) return value;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('it does not come');
}
