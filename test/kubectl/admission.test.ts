/** Policies and webhooks: what they refuse, warn of and change, as kubectl shows it. */
import { describeKubectl } from './transcript.ts';

describeKubectl('policies and webhooks', {}, (session) => {
  it('are refused with what is wrong with their expressions', () =>
    session().expect(`
      $ kubectl create -f policy-invalid.yaml
      The ValidatingAdmissionPolicy "broken" is invalid: 
      * spec.validations[0].expression: Invalid value: "object.spec.replicas <= params.max": compilation failed: ERROR: <input>:1:25: undeclared reference to 'params' (in container '')
       | object.spec.replicas <= params.max
       | ........................^
      * spec.validations[1].expression: Invalid value: "object.spec.replicas": must evaluate to bool but got dyn
      [1]
    `));

  it('deny', () =>
    session().expect(`
      $ kubectl apply -f policy-replicas.yaml
      validatingadmissionpolicy.admissionregistration.k8s.io/demo-policy.example.com created
      validatingadmissionpolicybinding.admissionregistration.k8s.io/demo-binding-test.example.com created
      $ kubectl get validatingadmissionpolicies,validatingadmissionpolicybindings
      NAME                                                                             VALIDATIONS   PARAMKIND   AGE
      validatingadmissionpolicy.admissionregistration.k8s.io/demo-policy.example.com   1             <unset>     <age>

      NAME                                                                                          POLICYNAME                PARAMREF   AGE
      validatingadmissionpolicybinding.admissionregistration.k8s.io/demo-binding-test.example.com   demo-policy.example.com   <unset>    <age>
      $ kubectl create deployment big --image=nginx --replicas=6
      error: failed to create deployment: deployments.apps "big" is forbidden: ValidatingAdmissionPolicy 'demo-policy.example.com' with binding 'demo-binding-test.example.com' denied request: failed expression: object.spec.replicas <= 5
      [1]
      $ kubectl create deployment small --image=nginx --replicas=5
      deployment.apps/small created
      $ kubectl patch deployment small -p {"spec":{"replicas":6}}
      The deployments "small" is invalid: : ValidatingAdmissionPolicy 'demo-policy.example.com' with binding 'demo-binding-test.example.com' denied request: failed expression: object.spec.replicas <= 5
      [1]
      $ kubectl delete -f policy-replicas.yaml
      validatingadmissionpolicy.admissionregistration.k8s.io "demo-policy.example.com" deleted
      validatingadmissionpolicybinding.admissionregistration.k8s.io "demo-binding-test.example.com" deleted
    `));

  it('warn', () =>
    session().expect(`
      $ kubectl apply -f policy-warn.yaml
      validatingadmissionpolicy.admissionregistration.k8s.io/team created
      validatingadmissionpolicybinding.admissionregistration.k8s.io/team created
      $ kubectl create configmap free
      configmap/free created
      Warning: Validation failed for ValidatingAdmissionPolicy 'team' with binding 'team': free belongs to nobody
      $ kubectl delete -f policy-warn.yaml
      validatingadmissionpolicy.admissionregistration.k8s.io "team" deleted
      validatingadmissionpolicybinding.admissionregistration.k8s.io "team" deleted
    `));

  it('change what is created', () =>
    session().expect(`
      $ kubectl apply -f policy-sidecar.yaml
      mutatingadmissionpolicy.admissionregistration.k8s.io/sidecar-policy.example.com created
      mutatingadmissionpolicybinding.admissionregistration.k8s.io/sidecar-binding.example.com created
      $ kubectl get mutatingadmissionpolicies
      NAME                         MUTATIONS   PARAMKIND   AGE
      sidecar-policy.example.com   1           <unset>     <age>
      $ kubectl create deployment meshed --image=nginx
      deployment.apps/meshed created
      $ kubectl get deployment meshed -o jsonpath={.spec.template.spec.containers[*].image}
      nginx mesh/proxy:v1
      $ kubectl delete -f policy-sidecar.yaml
      mutatingadmissionpolicy.admissionregistration.k8s.io "sidecar-policy.example.com" deleted
      mutatingadmissionpolicybinding.admissionregistration.k8s.io "sidecar-binding.example.com" deleted
    `));

  it('are called, or missed', async () => {
    session().cluster.server.webhooks.register(
      { service: { namespace: 'default', name: 'strict' } },
      ({ name, operation }) => ({
        allowed: name !== 'bad' && name !== 'kept',
        status: { code: 403, message: `no ${operation} of ${name}` },
        warnings: name === 'odd' && operation === 'CREATE' ? ['odd, but so be it'] : [],
      }),
    );
    await session().expect(`
      $ kubectl apply -f webhook.yaml
      validatingwebhookconfiguration.admissionregistration.k8s.io/hooks created
      $ kubectl create secret generic s
      36|error: failed to create secret Internal error occurred: failed calling webhook "away.example.com": failed to call webhook: Post "https://away.default.svc:443/admit?timeout=2s": service "away" not found
      20|Error from server (InternalError): Internal error occurred: failed calling webhook "away.example.com": failed to call webhook: Post "https://away.default.svc:443/admit?timeout=2s": service "away" not found
      [1]
      $ kubectl create configmap bad
      36|error: failed to create configmap: admission webhook "strict.example.com" denied the request: no CREATE of bad
      20|Error from server: admission webhook "strict.example.com" denied the request: no CREATE of bad
      [1]
      $ kubectl create configmap odd
      configmap/odd created
      Warning: odd, but so be it
      $ kubectl delete configmap odd
      36|configmap "odd" deleted from default namespace
      20|configmap "odd" deleted
      $ kubectl delete validatingwebhookconfiguration hooks
      validatingwebhookconfiguration.admissionregistration.k8s.io "hooks" deleted
      $ kubectl create configmap bad
      configmap/bad created
    `);
  });
});
