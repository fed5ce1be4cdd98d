/**
 * What node agents may do: what every node needs, and of Secrets, ConfigMaps, claims, volumes and service accounts those that
 * a pod of the node refers to. Its own Node, Lease and CSINode only; the plugin NodeRestriction guards what is in them.
 * Source: Kubernetes, "Using Node Authorization"; `plugin/pkg/auth/authorizer/node` (node_authorizer.go), KEP-4601.
 */
import {
  type Attributes,
  type Authorizer,
  allow,
  type Decision,
  noOpinion,
  type ResourceAttributes,
  type UserRules,
} from '../apis/authorizer.ts';
import { nodeNameOf } from '../apis/node-identity.ts';
import type { ObjectSource } from '../apis/object-source.ts';
import type { UserInfo } from '../apis/user-info.ts';
import { goQuote } from '../machinery/field.ts';
import { NodeGraph, type ReferredKind } from './node-graph.ts';
import { nodeRules } from './rbac/bootstrap/node-rules.ts';
import { RuleSet } from './rbac/rule-set.ts';

const allowed = allow('');
const refused = (reason: string): Decision => ({ verdict: 'no opinion', reason });

export class NodeAuthorizer implements Authorizer {
  #graph = new NodeGraph();
  readonly #rules = new RuleSet([{ rules: nodeRules, source: 'the rules of nodes' }], []);
  #source: ObjectSource | undefined;
  #following: Promise<void> | undefined;
  #ready = false;

  /** The graph is drawn when the first node asks: clusters without nodes have none. */
  async start(source: ObjectSource): Promise<void> {
    this.#source = source;
  }

  rulesFor(user: UserInfo): UserRules {
    const isNode = nodeNameOf(user) !== undefined;
    return {
      resourceRules: [],
      nonResourceRules: [],
      incomplete: isNode,
      error: isNode ? 'node authorizer does not support user rule resolution' : '',
    };
  }

