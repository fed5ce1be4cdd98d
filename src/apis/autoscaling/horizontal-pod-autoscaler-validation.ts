/** Source: Kubernetes `pkg/apis/autoscaling/validation/validation.go`. */
import type * as k8s from '@kubernetes/client-node';
import { type FieldError, FieldPath, forbidden, invalid, notSupported, required } from '../../machinery/field.ts';
import { isPathSegmentName } from '../../machinery/names.ts';
import { Quantity } from '../../machinery/quantity.ts';
import { checkAll, checkNonNegative } from '../core/field-rules.ts';
import { checkLabelSelector } from '../core/scheduling-validation.ts';
import type { HorizontalPodAutoscaler, Wire } from '../types.ts';

type Spec = NonNullable<HorizontalPodAutoscaler['spec']>;
type Metric = Wire<k8s.V2MetricSpec>;
type Target = Wire<k8s.V2MetricTarget>;
type ScalingRules = Wire<k8s.V2HPAScalingRules>;
type Reference = Wire<k8s.V2CrossVersionObjectReference>;

const path = FieldPath.of('spec');
const maxPeriod = 1800;
const maxWindow = 3600;

export function validateAutoscaler({ spec }: HorizontalPodAutoscaler): FieldError[] {
  const errors: FieldError[] = [];
  if (spec === undefined) return errors;
  const { minReplicas, maxReplicas, scaleTargetRef } = spec;
  if (minReplicas !== undefined && minReplicas < 1) {
    errors.push(invalid(path.child('minReplicas'), minReplicas, 'must be greater than or equal to 1'));
  }
  if (maxReplicas < 1) errors.push(invalid(path.child('maxReplicas'), maxReplicas, 'must be greater than 0'));
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.push(invalid(path.child('maxReplicas'), maxReplicas, 'must be greater than or equal to `minReplicas`'));
  }
  validateReference(scaleTargetRef, path.child('scaleTargetRef'), errors);
  validateMetrics(spec, errors);
  const behavior = path.child('behavior');
  validateRules(spec.behavior?.scaleUp, behavior.child('scaleUp'), errors);
  validateRules(spec.behavior?.scaleDown, behavior.child('scaleDown'), errors);
  return errors;
}

function validateReference({ kind, name }: Reference, at: FieldPath, errors: FieldError[]): void {
  if (kind === '') errors.push(required(at.child('kind')));
  else checkAll(isPathSegmentName(kind), at.child('kind'), kind, errors);
  if (name === '') errors.push(required(at.child('name')));
  else checkAll(isPathSegmentName(name), at.child('name'), name, errors);
}

const sources = ['object', 'pods', 'resource', 'containerResource', 'external'] as const;
const typeOf: Readonly<Record<(typeof sources)[number], string>> = {
  object: 'Object',
  pods: 'Pods',
  resource: 'Resource',
  containerResource: 'ContainerResource',
  external: 'External',
};
const metricTypes = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'];

function validateMetrics({ metrics = [], minReplicas }: Spec, errors: FieldError[]): void {
  const at = path.child('metrics');
  let outside = false;
  for (const [i, metric] of metrics.entries()) {
    validateMetric(metric, at.index(i), errors);
    if (metric.object !== undefined || metric.external !== undefined) outside = true;
  }
  if (minReplicas === 0 && !outside) {
    errors.push(
      forbidden(at, 'must specify at least one Object or External metric to support scaling to zero replicas'),
    );
  }
}

function validateMetric(metric: Metric, at: FieldPath, errors: FieldError[]): void {
  const { type } = metric;
  if (type === '') errors.push(required(at.child('type'), 'must specify a metric source type'));
  if (!metricTypes.includes(type)) errors.push(notSupported(at.child('type'), type, metricTypes));
  const given = sources.filter((source) => metric[source] !== undefined);
  for (const source of given.length > 1 ? given : []) {
    if (typeOf[source] !== type) errors.push(forbidden(at.child(source), 'must populate the given metric source only'));
  }
  const expected = sources.find((source) => typeOf[source] === type);
  // Kubernetes says so twice.
  if (expected === undefined) errors.push(notSupported(at.child('type'), type, metricTypes));
  if (expected !== undefined && metric[expected] === undefined) {
    errors.push(required(at.child(expected), 'must populate information for the given metric source'));
    return;
  }
  const { object, pods, resource, containerResource, external } = metric;
  if (expected === 'object' && object !== undefined) {
    const here = at.child('object');
    validateReference(object.describedObject, here.child('describedObject'), errors);
    validateIdentifier(object.metric, here.child('metric'), errors);
    validateTarget(object.target, here.child('target'), errors);
    const { value, averageValue } = object.target;
    if (value === undefined && averageValue === undefined) {
      errors.push(
        required(here.child('target').child('averageValue'), 'must set either a target value or averageValue'),
      );
    }
  }
  if (expected === 'pods' && pods !== undefined) {
    const here = at.child('pods');
    validateIdentifier(pods.metric, here.child('metric'), errors);
    validateTarget(pods.target, here.child('target'), errors);
    if (pods.target.averageValue === undefined || Quantity.parse(pods.target.averageValue).sign <= 0) {
      errors.push(required(here.child('target').child('averageValue'), 'must specify a positive target averageValue'));
    }
  }
  if (expected === 'resource' && resource !== undefined) {
    const here = at.child('resource');
    if (resource.name === '') errors.push(required(here.child('name'), 'must specify a resource name'));
    validateResourceTarget(resource.target, here, errors);
  }
  if (expected === 'containerResource' && containerResource !== undefined) {
    const here = at.child('containerResource');
    if (containerResource.name === '') errors.push(required(here.child('name'), 'must specify a resource name'));
    if (containerResource.container === '') errors.push(required(here.child('container'), 'must specify a container'));
    validateResourceTarget(containerResource.target, here, errors);
  }
  if (expected === 'external' && external !== undefined) {
    const here = at.child('external');
    validateIdentifier(external.metric, here.child('metric'), errors);
    validateTarget(external.target, here.child('target'), errors);
    const { value, averageValue } = external.target;
    const targetPath = here.child('target');
    if (value === undefined && averageValue === undefined) {
      errors.push(
        required(targetPath.child('averageValue'), 'must set either a target value for metric or a per-pod target'),
      );
    }
    if (value !== undefined && averageValue !== undefined) {
      errors.push(
        forbidden(targetPath.child('value'), 'may not set both a target value for metric and a per-pod target'),
      );
    }
  }
}

