/** Node agents: what the authorizer lets them read, and what NodeRestriction lets them write. */
import assert from 'node:assert/strict';
import { type Client, createClient } from '../../src/client/client.ts';
import * as kinds from '../../src/client/kinds.ts';
import type { StatusError } from '../../src/machinery/status.ts';
import { startTestCluster, type TestCluster } from '../../src/testing/test-cluster.ts';

const namespace = 'default';

describe('a node', () => {
  let cluster: TestCluster;
  let one: Client;
  let two: Client;

  before(async () => {
    cluster = await startTestCluster();
    const { client } = cluster;
    one = nodeClient('n1');
    two = nodeClient('n2');
    for (const name of ['s-env', 's-volume', 's-pv', 's-other']) {
      await client.resource(kinds.Secret).create({ metadata: { namespace, name } });
    }
    for (const name of ['c-env', 'c-volume', 'c-other']) {
      await client.resource(kinds.ConfigMap).create({ metadata: { namespace, name } });
    }
    for (const name of ['robot', 'other'])
      await client.resource(kinds.ServiceAccount).create({ metadata: { namespace, name } });
    const resources = { requests: { storage: '1Gi' } };
    await client.resource(kinds.PersistentVolumeClaim).create({
      metadata: { namespace, name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources, volumeName: 'pv' },
    });
    await client.resource(kinds.PersistentVolume).create({
      metadata: { name: 'pv' },
      spec: {
        accessModes: ['ReadWriteOnce'],
        capacity: { storage: '1Gi' },
        claimRef: { namespace, name: 'data' },
        csi: { driver: 'd', volumeHandle: 'h', nodeStageSecretRef: { namespace, name: 's-pv' } },
      },
    });
    await client.resource(kinds.Pod).create(pod('p', 'n1'));
  });
  after(() => cluster.stop());

  const nodeClient = (name: string): Client =>
    createClient(cluster.transportAs(`system:node:${name}`, ['system:nodes']));

  const pod = (name: string, nodeName?: string): never =>
    ({
      metadata: { namespace, name },
      spec: {
        ...(nodeName === undefined ? {} : { nodeName }),
        serviceAccountName: 'robot',
        automountServiceAccountToken: false,
        containers: [
          {
            name: 'main',
            image: 'i',
            env: [
              { name: 'A', valueFrom: { secretKeyRef: { name: 's-env', key: 'k' } } },
              { name: 'B', valueFrom: { configMapKeyRef: { name: 'c-env', key: 'k' } } },
            ],
          },
        ],
        volumes: [
          { name: 's', secret: { secretName: 's-volume' } },
          { name: 'c', configMap: { name: 'c-volume' } },
          { name: 'd', persistentVolumeClaim: { claimName: 'data' } },
        ],
      },
    }) as never;

  const refused = async (request: Promise<unknown>, why: string, code = 403): Promise<void> => {
    await assert.rejects(request, (error: StatusError) => {
      assert.equal(error.code, code, error.message);
      assert.ok(error.message.endsWith(why), error.message);
      return true;
    });
  };
  const noRelation = (node: string): string => `: no relationship found between node '${node}' and this object`;

  describe('reads', () => {
    it('what its pods refer to', async () => {
      for (const name of ['s-env', 's-volume', 's-pv']) await one.resource(kinds.Secret).get({ namespace, name });
      for (const name of ['c-env', 'c-volume']) await one.resource(kinds.ConfigMap).get({ namespace, name });
      await one.resource(kinds.PersistentVolumeClaim).get({ namespace, name: 'data' });
      await one.resource(kinds.PersistentVolume).get({ name: 'pv' });
      await one.resource(kinds.Pod).get({ namespace, name: 'p' });
      await one.resource(kinds.Secret).list({ namespace, fieldSelector: 'metadata.name=s-env' });
    });

    it('nothing else', async () => {
      await refused(one.resource(kinds.Secret).get({ namespace, name: 's-other' }), noRelation('n1'));
      await refused(one.resource(kinds.ConfigMap).get({ namespace, name: 'c-other' }), noRelation('n1'));
      for (const name of ['s-env', 's-volume', 's-pv']) {
        await refused(
          two.resource(kinds.Secret).get({ namespace, name }),
          `secrets "${name}" is forbidden: User "system:node:n2" cannot get resource "secrets" in API group "" in the namespace "default"${noRelation('n2')}`,
        );
      }
      await refused(two.resource(kinds.PersistentVolume).get({ name: 'pv' }), noRelation('n2'));
      await refused(two.resource(kinds.Pod).get({ namespace, name: 'p' }), noRelation('n2'));
      await refused(one.resource(kinds.Secret).list({ namespace }), ': No Object name found');
      await refused(one.resource(kinds.Secret).list(), ': can only read namespaced object of this type');
      await refused(
        one.resource(kinds.Secret).create({ metadata: { namespace, name: 'x' } }),
        ': can only read resources of this type',
      );
      await refused(one.resource(kinds.PersistentVolume).list(), ': can only get individual resources of this type');
      await refused(
        one.resource(kinds.Pod).list({ namespace }),
        ': can only list/watch pods with spec.nodeName field selector',
      );
      await one.resource(kinds.Pod).list({ fieldSelector: 'spec.nodeName=n1' });
      await refused(
        one.resource(kinds.Pod).list({ fieldSelector: 'spec.nodeName=n2' }),
        ': can only list/watch pods with spec.nodeName field selector',
      );
      await refused(
        createClient(cluster.transportAs('system:node:', ['system:nodes']))
          .resource(kinds.Service)
          .list(),
        ': unknown node for user "system:node:"',
      );
      await refused(
        createClient(cluster.transportAs('system:node:n1')).resource(kinds.Service).list(),
        'cannot list resource "services" in API group "" at the cluster scope',
      );
    });

    it('it as long as the pod is there', async () => {
      const { client } = cluster;
      await client.resource(kinds.Pod).create(pod('q'));
      await refused(two.resource(kinds.Secret).get({ namespace, name: 's-env' }), noRelation('n2'));
      const binding = {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name: 'q' },
        target: { kind: 'Node', name: 'n2' },
      };
      await client.resource(kinds.Pod).subresource('binding').create({ namespace, name: 'q' }, binding);
      await two.resource(kinds.Secret).get({ namespace, name: 's-env' });
      await client.resource(kinds.Pod).delete({ namespace, name: 'q' }, { gracePeriodSeconds: 0 });
      await refused(two.resource(kinds.Secret).get({ namespace, name: 's-env' }), noRelation('n2'));
      await one.resource(kinds.Secret).get({ namespace, name: 's-env' });
    });
  });

  describe('writes', () => {
    it('its own Node, without labels and taints that would draw pods', async () => {
      const nodes = one.resource(kinds.Node);
      const who = 'User "system:node:n1"';
      await refused(
        nodes.create({ metadata: { name: 'n2' } }),
        'nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"',
      );
      await refused(
        nodes.create({
          metadata: { name: 'n1', labels: { 'node-restriction.kubernetes.io/x': 'y', 'kubernetes.io/made-up': '' } },
        }),
        'nodes "n1" is forbidden: node "n1" is not allowed to set the following labels: kubernetes.io/made-up, node-restriction.kubernetes.io/x',
      );
      await nodes.create({ metadata: { name: 'n1', labels: { 'kubernetes.io/os': 'linux', zone: 'a' } } });
      await nodes.patch({ name: 'n1' }, { metadata: { labels: { 'node.kubernetes.io/instance-type': 'big' } } });
      await refused(
        nodes.patch({ name: 'n1' }, { metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } } }),
        'nodes "n1" is forbidden: is not allowed to modify labels: node-role.kubernetes.io/control-plane',
      );
      await refused(
        nodes.patch({ name: 'n1' }, { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } }),
        'nodes "n1" is forbidden: node "n1" is not allowed to modify taints',
      );
      await refused(nodes.list(), ": node 'n1' cannot read all nodes, only its own Node object");
      await refused(
        two.resource(kinds.Node).get({ name: 'n1' }),
        ": node 'n2' cannot read 'n1', only its own Node object",
      );
      await nodes.get({ name: 'n1' });
      await refused(
        nodes.delete({ name: 'n1' }),
        `${who} cannot delete resource "nodes" in API group "" at the cluster scope`,
      );
    });

    it('its own Lease', async () => {
      const lease = (client: Client, name: string, within = 'kube-node-lease') =>
        client.resource(kinds.Lease).create({ metadata: { namespace: within, name } });
      await lease(one, 'n1');
      await refused(lease(one, 'n2'), 'can only access node lease with the same name as the requesting node');
      await refused(lease(one, 'n1', namespace), ': can only access leases in the "kube-node-lease" system namespace');
      await refused(
        two.resource(kinds.Lease).get({ namespace: 'kube-node-lease', name: 'n1' }),
        ': can only access node lease with the same name as the requesting node',
      );
      await refused(
        one.resource(kinds.Lease).list({ namespace: 'kube-node-lease' }),
        ': can only get, create, update, patch, or delete a node lease',
      );
    });

    it('the status of its pods, and not their labels', async () => {
      await one.resource(kinds.Pod).patchStatus({ namespace, name: 'p' }, { status: { phase: 'Running' } });
      await refused(
        two.resource(kinds.Pod).patchStatus({ namespace, name: 'p' }, { status: { phase: 'Failed' } }),
        'pods "p" is forbidden: node "n2" can only update pod status for pods with spec.nodeName set to itself',
      );
      await refused(
        one.resource(kinds.Pod).patchStatus({ namespace, name: 'p' }, { metadata: { labels: { a: 'b' } } } as never),
        'pods "p" is forbidden: node "n1" cannot update labels through pod status',
      );
      await refused(
        two.resource(kinds.Pod).delete({ namespace, name: 'p' }),
        'pods "p" is forbidden: node "n2" can only delete pods with spec.nodeName set to itself',
      );
    });

    it('mirrors of its static pods', async () => {
      const { uid } = (await one.resource(kinds.Node).get({ name: 'n1' })).metadata;
      const owner = { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: uid!, controller: true };
      const annotations = { 'kubernetes.io/config.mirror': 'x' };
      const mirror = (name: string, metadata: object, spec: object = {}) =>
        one.resource(kinds.Pod).create({
          metadata: { namespace, name, ...metadata },
          spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'i' }], ...spec },
        } as never);
      await refused(
        mirror('m', {}),
        'pods "m" is forbidden: pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
      );
      await refused(
        mirror('m', { annotations }, { nodeName: 'n2' }),
        'node "n1" can only create pods with spec.nodeName set to itself',
      );
      await refused(
        mirror('m', { annotations }),
        'node "n1" can only create pods with an owner reference set to itself',
      );
      await refused(
        mirror('m', { annotations, ownerReferences: [{ ...owner, uid: 'u' }] }),
        `node n1 UID mismatch: expected u got ${uid}`,
      );
      const ownerReferences = [owner];
      const volumes = [{ name: 's', secret: { secretName: 's-other' } }];
      await refused(
        mirror('m', { annotations, ownerReferences }, { volumes }),
        'node "n1" can not create pods that reference secrets',
      );
      await mirror('m', { annotations, ownerReferences });
      await one.resource(kinds.Pod).delete({ namespace, name: 'm' }, { gracePeriodSeconds: 0 });
    });

    it('tokens of its pods’ accounts, bound to the pods', async () => {
      const tokens = (client: Client, name: string, spec: object) =>
        client
          .resource(kinds.ServiceAccount)
          .subresource('token')
          .create({ namespace, name }, {
            apiVersion: 'authentication.k8s.io/v1',
            kind: 'TokenRequest',
            metadata: {},
            spec,
          } as never);
      const { uid } = (await one.resource(kinds.Pod).get({ namespace, name: 'p' })).metadata;
      const bound = (more: object = {}) => ({
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid, ...more },
      });
      await tokens(one, 'robot', bound());
      await refused(tokens(one, 'robot', {}), 'node requested token not bound to a pod');
      await refused(tokens(one, 'other', bound()), noRelation('n1'));
      await refused(tokens(two, 'robot', bound()), noRelation('n2'));
    });
  });
});
