/** What requests leave in the audit log, over HTTPS and from within, at every level and stage. */
import assert from 'node:assert/strict';
import { Agent } from 'node:https';
import { Auditor } from '../../src/auth/audit/auditor.ts';
import { type AuditPolicy, compilePolicy } from '../../src/auth/audit/policy.ts';
import { defaultPolicy } from '../../src/auth/audit/policy-file.ts';
import { createClient } from '../../src/client/client.ts';
import { systemClock } from '../../src/clock/clock.ts';
import { type Api, configMap, startApi } from '../apiserver/support/api.ts';

// biome-ignore lint/suspicious/noExplicitAny: events are looked into as JSON
type Event = any;

const configMaps = '/api/v1/namespaces/default/configmaps';

describe('the audit log', () => {
  let api: Api;
  let lines: string[] = [];
  let policy: AuditPolicy;
  const rules = (...given: AuditPolicy['rules']): void => {
    policy = { rules: given };
  };
  before(async () => {
    rules({ level: 'None' });
    const auditor = new Auditor({
      policy: () => compilePolicy(policy),
      write: (event) => void lines.push(event.text()),
      clock: systemClock,
    });
    api = await startApi({ surface: { auditor } });
  });
  beforeEach(() => {
    lines = [];
    rules({ level: 'Metadata' });
  });
  after(() => api[Symbol.asyncDispose]());

  const events = (): Event[] => lines.map((line) => JSON.parse(line));
  /** Those of one request, by its audit id, which must be the client's. */
  const eventsOf = async (id: string, count: number): Promise<Event[]> => {
    const found = (): Event[] => events().filter(({ auditID }) => auditID === id);
    const deadline = Date.now() + 5000;
    while (found().length < count && Date.now() < deadline) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(found().length, count, JSON.stringify(found()));
    return found();
  };
  const send = (id: string, method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    api.send(method, path, { ...(body === undefined ? {} : { body }), headers: { 'Audit-ID': id, ...headers } });

  it('has Kubernetes’ fields, of who asked for what and how it went', async () => {
    const answer = await send('one', 'POST', `${configMaps}?fieldManager=me`, configMap('a'), {
      'User-Agent': 'test/1',
    });
    assert.equal(answer.code, 201);
    assert.equal(answer.headers['audit-id'], 'one');
    const [received, complete] = await eventsOf('one', 2);
    const { user, requestReceivedTimestamp, stageTimestamp, ...rest } = complete;
    assert.deepEqual(rest, {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: 'Metadata',
      auditID: 'one',
      stage: 'ResponseComplete',
      requestURI: `${configMaps}?fieldManager=me`,
      verb: 'create',
      sourceIPs: ['127.0.0.1'],
      userAgent: 'test/1',
      objectRef: { resource: 'configmaps', namespace: 'default', name: 'a', apiVersion: 'v1' },
      responseStatus: { metadata: {}, code: 201 },
      annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
    });
    assert.deepEqual([user.username, user.groups], ['kubernetes-admin', ['system:masters', 'system:authenticated']]);
    assert.match(user.extra['authentication.kubernetes.io/credential-id'][0], /^X509SHA256=[0-9a-f]{64}$/);
    for (const time of [requestReceivedTimestamp, stageTimestamp]) {
      assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    }
    assert.deepEqual(
      [received.stage, received.responseStatus, received.annotations, received.objectRef.name],
      ['RequestReceived', undefined, undefined, undefined],
    );
  });

  it('names requests itself when their clients do not, differently', async () => {
    const ids = await Promise.all([1, 2].map(async () => (await api.send('GET', '/version')).headers['audit-id']));
    assert.notEqual(ids[0], ids[1]);
    for (const id of ids) assert.equal((await eventsOf(String(id), 2))[1].requestURI, '/version');
  });

  it('tells refusals with their Status, and who decided', async () => {
    const agent = new Agent({ ca: api.endpoint.pki.authority.certificate });
    const nobody = await api.send('GET', configMaps, { agent, headers: { 'Audit-ID': 'nobody' } });
    assert.equal(nobody.code, 401);
    const [unknown] = await eventsOf('nobody', 1);
    assert.deepEqual(
      [unknown.stage, unknown.user, unknown.responseStatus],
      ['ResponseStarted', {}, { metadata: {}, message: 'Authentication failed, no credentials provided', code: 401 }],
    );
    await api.send('GET', configMaps, { agent, headers: { 'Audit-ID': 'guess', Authorization: 'Bearer sesame' } });
    const [guess] = await eventsOf('guess', 1);
    assert.equal(guess.responseStatus.message, 'Authentication failed, attempted: bearer');
    agent.destroy();

    await send('refused', 'GET', configMaps, undefined, { 'Impersonate-User': 'ann' });
    const [, refused] = await eventsOf('refused', 2);
    assert.equal(refused.user.username, 'kubernetes-admin');
    assert.deepEqual(refused.impersonatedUser, { username: 'ann', groups: ['system:authenticated'] });
    assert.deepEqual(refused.annotations, {
      'authorization.k8s.io/decision': 'forbid',
      'authorization.k8s.io/reason': '',
    });
    assert.equal(refused.responseStatus.status, 'Failure');
    assert.equal(refused.responseStatus.reason, 'Forbidden');
    assert.match(refused.responseStatus.message, /User "ann" cannot list resource "configmaps"/);

    await send('missing', 'GET', `${configMaps}/none`);
    const [, missing] = await eventsOf('missing', 2);
    assert.deepEqual(missing.responseStatus, {
      metadata: {},
      status: 'Failure',
      message: 'configmaps "none" not found',
      reason: 'NotFound',
      details: { name: 'none', kind: 'configmaps' },
      code: 404,
    });
    await send('unmet', 'FOO', configMaps).catch(() => undefined);
    await send('method', 'OPTIONS', configMaps);
    const [, method] = await eventsOf('method', 2);
    assert.deepEqual([method.verb, method.responseStatus.code], ['', 405]);
  });

  it('says why RBAC lets somebody in', async () => {
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    await api.ok('POST', `${rbac}/clusterroles`, {
      metadata: { name: 'reader' },
      rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }],
    });
    await api.ok('POST', `${rbac}/clusterrolebindings`, {
      metadata: { name: 'readers' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reader' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'readers' }],
    });
    await send('let-in', 'GET', configMaps, undefined, { 'Impersonate-User': 'bob', 'Impersonate-Group': 'readers' });
    const [, complete] = await eventsOf('let-in', 2);
    assert.equal(
      complete.annotations['authorization.k8s.io/reason'],
      'RBAC: allowed by ClusterRoleBinding "readers" of ClusterRole "reader" to Group "readers"',
    );
  });

  it('holds requests at Request, answers at RequestResponse, and neither below', async () => {
    rules({ level: 'Request', verbs: ['create'] }, { level: 'RequestResponse' });
    await send('create', 'POST', configMaps, configMap('b', { data: { k: 'v' } }));
    const [, create] = await eventsOf('create', 2);
    assert.deepEqual(create.requestObject.data, { k: 'v' });
    assert.equal(create.requestObject.metadata.namespace, undefined);
    assert.equal(create.responseObject, undefined);

    await send('patch', 'PATCH', `${configMaps}/b`, 'data: {k: w}', { 'Content-Type': 'application/merge-patch+json' });
    const text = JSON.stringify({ data: { k: 'w' } });
    await send('patch2', 'PATCH', `${configMaps}/b`, text, { 'Content-Type': 'application/merge-patch+json' });
    const [, patch] = await eventsOf('patch2', 2);
    assert.deepEqual(patch.requestObject, { data: { k: 'w' } });
    assert.equal(patch.responseObject.data.k, 'w');
    assert.notEqual(patch.responseObject.metadata.managedFields, undefined);

    await send('list', 'GET', configMaps);
    assert.equal((await eventsOf('list', 2))[1].responseObject.kind, 'ConfigMapList');
    await send('table', 'GET', configMaps, undefined, { Accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' });
    assert.equal((await eventsOf('table', 2))[1].responseObject.kind, 'Table');
    await send('yaml', 'GET', `${configMaps}/b`, undefined, { Accept: 'application/yaml' });
    assert.equal((await eventsOf('yaml', 2))[1].responseObject.metadata.name, 'b');
    await send('delete', 'DELETE', `${configMaps}/b`, {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      gracePeriodSeconds: 0,
    });
    const [, removed] = await eventsOf('delete', 2);
    assert.equal(removed.requestObject.gracePeriodSeconds, 0);
    assert.equal(removed.responseObject.kind, 'Status');
    assert.deepEqual([removed.responseStatus.status, removed.responseStatus.code], ['Success', 200]);
    await send('not-there', 'GET', `${configMaps}/b`);
    assert.equal((await eventsOf('not-there', 2))[1].responseObject.reason, 'NotFound');
  });

  it('leaves managed fields and stages out where the policy says so', async () => {
    rules({ level: 'RequestResponse', omitManagedFields: true, omitStages: ['RequestReceived'] });
    await send('bare', 'POST', configMaps, configMap('c'));
    await send('bare-list', 'GET', configMaps);
    const [one] = await eventsOf('bare', 1);
    const [list] = await eventsOf('bare-list', 1);
    assert.equal(one.responseObject.metadata.name, 'c');
    assert.doesNotMatch(JSON.stringify([one, list]), /managedFields/);
  });

  it('begins and ends what goes on', async () => {
    const watch = await api.watch(`${configMaps}?watch=1`, { 'Audit-ID': 'watch' });
    const [, started] = await eventsOf('watch', 2);
    assert.deepEqual([started.stage, started.verb, started.responseStatus.code], ['ResponseStarted', 'watch', 200]);
    watch.close();
    const [, , complete] = await eventsOf('watch', 3);
    assert.equal(complete.stage, 'ResponseComplete');
  });

  it('hears of requests from within alike', async () => {
    const client = createClient(api.cluster.transportAs('system:kube-controller-manager'));
    await client.dynamic(configMap('a')).then((resource) => resource.get({ namespace: 'default', name: 'a' }));
    const [event] = events().filter(({ stage, objectRef }) => stage === 'ResponseComplete' && objectRef?.name === 'a');
    assert.deepEqual(
      [event.user.username, event.requestURI, event.userAgent, event.sourceIPs, event.responseStatus.code],
      ['system:kube-controller-manager', `${configMaps}/a`, 'kube-controller-manager', undefined, 200],
    );
    lines = [];
    const stranger = createClient(api.cluster.transportAs('ann'));
    await assert.rejects(
      stranger.dynamic(configMap('a')).then((resource) => resource.get({ namespace: 'default', name: 'a' })),
    );
    const refused = events().find(({ stage, objectRef }) => stage === 'ResponseComplete' && objectRef?.name === 'a');
    assert.equal(refused.responseStatus.code, 403);
  });

  it('has what admission says: PodSecurity and policies', async () => {
    const label = 'pod-security.kubernetes.io';
    const labels = { [`${label}/enforce`]: 'baseline', [`${label}/audit`]: 'restricted' };
    await api.ok('POST', '/api/v1/namespaces', { metadata: { name: 'guarded', labels } });
    const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    assert.equal((await send('pod', 'POST', '/api/v1/namespaces/guarded/pods', pod)).code, 201);
    const [, event] = await eventsOf('pod', 2);
    assert.equal(event.annotations[`${label}/enforce-policy`], 'baseline:latest');
    assert.match(event.annotations[`${label}/audit-violations`], /^would violate PodSecurity "restricted:latest": /);
    await send('open', 'POST', '/api/v1/namespaces/default/pods', pod);
    assert.equal((await eventsOf('open', 2))[1].annotations[`${label}/enforce-policy`], 'privileged:latest');

    const admission = '/apis/admissionregistration.k8s.io/v1';
    await api.ok('POST', `${admission}/validatingadmissionpolicies`, {
      metadata: { name: 'noted' },
      spec: {
        matchConstraints: {
          resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
        },
        validations: [{ expression: "object.metadata.name != 'audited'", message: 'not that name' }],
        auditAnnotations: [{ key: 'name', valueExpression: "'called ' + object.metadata.name" }],
      },
    });
    await api.ok('POST', `${admission}/validatingadmissionpolicybindings`, {
      metadata: { name: 'noted-everywhere' },
      spec: { policyName: 'noted', validationActions: ['Audit'] },
    });
    let attempt = 0;
    await api.cluster.eventually(async () => {
      await send(`vap-${++attempt}`, 'POST', `${configMaps}?dryRun=All`, configMap('audited'));
      const [, noted] = await eventsOf(`vap-${attempt}`, 2);
      if (noted.annotations['noted/name'] === undefined) return false;
      assert.equal(noted.annotations['noted/name'], 'called audited');
      assert.deepEqual(JSON.parse(noted.annotations['validation.policy.admission.k8s.io/validation_failure']), [
        {
          message: 'not that name',
          policy: 'noted',
          binding: 'noted-everywhere',
          expressionIndex: 0,
          validationActions: ['Audit'],
        },
      ]);
      return true;
    });
  });

  it('marks what goes away', async () => {
    await send('old', 'GET', '/api/v1/componentstatuses');
    assert.equal((await eventsOf('old', 2))[1].annotations['k8s.io/deprecated'], 'true');
  });

  it('believes proxies where a request came from, and names whoever was before', async () => {
    await send('via', 'GET', '/version', undefined, {
      'X-Forwarded-For': '10.1.2.3, nonsense',
      'X-Real-Ip': '10.9.9.9',
    });
    assert.deepEqual((await eventsOf('via', 2))[1].sourceIPs, ['10.1.2.3', '10.9.9.9', '127.0.0.1']);
  });

  it('shows nothing of Secrets, ConfigMaps and tokens where nobody has written a policy', async () => {
    policy = defaultPolicy;
    const secret = { metadata: { name: 's' }, stringData: { password: 'aardvark-1' } };
    const review = { spec: { token: 'aardvark-2' } };
    await api.ok('POST', '/api/v1/namespaces/default/secrets', secret);
    await api.ok(
      'PATCH',
      '/api/v1/namespaces/default/secrets/s',
      { stringData: { p: 'aardvark-3' } },
      'application/merge-patch+json',
    );
    await api.ok('GET', '/api/v1/namespaces/default/secrets');
    await api.ok('POST', configMaps, configMap('hidden', { data: { k: 'aardvark-4' } }));
    await api.ok('POST', '/apis/authentication.k8s.io/v1/tokenreviews', review);
    await api.send('GET', configMaps, { headers: { Authorization: 'Bearer aardvark-5' } });
    assert.equal(events().length, 6);
    assert.doesNotMatch(lines.join('\n'), /aardvark|YWFyZHZhcms/);
  });

  it('is counted', async () => {
    const { text } = await api.send('GET', '/metrics');
    assert.match(text, /^apiserver_audit_event_total [1-9]\d*$/m);
    assert.match(text, /^apiserver_audit_error_total\{plugin="log"\} 0$/m);
    assert.match(text, /^apiserver_audit_level_total\{level="RequestResponse"\} [1-9]\d*$/m);
    assert.match(text, /^apiserver_audit_requests_rejected_total 0$/m);
  });
});
