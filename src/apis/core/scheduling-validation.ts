/** Where a pod may run: affinity, tolerations, spreading, gates. Source: Kubernetes `pkg/apis/core/validation/validation.go`. */
import type * as k8s from '@kubernetes/client-node';
import {
  duplicate,
  type FieldError,
  type FieldPath,
  forbidden,
  invalid,
  notSupported,
  required,
} from '../../machinery/field.ts';
import {
  type LabelSelectorSpec,
  validateLabelName as labelNameErrors,
  validateLabelSelector as labelSelectorErrors,
} from '../../machinery/label-selector.ts';
import { isLabelValue, isQualifiedName, validateNamespaceName } from '../../machinery/names.ts';
import type { Affinity, LabelSelector, PodSpec, Toleration, TopologySpreadConstraint, Wire } from '../types.ts';
import { checkAll, notPositive } from './field-rules.ts';

type NodeSelector = Wire<k8s.V1NodeSelector>;
type NodeSelectorTerm = Wire<k8s.V1NodeSelectorTerm>;
type NodeSelectorRequirement = Wire<k8s.V1NodeSelectorRequirement>;
type PodAffinityTerm = Wire<k8s.V1PodAffinityTerm>;
type PodAffinity = Wire<k8s.V1PodAffinity>;

export function checkLabelSelector(
  selector: LabelSelector | null | undefined,
  path: FieldPath,
  errors: FieldError[],
): void {
  if (selector === undefined || selector === null) return;
  errors.push(...labelSelectorErrors(selector as LabelSelectorSpec, path));
}

export function validateAffinity(affinity: Affinity | undefined, path: FieldPath, errors: FieldError[]): void {
  if (affinity === undefined) return;
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity;
  if (nodeAffinity !== undefined) {
    const at = path.child('nodeAffinity');
    const {
      requiredDuringSchedulingIgnoredDuringExecution: hard,
      preferredDuringSchedulingIgnoredDuringExecution: soft,
    } = nodeAffinity;
    if (hard !== undefined) {
      validateNodeSelector(hard, at.child('requiredDuringSchedulingIgnoredDuringExecution'), errors);
    }
    for (const [i, { weight, preference }] of (soft ?? []).entries()) {
      const each = at.child('preferredDuringSchedulingIgnoredDuringExecution').index(i);
      checkWeight(weight, each, errors);
      validateNodeSelectorTerm(preference, each.child('preference'), errors);
    }
  }
  validatePodAffinity(podAffinity, path.child('podAffinity'), errors);
  validatePodAffinity(podAntiAffinity, path.child('podAntiAffinity'), errors);
}

function checkWeight(weight: number, path: FieldPath, errors: FieldError[]): void {
  if (weight <= 0 || weight > 100) errors.push(invalid(path.child('weight'), weight, 'must be in the range 1-100'));
}

export function validateNodeSelector({ nodeSelectorTerms }: NodeSelector, path: FieldPath, errors: FieldError[]): void {
  const at = path.child('nodeSelectorTerms');
  if ((nodeSelectorTerms?.length ?? 0) === 0) {
    errors.push(required(at, 'must have at least one node selector term'));
    return;
  }
  for (const [i, term] of nodeSelectorTerms.entries()) validateNodeSelectorTerm(term, at.index(i), errors);
}

function validateNodeSelectorTerm(
  { matchExpressions, matchFields }: NodeSelectorTerm,
  path: FieldPath,
  errors: FieldError[],
): void {
  for (const [i, requirement] of (matchExpressions ?? []).entries()) {
    validateNodeSelectorRequirement(requirement, path.child('matchExpressions').index(i), errors);
  }
  for (const [i, requirement] of (matchFields ?? []).entries()) {
    validateNodeFieldRequirement(requirement, path.child('matchFields').index(i), errors);
  }
}

