/**
 * A ClusterRole with an aggregation rule has the rules of those that it selects. Source:
 * `k8s.io/kubernetes/pkg/controller/clusterroleaggregation`.
 */
import { ClusterRole } from '../../client/kinds.ts';
import { deepEqual, type JsonObject } from '../../machinery/json.ts';
import { LabelSelector, type LabelSelectorSpec } from '../../machinery/label-selector.ts';
import type { Cache } from '../../runtime/index.ts';
import type { ControllerModule } from '../controller-module.ts';

type PolicyRule = NonNullable<ClusterRole['rules']>[number];

const name = 'clusterrole-aggregation-controller';

export const clusterRoleAggregationController: ControllerModule = {
  name,
  add(manager) {
    const roles = manager.cache(ClusterRole);
    manager
      .controller(name, { for: ClusterRole })
      // Whatever changes may be selected by any that aggregates.
      .watches(ClusterRole, () => aggregating(roles).map(({ metadata }) => ({ name: metadata.name! })))
      .reconcile(async (role, context) => {
        if (role.aggregationRule == null) return;
        const rules = aggregatedRules(role, roles);
        if (deepEqual(rules, role.rules ?? [])) return;
        const { apiVersion, kind, metadata } = role;
        await context.client
          .resource(ClusterRole)
          .apply(
            { apiVersion, kind, metadata: { name: metadata.name }, rules } as unknown as JsonObject & ClusterRole,
            {
              fieldManager: name,
              force: true,
            },
          );
      });
  },
};

function aggregating(roles: Cache<ClusterRole>): ClusterRole[] {
  return roles.list().filter(({ aggregationRule }) => aggregationRule != null);
}

/** In the order of the selectors and of the names, each rule once. */
function aggregatedRules({ metadata, aggregationRule }: ClusterRole, roles: Cache<ClusterRole>): PolicyRule[] {
  const sorted = [...roles.list()].sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1));
  const rules: PolicyRule[] = [];
  for (const spec of aggregationRule?.clusterRoleSelectors ?? []) {
    const selector = LabelSelector.fromSpec(spec as LabelSelectorSpec);
    for (const role of sorted) {
      if (role.metadata.name === metadata.name || !selector.matches(role.metadata.labels)) continue;
      for (const rule of role.rules ?? []) if (!rules.some((other) => deepEqual(other, rule))) rules.push(rule);
    }
  }
  return rules;
}
