/**
 * The roles and bindings of a cluster, indexed by whom they concern, and what follows from them for a user.
 *
 * Flow: the server's caches tell of every change ({@link ObjectSource}) → indexes → a {@link RuleSet} for each user and
 * scope, made when it is first asked for and kept until something changes that could concern it.
 * Source: Kubernetes `pkg/registry/rbac/validation/rule.go`.
 */
import type { ObjectHandler, ObjectSource } from '../../apis/object-source.ts';
import { rbacGroup } from '../../apis/rbac/rules.ts';
import type { UserInfo } from '../../apis/user-info.ts';
import { goQuote } from '../../machinery/field.ts';
import { type Grant, RuleSet } from './rule-set.ts';
import type { AnyRole, Binding, PolicyRule, RoleRef, Subject } from './types.ts';

/** Rule sets are forgotten all at once when there are this many: users come and go. */
const maxSets = 16_384;
const clusterScope = '';
const nothing = new RuleSet([], []);

export class RbacPolicy {
  /** By scope: the namespace, or the empty string for cluster roles. */
  readonly #roles = new Map<string, Map<string, readonly PolicyRule[]>>();
  readonly #bindings = new Map<string, BindingIndex>();
  /** By scope, then by user. */
  readonly #sets = new Map<string, Map<string, RuleSet>>();
  #count = 0;

  /** Resolves when the policy is what the cluster's objects say; it stays so. */
  async follow(source: ObjectSource): Promise<void> {
    const handlers: readonly [string, ObjectHandler][] = [
      [
        'clusterroles',
        this.#handler(
          (role) => this.setRole(role as AnyRole),
          (key) => this.deleteRole('', key),
        ),
      ],
      [
        'roles',
        this.#handler(
          (role) => this.setRole(role as AnyRole),
          (key) => this.deleteRole(...split(key)),
        ),
      ],
      [
        'clusterrolebindings',
        this.#handler(
          (binding) => this.setBinding(binding as Binding),
          (key) => this.deleteBinding('', key),
        ),
      ],
      [
        'rolebindings',
        this.#handler(
          (binding) => this.setBinding(binding as Binding),
          (key) => this.deleteBinding(...split(key)),
        ),
      ],
    ];
    await Promise.all(handlers.map(([plural, handler]) => source.follow({ group: rbacGroup, plural }, handler)));
  }

  #handler(set: (object: unknown) => void, remove: (key: string) => void): ObjectHandler {
    const keys = new Set<string>();
    return {
      keep: true,
      set(found) {
        keys.add(found.key);
        set(found.object);
      },
      delete({ key }) {
        keys.delete(key);
        remove(key);
      },
      reset() {
        for (const key of keys) remove(key);
        keys.clear();
      },
    };
  }

  setRole({ metadata, rules }: AnyRole): void {
    const { namespace = clusterScope, name } = metadata;
    const roles = this.#roles.get(namespace) ?? new Map<string, readonly PolicyRule[]>();
    roles.set(name!, rules ?? []);
    this.#roles.set(namespace, roles);
    this.#forget(namespace, true);
  }

  deleteRole(namespace: string, name: string): void {
    const roles = this.#roles.get(namespace);
    roles?.delete(name);
    if (roles?.size === 0) this.#roles.delete(namespace);
    this.#forget(namespace, true);
  }

  setBinding(binding: Binding): void {
    const { namespace = clusterScope } = binding.metadata;
    const index = this.#bindings.get(namespace) ?? new BindingIndex(namespace);
    index.set(binding);
    this.#bindings.set(namespace, index);
    this.#forget(namespace, false);
  }

  deleteBinding(namespace: string, name: string): void {
    const index = this.#bindings.get(namespace);
    index?.delete(name);
    if (index?.size === 0) this.#bindings.delete(namespace);
    this.#forget(namespace, false);
  }

  /** What holds for the user everywhere. */
  clusterRules(user: UserInfo): RuleSet {
    return this.#rules(clusterScope, user);
  }

  /** What holds for the user in a namespace besides. */
  namespaceRules(namespace: string, user: UserInfo): RuleSet {
    return this.#rules(namespace, user);
  }

  /** All rules that hold for the user in a namespace (empty: everywhere), and what could not be resolved. */
  rulesFor(user: UserInfo, namespace: string): { rules: readonly PolicyRule[]; errors: readonly string[] } {
    const sets = [this.clusterRules(user), ...(namespace === '' ? [] : [this.namespaceRules(namespace, user)])];
    return {
      rules: sets.flatMap(({ grants }) => grants.flatMap(({ rules }) => rules)),
      errors: sets.flatMap(({ errors }) => errors),
    };
  }

  /** The rules behind a reference, or why there are none. `namespace`: that of the binding. */
  resolve({ kind, name }: RoleRef, namespace: string): readonly PolicyRule[] | string {
    if (kind !== 'Role' && kind !== 'ClusterRole') return `unsupported role reference kind: ${goQuote(kind)}`;
    const rules = this.#roles.get(kind === 'Role' ? namespace : clusterScope)?.get(name);
    return rules ?? `${kind.toLowerCase()}.${rbacGroup} ${goQuote(name)} not found`;
  }

  #rules(scope: string, user: UserInfo): RuleSet {
    const bindings = this.#bindings.get(scope);
    // Namespaces that do not exist may be asked for without end: nothing is kept for them.
    if (bindings === undefined) return nothing;
    const who = keyOf(user);
    const known = this.#sets.get(scope)?.get(who);
    if (known !== undefined) return known;
    const found = this.#resolveAll(scope, bindings.of(user));
    if (this.#count >= maxSets) this.#forgetAll();
    const sets = this.#sets.get(scope) ?? new Map<string, RuleSet>();
    this.#sets.set(scope, sets.set(who, found));
    this.#count += 1;
    return found;
  }

  #resolveAll(scope: string, bindings: readonly (readonly [Binding, Subject])[]): RuleSet {
    const grants: Grant[] = [];
    const errors: string[] = [];
    for (const [binding, subject] of bindings) {
      const rules = this.resolve(binding.roleRef, scope);
      if (typeof rules === 'string') errors.push(rules);
      else grants.push({ rules, source: sourceOf(binding, subject, scope) });
    }
    return grants.length === 0 && errors.length === 0 ? nothing : new RuleSet(grants, errors);
  }

  /** A change of a cluster role may concern every scope, all others only their own. */
  #forget(scope: string, role: boolean): void {
    if (role && scope === clusterScope) {
      this.#forgetAll();
      return;
    }
    this.#count -= this.#sets.get(scope)?.size ?? 0;
    this.#sets.delete(scope);
  }

  #forgetAll(): void {
    this.#sets.clear();
    this.#count = 0;
  }
}