function validateNodeSelectorRequirement(
  { key, operator, values = [] }: NodeSelectorRequirement,
  path: FieldPath,
  errors: FieldError[],
): void {
  const at = path.child('values');
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) errors.push(required(at, "must be specified when `operator` is 'In' or 'NotIn'"));
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) {
        errors.push(forbidden(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      }
      break;
    case 'Gt':
    case 'Lt':
      if (values.length !== 1)
        errors.push(required(at, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
      break;
    default:
      errors.push(invalid(path.child('operator'), operator, 'not a valid selector operator'));
  }
  errors.push(...labelNameErrors(key, path.child('key')));
}

function validateNodeFieldRequirement(
  { key, operator, values = [] }: NodeSelectorRequirement,
  path: FieldPath,
  errors: FieldError[],
): void {
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length !== 1) {
      const why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
      errors.push(required(path.child('values'), why));
    }
  } else errors.push(invalid(path.child('operator'), operator, 'not a valid selector operator'));
  if (key !== 'metadata.name') errors.push(invalid(path.child('key'), key, 'not a valid field selector key'));
}

function validatePodAffinity(affinity: PodAffinity | undefined, path: FieldPath, errors: FieldError[]): void {
  if (affinity === undefined) return;
  const {
    requiredDuringSchedulingIgnoredDuringExecution: hard,
    preferredDuringSchedulingIgnoredDuringExecution: soft,
  } = affinity;
  for (const [i, term] of (hard ?? []).entries()) {
    validatePodAffinityTerm(term, path.child('requiredDuringSchedulingIgnoredDuringExecution').index(i), errors);
  }
  for (const [i, { weight, podAffinityTerm }] of (soft ?? []).entries()) {
    const each = path.child('preferredDuringSchedulingIgnoredDuringExecution').index(i);
    checkWeight(weight, each, errors);
    validatePodAffinityTerm(podAffinityTerm, each.child('podAffinityTerm'), errors);
  }
}

function validatePodAffinityTerm(term: PodAffinityTerm, path: FieldPath, errors: FieldError[]): void {
  checkLabelSelector(term.labelSelector, path.child('labelSelector'), errors);
  checkLabelSelector(term.namespaceSelector, path.child('namespaceSelector'), errors);
  for (const name of term.namespaces ?? [])
    checkAll(validateNamespaceName(name), path.child('namespace'), name, errors);
  validateMatchLabelKeys(term.matchLabelKeys, term.labelSelector, path.child('matchLabelKeys'), errors);
  validateMatchLabelKeys(term.mismatchLabelKeys, term.labelSelector, path.child('mismatchLabelKeys'), errors);
  if (term.topologyKey === '') errors.push(required(path.child('topologyKey'), 'can not be empty'));
  errors.push(...labelNameErrors(term.topologyKey, path.child('topologyKey')));
}

function validateMatchLabelKeys(
  keys: readonly string[] | undefined,
  selector: LabelSelector | undefined,
  path: FieldPath,
  errors: FieldError[],
): void {
  if (keys === undefined || keys.length === 0) return;
  if (selector === undefined) {
    errors.push(forbidden(path, 'must not be specified when labelSelector is not set'));
    return;
  }
  for (const [i, key] of keys.entries()) errors.push(...labelNameErrors(key, path.index(i)));
}

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function checkTaintEffect(effect: string, allowEmpty: boolean, path: FieldPath, errors: FieldError[]): void {
  if (effect === '' && !allowEmpty) errors.push(required(path));
  else if (effect !== '' && !effects.includes(effect)) errors.push(notSupported(path, effect, effects));
}

