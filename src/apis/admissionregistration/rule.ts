/** Rules say which requests webhooks and policies are about. Source: Kubernetes `pkg/apis/admissionregistration/validation`. */
import type * as k8s from '@kubernetes/client-node';
import { type FieldError, type FieldPath, invalid, notSupported, required } from '../../machinery/field.ts';
import type { Wire } from '../types.ts';

type Rule = Wire<k8s.V1RuleWithOperations>;

const operationNames = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const scopes = ['*', 'Cluster', 'Namespaced'];

export function validateRule(
  rule: Rule,
  path: FieldPath,
  errors: FieldError[],
  supported: readonly string[] = operationNames,
): void {
  const { operations = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule;
  const at = path.child('operations');
  if (operations.length === 0) errors.push(required(at));
  if (operations.length > 1 && operations.includes('*')) {
    errors.push(invalid(at, operations, "if '*' is present, must not specify other operations"));
  }
  for (const [i, operation] of operations.entries()) {
    if (!supported.includes(operation)) errors.push(notSupported(at.index(i), operation, supported));
  }
  const wild = (field: string, values: readonly string[], what: string): void => {
    if (values.length === 0) errors.push(required(path.child(field)));
    if (values.length > 1 && values.includes('*')) {
      errors.push(invalid(path.child(field), values, `if '*' is present, must not specify other ${what}`));
    }
  };
  wild('apiGroups', apiGroups, 'API groups');
  wild('apiVersions', apiVersions, 'API versions');
  for (const [i, version] of apiVersions.entries()) {
    if (version === '') errors.push(required(path.child('apiVersions').index(i)));
  }
  validateResources(resources, path.child('resources'), errors);
  if (scope !== undefined && !scopes.includes(scope)) errors.push(notSupported(path.child('scope'), scope, scopes));
}

function validateResources(resources: readonly string[], path: FieldPath, errors: FieldError[]): void {
  if (resources.length === 0) errors.push(required(path));
  const withAllSubresources = new Set<string>();
  const allOfSubresource = new Set<string>();
  let doubleWildcard = false;
  let single = false;
  let anySubresource = false;
  for (const [i, resource] of resources.entries()) {
    if (resource === '') errors.push(required(path.index(i)));
    if (resource === '*/*') doubleWildcard = true;
    if (resource === '*') single = true;
    const [name = '', sub] = resource.split('/');
    if (sub === undefined) continue;
    anySubresource = true;
    if (withAllSubresources.has(name) && resource !== `${name}/*`) {
      errors.push(invalid(path.index(i), resource, `if '${name}/*' is present, must not specify ${resource}`));
    }
    if (allOfSubresource.has(sub) && resource !== `*/${sub}`) {
      errors.push(invalid(path.index(i), resource, `if '*/${sub}' is present, must not specify ${resource}`));
    }
    if (sub === '*') withAllSubresources.add(name);
    if (name === '*') allOfSubresource.add(sub);
  }
  if (resources.length > 1 && doubleWildcard) {
    errors.push(invalid(path, resources, "if '*/*' is present, must not specify other resources"));
  }
  if (single && resources.length > 1 && !anySubresource) {
    errors.push(invalid(path, resources, "if '*' is present, must not specify other resources without subresources"));
  }
}