const keys = new WeakMap<UserInfo, string>();

/** No two users have the same: names may hold any character. */
function keyOf(user: UserInfo): string {
  let key = keys.get(user);
  if (key === undefined) {
    key = JSON.stringify([user.name, ...user.groups]);
    keys.set(user, key);
  }
  return key;
}

/** The bindings of one scope, by the users and groups that they name. */
class BindingIndex {
  readonly #scope: string;
  readonly #byName = new Map<string, Binding>();
  readonly #users = new Map<string, Set<Binding>>();
  readonly #groups = new Map<string, Set<Binding>>();

  constructor(scope: string) {
    this.#scope = scope;
  }

  get size(): number {
    return this.#byName.size;
  }

  set(binding: Binding): void {
    this.delete(binding.metadata.name!);
    this.#byName.set(binding.metadata.name!, binding);
    for (const subject of binding.subjects ?? []) {
      const index = subject.kind === 'Group' ? this.#groups : this.#users;
      const who = this.#nameOf(subject);
      if (who === undefined) continue;
      const bindings = index.get(who);
      if (bindings === undefined) index.set(who, new Set([binding]));
      else bindings.add(binding);
    }
  }

  delete(name: string): void {
    const binding = this.#byName.get(name);
    if (binding === undefined) return;
    this.#byName.delete(name);
    for (const subject of binding.subjects ?? []) {
      const index = subject.kind === 'Group' ? this.#groups : this.#users;
      const who = this.#nameOf(subject);
      const bindings = who === undefined ? undefined : index.get(who);
      bindings?.delete(binding);
      if (bindings?.size === 0) index.delete(who!);
    }
  }

  /** The bindings that apply to a user, in the order of their names, each with its first subject that is the user. */
  of(user: UserInfo): [Binding, Subject][] {
    const found = new Set(this.#users.get(user.name));
    for (const group of user.groups) for (const binding of this.#groups.get(group) ?? []) found.add(binding);
    return [...found]
      .sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1))
      .map((binding) => [binding, binding.subjects!.find((subject) => this.#isUser(subject, user))!]);
  }

  #isUser(subject: Subject, user: UserInfo): boolean {
    const who = this.#nameOf(subject);
    if (who === undefined) return false;
    return subject.kind === 'Group' ? user.groups.includes(who) : user.name === who;
  }

  /** The user or group that a subject is. A service account without a namespace is one of the binding's own. */
  #nameOf({ kind, name, namespace = '' }: Subject): string | undefined {
    if (kind === 'User' || kind === 'Group') return name;
    if (kind !== 'ServiceAccount') return undefined;
    const home = namespace === '' ? this.#scope : namespace;
    return home === '' ? undefined : `system:serviceaccount:${home}:${name}`;
  }
}

function sourceOf({ metadata, roleRef }: Binding, subject: Subject, scope: string): string {
  const { name } = metadata;
  const binding = scope === clusterScope ? 'ClusterRoleBinding' : 'RoleBinding';
  const bindingName = scope === clusterScope ? name! : `${name}/${scope}`;
  const who = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace || scope}` : subject.name;
  return `${binding} ${goQuote(bindingName)} of ${roleRef.kind} ${goQuote(roleRef.name)} to ${subject.kind} ${goQuote(who)}`;
}

function split(key: string): [string, string] {
  const slash = key.indexOf('/');
  return [key.slice(0, slash), key.slice(slash + 1)];
}