export function validateTolerations(
  tolerations: readonly Toleration[] | undefined,
  path: FieldPath,
  errors: FieldError[],
): void {
  for (const [i, toleration] of (tolerations ?? []).entries()) {
    const at = path.index(i);
    const { key = '', operator = '', value = '', effect = '', tolerationSeconds } = toleration;
    if (key !== '') errors.push(...labelNameErrors(key, at.child('key')));
    else if (operator !== 'Exists') {
      const why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.push(invalid(at.child('operator'), operator, why));
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      errors.push(invalid(at.child('effect'), effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    }
    switch (operator) {
      case 'Equal':
      case '': {
        const problems = isLabelValue(value);
        if (problems.length > 0) errors.push(invalid(at.child('operator'), value, problems.join(';')));
        break;
      }
      case 'Exists':
        if (value !== '')
          errors.push(invalid(at.child('operator'), toleration, "value must be empty when `operator` is 'Exists'"));
        break;
      default:
        errors.push(notSupported(at.child('operator'), operator, ['Equal', 'Exists']));
    }
    checkTaintEffect(effect, true, at.child('effect'), errors);
  }
}

const actions = ['DoNotSchedule', 'ScheduleAnyway'];
const policies = ['Honor', 'Ignore'];

export function validateTopologySpread(
  constraints: readonly TopologySpreadConstraint[] | undefined,
  path: FieldPath,
  errors: FieldError[],
): void {
  const seen = new Set<string>();
  for (const [i, constraint] of (constraints ?? []).entries()) {
    const at = path.index(i);
    const { maxSkew, topologyKey, whenUnsatisfiable, minDomains, nodeAffinityPolicy, nodeTaintsPolicy } = constraint;
    if (maxSkew <= 0) errors.push(invalid(at.child('maxSkew'), maxSkew, notPositive));
    if (topologyKey === '') errors.push(required(at.child('topologyKey'), 'can not be empty'));
    else errors.push(...labelNameErrors(topologyKey, at.child('topologyKey')));
    if (!actions.includes(whenUnsatisfiable)) {
      errors.push(notSupported(at.child('whenUnsatisfiable'), whenUnsatisfiable, actions));
    }
    const pair = `{${topologyKey}, ${whenUnsatisfiable}}`;
    if (seen.has(pair)) errors.push(duplicate(at.child('{topologyKey, whenUnsatisfiable}'), pair));
    seen.add(pair);
    if (minDomains !== undefined) {
      if (minDomains <= 0) errors.push(invalid(at.child('minDomains'), minDomains, notPositive));
      if (whenUnsatisfiable !== 'DoNotSchedule') {
        const why = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`;
        errors.push(invalid(at.child('minDomains'), minDomains, why));
      }
    }
    if (nodeAffinityPolicy !== undefined && !policies.includes(nodeAffinityPolicy)) {
      errors.push(notSupported(at.child('nodeAffinityPolicy'), nodeAffinityPolicy, policies));
    }
    if (nodeTaintsPolicy !== undefined && !policies.includes(nodeTaintsPolicy)) {
      errors.push(notSupported(at.child('nodeTaintsPolicy'), nodeTaintsPolicy, policies));
    }
    validateSpreadKeys(constraint, at.child('matchLabelKeys'), errors);
    checkLabelSelector(constraint.labelSelector, at.child('labelSelector'), errors);
  }
}

function validateSpreadKeys(
  { matchLabelKeys, labelSelector }: TopologySpreadConstraint,
  path: FieldPath,
  errors: FieldError[],
): void {
  validateMatchLabelKeys(matchLabelKeys, labelSelector, path, errors);
  const selected = new Set([
    ...Object.keys(labelSelector?.matchLabels ?? {}),
    ...(labelSelector?.matchExpressions ?? []).map(({ key }) => key),
  ]);
  for (const [i, key] of (matchLabelKeys ?? []).entries()) {
    if (selected.has(key)) errors.push(invalid(path.index(i), key, 'exists in both matchLabelKeys and labelSelector'));
  }
}

export function validateGates(
  { readinessGates, schedulingGates }: PodSpec,
  path: FieldPath,
  errors: FieldError[],
): void {
  for (const [i, { conditionType }] of (readinessGates ?? []).entries()) {
    checkAll(
      isQualifiedName(conditionType),
      path.child('readinessGates').index(i).child('conditionType'),
      conditionType,
      errors,
    );
  }
  const seen = new Set<string>();
  for (const [i, { name }] of (schedulingGates ?? []).entries()) {
    const at = path.child('schedulingGates').index(i);
    checkAll(isQualifiedName(name), at, name, errors);
    if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
  }
}
