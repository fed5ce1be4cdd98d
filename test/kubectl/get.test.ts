/** Reading: every form of output, selection and order. */
import assert from 'node:assert/strict';
import { describeKubectl, gadgets } from './transcript.ts';

describeKubectl('get', { resources: [gadgets], controllers: ['*'], nodes: 1 }, (session) => {
  it('prints one object in every form', () =>
    session().expect(`
      $ kubectl create -f gadgets.yaml
      gadget.shop.example.com/a created
      gadget.shop.example.com/b created
      gadget.shop.example.com/c created
      $ kubectl get gadget a
      NAME   SIZE   AGE
      a      3      <age>
      $ kubectl get gadget a -o wide
      NAME   SIZE   AGE   READY
      a      3      <age>
      $ kubectl get gadget a --no-headers
      a     3     <age>
      $ kubectl get gadget a -o name
      gadget.shop.example.com/a
      $ kubectl get gadget/a gadget/b -o name
      gadget.shop.example.com/a
      gadget.shop.example.com/b
      36$ kubectl get gadget a -o yaml
      apiVersion: shop.example.com/v1
      kind: Gadget
      metadata:
        creationTimestamp: "<time>"
        generation: 1
        labels:
          env: prod
          tier: front
        name: a
        namespace: default
        resourceVersion: "<number>"
        uid: <uid>
      spec:
        color: red
        size: 3
      36$ kubectl get gadget a -o json
      {
          "apiVersion": "shop.example.com/v1",
          "kind": "Gadget",
          "metadata": {
              "creationTimestamp": "<time>",
              "generation": 1,
              "labels": {
                  "env": "prod",
                  "tier": "front"
              },
              "name": "a",
              "namespace": "default",
              "resourceVersion": "<number>",
              "uid": "<uid>"
          },
          "spec": {
              "color": "red",
              "size": 3
          }
      }
      $ kubectl get gadget a -o jsonpath={.spec.size}
      3
      $ kubectl get gadget a -o jsonpath='{.spec.nosuch}'
      $ kubectl get gadgets -o jsonpath='{.items[?(@.spec.size>1)].metadata.name}'
      a c
      $ kubectl get gadgets -o jsonpath-file=sizes.jsonpath
      a=3 b=1 c=2
      $ kubectl get gadget a -o go-template={{.spec.color}}
      red
      $ kubectl get gadgets -o go-template-file=sizes.gotemplate
      a=3 b=1 c=2
      $ kubectl get gadgets -o custom-columns=NAME:.metadata.name,COLOR:.spec.color,NONE:.nosuch
      NAME   COLOR   NONE
      a      red     <none>
      b      green   <none>
      c      red     <none>
      $ kubectl get gadgets -o custom-columns-file=sizes.columns
      NAME   SIZE
      a      3
      b      1
      c      2
      $ kubectl get gadget a -o strange
      36|error: unable to match a printer suitable for the output format "strange", allowed formats are: custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,kyaml,name,template,templatefile,wide,yaml
      20|error: unable to match a printer suitable for the output format "strange", allowed formats are: custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,name,template,templatefile,wide,yaml
      [1]
    `));

  it('shows owners when asked', () =>
    session().expect(`
      36$ kubectl get gadget a -o jsonpath={.metadata.managedFields}
      [{"apiVersion":"shop.example.com/v1","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{".":{},"f:env":{},"f:tier":{}}},"f:spec":{".":{},"f:color":{},"f:size":{}}},"manager":"kubectl-create","operation":"Update","time":"<time>"}]
      36$ kubectl get gadget a -o jsonpath={.metadata.managedFields[*].manager} --show-managed-fields
      kubectl-create
    `));

  it('selects by labels', () =>
    session().expect(`
      $ kubectl get gadgets -l tier=back -o name
      gadget.shop.example.com/b
      gadget.shop.example.com/c
      $ kubectl get gadgets -l tier!=back -o name
      gadget.shop.example.com/a
      $ kubectl get gadgets -l 'tier in (back,front),env' -o name
      gadget.shop.example.com/a
      gadget.shop.example.com/b
      $ kubectl get gadgets -l 'tier notin (front)' -o name
      gadget.shop.example.com/b
      gadget.shop.example.com/c
      $ kubectl get gadgets -l '!env' -o name
      gadget.shop.example.com/c
      $ kubectl get gadgets -l tier=none
      No resources found in default namespace.
      $ kubectl get gadgets --show-labels
      NAME   SIZE   AGE   LABELS
      a      3      <age>    env=prod,tier=front
      b      1      <age>    env=prod,tier=back
      c      2      <age>    tier=back
      $ kubectl get gadgets -L tier,env
      NAME   SIZE   AGE   TIER    ENV
      a      3      <age>    front   prod
      b      1      <age>    back    prod
      c      2      <age>    back
    `));

  it('selects by fields', () =>
    session().expect(`
      $ kubectl get gadgets --field-selector=metadata.name=b -o name
      gadget.shop.example.com/b
      $ kubectl get gadgets --field-selector=metadata.name!=b -o name
      gadget.shop.example.com/a
      gadget.shop.example.com/c
      $ kubectl get gadgets --field-selector=spec.color=red -o name
      gadget.shop.example.com/a
      gadget.shop.example.com/c
      $ kubectl get gadgets --field-selector=spec.color=red,metadata.name=c -o name
      gadget.shop.example.com/c
      $ kubectl get gadgets --field-selector=spec.color=red -l env -o name
      gadget.shop.example.com/a
      $ kubectl get namespaces --field-selector=status.phase=Active -o name
      namespace/default
      namespace/kube-node-lease
      namespace/kube-public
      namespace/kube-system
      $ kubectl get nodes --field-selector=spec.unschedulable=true
      No resources found
    `));

  it('sorts, pages and spans namespaces', () =>
    session().expect(`
      $ kubectl get gadgets --sort-by=.spec.size
      NAME   SIZE   AGE
      b      1      <age>
      c      2      <age>
      a      3      <age>
      $ kubectl get gadgets --sort-by=.metadata.name -o name
      gadget.shop.example.com/a
      gadget.shop.example.com/b
      gadget.shop.example.com/c
      $ kubectl get gadgets --chunk-size=1
      NAME   SIZE   AGE
      a      3      <age>
      b      1      <age>
      c      2      <age>
      $ kubectl get gadgets --chunk-size=2 -o name
      gadget.shop.example.com/a
      gadget.shop.example.com/b
      gadget.shop.example.com/c
      $ kubectl create namespace other
      namespace/other created
      $ kubectl create -f gadget.yaml -n other
      gadget.shop.example.com/one created
      $ kubectl get gadgets -A
      NAMESPACE   NAME   SIZE   AGE
      default     a      3      <age>
      default     b      1      <age>
      default     c      2      <age>
      other       one    2      <age>
      $ kubectl get gadgets -A -o name
      gadget.shop.example.com/a
      gadget.shop.example.com/b
      gadget.shop.example.com/c
      gadget.shop.example.com/one
      $ kubectl get gadgets --all-namespaces --no-headers -l app=a
      other   one   2     <age>
      $ kubectl get gadgets -n other
      NAME   SIZE   AGE
      one    2      <age>
    `));

  it('several kinds, categories and short names', () =>
    session().expect(`
      $ kubectl create configmap cm
      configmap/cm created
      $ kubectl create deployment web --image=nginx:1 --replicas=0
      deployment.apps/web created
      $ kubectl get gd a
      NAME   SIZE   AGE
      a      3      <age>
      $ kubectl get gadget.v1.shop.example.com a -o name
      gadget.shop.example.com/a
      $ kubectl get configmap/cm,gadget/a -o name
      error: arguments in resource/name form may not have more than one slash
      [1]
      $ kubectl get configmap/cm gadget/a
      NAME           DATA   AGE
      configmap/cm   0      <age>

      NAME                        SIZE   AGE
      gadget.shop.example.com/a   3      <age>
      $ kubectl get cm,gd -o name
      configmap/cm
      configmap/kube-root-ca.crt
      gadget.shop.example.com/a
      gadget.shop.example.com/b
      gadget.shop.example.com/c
      $ kubectl get all
      NAME                  READY   UP-TO-DATE   AVAILABLE   AGE
      deployment.apps/web   0/0     0            0           <age>

      NAME                             DESIRED   CURRENT   READY   AGE
      replicaset.apps/web-<word>   0         0         0       <age>

      NAME                        SIZE   AGE
      gadget.shop.example.com/a   3      <age>
      gadget.shop.example.com/b   1      <age>
      gadget.shop.example.com/c   2      <age>
      $ kubectl get all -o name
      deployment.apps/web
      replicaset.apps/web-<word>
      gadget.shop.example.com/a
      gadget.shop.example.com/b
      gadget.shop.example.com/c
      $ kubectl get stock -o name
      gadget.shop.example.com/a
      gadget.shop.example.com/b
      gadget.shop.example.com/c
      $ kubectl get -f gadgets.yaml -o name
      gadget.shop.example.com/a
      gadget.shop.example.com/b
      gadget.shop.example.com/c
    `));

  it('what is not there', () =>
    session().expect(`
      $ kubectl get gadget nosuch --ignore-not-found
      $ kubectl get gadget a nosuch
      NAME   SIZE   AGE
      a      3      <age>
      Error from server (NotFound): gadgets.shop.example.com "nosuch" not found
      [1]
      $ kubectl get gadget a nosuch --ignore-not-found
      NAME   SIZE   AGE
      a      3      <age>
      $ kubectl get gadgets -n empty
      No resources found in empty namespace.
      $ kubectl get gadgets -n empty -o name
      $ kubectl get gadgets -l no=such -o yaml
      apiVersion: v1
      items: []
      kind: List
      metadata:
        resourceVersion: ""
      20|  selfLink: ""
      $ kubectl get gadgets -l no=such -o json
      {
          "apiVersion": "v1",
          "items": [],
          "kind": "List",
          "metadata": {
      36|        "resourceVersion": ""
      20|        "resourceVersion": "",
      20|        "selfLink": ""
          }
      }
      $ kubectl get storageclass
      No resources found
    `));

  it('raw paths', () =>
    session().expect(`
      $ kubectl get --raw /apis/shop.example.com
      {"kind":"APIGroup","apiVersion":"v1","name":"shop.example.com","versions":[{"groupVersion":"shop.example.com/v1","version":"v1"}],"preferredVersion":{"groupVersion":"shop.example.com/v1","version":"v1"}}
      $ kubectl get --raw /apis/shop.example.com/v1
      {"kind":"APIResourceList","apiVersion":"v1","groupVersion":"shop.example.com/v1","resources":[{"name":"gadgets","singularName":"gadget","namespaced":true,"kind":"Gadget","verbs":["delete","deletecollection","get","list","patch","create","update","watch"],"shortNames":["gd"],"categories":["all","stock"],"storageVersionHash":"jTaNfRgYGyA="},{"name":"gadgets/status","singularName":"","namespaced":true,"kind":"Gadget","verbs":["get","patch","update"]},{"name":"gadgets/scale","singularName":"","namespaced":true,"group":"autoscaling","version":"v1","kind":"Scale","verbs":["get","patch","update"]}]}
      $ kubectl get --raw /apis/shop.example.com/v1/namespaces/default/gadgets/b/scale
      {"kind":"Scale","apiVersion":"autoscaling/v1","metadata":{"name":"b","namespace":"default","uid":"<uid>","resourceVersion":"<number>","creationTimestamp":"<time>"},"spec":{"replicas":1},"status":{"replicas":0}}
      $ kubectl get --raw /readyz
      ok
      $ kubectl get --raw /livez
      ok
      $ kubectl get --raw /healthz
      ok
    `));

  it('lets subresources be read', () =>
    session().expect(`
      36$ kubectl get gadget a --subresource=status
      NAME   SIZE   AGE
      a      3      <age>
      36$ kubectl get configmap cm --subresource=status
      Error from server (NotFound): the server could not find the requested resource
      [1]
    `));

  it('watches what there is and what becomes of it', async () => {
    const { kubectl } = session();
    await kubectl.ok('label gadget a watched=yes');
    const lines = kubectl.follow('get gadgets --watch --no-headers -l watched');
    try {
      assert.equal(await next(lines), 'a 3');
      await kubectl.ok('scale gadget a --replicas=5');
      assert.equal(await next(lines), 'a 5');
      // What no longer matches is told as deleted, as it was.
      await kubectl.ok('label gadget a watched-');
      await kubectl.ok('label gadget b watched=yes');
      assert.equal(await next(lines), 'a 5');
      assert.equal(await next(lines), 'b 1');
    } finally {
      await lines.return(undefined);
    }
  });

  it('watches from now on', async () => {
    const { kubectl } = session();
    const lines = kubectl.follow('get gadget b --watch-only -o name');
    let first: string | undefined;
    const told = next(lines).then((line) => {
      first = line;
    });
    try {
      // Nothing says when the watch has begun: there are changes until one is told.
      for (let change = 0; first === undefined; change++) await kubectl.ok(`annotate gadget b n=${change} --overwrite`);
      await told;
      assert.equal(first, 'gadget.shop.example.com/b');
    } finally {
      await lines.return(undefined);
    }
  });

  it('tells what happens to objects', async () => {
    const { kubectl } = session();
    const path = '{.type}:{.object.metadata.name}:{.object.spec.size}{"\\n"}';
    const lines = kubectl.follow(`get gadget c -w --output-watch-events -o jsonpath=${path}`);
    try {
      assert.equal(await next(lines), 'ADDED:c:2');
      await kubectl.ok('scale gadget c --replicas=4');
      assert.equal(await next(lines), 'MODIFIED:c:4');
      await kubectl.ok('delete gadget c --wait=false');
      assert.equal(await next(lines), 'DELETED:c:4');
    } finally {
      await lines.return(undefined);
    }
  });
});

/** The next line, without the age at its end. */
async function next(lines: AsyncGenerator<string>): Promise<string> {
  const { value } = await lines.next();
  return String(value ?? '')
    .replace(/ +\d+s$/, '')
    .replace(/ +/g, ' ')
    .trim();
}
