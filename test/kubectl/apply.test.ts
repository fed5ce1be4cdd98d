/** Declarative changes: apply in all its ways, diff, replace, edit. */
import { describeKubectl, gadgets } from './transcript.ts';

describeKubectl('apply, replace and edit', { resources: [gadgets], controllers: ['*'], nodes: 1 }, (session) => {
  it('creates, changes and removes what is no longer said: a built-in kind', () =>
    session().expect(`
      $ kubectl apply -f deployment.yaml
      deployment.apps/web created
      $ kubectl apply -f deployment.yaml
      deployment.apps/web unchanged
      $ kubectl diff -f deployment.yaml
      $ kubectl apply -f deployment-changed.yaml --dry-run=client
      deployment.apps/web configured (dry run)
      $ kubectl apply -f deployment-changed.yaml --dry-run=server
      deployment.apps/web configured (server dry run)
      $ kubectl get deployment web -o jsonpath={.metadata.labels}
      {"app":"web","tier":"front"}
      $ kubectl apply -f deployment-changed.yaml
      deployment.apps/web configured
      $ kubectl get deployment web -o jsonpath={.metadata.labels}{.spec.template.spec.containers[0].env}
      {"app":"web"}[{"name":"A","value":"1"}]
      $ kubectl apply view-last-applied deployment/web
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        annotations: {}
        labels:
          app: web
        name: web
        namespace: default
      spec:
        replicas: 1
        selector:
          matchLabels:
            app: web
        template:
          metadata:
            labels:
              app: web
          spec:
            containers:
            - env:
              - name: A
                value: "1"
              image: nginx:1
              name: main
    `));

  it('creates, changes and removes what is no longer said: a custom resource', () =>
    session().expect(`
      $ kubectl apply -f gadget.yaml
      gadget.shop.example.com/one created
      $ kubectl apply -f gadget.yaml
      gadget.shop.example.com/one unchanged
      $ kubectl diff -f gadget.yaml
      $ kubectl apply -f gadget-changed.yaml --dry-run=client
      gadget.shop.example.com/one configured (dry run)
      $ kubectl apply -f gadget-changed.yaml --dry-run=server
      gadget.shop.example.com/one configured (server dry run)
      $ kubectl get gadget one -o jsonpath={.spec}
      {"color":"red","parts":[{"name":"a","weight":1}],"size":2}
      $ kubectl apply -f gadget-changed.yaml
      gadget.shop.example.com/one configured
      $ kubectl get gadget one -o jsonpath={.spec}
      {"parts":[{"name":"a","weight":1}],"size":3}
      $ kubectl apply view-last-applied gadget one -o json
      {
        "apiVersion": "shop.example.com/v1",
        "kind": "Gadget",
        "metadata": {
          "annotations": {},
          "labels": {
            "app": "a"
          },
          "name": "one",
          "namespace": "default"
        },
        "spec": {
          "parts": [
            {
              "name": "a",
              "weight": 1
            }
          ],
          "size": 3
        }
      }
    `));

  it('keeps what others added, in a three-way merge', () =>
    session().expect(`
      $ kubectl label deployment web added=here
      deployment.apps/web labeled
      $ kubectl set env deployment/web C=3
      deployment.apps/web env updated
      $ kubectl scale deployment web --replicas=3
      deployment.apps/web scaled
      $ kubectl patch gadget one --type=merge -p '{"metadata":{"labels":{"added":"here"}},"spec":{"color":"blue"}}'
      gadget.shop.example.com/one patched
      $ kubectl apply -f deployment.yaml
      deployment.apps/web configured
      $ kubectl get deployment web -o jsonpath={.metadata.labels}{.spec.replicas}{.spec.template.spec.containers[0].env[*].name}
      {"added":"here","app":"web","tier":"front"}1A B C
      $ kubectl apply -f gadget-changed.yaml
      gadget.shop.example.com/one unchanged
      $ kubectl get gadget one -o jsonpath={.metadata.labels}{.spec}
      {"added":"here","app":"a"}{"color":"blue","parts":[{"name":"a","weight":1}],"size":3}
      $ kubectl apply -f gadget.yaml
      gadget.shop.example.com/one configured
      $ kubectl get gadget one -o jsonpath={.metadata.labels}{.spec}
      {"added":"here","app":"a"}{"color":"red","parts":[{"name":"a","weight":1}],"size":2}
    `));

  it('shows what would change', () =>
    session().expect(`
      36$ kubectl diff -f gadget-changed.yaml
      diff -u -N <word> <word>/shop.example.com.v1.Gadget.default.one
      --- <word>/shop.example.com.v1.Gadget.default.one <any>
      +++ <word>/shop.example.com.v1.Gadget.default.one <any>
      @@ -5,7 +5,7 @@
           kubectl.kubernetes.io/last-applied-configuration: |
             {"apiVersion":"shop.example.com/v1","kind":"Gadget","metadata":{"annotations":{},"labels":{"app":"a"},"name":"one","namespace":"default"},"spec":{"color":"red","parts":[{"name":"a","weight":1}],"size":2}}
         creationTimestamp: "<time>"
      -  generation: 4
      +  generation: 5
         labels:
           added: here
           app: a
      @@ -14,8 +14,7 @@
         resourceVersion: "<number>"
         uid: <uid>
       spec:
      -  color: red
         parts:
         - name: a
           weight: 1
      -  size: 2
      +  size: 3
      [1]
    `));

  it('changes what apply remembers', () =>
    session().expect(`
      $ kubectl apply set-last-applied -f gadget-changed.yaml
      gadget.shop.example.com/one configured
      $ kubectl apply view-last-applied -f gadget.yaml -o json
      {
        "apiVersion": "shop.example.com/v1",
        "kind": "Gadget",
        "metadata": {
          "labels": {
            "app": "a"
          },
          "name": "one",
          "namespace": "default"
        },
        "spec": {
          "parts": [
            {
              "name": "a",
              "weight": 1
            }
          ],
          "size": 3
        }
      }
      $ kubectl apply set-last-applied -f pod.yaml
      Error from server (NotFound): pods "p" not found
      [1]
      $ KUBE_EDITOR='sed -i s/size:.3/size:\\ 4/' kubectl apply edit-last-applied gadget/one
      gadget.shop.example.com/one edited
      $ kubectl apply view-last-applied -f gadget.yaml -o yaml
      apiVersion: shop.example.com/v1
      kind: Gadget
      metadata:
        labels:
          app: a
        name: one
        namespace: default
      spec:
        parts:
        - name: a
          weight: 1
        size: 4
      $ kubectl delete gadget,deployment --all
      36|gadget.shop.example.com "one" deleted from default namespace
      36|deployment.apps "web" deleted from default namespace
      20|gadget.shop.example.com "one" deleted
      20|deployment.apps "web" deleted
    `));

  it('server-side: owners, conflicts and what is given up', () =>
    session().expect(`
      $ kubectl apply --server-side -f gadget.yaml
      gadget.shop.example.com/one serverside-applied
      $ kubectl apply --server-side -f gadget.yaml
      gadget.shop.example.com/one serverside-applied
      $ kubectl apply --server-side -f gadget-changed.yaml --field-manager=other
      error: Apply failed with 1 conflict: conflict with "kubectl": .spec.size
      Please review the fields above--they currently have other managers. Here
      are the ways you can resolve this warning:
      * If you intend to manage all of these fields, please re-run the apply
        command with the \`--force-conflicts\` flag.
      * If you do not intend to manage all of the fields, please edit your
        manifest to remove references to the fields that should keep their
        current managers.
      * You may co-own fields by updating your manifest to match the existing
        value; in this case, you'll become the manager if the other manager(s)
        stop managing the field (remove it from their configuration).
      36|See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts
      20|See http://k8s.io/docs/reference/using-api/api-concepts/#conflicts
      [1]
      $ kubectl apply --server-side -f gadget-changed.yaml --field-manager=other --force-conflicts
      gadget.shop.example.com/one serverside-applied
      36$ kubectl get gadget one -o jsonpath={.metadata.managedFields} --show-managed-fields
      [{"apiVersion":"shop.example.com/v1","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:color":{},"f:parts":{"k:{\\"name\\":\\"a\\"}":{".":{},"f:name":{},"f:weight":{}}}}},"manager":"kubectl","operation":"Apply","time":"<time>"},{"apiVersion":"shop.example.com/v1","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:parts":{"k:{\\"name\\":\\"a\\"}":{".":{},"f:name":{},"f:weight":{}}},"f:size":{}}},"manager":"other","operation":"Apply","time":"<time>"}]
      20$ kubectl get gadget one -o jsonpath={.metadata.managedFields}
      [{"apiVersion":"shop.example.com/v1","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:color":{},"f:parts":{"k:{\\"name\\":\\"a\\"}":{".":{},"f:name":{},"f:weight":{}}}}},"manager":"kubectl","operation":"Apply","time":"<time>"},{"apiVersion":"shop.example.com/v1","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:parts":{"k:{\\"name\\":\\"a\\"}":{".":{},"f:name":{},"f:weight":{}}},"f:size":{}}},"manager":"other","operation":"Apply","time":"<time>"}]
      $ kubectl get gadget one -o jsonpath={.spec}
      {"color":"red","parts":[{"name":"a","weight":1}],"size":3}
      $ kubectl apply --server-side -f gadget-changed.yaml
      gadget.shop.example.com/one serverside-applied
      $ kubectl get gadget one -o jsonpath={.spec}
      {"parts":[{"name":"a","weight":1}],"size":3}
      $ kubectl apply --server-side -f gadget.yaml --dry-run=server
      error: Apply failed with 1 conflict: conflict with "other": .spec.size
      Please review the fields above--they currently have other managers. Here
      are the ways you can resolve this warning:
      * If you intend to manage all of these fields, please re-run the apply
        command with the \`--force-conflicts\` flag.
      * If you do not intend to manage all of the fields, please edit your
        manifest to remove references to the fields that should keep their
        current managers.
      * You may co-own fields by updating your manifest to match the existing
        value; in this case, you'll become the manager if the other manager(s)
        stop managing the field (remove it from their configuration).
      36|See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts
      20|See http://k8s.io/docs/reference/using-api/api-concepts/#conflicts
      [1]
      $ kubectl apply --server-side -f gadget.yaml --dry-run=client
      error: --dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)
      [1]
      $ kubectl apply --server-side -f gadget-changed.yaml --field-manager=
      The PatchOptions "" is invalid: fieldManager: Required value: is required for apply patch
      [1]
    `));

  it('server-side: a built-in kind', () =>
    session().expect(`
      $ kubectl apply --server-side -f deployment.yaml
      deployment.apps/web serverside-applied
      $ kubectl apply --server-side -f deployment-changed.yaml
      deployment.apps/web serverside-applied
      $ kubectl get deployment web -o jsonpath={.metadata.labels}{.spec.template.spec.containers[0].env}
      {"app":"web"}[{"name":"A","value":"1"}]
      $ kubectl scale deployment web --replicas=2
      deployment.apps/web scaled
      $ kubectl set env deployment/web A=2
      deployment.apps/web env updated
      $ kubectl apply --server-side -f deployment-changed.yaml
      36|error: Apply failed with 2 conflicts: conflicts with "kubectl" with subresource "scale" using apps/v1:
      20|error: Apply failed with 2 conflicts: conflicts with "kubectl-oldest" with subresource "scale" using apps/v1:
      - .spec.replicas
      conflicts with "kubectl-set" using apps/v1:
      - .spec.template.spec.containers[name="main"].env[name="A"].value
      Please review the fields above--they currently have other managers. Here
      are the ways you can resolve this warning:
      * If you intend to manage all of these fields, please re-run the apply
        command with the \`--force-conflicts\` flag.
      * If you do not intend to manage all of the fields, please edit your
        manifest to remove references to the fields that should keep their
        current managers.
      * You may co-own fields by updating your manifest to match the existing
        value; in this case, you'll become the manager if the other manager(s)
        stop managing the field (remove it from their configuration).
      36|See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts
      20|See http://k8s.io/docs/reference/using-api/api-concepts/#conflicts
      [1]
      $ kubectl apply --server-side -f deployment-changed.yaml --force-conflicts
      deployment.apps/web serverside-applied
      $ kubectl get deployment web -o jsonpath={.spec.replicas}{.spec.template.spec.containers[0].env}
      1[{"name":"A","value":"1"}]
      $ kubectl delete gadget,deployment --all
      36|gadget.shop.example.com "one" deleted from default namespace
      36|deployment.apps "web" deleted from default namespace
      20|gadget.shop.example.com "one" deleted
      20|deployment.apps "web" deleted
    `));

  it('moves from client-side to server-side', () =>
    session().expect(`
      $ kubectl apply -f gadget.yaml
      gadget.shop.example.com/one created
      $ kubectl apply --server-side -f gadget-changed.yaml
      gadget.shop.example.com/one serverside-applied
      36$ kubectl get gadget one -o jsonpath={.metadata.managedFields[*].manager}{.metadata.annotations}{.spec} --show-managed-fields
      kubectl-last-applied kubectl{"kubectl.kubernetes.io/last-applied-configuration":"{\\"apiVersion\\":\\"shop.example.com/v1\\",\\"kind\\":\\"Gadget\\",\\"metadata\\":{\\"labels\\":{\\"app\\":\\"a\\"},\\"name\\":\\"one\\",\\"namespace\\":\\"default\\"},\\"spec\\":{\\"parts\\":[{\\"name\\":\\"a\\",\\"weight\\":1}],\\"size\\":3}}\\n"}{"parts":[{"name":"a","weight":1}],"size":3}
      $ kubectl apply -f deployment.yaml
      deployment.apps/web created
      $ kubectl apply --server-side -f deployment-changed.yaml
      deployment.apps/web serverside-applied
      $ kubectl get deployment web -o jsonpath={.metadata.labels}{.spec.template.spec.containers[0].env}
      36|{"app":"web"}[{"name":"A","value":"1"}]
      20|{"app":"web","tier":"front"}[{"name":"A","value":"1"},{"name":"B","value":"2"}]
    `));

  it('validates', () =>
    session().expect(`
      36$ kubectl apply -f gadget-unknown.yaml
      Error from server (BadRequest): error when creating "gadget-unknown.yaml": Gadget in version "v1" cannot be handled as a Gadget: strict decoding error: unknown field "spec.shape"
      [1]
      36$ kubectl apply -f gadget-unknown.yaml --validate=strict
      Error from server (BadRequest): error when creating "gadget-unknown.yaml": Gadget in version "v1" cannot be handled as a Gadget: strict decoding error: unknown field "spec.shape"
      [1]
      36$ kubectl apply -f gadget-unknown.yaml --validate=warn
      gadget.shop.example.com/strict created
      Warning: unknown field "spec.shape"
      36$ kubectl apply -f gadget-unknown.yaml --validate=ignore
      gadget.shop.example.com/strict configured
      36$ kubectl delete gadget strict
      gadget.shop.example.com "strict" deleted from default namespace
      36$ kubectl apply -f deployment-unknown.yaml --validate=strict
      Error from server (BadRequest): error when creating "deployment-unknown.yaml": Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.replica", unknown field "spec.template.spec.containers[0].imagePullPolice"
      [1]
      36$ kubectl apply -f deployment-unknown.yaml --validate=warn
      deployment.apps/strict created
      Warning: unknown field "spec.replica"
      Warning: unknown field "spec.template.spec.containers[0].imagePullPolice"
      36$ kubectl delete deployment strict
      deployment.apps "strict" deleted from default namespace
      20$ kubectl apply -f gadget-unknown.yaml
      error: error validating "gadget-unknown.yaml": error validating data: ValidationError(Gadget.spec): unknown field "shape" in com.example.shop.v1.Gadget.spec; if you choose to ignore these errors, turn validation off with --validate=false
      [1]
      20$ kubectl apply -f gadget-unknown.yaml --validate=false
      gadget.shop.example.com/strict created
      Warning: unknown field "spec.shape"
      20$ kubectl apply -f deployment-unknown.yaml --validate=true
      error: error validating "deployment-unknown.yaml": error validating data: [ValidationError(Deployment.spec): unknown field "replica" in io.k8s.api.apps.v1.DeploymentSpec, ValidationError(Deployment.spec.template.spec.containers[0]): unknown field "imagePullPolice" in io.k8s.api.core.v1.Container]; if you choose to ignore these errors, turn validation off with --validate=false
      [1]
      20$ kubectl apply -f deployment-unknown.yaml --validate=false
      deployment.apps/strict created
      Warning: unknown field "spec.replica"
      Warning: unknown field "spec.template.spec.containers[0].imagePullPolice"
      $ kubectl create --raw /api/v1/namespaces/default/configmaps?fieldValidation=Strict -f configmap-duplicate.txt
      Error from server (BadRequest): ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "data.a", unknown field "bogus"
      [1]
      $ kubectl create --raw /api/v1/namespaces/default/configmaps?fieldValidation=Sometimes -f configmap-duplicate.txt
      The CreateOptions "" is invalid: fieldValidation: Unsupported value: "Sometimes": supported values: "", "Ignore", "Strict", "Warn"
      [1]
    `));

  it('prunes', () =>
    session().expect(`
      $ kubectl apply -f shelf.yaml
      configmap/kept created
      gadget.shop.example.com/kept created
      configmap/dropped created
      gadget.shop.example.com/dropped created
      36$ kubectl apply -f shelf.yaml
      configmap/kept unchanged
      gadget.shop.example.com/kept unchanged
      configmap/dropped unchanged
      gadget.shop.example.com/dropped unchanged
      36$ kubectl apply -f shelf-smaller.yaml --prune -l shelf=one --prune-allowlist=core/v1/ConfigMap --prune-allowlist=shop.example.com/v1/Gadget
      configmap/kept unchanged
      gadget.shop.example.com/kept unchanged
      configmap/dropped pruned
      gadget.shop.example.com/dropped pruned
      20$ kubectl apply -f shelf-smaller.yaml --prune -l shelf=one --prune-whitelist=core/v1/ConfigMap --prune-whitelist=shop.example.com/v1/Gadget
      configmap/kept unchanged
      gadget.shop.example.com/kept unchanged
      configmap/dropped pruned
      gadget.shop.example.com/dropped pruned
      $ kubectl get configmap,gadget -l shelf=one -o name
      configmap/kept
      gadget.shop.example.com/kept
    `));

  it('replaces', () =>
    session().expect(`
      $ kubectl replace -f gadget.yaml
      gadget.shop.example.com/one replaced
      $ kubectl get gadget one -o jsonpath={.spec}
      {"color":"red","parts":[{"name":"a","weight":1}],"size":2}
      $ kubectl replace -f gadget-changed.yaml --dry-run=server
      gadget.shop.example.com/one replaced (server dry run)
      $ kubectl get gadget one -o jsonpath={.spec.size}
      2
      $ kubectl replace -f deployment.yaml
      deployment.apps/web replaced
      $ kubectl replace --force -f gadget-changed.yaml
      36|gadget.shop.example.com "one" deleted from default namespace
      20|gadget.shop.example.com "one" deleted
      gadget.shop.example.com/one replaced
      $ kubectl get gadget one -o jsonpath={.spec}{.metadata.generation}
      {"parts":[{"name":"a","weight":1}],"size":3}1
      $ kubectl replace --force -f configmap-stale.yaml
      configmap/cm replaced
      $ kubectl replace -f pod.yaml
      Error from server (NotFound): error when replacing "pod.yaml": pods "p" not found
      [1]
    `));

  it('edits', () =>
    session().expect(`
      $ KUBE_EDITOR=true kubectl edit gadget one
      Edit cancelled, no changes made.
      $ KUBE_EDITOR='sed -i s/size:.3/size:\\ 5/' kubectl edit gadget one
      gadget.shop.example.com/one edited
      $ KUBE_EDITOR='sed -i s/replicas:.1/replicas:\\ 2/' kubectl edit deployment/web
      deployment.apps/web edited
      $ kubectl get gadget/one deployment/web -o jsonpath='{.items[*].spec.size}{.items[*].spec.replicas}'
      52
      $ KUBE_EDITOR='sed -i s/size:.5/size:\\ 9/' kubectl edit gadget one
      error: gadgets.shop.example.com "one" is invalid
      A copy of your changes has been stored to "<word>"
      error: Edit cancelled, no valid changes were saved.
      [1]
      $ KUBE_EDITOR='sed -i s/name:.one/name:\\ two/' kubectl edit gadget one
      36|A copy of your changes has been stored to "<word>"
      36|error: At least one of apiVersion, kind and name was changed
      20|error: gadgets.shop.example.com "two" could not be found on the server
      20|The edits you made on deleted resources have been saved to "<word>"
      [1]
    `));
});
