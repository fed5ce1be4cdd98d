import type {
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
  JsonSchemaProps,
} from '../../src/crd/types.ts';

/** A definition that is right in every way, with what a test changes of it. */
export function definition(
  change: {
    metadata?: object;
    spec?: object;
    names?: object;
    version?: object;
    schema?: JsonSchemaProps;
    status?: object;
  } = {},
): CustomResourceDefinition {
  const version = {
    name: 'v1',
    served: true,
    storage: true,
    schema: { openAPIV3Schema: change.schema ?? { type: 'object' } },
    ...change.version,
  } as CustomResourceDefinitionVersion;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com', ...change.metadata },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList', ...change.names },
      versions: [version],
      conversion: { strategy: 'None' },
      ...change.spec,
    },
    status: { conditions: null, acceptedNames: { plural: '', kind: '' }, storedVersions: ['v1'], ...change.status },
  } as CustomResourceDefinition;
}
