/** Which requests a policy hears of, and which policies are refused, in Kubernetes' words. */
import assert from 'node:assert/strict';
import type { Attributes } from '../../src/apis/authorizer.ts';
import { type AuditPolicy, compilePolicy, type Level, type PolicyRule } from '../../src/auth/audit/policy.ts';
import { AuditPolicyError, defaultPolicy, parseAuditPolicy } from '../../src/auth/audit/policy-file.ts';

const user = { name: 'ann', groups: ['devs', 'system:authenticated'] };
const about = (resource: string, more: object = {}): Attributes => ({
  user,
  verb: 'get',
  group: '',
  version: 'v1',
  resource,
  subresource: '',
  namespace: 'shop',
  name: 'x',
  ...more,
});
const path = (path: string): Attributes => ({ user, verb: 'get', path });

/** The level that the rule gives, or that of a last one that matches everything. */
const levelOf = (rule: Partial<PolicyRule>, attributes: Attributes): Level =>
  compilePolicy({ rules: [{ level: 'Request', ...rule }, { level: 'None' }] })(attributes).level;

describe('an audit policy', () => {
  const pods = about('pods');
  const matching: readonly [string, Partial<PolicyRule>, Attributes, boolean][] = [
    ['everything', {}, pods, true],
    ['everything, paths too', {}, path('/version'), true],
    ['a user', { users: ['bob', 'ann'] }, pods, true],
    ['another user', { users: ['bob'] }, pods, false],
    ['a group', { userGroups: ['devs'] }, pods, true],
    ['another group', { userGroups: ['ops'] }, pods, false],
    ['a verb', { verbs: ['get'] }, pods, true],
    ['another verb', { verbs: ['list'] }, pods, false],
    ['a namespace', { namespaces: ['shop'] }, pods, true],
    ['another namespace', { namespaces: ['kube-system'] }, pods, false],
    ['no namespace', { namespaces: [''] }, about('nodes', { namespace: undefined }), true],
    ['a namespace, of a path', { namespaces: ['shop'] }, path('/version'), false],
    ['a group of resources', { resources: [{ group: '' }] }, pods, true],
    ['another group of resources', { resources: [{ group: 'apps' }] }, pods, false],
    ['a resource', { resources: [{ resources: ['pods'] }] }, pods, true],
    ['a resource, of its log', { resources: [{ resources: ['pods'] }] }, about('pods', { subresource: 'log' }), false],
    ['a subresource', { resources: [{ resources: ['pods/log'] }] }, about('pods', { subresource: 'log' }), true],
    ['all subresources', { resources: [{ resources: ['pods/*'] }] }, about('pods', { subresource: 'exec' }), true],
    ['all subresources, of the resource', { resources: [{ resources: ['pods/*'] }] }, pods, true],
    ['one of every resource', { resources: [{ resources: ['*/scale'] }] }, about('x', { subresource: 'scale' }), true],
    ['one of every resource, of a resource', { resources: [{ resources: ['*/scale'] }] }, pods, false],
    ['all resources', { resources: [{ resources: ['*'] }] }, about('pods', { subresource: 'log' }), true],
    ['a name', { resources: [{ resources: ['pods'], resourceNames: ['x'] }] }, pods, true],
    ['another name', { resources: [{ resources: ['pods'], resourceNames: ['y'] }] }, pods, false],
    ['a resource, of a path', { resources: [{ group: '' }] }, path('/api/v1'), false],
    ['a path', { nonResourceURLs: ['/version'] }, path('/version'), true],
    ['the beginning of a path', { nonResourceURLs: ['/healthz*'] }, path('/healthz/etcd'), true],
    ['every path', { nonResourceURLs: ['*'] }, path('/metrics'), true],
    ['another path', { nonResourceURLs: ['/api'] }, path('/api/v1'), false],
    ['paths, of a resource', { nonResourceURLs: ['*'] }, pods, false],
  ];
  for (const [title, rule, attributes, matches] of matching) {
    it(`${matches ? 'matches' : 'does not match'} by ${title}`, () => {
      assert.equal(levelOf(rule, attributes), matches ? 'Request' : 'None');
    });
  }

  it('is decided by its first rule that matches, and says nothing of the rest', () => {
    const rules = compilePolicy({
      omitStages: ['RequestReceived'],
      omitManagedFields: true,
      rules: [
        { level: 'None', verbs: ['watch'] },
        { level: 'Metadata', omitStages: ['ResponseStarted'], omitManagedFields: false, users: ['ann'] },
      ],
    });
    const found = rules(pods);
    assert.deepEqual(
      [found.level, [...found.omitStages], found.omitManagedFields],
      ['Metadata', ['RequestReceived', 'ResponseStarted'], false],
    );
    assert.equal(rules(about('pods', { verb: 'watch' })).level, 'None');
    assert.equal(rules(about('pods', { user: { name: 'bob', groups: [] } })).level, 'None');
  });

  it('of nobody’s making hears of everything but health, and of no object', () => {
    const rules = compilePolicy(defaultPolicy);
    for (const resource of ['secrets', 'configmaps', 'pods', 'tokenreviews', 'serviceaccounts']) {
      assert.equal(rules(about(resource, { verb: 'create' })).level, 'Metadata');
    }
    assert.equal(rules(path('/livez')).level, 'None');
    assert.equal(rules(path('/metrics')).level, 'Metadata');
  });
});