function validateIdentifier(
  { name, selector }: { name: string; selector?: object },
  at: FieldPath,
  errors: FieldError[],
): void {
  if (name === '') errors.push(required(at.child('name'), 'must specify a metric name'));
  else checkAll(isPathSegmentName(name), at.child('name'), name, errors);
  checkLabelSelector(selector as Parameters<typeof checkLabelSelector>[0], at.child('selector'), errors);
}

function validateResourceTarget(target: Target, at: FieldPath, errors: FieldError[]): void {
  const targetPath = at.child('target');
  validateTarget(target, targetPath, errors);
  const { averageUtilization, averageValue } = target;
  if (averageUtilization === undefined && averageValue === undefined) {
    errors.push(
      required(targetPath.child('averageUtilization'), 'must set either a target raw value or a target utilization'),
    );
  }
  if (averageUtilization !== undefined && averageValue !== undefined) {
    errors.push(
      forbidden(targetPath.child('averageValue'), 'may not set both a target raw value and a target utilization'),
    );
  }
}

const targetTypes = ['Utilization', 'Value', 'AverageValue'];

function validateTarget(
  { type, value, averageValue, averageUtilization }: Target,
  at: FieldPath,
  errors: FieldError[],
): void {
  if (type === '') errors.push(required(at.child('type'), 'must specify a metric target type'));
  else if (!targetTypes.includes(type))
    errors.push(invalid(at.child('type'), type, 'must be either Utilization, Value, or AverageValue'));
  if (value !== undefined && Quantity.parse(value).sign !== 1)
    errors.push(invalid(at.child('value'), value, 'must be positive'));
  if (averageValue !== undefined && Quantity.parse(averageValue).sign !== 1) {
    errors.push(invalid(at.child('averageValue'), averageValue, 'must be positive'));
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.push(invalid(at.child('averageUtilization'), averageUtilization, 'must be greater than 0'));
  }
}

const selectPolicies = ['Disabled', 'Max', 'Min'];
const policyTypes = ['Percent', 'Pods'];

function validateRules(rules: ScalingRules | undefined, at: FieldPath, errors: FieldError[]): void {
  if (rules === undefined) return;
  const { stabilizationWindowSeconds: window, selectPolicy, policies } = rules;
  if (window !== undefined) {
    const windowPath = at.child('stabilizationWindowSeconds');
    if (window < 0) errors.push(invalid(windowPath, window, 'must be greater than or equal to zero'));
    if (window > maxWindow) errors.push(invalid(windowPath, window, `must be less than or equal to ${maxWindow}`));
  }
  if (selectPolicy !== undefined && !selectPolicies.includes(selectPolicy)) {
    errors.push(notSupported(at.child('selectPolicy'), selectPolicy, selectPolicies));
  }
  const policiesPath = at.child('policies');
  if ((policies?.length ?? 0) === 0) errors.push(required(policiesPath, 'must specify at least one Policy'));
  for (const [i, { type, value, periodSeconds }] of (policies ?? []).entries()) {
    const each = policiesPath.index(i);
    if (!policyTypes.includes(type)) errors.push(notSupported(each.child('type'), type, policyTypes));
    if (value <= 0) errors.push(invalid(each.child('value'), value, 'must be greater than zero'));
    if (periodSeconds <= 0)
      errors.push(invalid(each.child('periodSeconds'), periodSeconds, 'must be greater than zero'));
    if (periodSeconds > maxPeriod) {
      errors.push(invalid(each.child('periodSeconds'), periodSeconds, `must be less than or equal to ${maxPeriod}`));
    }
  }
}

export function validateAutoscalerStatusUpdate({ status }: HorizontalPodAutoscaler): FieldError[] {
  const errors: FieldError[] = [];
  const at = FieldPath.of('status');
  checkNonNegative(status?.currentReplicas, at.child('currentReplicas'), errors);
  checkNonNegative(status?.desiredReplicas, at.child('desiredReplicas'), errors);
  return errors;
}
