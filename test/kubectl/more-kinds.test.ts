/** Kinds that administrators and controllers meet: addresses, flow control, policies, events of the newer group, the computed ones. */
import { describeKubectl } from './transcript.ts';

describeKubectl('kinds of administrators', {}, (session) => {
  it('makes one of each', () =>
    session().expect(`
      $ kubectl create -f more-kinds.yaml
      ipaddress.networking.k8s.io/10.0.0.77 created
      servicecidr.networking.k8s.io/extra created
      event.events.k8s.io/said created
      prioritylevelconfiguration.flowcontrol.apiserver.k8s.io/low created
      flowschema.flowcontrol.apiserver.k8s.io/robots created
      validatingadmissionpolicy.admissionregistration.k8s.io/small created
      validatingadmissionpolicybinding.admissionregistration.k8s.io/small created
      mutatingadmissionpolicy.admissionregistration.k8s.io/labelled created
      mutatingadmissionpolicybinding.admissionregistration.k8s.io/labelled created
      apiservice.apiregistration.k8s.io/v1.other.example.com created
    `));

  it('prints their columns', () =>
    session().expect(`
      $ kubectl get ip,servicecidrs -o wide
      NAME                                  PARENTREF              AGE
      ipaddress.networking.k8s.io/10.0.0.77   services/default/web   <age>

      NAME                                CIDRS         AGE
      servicecidr.networking.k8s.io/extra   10.9.0.0/24   <age>
      $ kubectl get events.events.k8s.io said -o wide
      LAST SEEN   TYPE   REASON   OBJECT   SUBOBJECT   SOURCE   MESSAGE   FIRST SEEN   COUNT   NAME
      <age>   Normal   Scaled   pod/web      example.com/controller, controller-0   up to 3   <age>   1   said
      $ kubectl get events said
      LAST SEEN   TYPE   REASON   OBJECT   MESSAGE
      <age>   Normal   Scaled   pod/web   up to 3
      $ kubectl get prioritylevelconfigurations low -o wide
      NAME   TYPE   NOMINALCONCURRENCYSHARES   QUEUES   HANDSIZE   QUEUELENGTHLIMIT   AGE
      low   Limited   30   64   8   50   <age>
      $ kubectl get flowschemas robots exempt -o wide
      NAME   PRIORITYLEVEL   MATCHINGPRECEDENCE   DISTINGUISHERMETHOD   AGE   MISSINGPL
      robots   low   1000   ByUser   <age>   ?
      exempt   exempt   1   <none>   <age>   ?
      $ kubectl get validatingadmissionpolicies,validatingadmissionpolicybindings -o wide
      NAME   VALIDATIONS   PARAMKIND   AGE
      validatingadmissionpolicy.admissionregistration.k8s.io/small   1   <unset>   <age>

      NAME   POLICYNAME   PARAMREF   AGE
      validatingadmissionpolicybinding.admissionregistration.k8s.io/small   small   <unset>   <age>
      $ kubectl get mutatingadmissionpolicies,mutatingadmissionpolicybindings -o wide
      NAME   MUTATIONS   PARAMKIND   AGE
      mutatingadmissionpolicy.admissionregistration.k8s.io/labelled   1   <unset>   <age>

      NAME   POLICYNAME   PARAMREF   AGE
      mutatingadmissionpolicybinding.admissionregistration.k8s.io/labelled   labelled   <unset>   <age>
      $ kubectl get componentstatuses
      NAME   STATUS   MESSAGE   ERROR
      etcd-0   Healthy   ok
      Warning: v1 ComponentStatus is deprecated in v1.19+
    `));

  it('says what their fields may be', () =>
    session().expect(`
      36$ kubectl explain pod.spec.restartPolicy
      36|KIND:       Pod
      36|VERSION:    v1
      36|
      36|FIELD: restartPolicy <string>
      36|ENUM:
      36|    Always
      36|    Never
      36|    OnFailure
      36|
      36|DESCRIPTION:
      36|...
      36$ kubectl explain deployments.spec.template.spec.containers.ports.protocol
      36|GROUP:      apps
      36|KIND:       Deployment
      36|VERSION:    v1
      36|
      36|FIELD: protocol <string>
      36|ENUM:
      36|    SCTP
      36|    TCP
      36|    UDP
      36|
      36|DESCRIPTION:
      36|...
    `));

  it('refuses what they may not be', () =>
    session().expect(`
      36$ kubectl patch servicecidr extra --type merge -p {"spec":{"cidrs":["10.8.0.0/24"]}}
      36|The ServiceCIDR "extra" is invalid: spec.cidrs: Invalid value: []string{"10.8.0.0/24"}: field is immutable
      36|[1]
      36$ kubectl patch flowschema exempt --type merge -p {"spec":{"matchingPrecedence":2}}
      36|The FlowSchema "exempt" is invalid: spec: Invalid value: <any>: spec of 'exempt' must equal the fixed value
      36|[1]
    `));
});
