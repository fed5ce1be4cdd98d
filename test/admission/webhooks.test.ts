/** Admission webhooks: asked, believed, and not believed. */
import assert from 'node:assert/strict';
import { type Api, startApi } from '../apiserver/support/api.ts';
import { AdmissionWebhook, encoded, reviewText } from './admission-webhook.ts';
import {
  configMap,
  configMaps,
  deployment,
  deployments,
  refusal,
  registration,
  ruleFor,
  type Spec,
} from './support.ts';

const mergePatch = 'application/merge-patch+json';

describe('admission webhooks', () => {
  let api: Api;
  let hook: AdmissionWebhook;
  beforeEach(async () => {
    [api, hook] = await Promise.all([startApi(), AdmissionWebhook.start()]);
  });
  afterEach(async () => {
    await api[Symbol.asyncDispose]();
    await hook[Symbol.asyncDispose]();
  });

  const webhook = (name: string, more: Spec = {}): Spec => ({
    name,
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    clientConfig: hook.clientConfig,
    rules: [ruleFor('', ['configmaps'])],
    timeoutSeconds: 1,
    ...more,
  });
  const configure = (kind: 'validating' | 'mutating', name: string, ...webhooks: Spec[]): Promise<Spec> =>
    api.ok('POST', `${registration}/${kind}webhookconfigurations`, { metadata: { name }, webhooks });

  describe('validating', () => {
    it('get a review, and their word counts', async () => {
      await configure('validating', 'c', webhook('deny.example.com'));
      hook.answer = ({ object }) =>
        object?.metadata.name === 'bad'
          ? { allowed: false, status: { code: 403, message: 'not this one' }, warnings: ['careful'] }
          : { allowed: true };
      const answer = await api.send('POST', `${configMaps}?fieldManager=me&fieldValidation=Strict`, {
        body: configMap('bad', { a: '1' }),
      });
      assert.deepEqual(answer.json, {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: 'admission webhook "deny.example.com" denied the request: not this one',
        code: 403,
      });
      assert.deepEqual(answer.warnings, ['careful']);
      const [{ uid, object, ...frame }] = hook.requests as [Spec];
      delete frame.userInfo.extra;
      assert.match(uid, /^[0-9a-f-]{36}$/);
      assert.equal(object.metadata.namespace, 'default');
      assert.deepEqual(object.data, { a: '1' });
      assert.deepEqual(frame, {
        kind: { group: '', version: 'v1', kind: 'ConfigMap' },
        resource: { group: '', version: 'v1', resource: 'configmaps' },
        requestKind: { group: '', version: 'v1', kind: 'ConfigMap' },
        requestResource: { group: '', version: 'v1', resource: 'configmaps' },
        name: 'bad',
        namespace: 'default',
        operation: 'CREATE',
        userInfo: { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
        oldObject: null,
        dryRun: false,
        options: {
          kind: 'CreateOptions',
          apiVersion: 'meta.k8s.io/v1',
          fieldManager: 'me',
          fieldValidation: 'Strict',
        },
      });
      await api.ok('POST', configMaps, configMap('good'));
      assert.equal(hook.connections, 1);
    });

    it('are told of updates and deletes with the old object', async () => {
      await api.ok('POST', configMaps, configMap('x', { a: '1' }));
      await configure(
        'validating',
        'c',
        webhook('a.example.com', { rules: [ruleFor('', ['configmaps'], ['UPDATE', 'DELETE'])] }),
      );
      await api.ok('PATCH', `${configMaps}/x`, { data: { a: '2' } }, mergePatch);
      await api.ok('DELETE', `${configMaps}/x`, { gracePeriodSeconds: 0 });
      const [update, gone] = hook.requests as [Spec, Spec];
      assert.deepEqual(
        [update.oldObject.data.a, update.object.data.a, update.options.kind],
        ['1', '2', 'UpdateOptions'],
      );
      assert.deepEqual([gone.operation, gone.object, gone.oldObject.data.a], ['DELETE', null, '2']);
      assert.deepEqual(gone.options, { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', gracePeriodSeconds: 0 });
    });

    it('are asked at once', async () => {
      let waiting = 0;
      let release = (): void => undefined;
      const all = new Promise<void>((resolve) => {
        release = resolve;
      });
      const names = ['a.example.com', 'b.example.com', 'c.example.com'];
      for (const name of names) {
        api.cluster.server.webhooks.register({ webhook: name }, async () => {
          waiting += 1;
          if (waiting === names.length) release();
          await all;
          return { allowed: true };
        });
      }
      await configure('validating', 'c', ...names.map((name) => webhook(name)));
      await api.ok('POST', configMaps, configMap('x'));
      assert.equal(waiting, 3);
    });

    it('deny without explanation, or with a reason', async () => {
      await configure('validating', 'c', webhook('deny.example.com'));
      hook.answer = () => ({ allowed: false });
      let status = await refusal(api, 'POST', configMaps, configMap('x'));
      assert.equal(status.code, 400);
      assert.equal(status.message, 'admission webhook "deny.example.com" denied the request without explanation');
      hook.answer = () => ({ allowed: false, status: { reason: 'Because' } });
      status = await refusal(api, 'POST', configMaps, configMap('x'));
      assert.equal(status.message, 'admission webhook "deny.example.com" denied the request: Because');
      assert.equal(status.reason, 'Because');
    });

    it('are called where rules, selectors and conditions say so', async () => {
      await configure(
        'validating',
        'c',
        webhook('a.example.com', {
          objectSelector: { matchLabels: { ask: 'yes' } },
          namespaceSelector: {
            matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['default'] }],
          },
          matchConditions: [{ name: 'big', expression: 'has(object.data) && size(object.data) > 1' }],
        }),
      );
      const labels = { labels: { ask: 'yes' } };
      await api.ok('POST', configMaps, configMap('a', { x: '1', y: '2' }));
      await api.ok('POST', configMaps, configMap('b', { x: '1' }, labels));
      await api.ok('POST', '/api/v1/namespaces/kube-system/configmaps', configMap('c', { x: '1', y: '2' }, labels));
      assert.equal(hook.requests.length, 0);
      await api.ok('POST', configMaps, configMap('d', { x: '1', y: '2' }, labels));
      assert.equal(hook.requests.length, 1);
    });

    it('cannot be asked when a condition fails', async () => {
      await configure(
        'validating',
        'c',
        webhook('a.example.com', { matchConditions: [{ name: 'bad', expression: 'object.none == 1' }] }),
      );
      const status = await refusal(api, 'POST', configMaps, configMap('x'));
      assert.equal(
        status.message,
        `configmaps "x" is forbidden: expression 'object.none == 1' resulted in error: no such key: none`,
      );
      assert.equal(status.code, 403);
    });

    it('see the version that they ask for', async () => {
      const rule = ruleFor('autoscaling', ['horizontalpodautoscalers'], ['CREATE'], ['v1']);
      await configure('validating', 'c', webhook('a.example.com', { rules: [rule] }));
      const path = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers';
      const scaler = {
        metadata: { name: 'h' },
        spec: {
          maxReplicas: 3,
          scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' },
          metrics: [
            { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
          ],
        },
      };
      await api.ok('POST', path, scaler);
      const [request] = hook.requests as [Spec];
      assert.equal(request.kind.version, 'v1');
      assert.equal(request.requestKind.version, 'v2');
      assert.equal(request.object.apiVersion, 'autoscaling/v1');
      assert.equal(request.object.spec.targetCPUUtilizationPercentage, 50);
    });

    it('are not asked about configurations of admission', async () => {
      await configure('validating', 'c', webhook('all.example.com', { rules: [ruleFor('*', ['*'], ['*'], ['*'])] }));
      hook.answer = () => ({ allowed: false });
      await refusal(api, 'POST', configMaps, configMap('x'));
      await api.ok('DELETE', `${registration}/validatingwebhookconfigurations/c`);
      await api.ok('POST', configMaps, configMap('x'));
    });

    it('are asked of each object of a collection that is deleted', async () => {
      await api.ok('POST', configMaps, configMap('a'));
      await api.ok('POST', configMaps, configMap('b'));
      await configure(
        'validating',
        'c',
        webhook('a.example.com', { rules: [ruleFor('', ['configmaps'], ['DELETE'])] }),
      );
      await api.ok('DELETE', configMaps);
      const names = hook.requests.map(({ name }) => name);
      assert.ok(names.includes('a') && names.includes('b'), String(names));
    });

    it('are not asked of dry runs that they cannot take', async () => {
      await configure('validating', 'c', webhook('a.example.com', { sideEffects: 'NoneOnDryRun' }));
      await api.ok('POST', `${configMaps}?dryRun=All`, configMap('x'));
      assert.equal(hook.requests[0]!.dryRun, true);
    });
  });

  describe('that fail', () => {
    const failed = (reason: string): string =>
      `Internal error occurred: failed calling webhook "a.example.com": failed to call webhook: ${reason}`;
    const invalidResponse = (reason: string): string =>
      `Internal error occurred: failed calling webhook "a.example.com": received invalid webhook response: ${reason}`;
    const message = async (): Promise<string> => {
      const status = await refusal(api, 'POST', configMaps, configMap('x'));
      assert.equal(status.code, 500);
      assert.equal(status.reason, 'InternalError');
      return status.message;
    };

    const bad: readonly (readonly [what: string, body: (uid: string) => string, message: (uid: string) => string])[] = [
      [
        'no response',
        () => '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}',
        () => invalidResponse('webhook response was absent'),
      ],
      [
        'another uid',
        () => reviewText('x', { allowed: true }),
        (uid) => invalidResponse(`expected response.uid="${uid}", got "x"`),
      ],
      [
        'no kind',
        (uid) => JSON.stringify({ response: { uid, allowed: true } }),
        () => invalidResponse('expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind='),
      ],
      [
        'another version',
        (uid) => reviewText(uid, { allowed: true }, 'admission.k8s.io/v1beta1'),
        () =>
          invalidResponse(
            'expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got admission.k8s.io/v1beta1, Kind=AdmissionReview',
          ),
      ],
      [
        'a patch though they validate',
        (uid) => reviewText(uid, { allowed: true, ...encoded([]) }),
        () => invalidResponse('validating webhook may not return response.patch'),
      ],
    ];
    for (const [what, body, expected] of bad) {
      it(`with ${what}`, async () => {
        await configure('validating', 'c', webhook('a.example.com'));
        hook.reply = ({ request }) => ({ body: body(request.uid) });
        const got = await message();
        assert.equal(got, expected(hook.requests[0]!.uid));
      });
    }

    it('with an error', async () => {
      await configure('validating', 'c', webhook('a.example.com'));
      hook.reply = () => ({ code: 500, body: 'boom' });
      assert.equal(
        await message(),
        failed('an error on the server ("boom") has prevented the request from succeeding'),
      );
    });

    it('with a cut', async () => {
      await configure('validating', 'c', webhook('a.example.com'));
      hook.reply = () => 'cut';
      assert.equal(await message(), failed(`Post "${hook.url}?timeout=1s": EOF`));
    });

    it('with silence', async () => {
      await configure('validating', 'c', webhook('a.example.com'));
      hook.reply = () => 'never';
      assert.equal(await message(), failed(`Post "${hook.url}?timeout=1s": context deadline exceeded`));
    });

    it('with a flood', async () => {
      await configure('validating', 'c', webhook('a.example.com', { timeoutSeconds: 10 }));
      hook.reply = ({ request }) => ({
        body: reviewText(request.uid, { allowed: true, warnings: ['x'.repeat(17 * 1024 * 1024)] }),
      });
      assert.equal(await message(), failed(`Post "${hook.url}?timeout=10s": http: response body too large`));
    });

    it('because nobody is there', async () => {
      await configure('validating', 'c', webhook('a.example.com', { clientConfig: { url: 'https://127.0.0.1:1/x' } }));
      assert.equal(
        await message(),
        failed('Post "https://127.0.0.1:1/x?timeout=1s": dial tcp 127.0.0.1:1: connect: connection refused'),
      );
    });

    it('because the Service is not there', async () => {
      const service = { namespace: 'default', name: 'hooks', path: '/admit' };
      await configure('validating', 'c', webhook('a.example.com', { clientConfig: { service } }));
      assert.equal(
        await message(),
        failed('Post "https://hooks.default.svc:443/admit?timeout=1s": service "hooks" not found'),
      );
    });

    it('because nobody knows who signed them', async () => {
      await configure('validating', 'c', webhook('a.example.com', { clientConfig: { url: hook.url } }));
      assert.equal(
        await message(),
        failed(
          `Post "${hook.url}?timeout=1s": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
        ),
      );
    });

    it('because they speak an older version of reviews only', async () => {
      await configure('validating', 'c', webhook('a.example.com', { admissionReviewVersions: ['v1beta1'] }));
      assert.equal(
        await message(),
        'Internal error occurred: failed calling webhook "a.example.com": could not create admission objects: webhook does not accept known AdmissionReview versions (v1)',
      );
    });

    it('and are to be ignored', async () => {
      await configure('validating', 'c', webhook('a.example.com', { failurePolicy: 'Ignore' }));
      await configure('mutating', 'c', webhook('b.example.com', { failurePolicy: 'Ignore' }));
      hook.reply = () => ({ code: 500, body: '' });
      await api.ok('POST', configMaps, configMap('x'));
      assert.equal(hook.requests.length, 2);
    });
  });

  describe('mutating', () => {
    it('change the object, one after the other; what they make is shaped, defaulted and owned by nobody', async () => {
      const rules = [ruleFor('apps', ['deployments'], ['CREATE'])];
      await configure('mutating', 'b', webhook('b.example.com', { rules }));
      await configure('mutating', 'a', webhook('a.example.com', { rules }));
      hook.answer = ({ object }) => ({
        allowed: true,
        patch:
          (object as Spec).metadata.labels === undefined
            ? [{ op: 'add', path: '/metadata/labels', value: { first: 'yes' } }]
            : [
                { op: 'add', path: '/metadata/labels/second', value: 'yes' },
                {
                  op: 'add',
                  path: '/spec/template/spec/containers/-',
                  value: { name: 'side', image: 'side', unknown: 1 },
                },
              ],
        auditAnnotations: { seen: 'yes' },
      });
      const made = await api.ok('POST', `${deployments}?fieldManager=me`, deployment('d'));
      assert.deepEqual(made.metadata.labels, { first: 'yes', second: 'yes' });
      const { name, imagePullPolicy, unknown } = made.spec.template.spec.containers[1];
      assert.deepEqual([name, imagePullPolicy, unknown], ['side', 'Always', undefined]);
      const [{ manager, fieldsV1 }, ...others] = made.metadata.managedFields;
      assert.deepEqual([manager, fieldsV1['f:metadata'], others], ['me', undefined, []]);
    });

    it('run again when they want to, and something has changed behind them', async () => {
      await configure(
        'mutating',
        'c',
        webhook('first.example.com', {
          reinvocationPolicy: 'IfNeeded',
          clientConfig: { url: `${hook.url}/first`, caBundle: hook.caBundle },
        }),
        webhook('second.example.com', { reinvocationPolicy: 'Never' }),
      );
      const calls: string[] = [];
      for (const name of ['first', 'second']) {
        api.cluster.server.webhooks.register({ webhook: `${name}.example.com` }, ({ object }) => {
          calls.push(name);
          const data = (object as Spec).data ?? {};
          const patch = name in data ? [] : [{ op: 'add', path: `/data/${name}`, value: 'yes' }];
          return { allowed: true, patch };
        });
      }
      const { data } = await api.ok('POST', configMaps, configMap('x', { z: '' }));
      assert.deepEqual(data, { z: '', first: 'yes', second: 'yes' });
      assert.deepEqual(calls, ['first', 'second', 'first']);
    });

    it('refuse', async () => {
      await configure('mutating', 'c', webhook('m.example.com'));
      hook.answer = () => ({ allowed: false, status: { message: 'no', code: 418, reason: 'Teapot' } });
      const status = await refusal(api, 'POST', configMaps, configMap('x'));
      assert.equal(status.code, 418);
      assert.equal(status.message, 'admission webhook "m.example.com" denied the request: no');
    });

    const undecodable =
      'Internal error occurred: failed calling webhook "m.example.com": received undecodable patch in webhook response: ';
    const lies: readonly (readonly [what: string, response: object, message: string])[] = [
      ['a patch that is no JSON', { patch: Buffer.from('{').toString('base64'), patchType: 'JSONPatch' }, undecodable],
      ['a patch that is no list', { patch: Buffer.from('{}').toString('base64'), patchType: 'JSONPatch' }, undecodable],
      [
        'a patch without its type',
        { patch: encoded([]).patch },
        'Internal error occurred: failed calling webhook "m.example.com": received invalid webhook response: webhook returned response.patch but not response.patchType',
      ],
      [
        'a type without its patch',
        { patchType: 'JSONPatch' },
        'Internal error occurred: failed calling webhook "m.example.com": received invalid webhook response: webhook returned response.patchType but not response.patch',
      ],
      [
        'another type of patch',
        { ...encoded([{ op: 'add', path: '/a', value: 1 }]), patchType: 'Merge' },
        'Internal error occurred: failed calling webhook "m.example.com": unsupported patch type "Merge"',
      ],
      ['a patch of what is not there', encoded([{ op: 'remove', path: '/spec/x' }]), 'Internal error occurred: '],
      [
        'another kind',
        encoded([{ op: 'replace', path: '/kind', value: 'Secret' }]),
        'Internal error occurred: no kind "Secret" is registered for version "v1"',
      ],
      [
        'a value of the wrong type',
        encoded([{ op: 'add', path: '/data', value: 'text' }]),
        'Internal error occurred: json: cannot unmarshal string into Go struct field ConfigMap.data of type map[string]string',
      ],
    ];
    for (const [what, response, message] of lies) {
      it(`are not believed with ${what}`, async () => {
        await configure('mutating', 'c', webhook('m.example.com'));
        hook.reply = ({ request }) => ({ body: reviewText(request.uid, { allowed: true, ...response }) });
        const status = await refusal(api, 'POST', configMaps, configMap('x'));
        assert.equal(status.code, 500);
        assert.ok(status.message.startsWith(message), status.message);
      });
    }

    it('cannot change what is deleted', async () => {
      await api.ok('POST', configMaps, configMap('x'));
      await configure('mutating', 'c', webhook('m.example.com', { rules: [ruleFor('', ['configmaps'], ['DELETE'])] }));
      hook.answer = () => ({ allowed: true, patch: [{ op: 'add', path: '/data', value: {} }] });
      assert.equal(
        (await refusal(api, 'DELETE', `${configMaps}/x`)).message,
        'Internal error occurred: admission webhook "m.example.com" attempted to modify the object, which is not supported for this operation',
      );
    });

    it('come before validation', async () => {
      await configure('mutating', 'c', webhook('m.example.com'));
      hook.answer = () => ({ allowed: true, patch: [{ op: 'add', path: '/data', value: { 'not a key!': 'x' } }] });
      const status = await refusal(api, 'POST', configMaps, configMap('x'));
      assert.equal(status.code, 422);
      assert.match(status.message, /^ConfigMap "x" is invalid: data\[not a key!\]/);
    });
  });

  describe('in this process', () => {
    it('are called instead of the Service, as the configuration says', async () => {
      const service = { namespace: 'default', name: 'hooks', path: '/admit' };
      await configure('validating', 'c', webhook('a.example.com', { clientConfig: { service } }));
      const remove = api.cluster.server.webhooks.register({ service }, async ({ object, operation, userInfo }) => {
        assert.equal(operation, 'CREATE');
        assert.equal(userInfo.username, 'kubernetes-admin');
        // What it gets is its own.
        (object as Spec).data = { changed: 'yes' };
        return { allowed: object?.metadata.name !== 'bad', status: { message: 'by hand' }, warnings: ['local'] };
      });
      const answer = await api.send('POST', configMaps, { body: configMap('good', { a: '1' }) });
      assert.deepEqual(answer.json.data, { a: '1' });
      assert.deepEqual(answer.warnings, ['local']);
      const status = await refusal(api, 'POST', configMaps, configMap('bad'));
      assert.equal(status.message, 'admission webhook "a.example.com" denied the request: by hand');
      remove();
      assert.match((await refusal(api, 'POST', configMaps, configMap('x'))).message, /service "hooks" not found$/);
    });

    it('fail as webhooks fail', async () => {
      await configure('validating', 'c', webhook('a.example.com'));
      api.cluster.server.webhooks.register({ webhook: 'a.example.com' }, () => {
        throw new Error('a bug');
      });
      assert.equal(
        (await refusal(api, 'POST', configMaps, configMap('x'))).message,
        'Internal error occurred: failed calling webhook "a.example.com": failed to call webhook: a bug',
      );
    });

    it('are registered once', () => {
      const { webhooks } = api.cluster.server;
      webhooks.register({ webhook: 'a' }, () => ({ allowed: true }));
      assert.throws(
        () => webhooks.register({ webhook: 'a' }, () => ({ allowed: true })),
        /there is a handler for webhook a already/,
      );
    });
  });
});