describe('the file of an audit policy', () => {
  const file = (policy: object): AuditPolicy =>
    parseAuditPolicy(JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', ...policy }), 'p.yaml');

  it('is read as the documentation writes it', () => {
    const text = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages:
  - "RequestReceived"
rules:
  - level: RequestResponse
    resources:
    - group: ""
      resources: ["pods"]
  - level: None
    users: ["system:kube-proxy"]
    verbs: ["watch"]
    resources:
    - group: ""
      resources: ["endpoints", "services"]
  - level: None
    userGroups: ["system:authenticated"]
    nonResourceURLs:
    - "/api*"
    - "/version"
  - level: Metadata
    unknown: is passed over
    namespaces:
`;
    const rules = compilePolicy(parseAuditPolicy(text, 'p.yaml'));
    assert.equal(rules(about('pods')).level, 'RequestResponse');
    assert.equal(rules(path('/api/v1')).level, 'None');
    assert.equal(rules(about('secrets')).level, 'Metadata');
  });

  const refused: readonly [string, object, string][] = [
    ['no rules', { rules: [] }, 'loaded illegal policy with 0 rules'],
    ['another kind', { kind: 'Event' }, 'unknown group version field audit.k8s.io/v1, Kind=Event in policy'],
    ['no level', { rules: [{}] }, 'rules[0].level: Required value'],
    [
      'another level',
      { rules: [{ level: 'All' }] },
      'rules[0].level: Unsupported value: "All": supported values: "None", "Metadata", "Request", "RequestResponse"',
    ],
    [
      'another stage',
      { omitStages: ['Later'], rules: [{ level: 'None' }] },
      'omitStages[0]: Invalid value: "Later": allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic',
    ],
    [
      'a relative path',
      { rules: [{ level: 'None', nonResourceURLs: ['version'] }] },
      `rules[0].nonResourceURLs[0]: Invalid value: "version": non-resource URL rules must begin with a '/' character`,
    ],
    [
      'a wildcard within a path',
      { rules: [{ level: 'None', nonResourceURLs: ['/a/*/b'] }] },
      `rules[0].nonResourceURLs[0]: Invalid value: "/a/*/b": non-resource URL wildcards '*' must be the final character of the rule`,
    ],
    [
      'resources and paths',
      { rules: [{ level: 'None', nonResourceURLs: ['/a'], namespaces: ['b'] }] },
      'rules[0].nonResourceURLs: Invalid value: ["/a"]: rules cannot apply to both regular resources and non-resource URLs',
    ],
    [
      'names of no resource',
      { rules: [{ level: 'None', resources: [{ resourceNames: ['a'] }] }] },
      'rules[0].resources.resourceNames: Invalid value: ["a"]: using resourceNames requires at least one resource',
    ],
    [
      'a value of another type',
      { rules: [{ level: 'None', users: 'ann' }] },
      'failed decoding: rules[0].users must be a list',
    ],
  ];
  for (const [title, policy, message] of refused) {
    it(`is refused with ${title}`, () => {
      assert.throws(
        () => file(policy),
        (error) => {
          assert.ok(error instanceof AuditPolicyError);
          assert.equal(error.message, `${message}: from file p.yaml`);
          return true;
        },
      );
    });
  }

  it('names a group by its name alone', () => {
    const policy = { rules: [{ level: 'None', resources: [{ group: 'apps/v1' }] }, {}] };
    assert.throws(
      () => file(policy),
      /^AuditPolicyError: \[rules\[0\]\.resources\.group: Invalid value: "apps\/v1": a lowercase RFC 1123 subdomain .*, rules\[1\]\.level: Required value\]: from file p\.yaml$/,
    );
  });
});
