/** What makes, changes and tells of objects without a manifest. */
import { describeKubectl, gadgets } from './transcript.ts';

describeKubectl('generators and daily commands', { resources: [gadgets], controllers: ['*'], nodes: 1 }, (session) => {
  it('makes configuration', () =>
    session().expect(`
      $ kubectl create configmap lit --from-literal=a=1 --from-literal=b=2
      configmap/lit created
      $ kubectl create configmap file --from-file=greeting.txt --from-file=other=greeting.txt
      configmap/file created
      $ kubectl create configmap env --from-env-file=settings.env
      configmap/env created
      $ kubectl get configmap lit file env -o jsonpath='{range .items[*]}{.data}{end}'
      {"a":"1","b":"2"}{"greeting.txt":"hello\\n","other":"hello\\n"}{"COLOR":"blue","SIZE":"3"}
      $ kubectl create secret generic gen --from-literal=user=me --from-file=greeting.txt
      secret/gen created
      $ kubectl create secret tls tls --cert=nosuch --key=nosuch
      error: Cannot read file nosuch, open nosuch: no such file or directory
      [1]
      $ kubectl create secret docker-registry reg --docker-server=r.example.com --docker-username=u --docker-password=p
      secret/reg created
      $ kubectl get secret gen reg
      NAME   TYPE                             DATA   AGE
      gen    Opaque                           2      <age>
      reg    kubernetes.io/dockerconfigjson   1      <age>
      $ kubectl get secret gen -o jsonpath={.type}{.data}
      Opaque{"greeting.txt":"aGVsbG8K","user":"bWU="}
    `));

  it('makes workloads', () =>
    session().expect(`
      $ kubectl create deployment web --image=nginx:1 --replicas=2 --port=80
      deployment.apps/web created
      $ kubectl create job once --image=busybox -- true
      job.batch/once created
      36$ kubectl create cronjob often --image=busybox '--schedule=*/5 * * * *' -- true
      cronjob.batch/often created
      36$ kubectl create job manual --from=cronjob/often
      job.batch/manual created
      $ kubectl run single --image=nginx:1 --port=80 --labels=app=single --env=A=1
      pod/single created
      $ kubectl get deployment web -o jsonpath={.spec.replicas}{.spec.template.spec.containers[0].ports}
      2[{"containerPort":80,"protocol":"TCP"}]
      36$ kubectl get cronjob often
      NAME    SCHEDULE      TIMEZONE   SUSPEND   ACTIVE   LAST SCHEDULE   AGE
      often   */5 * * * *   <none>     False     0        <none>          <age>
      36$ kubectl get job manual -o jsonpath={.metadata.annotations}{.metadata.ownerReferences[0].kind}
      {"cronjob.kubernetes.io/instantiate":"manual"}CronJob
      $ kubectl get pod single -o jsonpath={.metadata.labels}{.spec.containers[0].env}
      {"app":"single"}[{"name":"A","value":"1"}]
      $ kubectl delete job,cronjob --all -o name
      36|job.batch/manual
      job.batch/once
      36|cronjob.batch/often
    `));

  it('makes what is around them', () =>
    session().expect(`
      $ kubectl create service clusterip cip --tcp=80:8080
      service/cip created
      $ kubectl create service nodeport np --tcp=80
      service/np created
      $ kubectl create service loadbalancer lb --tcp=80
      service/lb created
      $ kubectl create service externalname en --external-name=example.com
      service/en created
      $ kubectl get service cip np lb en -o jsonpath='{range .items[*]}{.spec.type}:{.spec.ports[0].port} {end}'
      ClusterIP:80 NodePort:80 LoadBalancer:80 ExternalName:
      $ kubectl create ingress ing '--rule=a.example.com/x=web:80'
      ingress.networking.k8s.io/ing created
      $ kubectl create ingress prefix --class=c '--rule=a.example.com/*=web:http,tls=cert'
      ingress.networking.k8s.io/prefix created
      $ kubectl get ingress
      NAME     CLASS    HOSTS           ADDRESS   PORTS     AGE
      ing      <none>   a.example.com             80        <age>
      prefix   c        a.example.com             80, 443   <age>
      $ kubectl create quota q --hard=pods=100,services=50
      resourcequota/q created
      36$ kubectl create poddisruptionbudget pdb --selector=app=web --min-available=1
      poddisruptionbudget.policy/pdb created
      $ kubectl create priorityclass high --value=1000 --description=first
      priorityclass.scheduling.k8s.io/high created
      $ kubectl create serviceaccount sa
      serviceaccount/sa created
      $ kubectl create namespace ns
      namespace/ns created
      36$ kubectl get pdb
      NAME   MIN AVAILABLE   MAX UNAVAILABLE   ALLOWED DISRUPTIONS   AGE
      pdb    1               N/A               <number>              <age>
      20$ kubectl create cronjob often --image=busybox '--schedule=*/5 * * * *' -- true
      error: failed to create cronjob: the server could not find the requested resource (post cronjobs.batch)
      [1]
      20$ kubectl create poddisruptionbudget pdb --selector=app=web --min-available=1
      error: no matches for kind "PodDisruptionBudget" in version "policy/v1beta1"
      [1]
      $ kubectl get priorityclass high
      NAME   VALUE   GLOBAL-DEFAULT   AGE   PREEMPTIONPOLICY
      high   1000    false            <age>    PreemptLowerPriority
    `));

  it('makes permissions', () =>
    session().expect(`
      $ kubectl create role r --verb=get,list --resource=pods,deployments.apps
      role.rbac.authorization.k8s.io/r created
      $ kubectl create clusterrole cr --verb=get --resource=nodes
      clusterrole.rbac.authorization.k8s.io/cr created
      $ kubectl create clusterrole raw --verb=get --non-resource-url=/healthz
      clusterrole.rbac.authorization.k8s.io/raw created
      $ kubectl create rolebinding rb --role=r --user=jane --serviceaccount=default:sa
      rolebinding.rbac.authorization.k8s.io/rb created
      $ kubectl create clusterrolebinding crb --clusterrole=cr --group=devs
      clusterrolebinding.rbac.authorization.k8s.io/crb created
      $ kubectl get role r -o jsonpath={.rules}
      [{"apiGroups":[""],"resources":["pods"],"verbs":["get","list"]},{"apiGroups":["apps"],"resources":["deployments"],"verbs":["get","list"]}]
      $ kubectl get rolebinding rb -o wide
      NAME   ROLE     AGE   USERS   GROUPS   SERVICEACCOUNTS
      rb     Role/r   <age>    jane             default/sa
      $ kubectl get clusterrolebinding crb -o wide
      NAME   ROLE             AGE   USERS   GROUPS   SERVICEACCOUNTS
      crb    ClusterRole/cr   <age>            devs
    `));

  it('exposes and scales by itself', () =>
    session().expect(`
      $ kubectl rollout status deployment/web --timeout=10s
      ...
      deployment "web" successfully rolled out
      $ kubectl expose deployment web --port=80 --target-port=8080
      service/web exposed
      $ kubectl expose deployment web --name=web2 --type=NodePort
      service/web2 exposed
      $ kubectl expose pod single --name=single
      service/single exposed
      $ kubectl get service web web2 single -o jsonpath='{range .items[*]}{.spec.selector}{.spec.ports[0].targetPort} {end}'
      {"app":"web"}8080 {"app":"web"}80 {"app":"single"}80
      $ kubectl autoscale deployment web --min=1 --max=3 --cpu-percent=80
      horizontalpodautoscaler.autoscaling/web autoscaled
      36|Flag --cpu-percent has been deprecated, Use --cpu with percentage or resource quantity format (e.g., '70%' for utilization or '500m' for milliCPU).
      $ kubectl get hpa web -o jsonpath={.spec.scaleTargetRef.name}{.spec.minReplicas}{.spec.maxReplicas}
      web13
      $ kubectl delete hpa web
      36|horizontalpodautoscaler.autoscaling "web" deleted from default namespace
      20|horizontalpodautoscaler.autoscaling "web" deleted
    `));

  // The order of what comes --from a configmap is that of a Go map: none.
  it('sets parts of workloads', () =>
    session().expect(`
      $ kubectl set image deployment/web nginx=nginx:2
      deployment.apps/web image updated
      $ kubectl set image deployment/web nginx=nginx:2
      $ kubectl set env deployment/web A=1 B=2
      deployment.apps/web env updated
      $ kubectl set env deployment/web B-
      deployment.apps/web env updated
      $ kubectl set env deployment/web --from=configmap/env
      deployment.apps/web env updated
      $ kubectl set env deployment/web --list
      # Deployment web, container nginx
      A=1
      # <word> from configmap env, key <word>
      # <word> from configmap env, key <word>
      $ kubectl set resources deployment web --limits=cpu=200m,memory=512Mi --requests=cpu=100m
      deployment.apps/web resource requirements updated
      $ kubectl set resources deployment web --requests=cpu=300m
      error: failed to patch resources update to pod template Deployment.apps "web" is invalid: spec.template.spec.containers[0].resources.requests: Invalid value: "300m": must be less than or equal to cpu limit of <age>
      [1]
      $ kubectl set serviceaccount deployment web sa
      deployment.apps/web serviceaccount updated
      $ kubectl set selector service web app=other
      service/web selector updated
      $ kubectl set subject rolebinding rb --user=joe
      rolebinding.rbac.authorization.k8s.io/rb subjects updated
      $ kubectl get deployment web -o jsonpath={.spec.template.spec.containers[0].resources}{.spec.template.spec.serviceAccountName}
      {"limits":{"cpu":"200m","memory":"512Mi"},"requests":{"cpu":"100m"}}sa
    `));

  it('labels and annotates', () =>
    session().expect(`
      $ kubectl label pod single tier=front
      pod/single labeled
      $ kubectl label pod single tier=back
      error: 'tier' already has a value (front), and --overwrite is false
      [1]
      $ kubectl label pod single tier=back --overwrite
      pod/single labeled
      $ kubectl label pod single tier=back
      36|pod/single not labeled
      20|error: 'tier' already has a value (back), and --overwrite is false
      20|[1]
      $ kubectl label pod single tier-
      36|pod/single unlabeled
      20|pod/single labeled
      $ kubectl label pod single nosuch-
      label "nosuch" not found.
      pod/single not labeled
      $ kubectl label pod single --list
      app=single
      $ kubectl label pods -l app=single a=b
      pod/single labeled
      $ kubectl annotate pod single note='some words'
      pod/single annotated
      $ kubectl annotate pod single note=other --resource-version=1
      error: --overwrite is false but found the following declared annotation(s): 'note' already has a value (some words)
      [1]
      $ kubectl annotate pod single note-
      pod/single annotated
      $ kubectl annotate deployment web kubernetes.io/change-cause=tested
      deployment.apps/web annotated
    `));

  it('rolls out, back and on', () =>
    session().expect(`
      $ kubectl rollout status deployment/web --timeout=10s
      ...
      deployment "web" successfully rolled out
      $ kubectl rollout history deployment/web
      deployment.apps/web
      REVISION  CHANGE-CAUSE
      1         <none>
      ...
      <number>  tested
      $ kubectl rollout history deployment/web --revision=1
      deployment.apps/web with revision #1
      Pod Template:
        Labels:	app=web
      	pod-template-hash=<word>
        Containers:
         nginx:
          Image:	nginx:1
          Port:	80/TCP
          Host Port:	0/TCP
          Environment:	<none>
          Mounts:	<none>
        Volumes:	<none>
      36|  Node-Selectors:	<none>
      36|  Tolerations:	<none>
      $ kubectl rollout undo deployment/web --to-revision=1
      deployment.apps/web rolled back
      $ kubectl rollout status deployment/web --timeout=10s
      ...
      deployment "web" successfully rolled out
      $ kubectl rollout undo deployment/web --dry-run=server
      deployment.apps/web rolled back (server dry run)
      $ kubectl rollout pause deployment/web
      deployment.apps/web paused
      $ kubectl rollout pause deployment/web
      error: deployments.apps "web" is already paused
      [1]
      $ kubectl rollout restart deployment/web
      error: deployments.apps "web" can't restart paused deployment (run rollout resume first)
      [1]
      $ kubectl rollout undo deployment/web
      36|error: you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again
      20|error: you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume deployment/web' and try again
      [1]
      $ kubectl rollout resume deployment/web
      deployment.apps/web resumed
      $ kubectl rollout restart deployment/web
      deployment.apps/web restarted
      $ kubectl rollout status deployment/web --timeout=10s
      ...
      deployment "web" successfully rolled out
      $ kubectl get deployment web -o jsonpath={.status.observedGeneration}={.metadata.generation}
      11=11
    `));

  it('scales', () =>
    session().expect(`
      $ kubectl scale deployment web --replicas=3
      deployment.apps/web scaled
      $ kubectl scale deployment/web --replicas=1 --current-replicas=3
      deployment.apps/web scaled
      $ kubectl scale rs,deployment --all --replicas=0
      ...
      deployment.apps/web scaled
      $ kubectl create -f gadget.yaml
      gadget.shop.example.com/one created
      $ kubectl scale gadget one --replicas=4
      gadget.shop.example.com/one scaled
      $ kubectl get gadget one -o jsonpath={.spec.size}
      4
    `));

  it('patches in three ways', () =>
    session().expect(`
      $ kubectl patch deployment web -p '{"spec":{"template":{"spec":{"containers":[{"name":"nginx","workingDir":"/x"}]}}}}'
      deployment.apps/web patched
      $ kubectl patch deployment web --type=merge -p '{"spec":{"minReadySeconds":1}}'
      deployment.apps/web patched
      $ kubectl patch deployment web --type=json -p '[{"op":"replace","path":"/spec/minReadySeconds","value":0}]'
      deployment.apps/web patched
      $ kubectl patch deployment web --type=json -p '[{"op":"replace","path":"/spec/minReadySeconds","value":0}]'
      deployment.apps/web patched (no change)
      $ kubectl get deployment web -o jsonpath={.spec.template.spec.containers[*].name}{.spec.template.spec.containers[0].workingDir}
      nginx/x
      $ kubectl patch gadget one --type=merge -p '{"spec":{"color":"green"}}'
      gadget.shop.example.com/one patched
      36$ kubectl patch gadget one --type=merge --subresource=status -p '{"status":{"ready":4},"spec":{"color":"red"}}'
      gadget.shop.example.com/one patched
      36$ kubectl get gadget one -o jsonpath={.status.ready}{.spec.color}
      4green
    `));

  it('waits', () =>
    session().expect(`
      $ kubectl wait --for=condition=Available deployment/web --timeout=10s
      deployment.apps/web condition met
      $ kubectl wait --for=condition=Ready pod/single --timeout=10s
      pod/single condition met
      36$ kubectl wait --for=condition=Ready=false pod/single --timeout=0s
      error: condition not met for pods/single
      [1]
      36$ kubectl wait --for=jsonpath={.status.phase}=Running pod/single --timeout=5s
      pod/single condition met
      36$ kubectl wait --for=jsonpath={.spec.size}=4 gadget/one --timeout=5s
      gadget.shop.example.com/one condition met
      36$ kubectl wait --for=create gadget/one --timeout=5s
      gadget.shop.example.com/one condition met
      $ kubectl wait --for=delete pod/nosuch --timeout=1s
      20|error: no matching resources found
      20|[1]
    `));

  it('marks and empties nodes', () =>
    session().expect(`
      $ kubectl cordon node-1
      node/node-1 cordoned
      $ kubectl cordon node-1
      node/node-1 already cordoned
      $ kubectl get node node-1 --no-headers
      node-1   Ready,SchedulingDisabled   <none>   <age>    v1.36.0
      $ kubectl uncordon node-1
      node/node-1 uncordoned
      $ kubectl taint node node-1 key=value:NoSchedule
      node/node-1 tainted
      $ kubectl taint node node-1 key=value:NoSchedule
      error: node node-1 already has key taint(s) with same effect(s) and --overwrite is false
      [1]
      $ kubectl get node node-1 -o jsonpath={.spec.taints}
      [{"effect":"NoSchedule","key":"key","value":"value"}]
      $ kubectl taint node node-1 key:NoSchedule-
      node/node-1 untainted
      $ kubectl drain node-1
      node/node-1 cordoned
      36|error: unable to drain node "node-1" due to error: cannot delete Pods that declare no controller (use --force to override): default/single, continuing command...
      20|error: unable to drain node "node-1", aborting command...
      20|
      There are pending nodes to be drained:
       node-1
      36|cannot delete Pods that declare no controller (use --force to override): default/single
      20|error: cannot delete Pods not managed by ReplicationController, ReplicaSet, Job, DaemonSet or StatefulSet (use --force to override): default/single
      [1]
      $ kubectl drain node-1 --force --ignore-daemonsets --timeout=15s
      node/node-1 already cordoned
      evicting pod default/single
      pod/single evicted
      36|node/node-1 drained
      36|Warning: deleting Pods that declare no controller: default/single
      20|node/node-1 evicted
      20|WARNING: deleting Pods not managed by ReplicationController, ReplicaSet, Job, DaemonSet or StatefulSet: default/single
      $ kubectl get node node-1 -o jsonpath={.spec.unschedulable}{.spec.taints[*].key}
      truenode.kubernetes.io/unschedulable
      $ kubectl uncordon node-1
      node/node-1 uncordoned
    `));

  it('tells of custom resources as of its own', () =>
    session().expect(`
      $ kubectl api-resources --api-group=shop.example.com -o wide
      36|NAME      SHORTNAMES   APIVERSION            NAMESPACED   KIND     VERBS                                                        CATEGORIES
      36|gadgets   gd           shop.example.com/v1   true         Gadget   delete,deletecollection,get,list,patch,create,update,watch   all,stock
      20|NAME      SHORTNAMES   APIVERSION            NAMESPACED   KIND     VERBS
      20|gadgets   gd           shop.example.com/v1   true         Gadget   [delete deletecollection get list patch create update watch]
      36$ kubectl api-resources --categories=stock
      NAME      SHORTNAMES   APIVERSION            NAMESPACED   KIND
      gadgets   gd           shop.example.com/v1   true         Gadget
      $ kubectl api-resources --api-group=apps
      NAME                  SHORTNAMES   APIVERSION   NAMESPACED   KIND
      controllerrevisions                apps/v1      true         ControllerRevision
      daemonsets            ds           apps/v1      true         DaemonSet
      deployments           deploy       apps/v1      true         Deployment
      replicasets           rs           apps/v1      true         ReplicaSet
      statefulsets          sts          apps/v1      true         StatefulSet
      $ kubectl api-resources --api-group=batch -o name
      cronjobs.batch
      jobs.batch
      $ kubectl api-resources --api-group=policy --no-headers
      poddisruptionbudgets   pdb   policy/v1   true   PodDisruptionBudget
    `));

  it('explains', () =>
    session().expect(`
      $ kubectl explain gadget
      36|GROUP:      shop.example.com
      36|KIND:       Gadget
      36|VERSION:    v1
      20|KIND:     Gadget
      20|VERSION:  shop.example.com/v1

      DESCRIPTION:
      36|    A thing on a shelf.
      36|
      20|     A thing on a shelf.
      20|
      FIELDS:
      36|  apiVersion	<string>
      36|    APIVersion defines the versioned schema of this representation of an object.
      36|    Servers should convert recognized schemas to the latest internal value, and
      36|    may reject unrecognized values. More info:
      36|    https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources
      20|   apiVersion	<string>
      20|     APIVersion defines the versioned schema of this representation of an
      20|     object. Servers should convert recognized schemas to the latest internal
      20|     value, and may reject unrecognized values. More info:
      20|     https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources

      36|  kind	<string>
      36|    Kind is a string value representing the REST resource this object
      36|    represents. Servers may infer this from the endpoint the client submits
      36|    requests to. Cannot be updated. In CamelCase. More info:
      36|    https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds
      20|   kind	<string>
      20|     Kind is a string value representing the REST resource this object
      20|     represents. Servers may infer this from the endpoint the client submits
      20|     requests to. Cannot be updated. In CamelCase. More info:
      20|     https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds

      36|  metadata	<ObjectMeta>
      36|    Standard object's metadata. More info:
      36|    https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata
      20|   metadata	<Object>
      20|     Standard object's metadata. More info:
      20|     https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata

      36|  spec	<Object>
      36|    What it should be.
      20|   spec	<Object>
      20|     What it should be.

      36|  status	<Object>
      36|    <no description>
      20|   status	<Object>
      $ kubectl explain gadget.spec.parts
      36|GROUP:      shop.example.com
      36|KIND:       Gadget
      36|VERSION:    v1
      20|KIND:     Gadget
      20|VERSION:  shop.example.com/v1

      36|FIELD: parts <[]Object>
      36|
      20|RESOURCE: parts <[]Object>

      DESCRIPTION:
      36|    <empty>
      20|     <empty>
      20|
      FIELDS:
      36|  name	<string> -required-
      36|    <no description>
      20|   name	<string> -required-

      36|  weight	<integer>
      36|    <no description>
      20|   weight	<integer>
      $ kubectl explain gadget --recursive
      36|GROUP:      shop.example.com
      36|KIND:       Gadget
      36|VERSION:    v1
      20|KIND:     Gadget
      20|VERSION:  shop.example.com/v1

      DESCRIPTION:
      36|    A thing on a shelf.
      36|
      20|     A thing on a shelf.
      20|
      FIELDS:
      36|  apiVersion	<string>
      36|  kind	<string>
      36|  metadata	<ObjectMeta>
      36|    annotations	<map[string]string>
      36|    creationTimestamp	<string>
      36|    deletionGracePeriodSeconds	<integer>
      36|    deletionTimestamp	<string>
      36|    finalizers	<[]string>
      36|    generateName	<string>
      36|    generation	<integer>
      36|    labels	<map[string]string>
      36|    managedFields	<[]ManagedFieldsEntry>
      36|      apiVersion	<string>
      36|      fieldsType	<string>
      36|      fieldsV1	<FieldsV1>
      36|      manager	<string>
      36|      operation	<string>
      36|      subresource	<string>
      36|      time	<string>
      36|    name	<string>
      36|    namespace	<string>
      36|    ownerReferences	<[]OwnerReference>
      36|      apiVersion	<string> -required-
      36|      blockOwnerDeletion	<boolean>
      36|      controller	<boolean>
      36|      kind	<string> -required-
      36|      name	<string> -required-
      36|      uid	<string> -required-
      36|    resourceVersion	<string>
      36|    selfLink	<string>
      36|    uid	<string>
      36|  spec	<Object>
      36|    color	<string>
      36|    enum: red, green, blue
      36|    parts	<[]Object>
      36|      name	<string> -required-
      36|      weight	<integer>
      36|    size	<integer> -required-
      36|  status	<Object>
      36|    ready	<integer>
      20|   apiVersion	<string>
      20|   kind	<string>
      20|   metadata	<Object>
      20|      annotations	<map[string]string>
      20|      creationTimestamp	<string>
      20|      deletionGracePeriodSeconds	<integer>
      20|      deletionTimestamp	<string>
      20|      finalizers	<[]string>
      20|      generateName	<string>
      20|      generation	<integer>
      20|      labels	<map[string]string>
      20|      managedFields	<[]Object>
      20|         apiVersion	<string>
      20|         fieldsType	<string>
      20|         fieldsV1	<map[string]>
      20|         manager	<string>
      20|         operation	<string>
      20|         subresource	<string>
      20|         time	<string>
      20|      name	<string>
      20|      namespace	<string>
      20|      ownerReferences	<[]Object>
      20|         apiVersion	<string>
      20|         blockOwnerDeletion	<boolean>
      20|         controller	<boolean>
      20|         kind	<string>
      20|         name	<string>
      20|         uid	<string>
      20|      resourceVersion	<string>
      20|      selfLink	<string>
      20|      uid	<string>
      20|   spec	<Object>
      20|      color	<string>
      20|      parts	<[]Object>
      20|         name	<string>
      20|         weight	<integer>
      20|      size	<integer>
      20|   status	<Object>
      20|      ready	<integer>
      $ kubectl explain pods.spec.containers.livenessProbe.httpGet.path
      36|KIND:       Pod
      36|VERSION:    v1
      20|KIND:     Pod
      20|VERSION:  v1

      36|FIELD: path <string>
      36|
      20|FIELD:    path <string>

      DESCRIPTION:
      36|    Path to access on the HTTP server.
      36|
      20|     Path to access on the HTTP server.
      $ kubectl explain service.spec.ports.nodePort
      36|KIND:       Service
      36|VERSION:    v1
      20|KIND:     Service
      20|VERSION:  v1

      36|FIELD: nodePort <integer>
      36|
      20|FIELD:    nodePort <integer>

      DESCRIPTION:
      36|    The port on each node on which this service is exposed when type is NodePort
      36|    or LoadBalancer.  Usually assigned by the system. If a value is specified,
      36|    in-range, and not in use it will be used, otherwise the operation will fail.
      36|    If not specified, a port will be allocated if this Service requires one.  If
      36|    this field is specified when creating a Service which does not need it,
      36|    creation will fail. This field will be wiped when updating a Service to no
      36|    longer need it (e.g. changing type from NodePort to ClusterIP). More info:
      36|    https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport
      36|
      20|     The port on each node on which this service is exposed when type is
      20|     NodePort or LoadBalancer. Usually assigned by the system. If a value is
      20|     specified, in-range, and not in use it will be used, otherwise the
      20|     operation will fail. If not specified, a port will be allocated if this
      20|     Service requires one. If this field is specified when creating a Service
      20|     which does not need it, creation will fail. This field will be wiped when
      20|     updating a Service to no longer need it (e.g. changing type from NodePort
      20|     to ClusterIP). More info:
      20|     https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport
      $ kubectl explain cronjob.spec.jobTemplate.spec.template.spec.nodeName
      36|GROUP:      batch
      36|KIND:       CronJob
      36|VERSION:    v1
      20|KIND:     CronJob
      20|VERSION:  batch/v1

      36|FIELD: nodeName <string>
      36|
      20|FIELD:    nodeName <string>

      DESCRIPTION:
      36|    NodeName indicates in which node this pod is scheduled. If empty, this pod
      36|    is a candidate for scheduling by the scheduler defined in schedulerName.
      36|    Once this field is set, the kubelet for this node becomes responsible for
      36|    the lifecycle of this pod. This field should not be used to express a desire
      36|    for the pod to be scheduled on a specific node.
      36|    https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#nodename
      36|
      20|     NodeName indicates in which node this pod is scheduled. If empty, this pod
      20|     is a candidate for scheduling by the scheduler defined in schedulerName.
      20|     Once this field is set, the kubelet for this node becomes responsible for
      20|     the lifecycle of this pod. This field should not be used to express a
      20|     desire for the pod to be scheduled on a specific node.
      20|     https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#nodename
    `));
});
