/**
 * Role-based access control: allowed is what a rule of a role allows that a binding gives to the user or to one of its
 * groups. Source: Kubernetes `plugin/pkg/auth/authorizer/rbac`.
 */
import type { Attributes, Authorizer, Decision, UserRules } from '../../apis/authorizer.ts';
import { noOpinion } from '../../apis/authorizer.ts';
import type { ObjectSource } from '../../apis/object-source.ts';
import type { UserInfo } from '../../apis/user-info.ts';
import { RbacPolicy } from './policy.ts';
import type { RuleSet } from './rule-set.ts';

export class RbacAuthorizer implements Authorizer {
  readonly policy: RbacPolicy;

  constructor(policy = new RbacPolicy()) {
    this.policy = policy;
  }

  start(source: ObjectSource): Promise<void> {
    return this.policy.follow(source);
  }

  authorize(attributes: Attributes): Decision {
    const { user } = attributes;
    const everywhere = this.policy.clusterRules(user);
    const decision = everywhere.decide(attributes);
    if (decision !== undefined) return decision;
    const namespace = 'path' in attributes ? '' : (attributes.namespace ?? '');
    if (namespace === '') return undecided(everywhere.errors);
    const here = this.policy.namespaceRules(namespace, user);
    return here.decide(attributes) ?? undecided(joined(everywhere, here));
  }

  rulesFor(user: UserInfo, namespace: string): UserRules {
    const { rules, errors } = this.policy.rulesFor(user, namespace);
    return {
      resourceRules: rules.flatMap(({ verbs, apiGroups = [], resources = [], resourceNames = [] }) =>
        resources.length === 0
          ? []
          : { verbs, apiGroups, resources, ...(resourceNames.length === 0 ? {} : { resourceNames }) },
      ),
      nonResourceRules: rules.flatMap(({ verbs, nonResourceURLs = [] }) =>
        nonResourceURLs.length === 0 ? [] : { verbs, nonResourceURLs },
      ),
      incomplete: false,
      error: aggregate(errors),
    };
  }
}

function joined(a: RuleSet, b: RuleSet): readonly string[] {
  return b.errors.length === 0 ? a.errors : [...a.errors, ...b.errors];
}

function undecided(errors: readonly string[]): Decision {
  return errors.length === 0 ? noOpinion : { verdict: 'no opinion', reason: `RBAC: ${aggregate(errors)}` };
}

/** Several errors as Go's aggregates write them: each once, in brackets when there are several. */
export function aggregate(errors: readonly string[]): string {
  const distinct = [...new Set(errors)];
  return distinct.length > 1 ? `[${distinct.join(', ')}]` : (distinct[0] ?? '');
}
