/** Subresources by hand: `--subresource`, `debug`, `scale`. */
import { describeKubectl } from './transcript.ts';

describeKubectl('subresources', {}, (session) => {
  it('are shown and patched by name', async () => {
    await session().expect(`
      $ kubectl create deployment web --image=nginx --replicas=2
      deployment.apps/web created
      36$ kubectl get deployment web --subresource=scale
      NAME   DESIRED   AVAILABLE   AGE
      web    2         0           <age>
      36$ kubectl patch deployment web --subresource=scale --type=merge -p '{"spec":{"replicas":3}}'
      scale.autoscaling/web patched
      36$ kubectl get deployment web --subresource=status
      NAME   READY   UP-TO-DATE   AVAILABLE   AGE
      web    0/3     0            0           <age>
      36$ kubectl patch deployment web --subresource=status --type=merge -p '{"spec":{"replicas":9},"status":{"replicas":3}}'
      deployment.apps/web patched
      36$ kubectl get deployment web -o jsonpath='{.spec.replicas} {.status.replicas}'
      3 3
      $ kubectl scale deployment web --current-replicas=5 --replicas=1
      36|error: Expected replicas to be 5, was 3
      20|error: Expected replicas to be 5, was 2
      [1]
      $ kubectl scale deployment web --replicas=1
      deployment.apps/web scaled
    `);
  });

  it('of pods take debug containers and other resources', async () => {
    await session().expect(`
      $ kubectl run p --image=nginx
      pod/p created
      36$ kubectl debug p --image=busybox --container=dbg --profile=general
      36$ kubectl get pod p -o jsonpath='{.spec.ephemeralContainers[*].name}'
      dbg
      36$ kubectl patch pod p --subresource=resize -p '{"spec":{"containers":[{"name":"p","resources":{"requests":{"cpu":"2"}}}]}}'
      The Pod "p" is invalid: spec: Invalid value: "BestEffort": Pod QOS Class may not change as a result of resizing
      [1]
      36$ kubectl patch pod p --subresource=resize -p '{"spec":{"containers":[{"name":"q","image":"nginx"}]}}'
      The Pod "p" is invalid: spec.containers: Forbidden: containers may not be added or removed on resize
      [1]
    `);
  });
});
