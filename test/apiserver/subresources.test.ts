import 'reflect-metadata';
import assert from 'node:assert/strict';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { type Api, assertFailure, startApi, widgets } from './support/api.ts';

const pods = '/api/v1/namespaces/default/pods';
const requests = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const strategic = 'application/strategic-merge-patch+json';
const merge = 'application/merge-patch+json';
const apply = 'application/apply-patch+yaml';

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
const ownedBy = (object: any, manager: string): any =>
  object.metadata.managedFields.find((entry: { manager: string }) => entry.manager === manager);

describe('subresources that are a part of the object', () => {
  let api: Api;
  before(async () => {
    api = await startApi({ resources: [widgets()] });
    await api.ok('POST', pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '1' } } }] },
    });
  });
  after(() => api[Symbol.asyncDispose]());

  it('take a debug container by patch, as kubectl sends it', async () => {
    const patch = { spec: { ephemeralContainers: [{ name: 'debugger', image: 'busybox', stdin: true, tty: true }] } };
    const patched = await api.ok('PATCH', `${pods}/p/ephemeralcontainers?fieldManager=kubectl`, patch, strategic);
    assert.equal(patched.kind, 'Pod');
    assert.equal(patched.spec.ephemeralContainers[0].terminationMessagePolicy, 'File');
    assert.equal(patched.metadata.generation, 2);
    const entry = ownedBy(patched, 'kubectl');
    assert.equal(entry.subresource, 'ephemeralcontainers');
    assert.deepEqual(Object.keys(entry.fieldsV1), ['f:spec']);
    assertFailure(
      await api.send('PATCH', `${pods}/p/ephemeralcontainers`, {
        body: { spec: { ephemeralContainers: null } },
        type: merge,
      }),
      422,
      'Invalid',
      'Pod "p" is invalid: spec.ephemeralContainers: Forbidden: existing ephemeral containers "debugger" may not be removed\n',
    );
  });

  it('leave everything else as it is, and its owners', async () => {
    const before = await api.ok('GET', `${pods}/p/ephemeralcontainers`);
    const changed = { ...before, metadata: { ...before.metadata, labels: { a: 'b' } } };
    const after = await api.ok('PUT', `${pods}/p/ephemeralcontainers?fieldManager=putter`, changed);
    assert.equal(after.metadata.labels, undefined);
    assert.equal(ownedBy(after, 'putter'), undefined);
    assert.equal(after.metadata.resourceVersion, before.metadata.resourceVersion);
  });

  it('resize a pod, by patch and by apply', async () => {
    const containers = (cpu: string) => [{ name: 'c', resources: { requests: { cpu } } }];
    const patched = await api.ok(
      'PATCH',
      `${pods}/p/resize?fieldManager=sizer`,
      { spec: { containers: containers('2') } },
      strategic,
    );
    assert.deepEqual(patched.spec.containers[0].resources, { requests: { cpu: '2' } });
    assert.equal(ownedBy(patched, 'sizer').subresource, 'resize');
    const config = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: containers('3') } };
    const conflict = await api.send('PATCH', `${pods}/p/resize?fieldManager=applier`, { body: config, type: apply });
    assert.equal(conflict.code, 409);
    const applied = await api.ok('PATCH', `${pods}/p/resize?fieldManager=applier&force=true`, config, apply);
    assert.equal(applied.spec.containers[0].resources.requests.cpu, '3');
    assert.equal(ownedBy(applied, 'applier').operation, 'Apply');
  });

  it('are not made by a write to one that is not there', async () => {
    const config = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'none' } };
    for (const type of [apply, merge, strategic]) {
      const path = `${pods}/none/resize?fieldManager=a`;
      assertFailure(await api.send('PATCH', path, { body: config, type }), 404, 'NotFound', 'pods "none" not found', {
        name: 'none',
        kind: 'pods',
      });
    }
  });

  it('answer to their own verbs only, which discovery names', async () => {
    const { resources } = await api.ok('GET', '/api/v1');
    const verbs = (name: string) => resources.find((r: { name: string }) => r.name === name).verbs;
    assert.deepEqual(verbs('pods/resize'), ['get', 'patch', 'update']);
    assert.deepEqual(verbs('pods/ephemeralcontainers'), ['get', 'patch', 'update']);
    assert.deepEqual(verbs('namespaces/finalize'), ['update']);
    assert.equal((await api.send('DELETE', `${pods}/p/resize`)).code, 405);
    assert.equal((await api.send('GET', '/api/v1/namespaces/default/finalize')).code, 405);
  });

  it('run dry, and through field validation', async () => {
    const patch = { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '4' } } }], none: 1 } };
    const strict = await api.send('PATCH', `${pods}/p/resize?fieldValidation=Strict`, { body: patch, type: strategic });
    assert.equal(strict.code, 422);
    const warned = await api.send('PATCH', `${pods}/p/resize?dryRun=All`, { body: patch, type: strategic });
    assert.deepEqual(warned.warnings, ['unknown field "spec.none"']);
    assert.equal(warned.json.spec.containers[0].resources.requests.cpu, '4');
    const { spec } = await api.ok('GET', `${pods}/p`);
    assert.equal(spec.containers[0].resources.requests.cpu, '3');
  });

  it('approve certificates by patch', async () => {
    const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
    const request = await Pkcs10CertificateRequestGenerator.create({
      name: 'CN=someone',
      keys,
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    });
    await api.ok('POST', requests, {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name: 'c', labels: { a: 'b' } },
      spec: {
        request: Buffer.from(request.toString('pem')).toString('base64'),
        signerName: 'example.com/x',
        usages: ['client auth'],
      },
    });
    const approved = { type: 'Approved', status: 'True', reason: 'r', message: 'm' };
    const patch = { status: { conditions: [approved], certificate: 'bWluZQ==' } };
    const patched = await api.ok('PATCH', `${requests}/c/approval?fieldManager=approver`, patch, merge);
    assert.equal(patched.status.conditions[0].type, 'Approved');
    assert.equal(patched.status.certificate, undefined);
    assert.deepEqual(Object.keys(ownedBy(patched, 'approver').fieldsV1['f:status']), ['f:conditions']);
    const denied = await api.send('PATCH', `${requests}/c/status`, {
      body: { status: { conditions: [] } },
      type: merge,
    });
    assert.equal(denied.json.status.conditions[0].type, 'Approved');
  });
});

