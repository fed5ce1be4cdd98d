/**
 * ResourceQuotas: takes over new limits, counts what is there, and so gives back what deleted objects were charged for.
 * Source: `k8s.io/kubernetes/pkg/controller/resourcequota`.
 *
 * Admission raises `status.used` before the object is stored. A count that ran in between would not see the object, and
 * would free its place for another: usage is lowered only when nobody has charged for a second.
 */
import { addQuantities, type Quantities } from '../../apis/core/pod-resources.ts';
import { countedResources, quotaEvaluator } from '../../apis/quota/evaluator.ts';
import { matchesScopes } from '../../apis/quota/scopes.ts';
import type { ObjectKey, ResourceDefinition } from '../../client/definition.ts';
import { PersistentVolumeClaim, Pod, ResourceQuota, Service } from '../../client/kinds.ts';
import { deepEqual } from '../../machinery/json.ts';
import type { ApiObject } from '../../machinery/object.ts';
import { Quantity } from '../../machinery/quantity.ts';
import type { KeyContext, Result } from '../../runtime/index.ts';
import { keyText } from '../../runtime/key.ts';
import type { ManagerScope } from '../../runtime/manager.ts';
import type { ControllerModule } from '../controller-module.ts';

const name = 'resourcequota-controller';
/** How long after the last charge a count may lower what is charged. */
const settled = 1000;
/** Charges for writes that failed afterwards leave no trace but a difference. */
const recount = 5 * 60_000;

export const resourceQuotaController: ControllerModule = {
  name,
  add(manager) {
    const counter = new QuotaCounter(manager, (key) => controller.queue.add(key));
    const quotas = ({ metadata: { namespace } }: ApiObject): ObjectKey[] =>
      manager
        .cache(ResourceQuota)
        .list(namespace)
        .map(({ metadata }) => ({ namespace: namespace ?? '', name: metadata.name ?? '' }));
    const controller = manager
      .controller(name, { for: ResourceQuota, concurrency: 5 })
      .watches(Pod, quotas, {
        predicate: { added: () => false, updated: (pod, old) => isOver(pod) && !isOver(old) },
      })
      .watches(Service, quotas, { predicate: { added: () => false, updated: hasNewSpec } })
      .watches(PersistentVolumeClaim, quotas, { predicate: { added: () => false, updated: hasNewSpec } })
      .reconcileKey((key, context) => counter.reconcile(key, context));
  },
};

const isOver = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

const hasNewSpec = (object: ApiObject, old: ApiObject): boolean => !deepEqual(object.spec, old.spec);

class QuotaCounter {
  readonly #manager: ManagerScope;
  readonly #enqueue: (key: string) => void;
  /** Caches beyond those that every quota may need, by `<plural>.<group>`. */
  readonly #others = new Map<string, ResourceDefinition<ApiObject>>();
  /** When usage that is to be lowered was last seen to change, by key. */
  readonly #charged = new Map<string, { readonly used: string; readonly at: number }>();

  constructor(manager: ManagerScope, enqueue: (key: string) => void) {
    this.#manager = manager;
    this.#enqueue = enqueue;
  }

  async reconcile(key: ObjectKey, context: KeyContext): Promise<Result> {
    const quota = context.cache(ResourceQuota).get(key);
    if (quota === undefined || quota.metadata.deletionTimestamp !== undefined) {
      this.#charged.delete(keyText(key));
      return undefined;
    }
    const hard = quota.spec?.hard ?? {};
    const counted = await this.#count(quota, context);
    const used = Object.fromEntries(
      Object.keys(hard).flatMap((resource) => {
        const quantity = counted.get(resource);
        return quantity === undefined ? [] : [[resource, quantity.toString()]];
      }),
    );
    const status = quota.status ?? {};
    if (deepEqual(status.hard ?? {}, hard) && sameQuantities(status.used ?? {}, used)) {
      return { requeueAfter: recount };
    }
    const wait = lowers(status.used ?? {}, used) ? this.#quietIn(keyText(key), status.used, context.clock.now()) : 0;
    if (wait > 0) return { requeueAfter: wait };
    await context.client
      .resource(ResourceQuota)
      .updateStatus({ ...quota, status: { ...status, hard: { ...hard }, used } });
    return { requeueAfter: recount };
  }

  /** Milliseconds until nobody has charged the quota for long enough. */
  #quietIn(key: string, charged: Amounts | undefined, now: number): number {
    const used = JSON.stringify(charged);
    let last = this.#charged.get(key);
    if (last?.used !== used) {
      last = { used, at: now };
      this.#charged.set(key, last);
    }
    const wait = last.at + settled - now;
    if (wait <= 0) this.#charged.delete(key);
    return Math.max(0, wait);
  }

  async #count(quota: ResourceQuota, context: KeyContext): Promise<Quantities> {
    const { namespace = '' } = quota.metadata;
    const total: Quantities = new Map();
    const names = Object.keys(quota.spec?.hard ?? {});
    for (const { group, plural } of countedResources(names)) {
      const evaluator = quotaEvaluator(group, plural);
      for (const one of names) if (evaluator.counts(one)) addQuantities(total, new Map([[one, Quantity.zero]]));
      for (const object of await this.#objects(group, plural, namespace, context)) {
        if (!matchesScopes(quota, group, plural, object)) continue;
        const usage = evaluator.usage(object, context.clock.now());
        for (const [one, quantity] of usage) if (total.has(one)) addQuantities(total, new Map([[one, quantity]]));
      }
    }
    return total;
  }

  /** None of what is not served. */
  async #objects(group: string, plural: string, namespace: string, context: KeyContext): Promise<readonly ApiObject[]> {
    const watched = group === '' ? byPlural[plural] : undefined;
    if (watched !== undefined) return context.cache(watched).list(namespace);
    const id = `${plural}.${group}`;
    let definition = this.#others.get(id);
    if (definition === undefined) {
      const served = await context.client.mapper.preferredResources();
      definition = served.find((one) => one.group === group && one.plural === plural && one.namespaced);
      if (definition === undefined) return [];
      this.#others.set(id, definition);
      const cache = this.#manager.cache(definition);
      cache.onChange({ deleted: ({ metadata }) => this.#wake(metadata.namespace ?? '') });
      await cache.whenSynced();
    }
    return this.#manager.cache(definition).list(namespace);
  }

  #wake(namespace: string): void {
    for (const { metadata } of this.#manager.cache(ResourceQuota).list(namespace)) {
      this.#enqueue(`${namespace}/${metadata.name}`);
    }
  }
}

const byPlural: Readonly<Record<string, ResourceDefinition<ApiObject>>> = {
  pods: Pod as ResourceDefinition<ApiObject>,
  services: Service as ResourceDefinition<ApiObject>,
  persistentvolumeclaims: PersistentVolumeClaim as ResourceDefinition<ApiObject>,
};

type Amounts = Readonly<Record<string, string>>;

const sameQuantities = (one: Amounts, other: Amounts): boolean =>
  Object.keys(one).length === Object.keys(other).length &&
  Object.entries(one).every(
    ([key, text]) => other[key] !== undefined && Quantity.parse(text).equals(Quantity.parse(other[key])),
  );

const lowers = (before: Amounts, after: Amounts): boolean =>
  Object.entries(after).some(([key, text]) => {
    const charged = before[key];
    return charged !== undefined && Quantity.parse(text).compare(Quantity.parse(charged)) < 0;
  });
