/** Resource requirements. Source: Kubernetes `pkg/apis/core/validation/validation.go`, ValidateResourceRequirements. */
import {
  duplicate,
  type FieldError,
  type FieldPath,
  forbidden,
  invalid,
  notFoundField,
  required,
} from '../../machinery/field.ts';
import { isQualifiedName } from '../../machinery/names.ts';
import { Quantity, QuantityError } from '../../machinery/quantity.ts';
import type { ResourceRequirements } from '../types.ts';
import { checkAll, negative } from './field-rules.ts';

const computeResources = new Set(['cpu', 'memory']);
const containerResources = new Set([...computeResources, 'ephemeral-storage']);
/** Names without a group that mean something somewhere. */
const standardResources = new Set([
  ...containerResources,
  'storage',
  'requests.cpu',
  'requests.memory',
  'requests.storage',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
]);
const integerResources = new Set([
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
]);

const isHugePages = (name: string): boolean => name.startsWith('hugepages-');
const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');
/** Whether requests may be below the limit, and a limit may be missing. */
const overcommits = (name: string): boolean => isNative(name) && !isHugePages(name);

export function validateResources(
  resources: ResourceRequirements | undefined,
  claimNames: ReadonlySet<string>,
  path: FieldPath,
  errors: FieldError[],
): void {
  if (resources === undefined) return;
  const { limits = {}, requests = {}, claims } = resources;
  const limitsPath = path.child('limits');
  const requestsPath = path.child('requests');
  let compute = false;
  let hugePages = false;
  for (const [name, text] of Object.entries(limits)) {
    const at = limitsPath.key(name);
    validateContainerResourceName(name, at, errors);
    validateQuantity(name, Quantity.parse(text), at, errors);
    if (computeResources.has(name)) compute = true;
    if (isHugePages(name)) {
      hugePages = true;
      validateHugePages(name, text, at, errors);
    }
  }
  for (const [name, text] of Object.entries(requests)) {
    const at = requestsPath.key(name);
    const request = Quantity.parse(text);
    validateContainerResourceName(name, at, errors);
    validateQuantity(name, request, at, errors);
    const limitText = limits[name];
    if (limitText !== undefined) {
      const order = request.compare(Quantity.parse(limitText));
      if (order !== 0 && !overcommits(name)) {
        errors.push(invalid(requestsPath, text, `must be equal to ${name} limit of ${limitText}`));
      } else if (order > 0) {
        errors.push(invalid(requestsPath, text, `must be less than or equal to ${name} limit of ${limitText}`));
      }
    } else if (!overcommits(name)) {
      errors.push(required(limitsPath, 'Limit must be set for non overcommitable resources'));
    }
    if (computeResources.has(name)) compute = true;
    if (isHugePages(name)) {
      hugePages = true;
      validateHugePages(name, text, at, errors);
    }
  }
  if (hugePages && !compute) errors.push(forbidden(path, 'HugePages require cpu or memory'));
  validateClaims(claims, claimNames, path.child('claims'), errors);
}

function validateClaims(
  claims: ResourceRequirements['claims'],
  known: ReadonlySet<string>,
  path: FieldPath,
  errors: FieldError[],
): void {
  const seen = new Set<string>();
  for (const [i, { name }] of (claims ?? []).entries()) {
    const at = path.index(i);
    if (name === '') {
      errors.push(required(at));
      continue;
    }
    if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
    if (!known.has(name)) errors.push(notFoundField(at.child('name'), name));
  }
}

function validateContainerResourceName(name: string, path: FieldPath, errors: FieldError[]): void {
  const problems = isQualifiedName(name);
  checkAll(problems, path, name, errors);
  if (!name.includes('/')) {
    if (problems.length === 0 && !standardResources.has(name) && !isHugePages(name)) {
      errors.push(invalid(path, name, 'must be a standard resource type or fully qualified'));
    }
    if (!containerResources.has(name) && !isHugePages(name)) {
      errors.push(invalid(path, name, 'must be a standard resource for containers'));
    }
  } else if (!isNative(name) && (name.startsWith('requests.') || isQualifiedName(`requests.${name}`).length > 0)) {
    errors.push(invalid(path, name, "doesn't follow extended resource name standard"));
  }
}

export function validateQuantity(name: string, value: Quantity, path: FieldPath, errors: FieldError[]): void {
  if (value.sign < 0) errors.push(invalid(path, value.toString(), negative));
  const integer = integerResources.has(name) || !isNative(name);
  if (integer && value.milliValue() % 1000n !== 0n) errors.push(invalid(path, value.toString(), 'must be an integer'));
}

function validateHugePages(name: string, text: string, path: FieldPath, errors: FieldError[]): void {
  const sizeText = name.slice('hugepages-'.length);
  const value = Quantity.parse(text);
  let size: Quantity;
  try {
    size = Quantity.parse(sizeText);
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error;
    errors.push(invalid(path, text, `invalid huge page size ${sizeText}`));
    return;
  }
  if (size.sign > 0 && value.value() % size.value() !== 0n) {
    errors.push(invalid(path, text, `is not positive integer multiple of ${sizeText}`));
  }
}
