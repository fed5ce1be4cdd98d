import type * as k8s from '@kubernetes/client-node';
import type { ApiObject, ObjectMeta } from '../../machinery/object.ts';
import { builtinType } from '../builtin.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import type { HorizontalPodAutoscaler, Kind, Wire } from '../types.ts';
import { validateAutoscaler, validateAutoscalerStatusUpdate } from './horizontal-pod-autoscaler-validation.ts';

type Spec = NonNullable<HorizontalPodAutoscaler['spec']>;
type ScalingRules = Wire<k8s.V2HPAScalingRules>;
type V1 = Kind<k8s.V1HorizontalPodAutoscaler>;

const spec = 'io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec';
const status = 'io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerStatus';

const columns = [
  nameColumn,
  column<HorizontalPodAutoscaler>(
    'Reference',
    'string',
    ({ spec: { scaleTargetRef } = {} as Spec }) => `${scaleTargetRef?.kind ?? ''}/${scaleTargetRef?.name ?? ''}`,
    { describedBy: [spec, 'scaleTargetRef'] },
  ),
  column<HorizontalPodAutoscaler>('Targets', 'string', targetsText, { describedBy: [spec, 'metrics'] }),
  column<HorizontalPodAutoscaler>('MinPods', 'string', (hpa) => hpa.spec?.minReplicas ?? '<unset>', {
    describedBy: [spec, 'minReplicas'],
  }),
  column<HorizontalPodAutoscaler>('MaxPods', 'string', (hpa) => hpa.spec?.maxReplicas ?? 0, {
    describedBy: [spec, 'maxReplicas'],
  }),
  column<HorizontalPodAutoscaler>('Replicas', 'string', (hpa) => hpa.status?.currentReplicas ?? 0, {
    describedBy: [status, 'currentReplicas'],
  }),
  ageColumn,
];

export const horizontalPodAutoscalerType = builtinType<HorizontalPodAutoscaler>({
  group: 'autoscaling',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  shortNames: ['hpa'],
  categories: ['all'],
  name: 'v2',
  status: true,
  columns,
  versions: [{ name: 'v1', status: true, columns }],
  convert: async (objects, version) => objects.map((object) => (version === 'v1' ? toV1(object) : toV2(object))),
  strategy: {
    default(draft) {
      if (draft.spec === undefined) return;
      draft.spec.minReplicas ??= 1;
      if (draft.apiVersion === 'autoscaling/v2') defaultV2(draft.spec);
    },
    prepareForCreate(draft) {
      dropStatusAnnotations(draft.metadata);
      // What came as v1 gets here, as v2, the defaults that only v2 has.
      if (draft.spec !== undefined) defaultV2(draft.spec);
      draft.status = { currentMetrics: null as never, desiredReplicas: 0 };
    },
    prepareForUpdate(draft, old) {
      if (old.status !== undefined) draft.status = old.status;
    },
    validate: validateAutoscaler,
    validateUpdate: validateAutoscaler,
    validateStatusUpdate: validateAutoscalerStatusUpdate,
  },
});

/** Source: Kubernetes `pkg/apis/autoscaling/v2/defaults.go`. */
function defaultV2(draft: Spec): void {
  if ((draft.metrics?.length ?? 0) === 0) {
    draft.metrics = [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
    ];
  }
  if (draft.behavior === undefined) return;
  draft.behavior.scaleUp = withDefaults(draft.behavior.scaleUp, {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [
      { type: 'Pods', value: 4, periodSeconds: 15 },
      { type: 'Percent', value: 100, periodSeconds: 15 },
    ],
  });
  draft.behavior.scaleDown = withDefaults(draft.behavior.scaleDown, {
    selectPolicy: 'Max',
    policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
  });
}

const withDefaults = (rules: ScalingRules | undefined, defaults: ScalingRules): ScalingRules => ({
  ...defaults,
  ...rules,
});

function targetsText({
  spec: { metrics = [] } = {} as Spec,
  status: { currentMetrics } = {} as never,
}: HorizontalPodAutoscaler): string {
  if (metrics.length === 0) return '<none>';
  const shown = metrics.slice(0, 2).map((metric, i) => {
    const current = currentMetrics?.[i];
    const name = metric.resource?.name ?? metric.containerResource?.name;
    const source = metric.resource ?? metric.containerResource ?? metric.pods ?? metric.object ?? metric.external;
    const now = (
      current?.resource ??
      current?.containerResource ??
      current?.pods ??
      current?.object ??
      current?.external
    )?.current;
    const target = source?.target;
    const label = name === undefined ? '' : `${name}: `;
    if (target?.averageUtilization !== undefined) {
      const used = now?.averageUtilization === undefined ? '<unknown>' : `${now.averageUtilization}%`;
      return `${label}${used}/${target.averageUtilization}%`;
    }
    if (target?.averageValue !== undefined) {
      const suffix = metric.type === 'Object' || metric.type === 'External' ? ' (avg)' : '';
      return `${label}${now?.averageValue ?? '<unknown>'}/${target.averageValue}${suffix}`;
    }
    return `${label}${now?.value ?? '<unknown>'}/${target?.value ?? '<auto>'}`;
  });
  return metrics.length > 2 ? `${shown.join(', ')} + ${metrics.length - 2} more...` : shown.join(', ');
}

