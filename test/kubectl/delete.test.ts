/** Deleting: who goes first, who waits, and who stays. */
import { describeKubectl, gadgets } from './transcript.ts';

describeKubectl('delete', { resources: [gadgets], controllers: ['*'], nodes: 1 }, (session) => {
  it('deletes by name, by file, by selector and all', () =>
    session().expect(`
      $ kubectl create -f gadgets.yaml
      gadget.shop.example.com/a created
      gadget.shop.example.com/b created
      gadget.shop.example.com/c created
      $ kubectl delete gadget nosuch
      Error from server (NotFound): gadgets.shop.example.com "nosuch" not found
      [1]
      $ kubectl delete gadget nosuch --ignore-not-found
      $ kubectl delete gadget a nosuch
      36|gadget.shop.example.com "a" deleted from default namespace
      20|gadget.shop.example.com "a" deleted
      Error from server (NotFound): gadgets.shop.example.com "nosuch" not found
      [1]
      $ kubectl delete gadget b --dry-run=client
      36|gadget.shop.example.com "b" deleted from default namespace (dry run)
      20|gadget.shop.example.com "b" deleted (dry run)
      $ kubectl delete gadget b --dry-run=server
      36|gadget.shop.example.com "b" deleted from default namespace (server dry run)
      20|gadget.shop.example.com "b" deleted (server dry run)
      $ kubectl get gadget b -o name
      gadget.shop.example.com/b
      $ kubectl delete gadgets -l tier=back
      36|gadget.shop.example.com "b" deleted from default namespace
      36|gadget.shop.example.com "c" deleted from default namespace
      20|gadget.shop.example.com "b" deleted
      20|gadget.shop.example.com "c" deleted
      $ kubectl get gadgets
      No resources found in default namespace.
      $ kubectl create -f gadgets.yaml
      gadget.shop.example.com/a created
      gadget.shop.example.com/b created
      gadget.shop.example.com/c created
      $ kubectl delete -f gadgets.yaml
      36|gadget.shop.example.com "a" deleted from default namespace
      36|gadget.shop.example.com "b" deleted from default namespace
      36|gadget.shop.example.com "c" deleted from default namespace
      20|gadget.shop.example.com "a" deleted
      20|gadget.shop.example.com "b" deleted
      20|gadget.shop.example.com "c" deleted
      $ kubectl delete -f gadgets.yaml
      Error from server (NotFound): error when deleting "gadgets.yaml": gadgets.shop.example.com "a" not found
      Error from server (NotFound): error when deleting "gadgets.yaml": gadgets.shop.example.com "b" not found
      Error from server (NotFound): error when deleting "gadgets.yaml": gadgets.shop.example.com "c" not found
      [1]
      $ kubectl create -f gadgets.yaml
      gadget.shop.example.com/a created
      gadget.shop.example.com/b created
      gadget.shop.example.com/c created
      $ kubectl delete gadgets --all -o name
      gadget.shop.example.com/a
      gadget.shop.example.com/b
      gadget.shop.example.com/c
      $ kubectl delete gadgets --all
      No resources found
      $ kubectl create configmap a
      configmap/a created
      $ kubectl create configmap b
      configmap/b created
      $ kubectl delete configmap/a configmap/b
      36|configmap "a" deleted from default namespace
      36|configmap "b" deleted from default namespace
      20|configmap "a" deleted
      20|configmap "b" deleted
      $ kubectl delete gadgets --field-selector=metadata.name=a
      No resources found
    `));

  it('leaves pods their time, or none', () =>
    session().expect(`
      $ kubectl create -f pod.yaml
      pod/p created
      $ kubectl wait --for=condition=Ready pod/p --timeout=10s
      pod/p condition met
      $ kubectl delete pod p --grace-period=0 --force
      36|pod "p" force deleted from default namespace
      36|Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.
      20|pod "p" force deleted
      20|warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.
      $ kubectl create -f pod.yaml
      pod/p created
      $ kubectl delete pod p --now
      36|pod "p" deleted from default namespace
      20|pod "p" deleted
      $ kubectl get pod p
      Error from server (NotFound): pods "p" not found
      [1]
      $ kubectl delete pod p --grace-period=5 --force
      error: --force and --grace-period greater than 0 cannot be specified together
      [1]
    `));

  it('waits for what finalizers hold', () =>
    session().expect(`
      $ kubectl create -f gadget-held.yaml
      gadget.shop.example.com/held created
      $ kubectl delete gadget held --timeout=1s
      36|gadget.shop.example.com "held" deleted from default namespace
      20|gadget.shop.example.com "held" deleted
      ...
      error: timed out waiting for the condition on gadgets/held
      [1]
      $ kubectl delete gadget held --wait=false
      36|gadget.shop.example.com "held" deleted from default namespace
      20|gadget.shop.example.com "held" deleted
      $ kubectl get gadget held -o jsonpath={.metadata.finalizers}{.metadata.deletionGracePeriodSeconds}
      ["example.com/hold"]0
      $ kubectl patch gadget held --type=merge -p '{"metadata":{"finalizers":["example.com/hold","example.com/more"]}}'
      The Gadget "held" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/more"}
      [1]
      $ kubectl patch gadget held --type=merge -p '{"spec":{"size":2}}'
      gadget.shop.example.com/held patched
      $ kubectl patch gadget held --type=merge -p '{"metadata":{"finalizers":null}}'
      gadget.shop.example.com/held patched
      $ kubectl get gadget held
      Error from server (NotFound): gadgets.shop.example.com "held" not found
      [1]
    `));

  it('deletes dependents behind the owner', () =>
    session().expect(`
      $ kubectl create deployment web --image=nginx:1 --replicas=2
      deployment.apps/web created
      $ kubectl rollout status deployment/web --timeout=10s
      deployment "web" successfully rolled out
      $ kubectl delete deployment web --cascade=background
      36|deployment.apps "web" deleted from default namespace
      20|deployment.apps "web" deleted
      36$ kubectl wait --for=delete pod -l app=web --timeout=10s
    `));

  it('deletes dependents before the owner', () =>
    session().expect(`
      $ kubectl create deployment web --image=nginx:1 --replicas=2
      deployment.apps/web created
      $ kubectl rollout status deployment/web --timeout=10s
      deployment "web" successfully rolled out
      $ kubectl delete deployment web --cascade=foreground
      36|deployment.apps "web" deleted from default namespace
      20|deployment.apps "web" deleted
      $ kubectl get deployment,replicaset,pod -l app=web
      No resources found in default namespace.
    `));

  it('orphans dependents', () =>
    session().expect(`
      $ kubectl create deployment web --image=nginx:1 --replicas=1
      deployment.apps/web created
      $ kubectl rollout status deployment/web --timeout=10s
      deployment "web" successfully rolled out
      $ kubectl delete deployment web --cascade=orphan
      36|deployment.apps "web" deleted from default namespace
      20|deployment.apps "web" deleted
      $ kubectl get replicaset -l app=web -o jsonpath={.items[*].metadata.ownerReferences}
      $ kubectl delete replicaset -l app=web --cascade=orphan -o name
      replicaset.apps/web-<word>
      $ kubectl get pod -l app=web -o jsonpath={.items[*].metadata.ownerReferences}{.items[*].metadata.deletionTimestamp}
      $ kubectl delete pod -l app=web --now -o name
      pod/web-<word>
    `));

  it('deletes a namespace with what is in it', () =>
    session().expect(`
      $ kubectl create namespace doomed
      namespace/doomed created
      $ kubectl create -f gadgets.yaml -n doomed
      gadget.shop.example.com/a created
      gadget.shop.example.com/b created
      gadget.shop.example.com/c created
      $ kubectl create configmap cm -n doomed
      configmap/cm created
      $ kubectl delete namespace doomed --timeout=15s
      namespace "doomed" deleted
      $ kubectl get namespace doomed
      Error from server (NotFound): namespaces "doomed" not found
      [1]
      $ kubectl get gadgets -n doomed
      No resources found in doomed namespace.
    `));

  it('a namespace that goes takes nothing new', () =>
    session().expect(`
      $ kubectl create namespace doomed
      namespace/doomed created
      $ kubectl create -f gadget-held.yaml -n doomed
      gadget.shop.example.com/held created
      $ kubectl delete namespace doomed --wait=false
      namespace "doomed" deleted
      $ kubectl create configmap cm -n doomed
      36|error: failed to create configmap: configmaps "cm" is forbidden: unable to create new content in namespace doomed because it is being terminated
      20|Error from server (Forbidden): configmaps "cm" is forbidden: unable to create new content in namespace doomed because it is being terminated
      [1]
      $ kubectl get namespace doomed --no-headers
      doomed   Terminating   <age>
      $ kubectl patch gadget held -n doomed --type=merge -p '{"metadata":{"finalizers":[]}}'
      gadget.shop.example.com/held patched
      $ kubectl delete namespace default
      Error from server (Forbidden): namespaces "default" is forbidden: this namespace may not be deleted
      [1]
    `));

  it('deletes a definition with its objects', () =>
    session().expect(`
      $ kubectl create -f gadgets.yaml
      gadget.shop.example.com/a created
      gadget.shop.example.com/b created
      gadget.shop.example.com/c created
      $ kubectl delete crd gadgets.shop.example.com --timeout=15s
      customresourcedefinition.apiextensions.k8s.io "gadgets.shop.example.com" deleted
      $ kubectl get gadgets
      Error from server (NotFound): Unable to list "shop.example.com/v1, Resource=gadgets": the server could not find the requested resource (get gadgets.shop.example.com)
      [1]
    `));
});
