/** Access reviews: what they ask, what they answer, what they refuse. */
import assert from 'node:assert/strict';
import { createClient } from '../../src/client/client.ts';
import { ClusterRoleBinding, RoleBinding } from '../../src/client/kinds.ts';
import type { ApiObject } from '../../src/machinery/object.ts';
import type { StatusError } from '../../src/machinery/status.ts';
import { startTestCluster, type TestCluster } from '../../src/testing/test-cluster.ts';

const apiVersion = 'authorization.k8s.io/v1';
const rbacGroup = 'rbac.authorization.k8s.io';

describe('access reviews', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
    const { client } = cluster;
    await client.resource(RoleBinding).create({
      metadata: { namespace: 'default', name: 'viewers' },
      roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: 'system:aggregate-to-view' },
      subjects: [{ kind: 'User', name: 'ann', apiGroup: rbacGroup }],
    });
    await client.resource(ClusterRoleBinding).create({
      metadata: { name: 'ghost' },
      roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: 'ghost' },
      subjects: [{ kind: 'Group', name: 'haunted', apiGroup: rbacGroup }],
    });
  });
  after(() => cluster.stop());

  const ask = async (
    kind: string,
    spec: object,
    user = 'kubernetes-admin',
    metadata: object = {},
  ): Promise<ApiObject> => {
    const groups = user === 'kubernetes-admin' ? ['system:masters'] : [];
    const client = createClient(cluster.transportAs(user, groups));
    return await (await client.dynamic({ apiVersion, kind })).create({ apiVersion, kind, metadata, spec } as never);
  };
  const statusOf = async (...asked: Parameters<typeof ask>): Promise<unknown> => (await ask(...asked)).status;
  const refused = async (asked: Promise<unknown>, code: number, message: string): Promise<void> => {
    await assert.rejects(asked, (error: StatusError) => {
      assert.deepEqual([error.code, error.message], [code, message]);
      return true;
    });
  };
  const list = { verb: 'list', resource: 'pods', namespace: 'default' };
  const viewer =
    'RBAC: allowed by RoleBinding "viewers/default" of ClusterRole "system:aggregate-to-view" to User "ann"';

  it('tell users what they may do themselves', async () => {
    const answer = await ask('SelfSubjectAccessReview', { resourceAttributes: list }, 'ann');
    assert.deepEqual(answer.spec, { resourceAttributes: list });
    assert.deepEqual(answer.status, { allowed: true, reason: viewer });
    assert.deepEqual(Object.keys(answer.metadata), ['managedFields']);
    assert.deepEqual(
      await statusOf('SelfSubjectAccessReview', { resourceAttributes: { ...list, verb: 'delete' } }, 'ann'),
      { allowed: false },
    );
    assert.deepEqual(
      await statusOf('SelfSubjectAccessReview', { nonResourceAttributes: { path: '/apis', verb: 'get' } }, 'ann'),
      {
        allowed: true,
        reason:
          'RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" to Group "system:authenticated"',
      },
    );
  });

  it('tell others what a user may do, by name and groups alone', async () => {
    const review = (spec: object) => statusOf('SubjectAccessReview', { resourceAttributes: list, ...spec });
    assert.deepEqual(await review({ user: 'ann' }), { allowed: true, reason: viewer });
    assert.deepEqual(await review({ user: 'bob' }), { allowed: false });
    assert.deepEqual(await review({ groups: ['system:masters'] }), { allowed: true });
    assert.deepEqual(await review({ user: 'bob', groups: ['haunted'] }), {
      allowed: false,
      reason: `RBAC: clusterrole.${rbacGroup} "ghost" not found`,
    });
    await refused(
      ask('SubjectAccessReview', { resourceAttributes: list, user: 'bob' }, 'ann'),
      403,
      'subjectaccessreviews.authorization.k8s.io is forbidden: User "ann" cannot create resource "subjectaccessreviews" in API group "authorization.k8s.io" at the cluster scope',
    );
  });

  it('keep to their namespace where they are local', async () => {
    const local = (spec: object, metadata: object = { namespace: 'default' }) =>
      ask('LocalSubjectAccessReview', { user: 'ann', ...spec }, 'kubernetes-admin', metadata);
    assert.deepEqual((await local({ resourceAttributes: list })).status, { allowed: true, reason: viewer });
    const nowhere = { resourceAttributes: { ...list, namespace: 'nowhere' } };
    assert.deepEqual((await local(nowhere, { namespace: 'nowhere' })).status, { allowed: false });
    await refused(
      local({ resourceAttributes: { ...list, namespace: 'kube-system' } }),
      422,
      '.authorization.k8s.io "" is invalid: spec.resourceAttributes.namespace: Invalid value: "kube-system": must match metadata.namespace',
    );
    await refused(
      local({ nonResourceAttributes: { path: '/x', verb: 'get' } }),
      422,
      '.authorization.k8s.io "" is invalid: spec.nonResourceAttributes: Invalid value: authorization.NonResourceAttributes{Path:"/x", Verb:"get"}: disallowed on this kind of request',
    );
  });

  it('must ask one thing of somebody', async () => {
    const nothing =
      '.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: "null": exactly one of nonResourceAttributes or resourceAttributes must be specified';
    await refused(ask('SelfSubjectAccessReview', {}), 422, nothing);
    await refused(
      ask('SubjectAccessReview', {}),
      422,
      '.authorization.k8s.io "" is invalid: [spec.resourceAttributes: Invalid value: "null": exactly one of nonResourceAttributes or resourceAttributes must be specified, spec.user: Invalid value: "": at least one of user or group must be specified]',
    );
    await refused(
      ask('SelfSubjectAccessReview', { resourceAttributes: list }, 'ann', { name: 'x' }).catch((error: StatusError) => {
        assert.match(error.message, /metadata: Invalid value: .*: must be empty$/);
        throw Object.assign(new Error('metadata'), { code: error.code });
      }),
      422,
      'metadata',
    );
  });

  it('check selectors, and ignore what they cannot read', async () => {
    const at = 'spec.resourceAttributes.fieldSelector';
    const review = (fieldSelector: object) =>
      ask('SelfSubjectAccessReview', { resourceAttributes: { ...list, fieldSelector } }, 'ann');
    await refused(
      review({}),
      422,
      `.authorization.k8s.io "" is invalid: ${at}.requirements: Required value: when ${at} is specified, requirements or rawSelector is required`,
    );
    await refused(
      review({ rawSelector: 'a=b', requirements: [{ key: 'a', operator: 'In', values: ['b'] }] }),
      422,
      `.authorization.k8s.io "" is invalid: ${at}.rawSelector: Invalid value: "a=b": may not specified at the same time as requirements`,
    );
    assert.deepEqual((await review({ requirements: [{ key: 'a', operator: 'Near', values: ['b'] }] })).status, {
      allowed: true,
      reason: viewer,
      evaluationError: `${at} ignored due to parse error`,
    });
    const node = { user: 'system:node:n1', groups: ['system:nodes'] };
    const asked = (value: string) => ({
      ...node,
      resourceAttributes: { verb: 'list', resource: 'pods', fieldSelector: { rawSelector: `spec.nodeName=${value}` } },
    });
    assert.deepEqual(await statusOf('SubjectAccessReview', asked('n1')), { allowed: true });
    assert.deepEqual(await statusOf('SubjectAccessReview', asked('n2')), {
      allowed: false,
      reason: 'can only list/watch pods with spec.nodeName field selector',
    });
  });

  it('list the rules of a user', async () => {
    const answer = await ask('SelfSubjectRulesReview', { namespace: 'default' }, 'ann');
    assert.deepEqual([answer.spec, answer.metadata], [{}, {}]);
    const { resourceRules, nonResourceRules, incomplete } = answer.status as {
      resourceRules: { resources: string[]; verbs: string[] }[];
      nonResourceRules: object[];
      incomplete: boolean;
    };
    assert.equal(incomplete, false);
    assert.ok(resourceRules.some(({ resources }) => resources.includes('selfsubjectrulesreviews')));
    assert.ok(resourceRules.some(({ resources, verbs }) => resources.includes('pods/log') && verbs.includes('watch')));
    assert.equal(nonResourceRules.length, 2, 'discovery and public information');
    const elsewhere = await ask('SelfSubjectRulesReview', { namespace: 'kube-system' }, 'ann');
    assert.ok(!JSON.stringify(elsewhere.status).includes('pods/log'));
    await refused(ask('SelfSubjectRulesReview', {}, 'ann'), 400, 'no namespace on request');
  });

  it('are there to be created, and nothing else', async () => {
    const document = await cluster.transport.document(`/apis/${apiVersion}`);
    assert.deepEqual(
      document.resources,
      [
        ['localsubjectaccessreviews', 'localsubjectaccessreview', true, 'LocalSubjectAccessReview'],
        ['selfsubjectaccessreviews', 'selfsubjectaccessreview', false, 'SelfSubjectAccessReview'],
        ['selfsubjectrulesreviews', 'selfsubjectrulesreview', false, 'SelfSubjectRulesReview'],
        ['subjectaccessreviews', 'subjectaccessreview', false, 'SubjectAccessReview'],
      ].map(([name, singularName, namespaced, kind]) => ({ name, singularName, namespaced, kind, verbs: ['create'] })),
    );
    const reviews = await cluster.client.dynamic({ apiVersion, kind: 'SubjectAccessReview' });
    await assert.rejects(reviews.list(), (error: StatusError) => error.code === 405);
  });
});