const metricsAnnotation = 'autoscaling.alpha.kubernetes.io/metrics';
const behaviorAnnotation = 'autoscaling.alpha.kubernetes.io/behavior';
const conditionsAnnotation = 'autoscaling.alpha.kubernetes.io/conditions';
const currentMetricsAnnotation = 'autoscaling.alpha.kubernetes.io/current-metrics';

/** `v1` knows one metric, the use of CPU; the rest travels in annotations. Source: `pkg/apis/autoscaling/v1/conversion.go`. */
function toV1(object: ApiObject): ApiObject {
  if (object.apiVersion !== 'autoscaling/v2') return object;
  const hpa = structuredClone(object) as unknown as HorizontalPodAutoscaler;
  const { metrics = [], behavior, ...rest } = hpa.spec ?? ({} as Spec);
  const { currentMetrics, conditions, ...counts } =
    hpa.status ?? ({} as NonNullable<HorizontalPodAutoscaler['status']>);
  const annotations = { ...hpa.metadata.annotations };
  const isCpu = (metric: { resource?: { name: string } }): boolean => metric.resource?.name === 'cpu';
  const cpu = metrics.find((metric) => isCpu(metric) && metric.resource?.target.averageUtilization !== undefined);
  const others = metrics.filter((metric) => metric !== cpu);
  if (others.length > 0) annotations[metricsAnnotation] = JSON.stringify(others);
  if (behavior !== undefined) annotations[behaviorAnnotation] = JSON.stringify(behavior);
  if ((conditions?.length ?? 0) > 0) annotations[conditionsAnnotation] = JSON.stringify(conditions);
  const cpuNow = (currentMetrics ?? []).find(isCpu);
  const othersNow = (currentMetrics ?? []).filter((metric) => metric !== cpuNow);
  if (othersNow.length > 0) annotations[currentMetricsAnnotation] = JSON.stringify(othersNow);
  const target = cpu?.resource?.target.averageUtilization;
  const used = cpuNow?.resource?.current.averageUtilization;
  return {
    ...object,
    apiVersion: 'autoscaling/v1',
    metadata: { ...hpa.metadata, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
    spec: { ...rest, ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }) },
    status: {
      currentReplicas: 0,
      ...counts,
      ...(used === undefined ? {} : { currentCPUUtilizationPercentage: used }),
    },
  };
}

function toV2(object: ApiObject): ApiObject {
  if (object.apiVersion !== 'autoscaling/v1') return object;
  const hpa = structuredClone(object) as unknown as V1;
  const { targetCPUUtilizationPercentage: target, ...rest } = hpa.spec ?? ({} as NonNullable<V1['spec']>);
  const { currentCPUUtilizationPercentage: used, ...counts } = hpa.status ?? ({} as NonNullable<V1['status']>);
  const {
    [metricsAnnotation]: metricsText,
    [behaviorAnnotation]: behaviorText,
    [conditionsAnnotation]: conditionsText,
    [currentMetricsAnnotation]: currentText,
    ...annotations
  } = hpa.metadata.annotations ?? {};
  const others = parseList(metricsText);
  const cpu = {
    type: 'Resource',
    resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: target } },
  };
  const metrics = target === undefined ? others : [cpu, ...others];
  const cpuNow = { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: used } } };
  const current = [...(used === undefined ? [] : [cpuNow]), ...parseList(currentText)];
  const behavior = parseObject(behaviorText);
  const conditions = parseList(conditionsText);
  const metadata = { ...hpa.metadata };
  if (Object.keys(annotations).length === 0) delete metadata.annotations;
  else metadata.annotations = annotations;
  return {
    ...object,
    apiVersion: 'autoscaling/v2',
    metadata,
    spec: { ...rest, ...(metrics.length === 0 ? {} : { metrics }), ...(behavior === undefined ? {} : { behavior }) },
    status: {
      ...counts,
      currentMetrics: current.length === 0 ? null : current,
      ...(conditions.length === 0 ? {} : { conditions }),
    },
  };
}

/** In v1 these are the status, which nobody sets at creation. */
function dropStatusAnnotations(metadata: ObjectMeta): void {
  const {
    [conditionsAnnotation]: conditions,
    [currentMetricsAnnotation]: current,
    ...annotations
  } = {
    ...metadata.annotations,
  };
  if (conditions === undefined && current === undefined) return;
  if (Object.keys(annotations).length === 0) delete metadata.annotations;
  else metadata.annotations = annotations;
}

function parseList(text: string | undefined): unknown[] {
  const value = parseJson(text);
  return Array.isArray(value) ? value : [];
}

function parseObject(text: string | undefined): object | undefined {
  const value = parseJson(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
}

/** An annotation that no longer holds JSON holds nothing. */
function parseJson(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
