/** Definitions to measure with. */
import type { JsonObject } from '../../src/machinery/json.ts';
import type { ApiObject } from '../../src/machinery/object.ts';

const text = { type: 'string' };

/** About 45 fields, two levels of lists, defaults, patterns and a rule: a middling published definition, in a group of its own. */
export function definition(index: number): ApiObject {
  const properties: Record<string, JsonObject> = {};
  for (let i = 0; i < 40; i++)
    properties[`field${i}`] = { type: 'string', description: `What field ${i} says.`, maxLength: 64 };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `things${index}.g${index}.example.com` },
    spec: {
      group: `g${index}.example.com`,
      scope: 'Namespaced',
      names: { plural: `things${index}`, kind: `Thing${index}`, categories: ['things'] },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: {
                  type: 'object',
                  properties: {
                    ...properties,
                    replicas: { type: 'integer', minimum: 0, default: 1 },
                    pattern: { type: 'string', pattern: '^[a-z]+$' },
                    items: {
                      type: 'array',
                      maxItems: 16,
                      items: {
                        type: 'object',
                        properties: { name: text, ports: { type: 'array', items: { type: 'integer' } } },
                      },
                    },
                  },
                  'x-kubernetes-validations': [{ rule: 'self.replicas < 100' }],
                },
                status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
              },
            },
          },
          subresources: { status: {} },
        },
      ],
    },
  };
}
