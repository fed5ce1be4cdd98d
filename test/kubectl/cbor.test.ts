/** Clients that would rather speak CBOR, as client-go can be told to, get along in JSON. */
import { describeKubectl, gadgets } from './transcript.ts';

const cbor = 'KUBE_FEATURE_ClientsAllowCBOR=true KUBE_FEATURE_ClientsPreferCBOR=true';

describeKubectl('a client that prefers CBOR', { resources: [gadgets] }, (session) => {
  it('reads and writes', () =>
    session().expect(`
      $ ${cbor} kubectl create configmap c --from-literal=a=1
      configmap/c created
      $ ${cbor} kubectl get configmap c -o jsonpath={.data}
      {"a":"1"}
      $ ${cbor} kubectl get configmap c
      NAME   DATA   AGE
      c      1      <age>
      $ ${cbor} kubectl label configmap c l=1
      configmap/c labeled
      $ ${cbor} kubectl apply -f gadget.yaml
      gadget.shop.example.com/one created
      $ ${cbor} kubectl apply -f gadget-changed.yaml
      gadget.shop.example.com/one configured
      $ ${cbor} kubectl apply --server-side --force-conflicts -f gadget.yaml
      gadget.shop.example.com/one serverside-applied
      $ ${cbor} kubectl patch gadget one --type=merge -p {"metadata":{"labels":{"l":"1"}}}
      gadget.shop.example.com/one patched
      $ ${cbor} kubectl get gadget one -o jsonpath={.metadata.labels.l}
      1
      $ ${cbor} kubectl delete gadget one --wait=false -o name
      gadget.shop.example.com/one
    `));
});
