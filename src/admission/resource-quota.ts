/**
 * ResourceQuota: what a namespace may hold in all. Charges every quota concerned in the quota's status, by compare-and-swap,
 * before the object is stored: however many writers there are, the sum never passes the limit. The resource quota
 * controller counts again and gives back what deleted objects, and writes that failed later, had been charged for.
 * Source: Kubernetes `k8s.io/apiserver/pkg/admission/plugin/resourcequota`.
 */
import type { Quantities } from '../apis/core/pod-resources.ts';
import { parseQuantities } from '../apis/core/pod-resources.ts';
import { type QuotaEvaluator, quotaEvaluator } from '../apis/quota/evaluator.ts';
import { matchesScopes } from '../apis/quota/scopes.ts';
import type { ResourceQuota } from '../apis/types.ts';
import { Quantity } from '../machinery/quantity.ts';
import { isReason } from '../machinery/status.ts';
import { type AdmissionPlugin, type AdmissionRequest, admissionForbidden } from './chain.ts';

const quotas = { group: '', plural: 'resourcequotas' };
/** Kinds whose objects may come to need more by an update. */
const growing = new Set(['pods/resize', 'services', 'persistentvolumeclaims']);

export const resourceQuota: AdmissionPlugin = {
  name: 'ResourceQuota',
  validate(request) {
    const { group, resource, subresource, operation, namespace, context } = request;
    if (namespace === undefined || context.dryRun) return;
    const grows = group === '' && growing.has(subresource === '' ? resource : `${resource}/${subresource}`);
    if (!(operation === 'CREATE' && subresource === '') && !(operation === 'UPDATE' && grows)) return;
    // Namespaces have a namespace of their own name; nobody's quota counts them.
    if (group === '' && resource === 'namespaces') return;
    return charge(request);
  },
};

async function charge(request: AdmissionRequest): Promise<void> {
  const { group, resource, namespace, object, access } = request;
  const present = (await access.list(quotas, namespace)) as readonly ResourceQuota[];
  if (present.length === 0) return;
  const evaluator = quotaEvaluator(group, resource);
  const concerned = present.filter(
    (quota) => countedBy(quota, evaluator).length > 0 && matchesScopes(quota, group, resource, object!),
  );
  if (concerned.length === 0) return;
  for (const quota of concerned) checkComplete(request, evaluator, quota);
  const more = additionalUsage(request, evaluator);
  if (more.size === 0) return;
  // All are asked before one is charged.
  for (const quota of concerned) newUsage(request, evaluator, quota, more);
  for (const quota of concerned) await chargeOne(request, evaluator, quota, more);
}

const countedBy = ({ status }: ResourceQuota, evaluator: QuotaEvaluator): string[] =>
  Object.keys(status?.hard ?? {}).filter((name) => evaluator.counts(name));

function checkComplete(request: AdmissionRequest, evaluator: QuotaEvaluator, quota: ResourceQuota): void {
  const names = countedBy(quota, evaluator);
  const missing = request.operation === 'CREATE' ? evaluator.missing?.(request.object!, names) : undefined;
  if (missing !== undefined) throw admissionForbidden(request, `failed quota: ${quota.metadata.name}: ${missing}`);
  if (names.some((name) => quota.status?.used?.[name] === undefined)) {
    const why = `status unknown for quota: ${quota.metadata.name}, resources: ${names.sort().join(',')}`;
    throw admissionForbidden(request, why);
  }
}

/** What the object takes beyond what it took before; never less than nothing. */
function additionalUsage(request: AdmissionRequest, evaluator: QuotaEvaluator): Quantities {
  const { object, oldObject, context } = request;
  const usage = evaluator.usage(object!, context.now);
  const negative = [...usage].filter(([, quantity]) => quantity.sign < 0).map(([name]) => name);
  if (negative.length > 0) {
    throw admissionForbidden(request, `quota usage is negative for resource(s): ${negative.sort().join(',')}`);
  }
  const before = oldObject === undefined ? new Map<string, Quantity>() : evaluator.usage(oldObject, context.now);
  const more: Quantities = new Map();
  for (const [name, quantity] of usage) {
    const difference = quantity.subtract(before.get(name) ?? Quantity.zero);
    if (difference.sign > 0) more.set(name, difference);
  }
  return more;
}

/** @throws StatusError 403 when it is more than there may be */
function newUsage(
  request: AdmissionRequest,
  evaluator: QuotaEvaluator,
  quota: ResourceQuota,
  more: Quantities,
): Record<string, string> {
  const hard = parseQuantities(quota.status?.hard);
  const used = parseQuantities(quota.status?.used);
  const result: Record<string, string> = {};
  const exceeded: string[] = [];
  for (const name of countedBy(quota, evaluator).sort()) {
    const added = more.get(name);
    if (added === undefined) continue;
    const sum = (used.get(name) ?? Quantity.zero).add(added);
    if (sum.compare(hard.get(name)!) > 0) exceeded.push(name);
    result[name] = sum.toString();
  }
  if (exceeded.length > 0) {
    const list = (of: Quantities): string => exceeded.map((name) => `${name}=${of.get(name) ?? '0'}`).join(',');
    const why = `exceeded quota: ${quota.metadata.name}, requested: ${list(more)}, used: ${list(used)}, limited: ${list(hard)}`;
    throw admissionForbidden(request, why);
  }
  return result;
}

async function chargeOne(
  request: AdmissionRequest,
  evaluator: QuotaEvaluator,
  { metadata }: ResourceQuota,
  more: Quantities,
): Promise<void> {
  const change = (draft: object): void => {
    const quota = draft as ResourceQuota;
    const sums = newUsage(request, evaluator, quota, more);
    if (Object.keys(sums).length > 0) quota.status = { ...quota.status, used: { ...quota.status?.used, ...sums } };
  };
  try {
    await request.access.update(quotas, request.namespace, metadata.name!, change, request.context);
  } catch (error) {
    // A quota that has gone limits nothing.
    if (!isReason(error, 'NotFound')) throw error;
  }
}
