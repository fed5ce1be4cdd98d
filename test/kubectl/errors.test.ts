/** Bad input: the exact words that kubectl prints. */
import assert from 'node:assert/strict';
import { describeKubectl, gadgets } from './transcript.ts';

describeKubectl('what it was given is wrong', { resources: [gadgets], controllers: ['*'], nodes: 1 }, (session) => {
  it('has something to go wrong with', () =>
    session().expect(`
      $ kubectl create configmap cm --from-literal=a=b
      configmap/cm created
      $ kubectl create -f gadget.yaml
      gadget.shop.example.com/one created
      $ kubectl create -f deployment.yaml
      deployment.apps/web created
      $ kubectl create -f pod.yaml
      pod/p created
    `));

  it('what is not there', () =>
    session().expect(`
      $ kubectl get cm nosuch
      Error from server (NotFound): configmaps "nosuch" not found
      [1]
      $ kubectl get cm nosuch other
      Error from server (NotFound): configmaps "nosuch" not found
      Error from server (NotFound): configmaps "other" not found
      [1]
      $ kubectl get gadget nosuch
      Error from server (NotFound): gadgets.shop.example.com "nosuch" not found
      [1]
      $ kubectl get cm,gadget nosuch
      Error from server (NotFound): configmaps "nosuch" not found
      Error from server (NotFound): gadgets.shop.example.com "nosuch" not found
      [1]
      $ kubectl get nosuchkind
      error: the server doesn't have a resource type "nosuchkind"
      [1]
      $ kubectl get nosuchkind/x
      error: the server doesn't have a resource type "nosuchkind"
      [1]
      $ kubectl get deployments.v1.nosuch.example.com
      error: the server doesn't have a resource type "deployments"
      [1]
      $ kubectl get deployments.v2.apps
      error: the server doesn't have a resource type "deployments"
      [1]
      $ kubectl get pods -n elsewhere
      No resources found in elsewhere namespace.
      $ kubectl get ns nosuch
      Error from server (NotFound): namespaces "nosuch" not found
      [1]
    `));

  it('what is there already, or has nowhere to go', () =>
    session().expect(`
      $ kubectl create configmap cm --from-literal=a=b
      36|error: failed to create configmap: configmaps "cm" already exists
      20|Error from server (AlreadyExists): configmaps "cm" already exists
      [1]
      $ kubectl create -f gadget.yaml
      Error from server (AlreadyExists): error when creating "gadget.yaml": gadgets.shop.example.com "one" already exists
      [1]
      $ kubectl create ns default
      Error from server (AlreadyExists): namespaces "default" already exists
      [1]
      $ kubectl create -f configmap-elsewhere.yaml
      Error from server (NotFound): error when creating "configmap-elsewhere.yaml": namespaces "elsewhere" not found
      [1]
      $ kubectl apply -f configmap-elsewhere.yaml -n default
      error: the namespace from the provided object "elsewhere" does not match the namespace "default". You must pass '--namespace=elsewhere' to perform this operation.
      [1]
      $ kubectl create configmap x -n elsewhere
      36|error: failed to create configmap: namespaces "elsewhere" not found
      20|Error from server (NotFound): namespaces "elsewhere" not found
      [1]
    `));

  it('names and values that are not allowed', () =>
    session().expect(`
      $ kubectl create configmap Bad_Name
      36|error: failed to create configmap: ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
      20|The ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
      [1]
      $ kubectl create ns a.b
      The Namespace "a.b" is invalid: metadata.name: Invalid value: "a.b": must not contain dots
      [1]
      $ kubectl create sa -- -x
      error: exactly one NAME is required, got 0
      See 'kubectl create serviceaccount -h' for help and examples
      [1]
      $ kubectl create secret generic UPPER
      36|error: failed to create secret Secret "UPPER" is invalid: metadata.name: Invalid value: "UPPER": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
      20|The Secret "UPPER" is invalid: metadata.name: Invalid value: "UPPER": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
      [1]
      $ kubectl create -f service-invalid.yaml
      The Service "Web" is invalid:
      * metadata.name: Invalid value: "Web": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')
      * spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535, inclusive
      * spec.ports[0].targetPort: Invalid value: 99999: must be between 1 and 65535, inclusive
      * spec.type: Unsupported value: "LoadBalance": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"
      * spec.internalTrafficPolicy: Required value
      [1]
      $ kubectl create -f pod-invalid.yaml
      The Pod "bad" is invalid:
      * metadata.labels: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
      * metadata.labels: Invalid value: "c d": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')
      * spec.containers[0].name: Invalid value: "Main": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')
      * spec.containers[0].image: Required value
      * spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1
      * spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"
      [1]
      $ kubectl create configmap cm2 --from-literal=a/b=c
      error: "a/b" is not a valid key name for a ConfigMap: a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')
      [1]
    `));

  it('labels and annotations', () =>
    session().expect(`
      $ kubectl label cm cm 'a b=c'
      The ConfigMap "cm" is invalid: metadata.labels: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
      [1]
      $ kubectl label cm cm 'a=b c'
      error: invalid label value: "a=b c": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')
      [1]
      $ kubectl label cm cm a=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
      36|error: invalid label value: "a=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": must be no more than 63 bytes
      20|error: invalid label value: "a=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": must be no more than 63 characters
      [1]
      $ kubectl label cm cm -- -a=b
      The ConfigMap "cm" is invalid: metadata.labels: Invalid value: "-a": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
      [1]
      $ kubectl label cm cm l=1
      configmap/cm labeled
      $ kubectl label cm cm l=2
      error: 'l' already has a value (1), and --overwrite is false
      [1]
      $ kubectl annotate cm cm 'bad key=c'
      The ConfigMap "cm" is invalid: metadata.annotations: Invalid value: "bad key": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
      [1]
      $ kubectl annotate cm nosuch k=v
      Error from server (NotFound): configmaps "nosuch" not found
      [1]
    `));

  it('patches', () =>
    session().expect(`
      $ kubectl patch cm cm -p '{"metadata":{"labels":{"a b":"c"}}}'
      The ConfigMap "cm" is invalid: metadata.labels: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
      [1]
      $ kubectl patch cm cm -p '{"metadata":{"name":"other"}}'
      Error from server (BadRequest): the name of the object (other) does not match the name on the URL (cm)
      [1]
      $ kubectl patch cm cm -p '{"data":{"a":1}}'
      The request is invalid: patch: Invalid value: "map[data:map[a:1]]": cannot convert int64 to string
      [1]
      $ kubectl patch cm cm -p '{"data":'
      Error from server (BadRequest): unexpected end of JSON input
      [1]
      $ kubectl patch cm cm -p '[1]'
      Error from server (BadRequest): json: cannot unmarshal array into Go value of type map[string]interface {}
      [1]
      $ kubectl patch cm cm --type=json -p '{"data":1}'
      Error from server (BadRequest): error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp
      [1]
      $ kubectl patch cm cm --type=json -p '[{"op":"test","path":"/data/a","value":"x"}]'
      36|The request is invalid: the server rejected our request due to an error in our request
      20|The request is invalid
      [1]
      $ kubectl patch cm cm --type=json -p '[{"op":"remove","path":"/data/nosuch"}]'
      36|The request is invalid: the server rejected our request due to an error in our request
      20|The request is invalid
      [1]
      $ kubectl patch cm cm --type=json -p '[{"op":"jump","path":"/data/a"}]'
      36|The request is invalid: the server rejected our request due to an error in our request
      20|The request is invalid
      [1]
      $ kubectl patch cm cm --type=json -p '[{"op":"replace","path":"/nosuch/deep","value":1}]'
      36|The request is invalid: the server rejected our request due to an error in our request
      20|The request is invalid
      [1]
      $ kubectl patch cm cm --type=strange -p '{}'
      error: --type must be one of [json merge strategic], not "strange"
      [1]
      $ kubectl patch cm nosuch -p '{"data":{"a":"b"}}'
      Error from server (NotFound): configmaps "nosuch" not found
      [1]
    `));

  it('patches of custom resources', () =>
    session().expect(`
      $ kubectl patch gadget one -p '{"spec":{"size":3}}'
      36|error: application/strategic-merge-patch+json is not supported by shop.example.com/v1, Kind=Gadget: the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml
      20|Error from server (UnsupportedMediaType): the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml
      [1]
      $ kubectl patch gadget one --type=merge -p '{"spec":{"size":9}}'
      The Gadget "one" is invalid: spec.size: Invalid value: 9: spec.size in body should be less than or equal to 5
      [1]
      $ kubectl patch gadget one --type=merge -p '{"spec":{"size":"big"}}'
      The Gadget "one" is invalid:
      * spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"
      * .spec.size: Invalid value: 0: .spec.size accessor error: big is of the type string, expected int64
      [1]
      $ kubectl patch gadget one --type=merge -p '{"spec":{"color":"pink"}}'
      The Gadget "one" is invalid: spec.color: Unsupported value: "pink": supported values: "red", "green", "blue"
      [1]
      $ kubectl patch gadget one --type=merge -p '{"spec":null}'
      gadget.shop.example.com/one patched
      $ kubectl patch gadget one --type=json -p '[{"op":"remove","path":"/spec/nosuch"}]'
      36|The request is invalid: the server rejected our request due to an error in our request
      20|The request is invalid
      [1]
    `));

  it('fields that may not change', () =>
    session().expect(`
      $ kubectl patch deploy web -p '{"spec":{"selector":{"matchLabels":{"app":"x"}}}}'
      The Deployment "web" is invalid:
      * spec.template.metadata.labels: Invalid value: map[string]string{"app":"web"}: \`selector\` does not match template \`labels\`
      * spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string{"app":"x"}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: field is immutable
      [1]
      $ kubectl patch deploy web -p '{"spec":{"replicas":-1}}'
      The Deployment "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0
      [1]
      $ kubectl patch deploy web -p '{"spec":{"replicas":"two"}}'
      The request is invalid: patch: Invalid value: "map[spec:map[replicas:two]]": unrecognized type: int32
      [1]
      $ kubectl patch deploy web -p '{"spec":{"template":{"spec":{"containers":[{"name":"x"}]}}}}'
      The Deployment "web" is invalid: spec.template.spec.containers[0].image: Required value
      [1]
      $ kubectl patch pod p -p '{"spec":{"containers":[{"name":"main","resources":{"limits":{"cpu":"1"}}}]}}'
      The Pod "p" is invalid: spec: Forbidden: pod updates may not change fields other than \`spec.containers[*].image\`,\`spec.initContainers[*].image\`,\`spec.activeDeadlineSeconds\`,\`spec.tolerations\` (only additions to existing tolerations),\`spec.terminationGracePeriodSeconds\` (allow it to be set to 1 if it was previously negative)
      ...
      [1]
      $ kubectl patch pod p -p '{"spec":{"nodeName":"x"}}'
      The Pod "p" is invalid: spec: Forbidden: pod updates may not change fields other than \`spec.containers[*].image\`,\`spec.initContainers[*].image\`,\`spec.activeDeadlineSeconds\`,\`spec.tolerations\` (only additions to existing tolerations),\`spec.terminationGracePeriodSeconds\` (allow it to be set to 1 if it was previously negative)
      ...
      [1]
      $ kubectl apply -f pod.yaml
      pod/p configured
      Warning: resource pods/p is missing the kubectl.kubernetes.io/last-applied-configuration annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.
      $ kubectl apply -f pod-host.yaml
      The Pod "p" is invalid: spec: Forbidden: pod updates may not change fields other than \`spec.containers[*].image\`,\`spec.initContainers[*].image\`,\`spec.activeDeadlineSeconds\`,\`spec.tolerations\` (only additions to existing tolerations),\`spec.terminationGracePeriodSeconds\` (allow it to be set to 1 if it was previously negative)
      ...
      [1]
      $ kubectl apply -f pod-renamed.yaml
      The Pod "p" is invalid: spec: Forbidden: pod updates may not change fields other than \`spec.containers[*].image\`,\`spec.initContainers[*].image\`,\`spec.activeDeadlineSeconds\`,\`spec.tolerations\` (only additions to existing tolerations),\`spec.terminationGracePeriodSeconds\` (allow it to be set to 1 if it was previously negative)
      ...
      [1]
      $ kubectl apply -f deployment-reselected.yaml
      Warning: resource deployments/web is missing the kubectl.kubernetes.io/last-applied-configuration annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.
      The Deployment "web" is invalid: spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string{"app":"other"}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: field is immutable
      [1]
    `));

  it('manifests that are incomplete', () =>
    session().expect(`
      $ kubectl create -f deployment-mismatched.yaml
      The Deployment "mismatch" is invalid: spec.template.metadata.labels: Invalid value: map[string]string{"app":"b"}: \`selector\` does not match template \`labels\`
      [1]
      $ kubectl create -f deployment-empty.yaml
      36|The Deployment "empty" is invalid:
      36|* spec.selector: Required value
      36|* spec.template.metadata.labels: Invalid value: map[string]string(nil): \`selector\` does not match template \`labels\`
      36|* spec.template.spec.containers: Required value
      20|error: error validating "deployment-empty.yaml": error validating data: [ValidationError(Deployment.spec): missing required field "selector" in io.k8s.api.apps.v1.DeploymentSpec, ValidationError(Deployment.spec): missing required field "template" in io.k8s.api.apps.v1.DeploymentSpec]; if you choose to ignore these errors, turn validation off with --validate=false
      [1]
      $ kubectl create -f unknown-kind.yaml
      36|error: resource mapping not found for name: "p" namespace: "" from "unknown-kind.yaml": no matches for kind "Podd" in version "v1"
      36|ensure CRDs are installed first
      20|error: unable to recognize "unknown-kind.yaml": no matches for kind "Podd" in version "v1"
      [1]
      $ kubectl create -f wrong-version.yaml
      36|error: resource mapping not found for name: "p" namespace: "" from "wrong-version.yaml": no matches for kind "Deployment" in version "extensions/v1beta1"
      36|ensure CRDs are installed first
      20|error: unable to recognize "wrong-version.yaml": no matches for kind "Deployment" in version "extensions/v1beta1"
      [1]
      $ kubectl create -f no-kind.yaml
      error: error validating "no-kind.yaml": error validating data: kind not set; if you choose to ignore these errors, turn validation off with --validate=false
      [1]
      $ kubectl create -f no-version.yaml
      error: error validating "no-version.yaml": error validating data: apiVersion not set; if you choose to ignore these errors, turn validation off with --validate=false
      [1]
      $ kubectl create -f no-name.yaml
      The ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required
      [1]
      $ kubectl create -f nosuchfile.yaml
      error: the path "nosuchfile.yaml" does not exist
      [1]
      $ kubectl create -f - < broken-yaml.txt
      error: error parsing STDIN: error converting YAML to JSON: yaml: line 3: did not find expected ',' or '}'
      [1]
      $ kubectl create -f - < broken-json.txt
      error: error parsing STDIN: unexpected EOF
      [1]
    `));

  it('unknown fields', () =>
    session().expect(`
      $ kubectl create -f configmap-unknown.yaml
      36|Error from server (BadRequest): error when creating "configmap-unknown.yaml": ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "metadata.colour", unknown field "bogus"
      20|error: error validating "configmap-unknown.yaml": error validating data: [ValidationError(ConfigMap): unknown field "bogus" in io.k8s.api.core.v1.ConfigMap, ValidationError(ConfigMap.metadata): unknown field "colour" in io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta]; if you choose to ignore these errors, turn validation off with --validate=false
      [1]
      36$ kubectl create -f configmap-unknown.yaml --validate=warn
      configmap/strict created
      Warning: unknown field "metadata.colour"
      Warning: unknown field "bogus"
      36$ kubectl delete cm strict
      configmap "strict" deleted from default namespace
      36$ kubectl create -f configmap-unknown.yaml --validate=ignore
      configmap/strict created
      20$ kubectl create -f configmap-unknown.yaml --validate=false
      configmap/strict created
      Warning: unknown field "metadata.colour"
      Warning: unknown field "bogus"
      $ kubectl create -f gadget-unknown.yaml
      36|Error from server (BadRequest): error when creating "gadget-unknown.yaml": Gadget in version "v1" cannot be handled as a Gadget: strict decoding error: unknown field "spec.shape"
      20|error: error validating "gadget-unknown.yaml": error validating data: ValidationError(Gadget.spec): unknown field "shape" in com.example.shop.v1.Gadget.spec; if you choose to ignore these errors, turn validation off with --validate=false
      [1]
      36$ kubectl create -f gadget-unknown.yaml --validate=warn
      gadget.shop.example.com/strict created
      Warning: unknown field "spec.shape"
      $ kubectl apply -f deployment-unknown.yaml
      36|Error from server (BadRequest): error when creating "deployment-unknown.yaml": Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.replica", unknown field "spec.template.spec.containers[0].imagePullPolice"
      20|error: error validating "deployment-unknown.yaml": error validating data: [ValidationError(Deployment.spec): unknown field "replica" in io.k8s.api.apps.v1.DeploymentSpec, ValidationError(Deployment.spec.template.spec.containers[0]): unknown field "imagePullPolice" in io.k8s.api.core.v1.Container]; if you choose to ignore these errors, turn validation off with --validate=false
      [1]
      36$ kubectl apply -f deployment-unknown.yaml --validate=warn
      deployment.apps/strict created
      Warning: unknown field "spec.replica"
      Warning: unknown field "spec.template.spec.containers[0].imagePullPolice"
      36$ kubectl apply -f deployment-unknown.yaml --validate=warn --server-side
      Error from server: failed to create typed patch object (default/strict; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema
      [1]
      $ kubectl apply -f deployment-unknown.yaml --server-side
      36|Error from server: failed to create typed patch object (default/strict; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema
      20|error: error validating "deployment-unknown.yaml": error validating data: [ValidationError(Deployment.spec): unknown field "replica" in io.k8s.api.apps.v1.DeploymentSpec, ValidationError(Deployment.spec.template.spec.containers[0]): unknown field "imagePullPolice" in io.k8s.api.core.v1.Container]; if you choose to ignore these errors, turn validation off with --validate=false
      [1]
    `));

  it('values that do not fit the schema', () =>
    session().expect(`
      $ kubectl create -f deployment-mistyped.yaml
      36|Error from server (BadRequest): error when creating "deployment-mistyped.yaml": Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32
      20|error: error validating "deployment-mistyped.yaml": error validating data: [ValidationError(Deployment.spec.replicas): invalid type for io.k8s.api.apps.v1.DeploymentSpec.replicas: got "string", expected "integer", ValidationError(Deployment.spec): missing required field "selector" in io.k8s.api.apps.v1.DeploymentSpec, ValidationError(Deployment.spec): missing required field "template" in io.k8s.api.apps.v1.DeploymentSpec]; if you choose to ignore these errors, turn validation off with --validate=false
      [1]
      $ kubectl create -f deployment-mistyped.yaml --validate=false
      Error from server (BadRequest): error when creating "deployment-mistyped.yaml": Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32
      [1]
      $ kubectl create -f gadget-invalid.yaml
      The Gadget "bad" is invalid:
      * spec.color: Unsupported value: "pink": supported values: "red", "green", "blue"
      * spec.size: Invalid value: 9: spec.size in body should be less than or equal to 5
      * spec.parts[1]: Duplicate value: {"name":"a"}
      [1]
      $ kubectl create -f gadget-mistyped.yaml
      36|The Gadget "bad" is invalid:
      36|* spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"
      36|* .spec.size: Invalid value: 0: .spec.size accessor error: big is of the type string, expected int64
      20|error: error validating "gadget-mistyped.yaml": error validating data: ValidationError(Gadget.spec.size): invalid type for com.example.shop.v1.Gadget.spec.size: got "string", expected "integer"; if you choose to ignore these errors, turn validation off with --validate=false
      [1]
      $ kubectl create -f gadget-incomplete.yaml
      36|The Gadget "bad" is invalid: spec.size: Required value
      20|error: error validating "gadget-incomplete.yaml": error validating data: ValidationError(Gadget.spec): missing required field "size" in com.example.shop.v1.Gadget.spec; if you choose to ignore these errors, turn validation off with --validate=false
      [1]
    `));

  it('replacing', () =>
    session().expect(`
      $ kubectl replace -f configmap-stale.yaml
      Error from server (Conflict): error when replacing "configmap-stale.yaml": Operation cannot be fulfilled on configmaps "cm": the object has been modified; please apply your changes to the latest version and try again
      [1]
      $ kubectl replace -f gadget-stale.yaml
      Error from server (Conflict): error when replacing "gadget-stale.yaml": Operation cannot be fulfilled on gadgets.shop.example.com "one": the object has been modified; please apply your changes to the latest version and try again
      [1]
      $ kubectl replace -f gadget-incomplete.yaml
      36|Error from server (NotFound): error when replacing "gadget-incomplete.yaml": gadgets.shop.example.com "bad" not found
      20|error: error validating "gadget-incomplete.yaml": error validating data: ValidationError(Gadget.spec): missing required field "size" in com.example.shop.v1.Gadget.spec; if you choose to ignore these errors, turn validation off with --validate=false
      [1]
      $ kubectl replace -f deployment-mismatched.yaml
      Error from server (NotFound): error when replacing "deployment-mismatched.yaml": deployments.apps "mismatch" not found
      [1]
    `));

  it('selectors', () =>
    session().expect(`
      $ kubectl get pods -l 'a in b'
      Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label selector "a in b", field selector "": unable to parse requirement: found 'b' expected: '('
      [1]
      $ kubectl get pods -l 'a=='
      No resources found in default namespace.
      $ kubectl get pods -l '=x'
      Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label selector "=x", field selector "": found '=', expected: !, identifier, or 'end of string'
      [1]
      $ kubectl get pods -l 'a=b c'
      Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label selector "a=b c", field selector "": found 'c', expected: ',' or 'end of string'
      [1]
      $ kubectl get pods --field-selector=spec.nosuch=x
      Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label selector "", field selector "spec.nosuch=x": field label not supported: spec.nosuch
      [1]
      $ kubectl get pods --field-selector=bad
      Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label selector "", field selector "bad": invalid selector: 'bad'; can't understand 'bad'
      [1]
      $ kubectl get gadgets --field-selector=spec.size=2
      Error from server (BadRequest): Unable to find "shop.example.com/v1, Resource=gadgets" that match label selector "", field selector "spec.size=2": field label not supported: spec.size
      [1]
      $ kubectl get gadgets --field-selector=spec.color=red
      No resources found in default namespace.
      $ kubectl get cm --field-selector=data.a=b
      Error from server (BadRequest): Unable to find "/v1, Resource=configmaps" that match label selector "", field selector "data.a=b": "data.a" is not a known field selector: only "metadata.name", "metadata.namespace"
      [1]
    `));

  it('scaling', () =>
    session().expect(`
      $ kubectl scale cm cm --replicas=2
      Error from server (NotFound): the server could not find the requested resource
      [1]
      $ kubectl scale pod p --replicas=2
      Error from server (NotFound): the server could not find the requested resource
      [1]
      $ kubectl scale deploy web --replicas=-1
      error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0
      [1]
      $ kubectl scale deploy nosuch --replicas=1
      Error from server (NotFound): deployments.apps "nosuch" not found
      [1]
      $ kubectl scale deploy web --replicas=2 --current-replicas=7
      error: Expected replicas to be 7, was 1
      [1]
      $ kubectl scale deploy web --replicas=2 --resource-version=1
      error: Expected resource version to be 1, was <number>
      [1]
      $ kubectl scale gadget one --replicas=9
      The Gadget "one" is invalid: spec.size: Invalid value: 9: spec.size in body should be less than or equal to 5
      [1]
    `));

  it('rollouts', () =>
    session().expect(`
      $ kubectl rollout status deploy/nosuch
      Error from server (NotFound): deployments.apps "nosuch" not found
      [1]
      $ kubectl rollout undo deploy/web --to-revision=9
      error: unable to find specified revision 9 in history
      [1]
      $ kubectl rollout history cm/cm
      error: error retrieving history for "ConfigMap", no visitor method exists for { ConfigMap}
      [1]
      $ kubectl rollout restart pod/p
      error: pods "p" restarting is not supported
      [1]
    `));

  it('deleting', () =>
    session().expect(`
      $ kubectl delete cm nosuch
      Error from server (NotFound): configmaps "nosuch" not found
      [1]
      $ kubectl delete cm
      36|error: resource(s) were provided, but no name was specified
      20|error: resource(s) were provided, but no name, label selector, or --all flag specified
      [1]
      $ kubectl delete cm cm --cascade=sideways
      error: invalid cascade value (sideways). Must be "background", "foreground", or "orphan"
      [1]
      $ kubectl delete ns default kube-system
      Error from server (Forbidden): namespaces "default" is forbidden: this namespace may not be deleted
      Error from server (Forbidden): namespaces "kube-system" is forbidden: this namespace may not be deleted
      [1]
    `));

  it('generators', () =>
    session().expect(`
      $ kubectl expose deploy web
      error: couldn't find port via --port flag or introspection
      20|See 'kubectl expose -h' for help and examples
      [1]
      $ kubectl expose cm cm --port=1
      error: cannot expose a ConfigMap
      [1]
      $ kubectl autoscale deploy nosuch --max=3
      Error from server (NotFound): deployments.apps "nosuch" not found
      [1]
      $ kubectl set image deploy/web nosuch=x
      error: unable to find container named "nosuch"
      [1]
    `));

  it('single commands', () =>
    session().expect(`
      $ kubectl logs nosuch
      36|error: error from server (NotFound): pods "nosuch" not found in namespace "default"
      20|Error from server (NotFound): pods "nosuch" not found
      [1]
      $ kubectl explain nosuch
      the server doesn't have a resource type "nosuch"
      [1]
      $ kubectl explain pods.nosuch
      36|KIND:       Pod
      36|VERSION:    v1
      36|
      error: field "nosuch" does not exist
      [1]
      $ kubectl get --raw /nosuch
      Error from server (NotFound): the server could not find the requested resource
      [1]
      $ kubectl get --raw /api/v1/namespaces/default/configmaps/nosuch
      Error from server (NotFound): configmaps "nosuch" not found
      [1]
      $ kubectl wait --for=condition=Ready pod/nosuch --timeout=0s
      Error from server (NotFound): pods "nosuch" not found
      [1]
      $ kubectl wait --for=condition=Nosuch pod/p --timeout=1s
      error: timed out waiting for the condition on pods/p
      [1]
      $ kubectl taint node nosuch a=b:NoSchedule
      Error from server (NotFound): nodes "nosuch" not found
      [1]
      $ kubectl taint node node-1 a=b:Sometimes
      error: invalid taint effect: Sometimes, unsupported taint effect
      See 'kubectl taint -h' for help and examples
      [1]
      $ kubectl cordon nosuch
      Error from server (NotFound): nodes "nosuch" not found
      [1]
      $ kubectl edit cm nosuch
      Error from server (NotFound): configmaps "nosuch" not found
      [1]
      $ kubectl create -f gadget-crd.yaml
      Error from server (AlreadyExists): error when creating "gadget-crd.yaml": customresourcedefinitions.apiextensions.k8s.io "gadgets.shop.example.com" already exists
      [1]
    `));

  it('objects that are too long', async () => {
    const { kubectl } = session();
    const metadata = { name: 'long' };
    const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { a: 'x'.repeat(1024 * 1024 + 1) } };
    const made = await kubectl.run(['create', '-f', '-'], JSON.stringify(configMap));
    assert.equal(made.stderr, 'The ConfigMap "long" is invalid: []: Too long: may not be more than 1048576 bytes\n');
    const applied = await kubectl.run(['apply', '-f', '-'], JSON.stringify(configMap));
    assert.equal(
      applied.stderr,
      'The ConfigMap "long" is invalid: \n* metadata.annotations: Too long: may not be more than 262144 bytes\n* []: Too long: may not be more than 1048576 bytes\n',
    );
    const gadget = { apiVersion: 'shop.example.com/v1', kind: 'Gadget', metadata, spec: { size: 1 } };
    const annotations = { a: 'x'.repeat(256 * 1024) };
    const annotated = { ...gadget, metadata: { ...metadata, annotations } };
    assert.equal(
      (await kubectl.run(['create', '-f', '-'], JSON.stringify(annotated))).stderr,
      'The Gadget "long" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes\n',
    );
    const body = { ...configMap, data: { a: 'x'.repeat(3 * 1024 * 1024 + 1) } };
    assert.equal(
      (await kubectl.run(['create', '-f', '-'], JSON.stringify(body))).stderr,
      'Error from server (RequestEntityTooLarge): error when creating "STDIN": Request entity too large: limit is 3145728\n',
    );
  });
});
