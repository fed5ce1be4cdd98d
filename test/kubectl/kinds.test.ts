/** Every kind that is served: its columns, its description, its documentation. */
import assert from 'node:assert/strict';
import { describeKubectl, gadgets } from './transcript.ts';

describeKubectl('every kind', { resources: [gadgets], controllers: ['*'], nodes: 1 }, (session) => {
  it('makes one of every kind', () =>
    session().expect(`
      $ kubectl create -f every-kind.yaml
      configmap/x created
      secret/x created
      serviceaccount/x created
      service/x created
      endpoints/z created
      limitrange/x created
      resourcequota/x created
      persistentvolume/x created
      persistentvolumeclaim/x created
      podtemplate/x created
      replicationcontroller/x created
      event/x created
      pod/x created
      deployment.apps/x created
      replicaset.apps/x created
      statefulset.apps/x created
      daemonset.apps/x created
      controllerrevision.apps/x created
      job.batch/x created
      cronjob.batch/x created
      horizontalpodautoscaler.autoscaling/x created
      ingress.networking.k8s.io/x created
      ingressclass.networking.k8s.io/x created
      networkpolicy.networking.k8s.io/x created
      poddisruptionbudget.policy/x created
      role.rbac.authorization.k8s.io/x created
      rolebinding.rbac.authorization.k8s.io/x created
      clusterrole.rbac.authorization.k8s.io/x created
      clusterrolebinding.rbac.authorization.k8s.io/x created
      priorityclass.scheduling.k8s.io/x created
      storageclass.storage.k8s.io/x created
      csidriver.storage.k8s.io/x.example.com created
      csinode.storage.k8s.io/x created
      csistoragecapacity.storage.k8s.io/x created
      volumeattachment.storage.k8s.io/x created
      runtimeclass.node.k8s.io/x created
      lease.coordination.k8s.io/x created
      endpointslice.discovery.k8s.io/x created
      validatingwebhookconfiguration.admissionregistration.k8s.io/x created
      mutatingwebhookconfiguration.admissionregistration.k8s.io/x created
      gadget.shop.example.com/x created
      Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice
    `));

  it('prints the columns of the core kinds', () =>
    session().expect(`
      $ kubectl wait --for=condition=Ready pod/x --timeout=10s
      pod/x condition met
      $ kubectl get cm/x secret/x sa/x svc/x ep/z limits/x podtemplate/x rc/x ev/x po/x -o wide
      NAME          DATA   AGE
      configmap/x   1      <age>

      NAME       TYPE     DATA   AGE
      secret/x   Opaque   1      <age>

      NAME               SECRETS   AGE
      serviceaccount/x   0         <age>

      NAME        TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE   SELECTOR
      service/x   ClusterIP   None         <none>        80/TCP    <age>    app=x

      NAME          ENDPOINTS     AGE
      endpoints/z   10.1.2.3:80   <age>

      NAME           CREATED AT
      limitrange/x  <time>

      NAME            CONTAINERS   IMAGES   POD LABELS
      podtemplate/x   main         i        app=x

      NAME                      DESIRED   CURRENT   READY   AGE   CONTAINERS   IMAGES   SELECTOR
      replicationcontroller/x   0         0         0       <age>    main         i        app=x

      LAST SEEN   TYPE     REASON   OBJECT   SUBOBJECT   SOURCE   MESSAGE   FIRST SEEN   COUNT   NAME
      <unknown>   Normal   Tested   pod/z                         It was.   <unknown>    1       event/x

      NAME    READY   STATUS    RESTARTS   AGE   IP          NODE     NOMINATED NODE   READINESS GATES
      pod/x   1/1     Running   0          <age>    <word>   node-1   <none>           <none>
      36|Warning: short name "ev" could also match lower priority resource events.events.k8s.io
      $ kubectl get quota x
      NAME   REQUEST      LIMIT   AGE
      x      pods: 1/10           <age>
      $ kubectl get pv x -o wide
      NAME   CAPACITY   ACCESS MODES   RECLAIM POLICY   STATUS    CLAIM   STORAGECLASS   VOLUMEATTRIBUTESCLASS   REASON   AGE   VOLUMEMODE
      x      1Gi        RWO            Retain           Pending           x              <unset>                          <age>    Filesystem
      $ kubectl get pvc x -o wide
      NAME   STATUS    VOLUME   CAPACITY   ACCESS MODES   STORAGECLASS   VOLUMEATTRIBUTESCLASS   AGE   VOLUMEMODE
      x      Pending                                      x              <unset>                 <age>    Filesystem
      $ kubectl get node/node-1 namespace/default -o wide
      NAME          STATUS   ROLES    AGE   VERSION   INTERNAL-IP   EXTERNAL-IP   OS-IMAGE                         KERNEL-VERSION    CONTAINER-RUNTIME
      node/node-1   Ready    <none>  <any>  simulated://<word>

      NAME                STATUS   AGE
      namespace/default   Active   <age>
    `));

  it('prints the columns of workloads', () =>
    session().expect(`
      $ kubectl get deploy/x rs/x sts/x ds/x controllerrevision/x -o wide
      NAME                READY   UP-TO-DATE   AVAILABLE   AGE   CONTAINERS   IMAGES   SELECTOR
      deployment.apps/x   0/0     0            0           <age>    main         i        app=d

      NAME                DESIRED   CURRENT   READY   AGE   CONTAINERS   IMAGES   SELECTOR
      replicaset.apps/x   0         0         0       <age>    main         i        app=r

      NAME                 READY   AGE   CONTAINERS   IMAGES
      statefulset.apps/x   0/0     <age>    main         i

      NAME               DESIRED   CURRENT   READY   UP-TO-DATE   AVAILABLE   NODE SELECTOR   AGE   CONTAINERS   IMAGES   SELECTOR
      daemonset.apps/x   0         0         0       0            0           never=here      <age>    main         i        app=e

      NAME                        CONTROLLER   REVISION   AGE
      controllerrevision.apps/x   <none>       1          <age>
      $ kubectl get job/x cj/x pdb/x -o wide
      NAME          STATUS      COMPLETIONS   DURATION   AGE   CONTAINERS   IMAGES   SELECTOR
      job.batch/x   Suspended   0/1                      <age>    main         i        batch.kubernetes.io/controller-uid=<uid>

      NAME              SCHEDULE    TIMEZONE   SUSPEND   ACTIVE   LAST SCHEDULE   AGE   CONTAINERS   IMAGES   SELECTOR
      cronjob.batch/x   0 0 * * *   <none>     True      0        <none>          <age>    main         i        <none>

      NAME                           MIN AVAILABLE   MAX UNAVAILABLE   ALLOWED DISRUPTIONS   AGE
      poddisruptionbudget.policy/x   1               N/A               0                     <age>
      $ kubectl get hpa x
      NAME   REFERENCE      TARGETS              MINPODS   MAXPODS   REPLICAS   AGE
      x      Deployment/x   cpu: <unknown>/80%   1         3         0          <age>
    `));

  it('prints the columns of networks, permissions and classes', () =>
    session().expect(`
      $ kubectl get ing/x ingressclass/x netpol/x endpointslice/x -o wide
      NAME                          CLASS   HOSTS           ADDRESS   PORTS   AGE
      ingress.networking.k8s.io/x   x       a.example.com             80      <age>

      NAME                               CONTROLLER      PARAMETERS   AGE
      ingressclass.networking.k8s.io/x   example.com/x   <none>       <age>

      NAME                                POD-SELECTOR   AGE
      networkpolicy.networking.k8s.io/x   app=x          <age>

      NAME                               ADDRESSTYPE   PORTS   ENDPOINTS   AGE
      endpointslice.discovery.k8s.io/x   IPv4          80      10.1.2.3    <age>
      $ kubectl get role/x rolebinding/x clusterrole/x clusterrolebinding/x -o wide
      NAME                               CREATED AT
      role.rbac.authorization.k8s.io/x  <time>

      NAME                                      ROLE     AGE   USERS   GROUPS   SERVICEACCOUNTS
      rolebinding.rbac.authorization.k8s.io/x   Role/x   <age>                     default/x

      NAME                                      CREATED AT
      clusterrole.rbac.authorization.k8s.io/x  <time>

      NAME                                             ROLE            AGE   USERS   GROUPS   SERVICEACCOUNTS
      clusterrolebinding.rbac.authorization.k8s.io/x   ClusterRole/x   <age>    jane
      $ kubectl get pc/x sc/x runtimeclass/x lease/x -o wide
      NAME                                VALUE   GLOBAL-DEFAULT   AGE   PREEMPTIONPOLICY
      priorityclass.scheduling.k8s.io/x   1000    false            <age>    PreemptLowerPriority

      NAME                            PROVISIONER     RECLAIMPOLICY   VOLUMEBINDINGMODE   ALLOWVOLUMEEXPANSION   AGE
      storageclass.storage.k8s.io/x   example.com/x   Delete          Immediate           false                  <age>

      NAME                         HANDLER   AGE
      runtimeclass.node.k8s.io/x   runc      <age>

      NAME                          HOLDER   AGE
      lease.coordination.k8s.io/x   me       <age>
      $ kubectl get csidriver/x.example.com csinode/x csistoragecapacity/x volumeattachment/x -o wide
      NAME                                     ATTACHREQUIRED   PODINFOONMOUNT   STORAGECAPACITY   TOKENREQUESTS   REQUIRESREPUBLISH   MODES        AGE
      csidriver.storage.k8s.io/x.example.com   true             false            false             <unset>         false               Persistent   <age>

      NAME                       DRIVERS   AGE
      csinode.storage.k8s.io/x   0         <age>

      NAME                                  STORAGECLASSNAME   CAPACITY
      csistoragecapacity.storage.k8s.io/x   x                  <unset>

      NAME                                ATTACHER      PV    NODE     ATTACHED   AGE
      volumeattachment.storage.k8s.io/x   example.com   x     node-1   false      <age>
    `));

  it('prints the columns of extensions', () =>
    session().expect(`
      $ kubectl get validatingwebhookconfiguration/x mutatingwebhookconfiguration/x crd/gadgets.shop.example.com gadget/x -o wide
      NAME                                                            WEBHOOKS   AGE
      validatingwebhookconfiguration.admissionregistration.k8s.io/x   0          <age>

      NAME                                                          WEBHOOKS   AGE
      mutatingwebhookconfiguration.admissionregistration.k8s.io/x   0          <age>

      NAME                                                                     CREATED AT
      customresourcedefinition.apiextensions.k8s.io/gadgets.shop.example.com  <time>

      NAME                        SIZE   AGE   READY
      gadget.shop.example.com/x   1      <age>
    `));

  it('describes each', async () => {
    const { items } = JSON.parse((await session().run('kubectl get -f every-kind.yaml -o json')).stdout) as {
      items: { kind: string; apiVersion: string; metadata: { name: string } }[];
    };
    assert.ok(items.length >= 40, `${items.length} kinds`);
    const asked = session().newest ? items : items.filter(({ kind }) => !gone.includes(kind));
    await inPairs(asked, async ({ kind, apiVersion, metadata }) => {
      const [version, group = ''] = apiVersion.split('/').reverse();
      const resource = group === '' ? kind : `${kind}.${version}.${group}`;
      const { code, stdout, stderr } = await session().run(`kubectl describe ${resource} ${metadata.name}`);
      assert.equal(code, 0, `${resource}: ${stderr}`);
      assert.equal(stderr, '', resource);
      assert.match(stdout, new RegExp(`^Name:\\s+${metadata.name}$`, 'm'), resource);
    });
  });

  it('explains each, down to its last field', async () => {
    const { stdout } = await session().run('kubectl api-resources --no-headers');
    const resources = stdout
      .trim()
      .split('\n')
      .map((line) => {
        const words = line.split(/\s+/);
        const [apiVersion, , kind] = words.slice(-3) as [string, string, string];
        return { name: words[0]!, apiVersion, kind };
      });
    assert.ok(resources.length >= 40, `${resources.length} resources`);
    // The oldest release takes the kind from the resource's name alone: to it `nodes` are Nodes, whatever --api-version says.
    const told = session().newest
      ? resources
      : resources.filter(({ apiVersion }) => !apiVersion.startsWith('metrics.k8s.io/'));
    await inPairs(told, async ({ name, apiVersion, kind }) => {
      const { code, stdout, stderr } = await session().run(
        `kubectl explain ${name} --api-version=${apiVersion} --recursive`,
      );
      assert.equal(code, 0, `${name}: ${stderr}`);
      assert.match(stdout, new RegExp(`^KIND: +${kind}$`, 'm'), name);
      assert.match(stdout, /^ +metadata\t<(ObjectMeta|Object)>( -required-)?$/m, name);
      assert.match(stdout, /^ +ownerReferences\t<\[\](OwnerReference|Object)>$/m, name);
      // Some fields of schemas in definitions are of any type.
      if (name !== 'customresourcedefinitions') assert.doesNotMatch(stdout, /<>/, `${name} has a field without a type`);
    });
  });
});

/** Kinds that the oldest release describes from versions that are no longer served. */
const gone = ['CronJob', 'PodDisruptionBudget', 'EndpointSlice'];

/** Two at a time: as many as the smallest machine has processors. */
async function inPairs<T>(items: readonly T[], check: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const work = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await check(item);
  };
  await Promise.all([work(), work()]);
}
