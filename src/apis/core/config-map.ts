import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import type { ConfigMap } from '../types.ts';
import { validateConfigMap, validateConfigMapUpdate } from './config-map-validation.ts';

const describedBy = ['io.k8s.api.core.v1.ConfigMap', 'data'] as const;

export const configMapType = builtinType<ConfigMap>({
  group: '',
  kind: 'ConfigMap',
  plural: 'configmaps',
  shortNames: ['cm'],
  columns: [
    nameColumn,
    column<ConfigMap>('Data', 'string', ({ data, binaryData }) => size(data) + size(binaryData), { describedBy }),
    ageColumn,
  ],
  strategy: { validate: validateConfigMap, validateUpdate: validateConfigMapUpdate },
});

const size = (map: object | undefined): number => (map === undefined ? 0 : Object.keys(map).length);
