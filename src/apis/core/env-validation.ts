/** Environment variables and the downward API. Source: Kubernetes `pkg/apis/core/validation/validation.go`. */

import type * as k8s from '@kubernetes/client-node';
import { type FieldError, type FieldPath, invalid, notSupported, required } from '../../machinery/field.ts';
import { isConfigMapKey, isQualifiedName, isRelaxedEnvVarName } from '../../machinery/names.ts';
import { Quantity } from '../../machinery/quantity.ts';
import type { EnvFromSource, EnvVar, Wire } from '../types.ts';
import { checkAll } from './field-rules.ts';

type ObjectFieldSelector = Wire<k8s.V1ObjectFieldSelector>;
type ResourceFieldSelector = Wire<k8s.V1ResourceFieldSelector>;

export function validateEnv(variables: readonly EnvVar[] | undefined, path: FieldPath, errors: FieldError[]): void {
  if (variables === undefined) return;
  for (const [i, variable] of variables.entries()) {
    const at = path.index(i);
    if (variable.name === '') errors.push(required(at.child('name')));
    else checkAll(isRelaxedEnvVarName(variable.name), at.child('name'), variable.name, errors);
    if (variable.valueFrom !== undefined) validateValueFrom(variable, at.child('valueFrom'), errors);
  }
}

function validateValueFrom({ value, valueFrom }: EnvVar, path: FieldPath, errors: FieldError[]): void {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom!;
  let sources = 0;
  if (fieldRef !== undefined) {
    sources++;
    validateFieldRef(fieldRef, envFieldPaths, path.child('fieldRef'), errors);
  }
  if (resourceFieldRef !== undefined) {
    sources++;
    validateResourceFieldRef(resourceFieldRef, false, path.child('resourceFieldRef'), errors);
  }
  if (configMapKeyRef !== undefined) {
    sources++;
    validateKeySelector(configMapKeyRef, path.child('configMapKeyRef'), errors);
  }
  if (secretKeyRef !== undefined) {
    sources++;
    validateKeySelector(secretKeyRef, path.child('secretKeyRef'), errors);
  }
  if ('fileKeyRef' in valueFrom!) sources++;
  if (sources === 0) {
    const all = '`fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`';
    errors.push(invalid(path, '', `must specify one of: ${all}`));
  }
  if ((value ?? '') !== '') {
    if (sources !== 0) errors.push(invalid(path, '', 'may not be specified when `value` is not empty'));
  } else if (sources > 1) errors.push(invalid(path, '', 'may not have more than one field specified at a time'));
}

function validateKeySelector(
  { name, key }: { name?: string; key: string },
  path: FieldPath,
  errors: FieldError[],
): void {
  if ((name ?? '') === '') errors.push(required(path.child('name')));
  if (key === '') errors.push(required(path.child('key')));
  else checkAll(isConfigMapKey(key), path.child('key'), key, errors);
}

export function validateEnvFrom(
  sources: readonly EnvFromSource[] | undefined,
  path: FieldPath,
  errors: FieldError[],
): void {
  if (sources === undefined) return;
  for (const [i, { prefix, configMapRef, secretRef }] of sources.entries()) {
    const at = path.index(i);
    if ((prefix ?? '') !== '') checkAll(isRelaxedEnvVarName(prefix!), at.child('prefix'), prefix, errors);
    if (configMapRef !== undefined && (configMapRef.name ?? '') === '') {
      errors.push(required(at.child('configMapRef').child('name')));
    }
    if (secretRef !== undefined && (secretRef.name ?? '') === '') {
      errors.push(required(at.child('secretRef').child('name')));
    }
    if (configMapRef === undefined && secretRef === undefined) {
      errors.push(invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`'));
    } else if (configMapRef !== undefined && secretRef !== undefined) {
      errors.push(invalid(path, '', 'may not have more than one field specified at a time'));
    }
  }
}

/** Fields of the pod that environment variables may show, sorted. */
const envFieldPaths = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];

/** Fields of the pod that files may show, sorted. */
export const volumeFieldPaths = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];

const knownFieldPaths = new Set([
  ...envFieldPaths,
  ...volumeFieldPaths,
  'spec.host',
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
]);

export function validateFieldRef(
  { apiVersion = '', fieldPath }: ObjectFieldSelector,
  supported: readonly string[],
  path: FieldPath,
  errors: FieldError[],
): void {
  if (apiVersion === '') {
    errors.push(required(path.child('apiVersion')));
    return;
  }
  if (fieldPath === '') {
    errors.push(required(path.child('fieldPath')));
    return;
  }
  const at = path.child('fieldPath');
  const subscripted = /^(.*)\['(.*)'\]$/.exec(fieldPath);
  const name = subscripted?.[1] ?? fieldPath;
  const problem = conversionProblem(apiVersion, name, subscripted !== null);
  if (problem !== undefined) {
    errors.push(invalid(at, fieldPath, `error converting fieldPath: ${problem}`));
  } else if (subscripted !== null) {
    const key = name === 'metadata.annotations' ? subscripted[2]!.toLowerCase() : subscripted[2]!;
    checkAll(isQualifiedName(key), path, key, errors);
  } else {
    const internal = name === 'spec.host' ? 'spec.nodeName' : name;
    if (!supported.includes(internal)) errors.push(notSupported(at, internal, supported));
  }
}

function conversionProblem(apiVersion: string, name: string, subscripted: boolean): string | undefined {
  if (apiVersion !== 'v1') return `unsupported pod version: ${apiVersion}`;
  if (subscripted) {
    return name === 'metadata.annotations' || name === 'metadata.labels'
      ? undefined
      : `field label does not support subscript: ${name}`;
  }
  return knownFieldPaths.has(name) ? undefined : `field label not supported: ${name}`;
}

const resourceFields = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];

const byteDivisors = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

/** `inVolume`: the container must be named, as files belong to none. */
export function validateResourceFieldRef(
  { containerName = '', resource, divisor }: ResourceFieldSelector,
  inVolume: boolean,
  path: FieldPath,
  errors: FieldError[],
): void {
  const hugePages = /^(limits|requests)\.hugepages-/.test(resource);
  if (inVolume && containerName === '') errors.push(required(path.child('containerName')));
  else if (resource === '') errors.push(required(path.child('resource')));
  else if (!resourceFields.includes(resource) && !hugePages) {
    errors.push(notSupported(path.child('resource'), resource, resourceFields));
  }
  if (divisor === undefined || Quantity.parse(divisor).isZero) return;
  const refuse = (values: readonly string[], of: string): void => {
    if (values.includes(divisor)) return;
    const all = values.length === 2 ? values.join(' and ') : values.join(', ');
    errors.push(
      invalid(path.child('divisor'), resource, `only divisor's values ${all} are supported with the ${of} resource`),
    );
  };
  if (resource.endsWith('.cpu')) refuse(['1m', '1'], 'cpu');
  else if (resource.endsWith('.memory')) refuse(byteDivisors, 'memory');
  else if (resource.endsWith('.ephemeral-storage')) refuse(byteDivisors, 'local ephemeral storage');
  else if (hugePages) refuse(byteDivisors, 'hugepages');
}
