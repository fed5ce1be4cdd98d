/** `kubectl auth can-i`, `can-i --list`, `auth reconcile`, and `--as`. */
import assert from 'node:assert/strict';
import { describeKubectl } from './transcript.ts';

describeKubectl('who may what', {}, (session) => {
  it('is reconciled from manifests', () =>
    session().expect(`
      $ kubectl auth reconcile -f rbac.yaml
      role.rbac.authorization.k8s.io/pod-reader reconciled
      rolebinding.rbac.authorization.k8s.io/pod-readers reconciled
      \treconciliation required create
      \tmissing rules added:
      \t\t{Verbs:[get list] APIGroups:[] Resources:[pods pods/log] ResourceNames:[] NonResourceURLs:[]}
      \t\t{Verbs:[get patch] APIGroups:[apps] Resources:[deployments] ResourceNames:[web] NonResourceURLs:[]}
      \treconciliation required create
      \tmissing subjects added:
      \t\t{Kind:User APIGroup:rbac.authorization.k8s.io Name:ann Namespace:}
      \t\t{Kind:ServiceAccount APIGroup: Name:robot Namespace:default}
    `));

  it('is asked one by one', () =>
    session().expect(`
      $ kubectl auth can-i delete nodes
      yes
      Warning: resource 'nodes' is not namespace scoped

      $ kubectl auth can-i list pods --as ann
      yes
      $ kubectl auth can-i get pods --subresource=log --as ann
      yes
      $ kubectl auth can-i delete pods --as ann
      no
      [1]
      $ kubectl auth can-i list pods --as ann -n kube-system
      no
      [1]
      $ kubectl auth can-i patch deployments.apps/web --as ann
      yes
      $ kubectl auth can-i patch deployments.apps/other --as ann
      no
      [1]
      $ kubectl auth can-i list pods --as system:serviceaccount:default:robot
      yes
      $ kubectl auth can-i get /apis --as ann
      yes
      $ kubectl auth can-i get /metrics --as ann
      no
      [1]
      $ kubectl auth can-i '*' '*'
      yes
    `));

  it('is listed', async () => {
    const { stdout, stderr } = await session().run('kubectl auth can-i --list --as ann --no-headers');
    const lines = stdout.split('\n').map((line) => line.trim().replace(/ +/g, ' '));
    for (const line of [
      'selfsubjectaccessreviews.authorization.k8s.io [] [] [create]',
      'selfsubjectreviews.authentication.k8s.io [] [] [create]',
      'pods [] [] [get list]',
      'pods/log [] [] [get list]',
      'deployments.apps [] [web] [get patch]',
      '[/openapi/*] [] [get]',
    ]) {
      assert.ok(lines.includes(line), `${line} in\n${stdout}`);
    }
    assert.equal(lines.filter((line) => line === '[/version] [] [get]').length, 2, 'of two roles');
    assert.equal(stderr, '');
  });

  it('holds for those who are impersonated', () =>
    session().expect(`
      $ kubectl get pods --as ann
      No resources found in default namespace.
      $ kubectl get secrets --as ann
      Error from server (Forbidden): secrets is forbidden: User "ann" cannot list resource "secrets" in API group "" in the namespace "default"
      [1]
      $ kubectl get pods -A --as ann
      Error from server (Forbidden): pods is forbidden: User "ann" cannot list resource "pods" in API group "" at the cluster scope
      [1]
      $ kubectl get deployment web --as ann
      Error from server (NotFound): deployments.apps "web" not found
      [1]
      $ kubectl create clusterrolebinding all --clusterrole=cluster-admin --user=ann --as ann
      error: failed to create clusterrolebinding: clusterrolebindings.rbac.authorization.k8s.io is forbidden: User "ann" cannot create resource "clusterrolebindings" in API group "rbac.authorization.k8s.io" at the cluster scope
      [1]
    `));

  it('is changed by reconciling, which takes nothing away', () =>
    session().expect(`
      $ kubectl delete rolebinding pod-readers
      36|rolebinding.rbac.authorization.k8s.io "pod-readers" deleted from default namespace
      20|rolebinding.rbac.authorization.k8s.io "pod-readers" deleted
      $ kubectl auth can-i list pods --as ann
      no
      [1]
      $ kubectl auth reconcile -f rbac.yaml
      role.rbac.authorization.k8s.io/pod-reader reconciled
      rolebinding.rbac.authorization.k8s.io/pod-readers reconciled
      \treconciliation required create
      \tmissing subjects added:
      \t\t{Kind:User APIGroup:rbac.authorization.k8s.io Name:ann Namespace:}
      \t\t{Kind:ServiceAccount APIGroup: Name:robot Namespace:default}
      $ kubectl auth can-i list pods --as ann
      yes
    `));
});
