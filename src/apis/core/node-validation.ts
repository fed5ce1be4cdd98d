/** Source: Kubernetes `pkg/apis/core/validation/validation.go`, ValidateNode and ValidateNodeUpdate. */
import { duplicate, type FieldError, FieldPath, forbidden, invalid, required } from '../../machinery/field.ts';
import { parseCidr } from '../../machinery/ip.ts';
import { deepEqual } from '../../machinery/json.ts';
import { validateLabelName } from '../../machinery/label-selector.ts';
import { isLabelValue } from '../../machinery/names.ts';
import { Quantity } from '../../machinery/quantity.ts';
import type { Node, Taint } from '../types.ts';
import { validateQuantity } from './resource-validation.ts';
import { checkTaintEffect } from './scheduling-validation.ts';

interface AvoidPods {
  readonly preferAvoidPods?: readonly ({
    readonly podSignature?: { readonly podController?: { readonly controller?: boolean } | null } | null;
  } | null)[];
}

const spec = FieldPath.of('spec');
const status = FieldPath.of('status');

export function validateNode(node: Node): FieldError[] {
  const errors: FieldError[] = [];
  validateAvoidedPods(node, errors);
  validateTaints(node.spec?.taints, errors);
  validateResources(node, errors);
  validatePodCidrs(node, errors);
  return errors;
}

const unchanged =
  'node updates may only change labels, taints, or capacity (or configSource, if the DynamicKubeletConfig feature gate is enabled)';

export function validateNodeUpdate(node: Node, old: Node): FieldError[] {
  const errors: FieldError[] = [];
  validateAvoidedPods(node, errors);
  validateResources(node, errors);
  const addresses = new Set<string>();
  for (const [i, address] of (node.status?.addresses ?? []).entries()) {
    const key = `${address.type}/${address.address}`;
    if (addresses.has(key)) errors.push(duplicate(status.child('addresses').index(i), address));
    addresses.add(key);
  }
  const now = node.spec ?? {};
  const was = old.spec ?? {};
  if ((was.podCIDRs?.length ?? 0) > 0) {
    if (!deepEqual(now.podCIDRs, was.podCIDRs)) {
      errors.push(forbidden(spec.child('podCIDRs'), 'node updates may not change podCIDR except from "" to valid'));
    }
  } else validatePodCidrs(node, errors);
  if ((was.providerID ?? '') !== '' && was.providerID !== now.providerID) {
    errors.push(forbidden(spec.child('providerID'), 'node updates may not change providerID except from "" to valid'));
  }
  if (!deepEqual(now.taints, was.taints)) validateTaints(now.taints, errors);
  const rest = ({
    podCIDR: _p,
    podCIDRs: _c,
    providerID: _i,
    taints: _t,
    unschedulable: _u,
    configSource: _s,
    ...fixed
  }: typeof now) => fixed;
  if (!deepEqual(rest(now), rest(was))) errors.push(forbidden('[]', unchanged));
  return errors;
}

const avoidedPods = 'scheduler.alpha.kubernetes.io/preferAvoidPods';

/** The entries of `v1.AvoidPods` must name a controller. Nothing else reads the annotation any more. */
function validateAvoidedPods({ metadata }: Node, errors: FieldError[]): void {
  const text = metadata.annotations?.[avoidedPods] ?? '';
  if (text === '') return;
  const annotations = FieldPath.of('metadata').child('annotations');
  let avoided: AvoidPods | null;
  try {
    avoided = JSON.parse(text) as AvoidPods | null;
  } catch (error) {
    errors.push(invalid(annotations.child('AvoidPods'), avoidedPods, (error as Error).message));
    return;
  }
  const entries = Array.isArray(avoided?.preferAvoidPods) ? avoided.preferAvoidPods : [];
  for (const [i, entry] of entries.entries()) {
    const path = annotations.child(avoidedPods).index(i).child('PodSignature');
    const controller = entry?.podSignature?.podController;
    if (controller === undefined || controller === null) errors.push(required(path));
    else if (controller.controller !== true) {
      errors.push(invalid(path.child('PodController').child('Controller'), false, 'must point to a controller'));
    }
  }
}

function validateTaints(taints: readonly Taint[] | undefined, errors: FieldError[]): void {
  const seen = new Set<string>();
  for (const [i, taint] of (taints ?? []).entries()) {
    // The path is Kubernetes' own.
    const path = FieldPath.of('metadata', 'taints').index(i);
    const { key, value = '', effect } = taint;
    errors.push(...validateLabelName(key, path.child('key')));
    const problems = isLabelValue(value);
    if (problems.length > 0) errors.push(invalid(path.child('value'), value, problems.join(';')));
    checkTaintEffect(effect, false, path.child('effect'), errors);
    const pair = `${key}/${effect}`;
    if (seen.has(pair)) {
      errors.push({ ...duplicate(path, taint), detail: 'taints must be unique by key and effect pair' });
    }
    seen.add(pair);
  }
}

function validateResources(node: Node, errors: FieldError[]): void {
  for (const field of ['capacity', 'allocatable'] as const) {
    for (const [name, text] of Object.entries(node.status?.[field] ?? {})) {
      validateQuantity(name, Quantity.parse(text), status.child(field).key(name), errors);
    }
  }
}

function validatePodCidrs({ spec: { podCIDRs = [] } = {} }: Node, errors: FieldError[]): void {
  const path = spec.child('podCIDRs');
  const valid = podCIDRs.filter((cidr, i) => {
    if (parseCidr(cidr) !== undefined) return true;
    errors.push(invalid(path.index(i), cidr, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'));
    return false;
  });
  const families = new Set(valid.map((cidr) => parseCidr(cidr)?.address.length));
  if (podCIDRs.length > 1 && families.size < podCIDRs.length) {
    errors.push(invalid(path, podCIDRs, 'may specify no more than one CIDR for each IP family'));
  }
  for (const [i, cidr] of podCIDRs.entries()) {
    if (podCIDRs.indexOf(cidr) < i) errors.push(duplicate(path.index(i), cidr));
  }
}