describe('fields that an endpoint leaves alone', () => {
  let api: Api;
  before(async () => {
    api = await startApi({ resources: [widgets()] });
  });
  after(() => api[Symbol.asyncDispose]());

  it('have no owner for it', async () => {
    const deployments = '/apis/apps/v1/namespaces/default/deployments';
    const made = await api.ok('POST', `${deployments}?fieldManager=maker`, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd' },
      spec: {
        selector: { matchLabels: { app: 'd' } },
        template: { metadata: { labels: { app: 'd' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
      status: { replicas: 3 },
    });
    assert.deepEqual(Object.keys(ownedBy(made, 'maker').fieldsV1), ['f:spec']);
    const written = await api.ok(
      'PATCH',
      `${deployments}/d/status?fieldManager=writer`,
      { metadata: { labels: { a: 'b' }, annotations: { c: 'd' } }, spec: { replicas: 5 }, status: { replicas: 1 } },
      merge,
    );
    assert.deepEqual(ownedBy(written, 'writer').fieldsV1, {
      'f:metadata': { 'f:annotations': { '.': {}, 'f:c': {} } },
      'f:status': { 'f:replicas': {} },
    });
    assert.equal(written.metadata.labels, undefined);
    assert.equal(written.spec.replicas, 1);
  });

  it('are those of the kind: owners of a pod are not of its status', async () => {
    const pods = '/api/v1/namespaces/default/pods';
    await api.ok('POST', pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
    const config = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'p',
        labels: { a: 'b' },
        ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'o', uid: 'u' }],
      },
      status: { phase: 'Running' },
    };
    const applied = await api.ok('PATCH', `${pods}/p/status?fieldManager=kubelet&force=true`, config, apply);
    assert.deepEqual(ownedBy(applied, 'kubelet').fieldsV1, {
      'f:metadata': { 'f:labels': { 'f:a': {} } },
      'f:status': { 'f:phase': {} },
    });
    assert.equal(applied.metadata.ownerReferences, undefined);
  });

  it('are all of the metadata where the status writes none of it', async () => {
    const schemas = '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas';
    await api.ok('POST', schemas, {
      apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
      kind: 'FlowSchema',
      metadata: { name: 'f' },
      spec: { priorityLevelConfiguration: { name: 'x' } },
    });
    const condition = { type: 'Dangling', status: 'True' };
    const written = await api.ok(
      'PATCH',
      `${schemas}/f/status?fieldManager=writer`,
      { metadata: { labels: { a: 'b' } }, status: { conditions: [condition] } },
      merge,
    );
    assert.equal(written.metadata.labels, undefined);
    assert.deepEqual(Object.keys(ownedBy(written, 'writer').fieldsV1), ['f:status']);
  });
});