  authorize(attributes: Attributes): Decision | Promise<Decision> {
    const node = nodeNameOf(attributes.user);
    if (node === undefined) return noOpinion;
    if (node === '') return refused(`unknown node for user ${goQuote(attributes.user.name)}`);
    if (this.#ready) return this.#decide(node, attributes);
    return this.#follow().then(() => this.#decide(node, attributes));
  }

  #follow(): Promise<void> {
    this.#following ??= this.#draw().catch((error: unknown) => {
      // The next request tries again, on a clean sheet.
      this.#following = undefined;
      this.#graph = new NodeGraph();
      throw error;
    });
    return this.#following;
  }

  async #draw(): Promise<void> {
    if (this.#source !== undefined) await this.#graph.follow(this.#source);
    this.#ready = true;
  }

  #decide(node: string, attributes: Attributes): Decision {
    if ('path' in attributes) return this.#byRules(attributes);
    switch (`${attributes.resource}.${attributes.group}`) {
      case 'secrets.':
        return this.#readNamespaced(node, 'secret', attributes);
      case 'configmaps.':
        return this.#readNamespaced(node, 'configmap', attributes);
      case 'persistentvolumeclaims.':
        if (attributes.subresource === 'status') return this.#updateStatus(node, 'pvc', attributes);
        return this.#get(node, 'pvc', attributes);
      case 'persistentvolumes.':
        return this.#get(node, 'pv', attributes);
      case 'volumeattachments.storage.k8s.io':
        return this.#get(node, 'volumeattachment', attributes);
      case 'serviceaccounts.':
        return this.#createToken(node, attributes);
      case 'leases.coordination.k8s.io':
        return lease(node, attributes);
      case 'csinodes.storage.k8s.io':
        return csiNode(node, attributes);
      case 'nodes.':
        return ownNode(node, attributes);
      case 'pods.':
        return this.#pod(node, attributes);
      default:
        return this.#byRules(attributes);
    }
  }

  #byRules(attributes: Attributes): Decision {
    return this.#rules.decide(attributes) === undefined ? noOpinion : allowed;
  }

  #updateStatus(node: string, kind: ReferredKind, attributes: ResourceAttributes): Decision {
    if (attributes.verb !== 'update' && attributes.verb !== 'patch') {
      return refused('can only get/update/patch this type');
    }
    return this.#related(node, kind, attributes);
  }

  #get(node: string, kind: ReferredKind, attributes: ResourceAttributes): Decision {
    if (attributes.verb !== 'get') return refused('can only get individual resources of this type');
    if (attributes.subresource !== '') return refused('cannot get subresource');
    return this.#related(node, kind, attributes);
  }

  /** Lists and watches too, of one object: the name is that of the field selector. */
  #readNamespaced(node: string, kind: ReferredKind, attributes: ResourceAttributes): Decision {
    if (!readVerbs.has(attributes.verb)) return refused('can only read resources of this type');
    if (attributes.subresource !== '') return refused('cannot read subresource');
    if ((attributes.namespace ?? '') === '') return refused('can only read namespaced object of this type');
    return this.#related(node, kind, attributes);
  }

  #createToken(node: string, attributes: ResourceAttributes): Decision {
    if (attributes.verb !== 'create' || attributes.name === '') {
      return refused('can only create tokens for individual service accounts');
    }
    if (attributes.subresource !== 'token') return refused('can only create token subresource of serviceaccount');
    return this.#related(node, 'serviceaccount', attributes);
  }

  #pod(node: string, attributes: ResourceAttributes): Decision {
    const { verb, subresource, fieldSelector = [] } = attributes;
    if (subresource === '') {
      if (verb === 'get') return this.#related(node, 'pod', attributes);
      if (verb === 'list' || verb === 'watch') {
        const own = fieldSelector.some(
          ({ field, operator, value }) => field === 'spec.nodeName' && operator === '=' && value === node,
        );
        if (own) return allowed;
        if (attributes.name !== '') return this.#related(node, 'pod', attributes);
        return refused('can only list/watch pods with spec.nodeName field selector');
      }
      return verb === 'create' || verb === 'delete' ? allowed : noOpinion;
    }
    if (subresource === 'status') return verb === 'update' || verb === 'patch' ? allowed : noOpinion;
    return subresource === 'eviction' && verb === 'create' ? allowed : noOpinion;
  }

  #related(node: string, kind: ReferredKind, { namespace = '', name }: ResourceAttributes): Decision {
    if (name === '') return refused('No Object name found');
    if (this.#graph.reaches(node, kind, namespace, name)) return allowed;
    return refused(`no relationship found between node '${node}' and this object`);
  }
}

const readVerbs = new Set(['get', 'list', 'watch']);
const ownVerbs = new Set(['get', 'create', 'update', 'patch', 'delete']);

function lease(node: string, { verb, namespace, name }: ResourceAttributes): Decision {
  if (!ownVerbs.has(verb)) return refused('can only get, create, update, patch, or delete a node lease');
  if (namespace !== 'kube-node-lease') {
    return refused('can only access leases in the "kube-node-lease" system namespace');
  }
  if (verb !== 'create' && name !== node) {
    return refused('can only access node lease with the same name as the requesting node');
  }
  return allowed;
}

function csiNode(node: string, { verb, subresource, name }: ResourceAttributes): Decision {
  if (!ownVerbs.has(verb)) return refused('can only get, create, update, patch, or delete a CSINode');
  if (subresource !== '') return refused('cannot authorize CSINode subresources');
  if (verb !== 'create' && name !== node) {
    return refused('can only access CSINode with the same name as the requesting node');
  }
  return allowed;
}

function ownNode(node: string, { verb, subresource, name }: ResourceAttributes): Decision {
  if (subresource === 'status') return verb === 'update' || verb === 'patch' ? allowed : noOpinion;
  if (subresource !== '') return noOpinion;
  if (verb === 'create' || verb === 'update' || verb === 'patch') return allowed;
  if (!readVerbs.has(verb)) return noOpinion;
  if (name === node) return allowed;
  const what = name === '' ? 'all nodes' : `'${name}'`;
  return refused(`node '${node}' cannot read ${what}, only its own Node object`);
}
