import assert from 'node:assert/strict';
import { builtinTypes } from '../../src/apis/index.ts';
import { descriptionOf, schemaOf } from '../../src/apis/schemas.ts';
import type { Schema } from '../../src/machinery/schema.ts';

const property = (definition: string, field: string): Schema => schemaOf(definition).properties![field]!;

describe('schemas of built-in kinds', () => {
  it('shares a definition among all that refer to it', () => {
    const template = property('io.k8s.api.apps.v1.DeploymentSpec', 'template');
    assert.equal(template, schemaOf('io.k8s.api.core.v1.PodTemplateSpec'));
    assert.equal(template, property('io.k8s.api.apps.v1.ReplicaSetSpec', 'template'));
    assert.equal(template.definition, 'io.k8s.api.core.v1.PodTemplateSpec');
  });

  it('keeps the name of a definition where a field says more about it', () => {
    const strategy = property('io.k8s.api.apps.v1.DeploymentSpec', 'strategy');
    assert.equal(strategy.definition, 'io.k8s.api.apps.v1.DeploymentStrategy');
    assert.equal(strategy['x-kubernetes-patch-strategy'], 'retainKeys');
    assert.equal(schemaOf('io.k8s.api.apps.v1.DeploymentStrategy')['x-kubernetes-patch-strategy'], undefined);
  });

  it('knows the keys by which lists are merged', () => {
    const ports = property('io.k8s.api.core.v1.Container', 'ports');
    assert.equal(ports['x-kubernetes-list-type'], 'map');
    assert.deepEqual(ports['x-kubernetes-list-map-keys'], ['containerPort', 'protocol']);
    assert.equal(ports['x-kubernetes-patch-merge-key'], 'containerPort');
    assert.equal(ports['x-kubernetes-patch-strategy'], 'merge');
    const volumes = property('io.k8s.api.core.v1.PodSpec', 'volumes');
    assert.equal(volumes['x-kubernetes-patch-strategy'], 'merge,retainKeys');
    assert.equal(property('io.k8s.api.core.v1.Container', 'args')['x-kubernetes-list-type'], 'atomic');
    assert.equal(
      property('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', 'finalizers')['x-kubernetes-list-type'],
      'set',
    );
    assert.equal(schemaOf('io.k8s.api.core.v1.SecretKeySelector')['x-kubernetes-map-type'], 'atomic');
  });

  it('tells quantities, times and integers-or-strings from strings', () => {
    const limits = property('io.k8s.api.core.v1.ResourceRequirements', 'limits');
    assert.equal((limits.additionalProperties as Schema).definition, 'io.k8s.apimachinery.pkg.api.resource.Quantity');
    const renewed = property('io.k8s.api.coordination.v1.LeaseSpec', 'renewTime');
    assert.equal(renewed.definition, 'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime');
    assert.equal(property('io.k8s.api.core.v1.ServicePort', 'targetPort')['x-kubernetes-int-or-string'], true);
    assert.equal(
      property('io.k8s.api.apps.v1.ControllerRevision', 'data')['x-kubernetes-preserve-unknown-fields'],
      true,
    );
  });

  it('describes definitions and their fields, references included', () => {
    const description = descriptionOf('io.k8s.api.core.v1.PodStatus');
    assert.match(description?.fields.podIP ?? '', /^podIP address allocated to the pod/);
    assert.match(description?.description ?? '', /^PodStatus represents information/);
    assert.equal(JSON.stringify(description).includes('&#39;'), false);
  });

  it('refuses a definition that does not exist', () => {
    assert.throws(
      () => schemaOf('io.k8s.api.core.v1.Nothing'),
      /there is no schema for io\.k8s\.api\.core\.v1\.Nothing/,
    );
    assert.throws(() => schemaOf('io.k8s.api.none.v1.Pod'), /run scripts\/generate-schemas\.mjs/);
  });

  it('has a schema with metadata for every version of every kind', () => {
    for (const type of builtinTypes()) {
      for (const { name, schema } of type.versions) {
        const kind = `${type.group}/${name} ${type.names.kind}`;
        assert.equal(schema.type, 'object', kind);
        assert.ok(schema.definition?.endsWith(`.${name}.${type.names.kind}`), kind);
        const [gvk] = schema['x-kubernetes-group-version-kind'] ?? [];
        assert.deepEqual(gvk, { group: type.group, version: name, kind: type.names.kind });
        assert.equal(schema.properties?.metadata?.definition, 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', kind);
      }
    }
  });
});
