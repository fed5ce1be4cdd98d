/** Bad definitions and bad custom resources, with the words in which Kubernetes refuses them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { JsonObject, JsonValue } from '../../src/machinery/json.ts';
import { applyMergePatch } from '../../src/machinery/merge-patch.ts';
import type { ApiObject } from '../../src/machinery/object.ts';
import { parseYaml } from '../../src/machinery/yaml.ts';
import { untilEstablished } from '../../src/testing/resources.ts';
import { type Api, startApi } from '../apiserver/support/api.ts';

interface Case {
  readonly case: string;
  readonly patch: JsonObject;
  readonly message: string;
}

const read = (name: string): JsonValue =>
  parseYaml(readFileSync(new URL(`golden/${name}.yaml`, import.meta.url))).value;

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const rightDefinition: JsonObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
};
const rightResource: JsonObject = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'bad' } };

describe('Kubernetes’ own words for', () => {
  let api: Api;
  before(async () => {
    api = await startApi();
  });
  after(() => api[Symbol.asyncDispose]());

  const check = async (path: string, right: JsonObject, { patch, message }: Case): Promise<void> => {
    const answer = await api.send('POST', path, { body: applyMergePatch(right, patch) });
    assert.ok(answer.code >= 400, 'it was accepted');
    assert.equal(answer.json.message, message);
  };

  describe('a definition with', () => {
    for (const one of read('definitions') as unknown as Case[]) {
      it(one.case, () => check(definitions, rightDefinition, one));
    }
  });

  describe('a custom resource with', () => {
    before(async () => {
      const definition = await api.ok('POST', definitions, read('widgets'));
      await untilEstablished(api.cluster.server, definition as ApiObject);
    });
    for (const one of read('resources') as unknown as Case[]) {
      it(one.case, () => check('/apis/example.com/v1/namespaces/default/widgets', rightResource, one));
    }
  });
});
