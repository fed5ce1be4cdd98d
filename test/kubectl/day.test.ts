/** What a user does in a day, with the kubectl that the set-up installs, against `setpoint up` as it is shipped. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasKubectl, Kubectl, type KubectlName } from '../support/kubectl.ts';
import { type ProcessCluster, upCluster } from '../support/process-cluster.ts';

for (const name of ['kubectl', 'kubectl-oldest'] satisfies KubectlName[]) {
  describe(`a day with ${name}`, function () {
    this.timeout(60_000);
    let cluster: ProcessCluster;
    let kubectl: Kubectl;

    before(async function () {
      if (!hasKubectl(name)) this.skip();
      cluster = await upCluster('--runtime', 'process');
      kubectl = new Kubectl(cluster.kubeconfig, name);
    });
    after(async () => {
      kubectl?.dispose();
      await cluster?.stop();
    });

    it('shows nodes and namespaces', async () => {
      assert.match(await kubectl.ok('get nodes'), /^node-1\s+Ready\s/m);
      assert.match(await kubectl.ok('get ns'), /^kube-system\s+Active\s/m);
    });

    it('creates a deployment and its pods run', async () => {
      assert.equal(
        await kubectl.ok('create deployment web --image=busybox --replicas=2 -- sh -c while(true);do(sleep(1));done'),
        'deployment.apps/web created\n',
      );
      await kubectl.ok('delete deployment web');
      const { code, stderr } = await kubectl.run([
        'create',
        'deployment',
        'web',
        '--image=busybox',
        '--replicas=2',
        '--',
        'sh',
        '-c',
        'echo started; exec sleep 1000',
      ]);
      assert.equal(code, 0, stderr);
      await kubectl.ok('rollout status deployment/web --timeout=30s');
      assert.match(await kubectl.ok('get deployments'), /^web\s+2\/2\s+2\s+2\s/m);
      assert.match(
        await kubectl.ok('get pods -o wide'),
        /^web-\w+-\w{5}\s+1\/1\s+Running\s+0\s+\S+\s+127\.\S+\s+node-1\s/m,
      );
    });

    it('reads logs', async () => {
      const pod = (await kubectl.ok('get pods -l app=web -o name')).split('\n')[0];
      assert.equal(await kubectl.ok(`logs ${pod}`), 'started\n');
      assert.equal(await kubectl.ok('logs deployment/web --tail=1'), 'started\n');
      assert.match(await kubectl.fails('logs nosuchpod'), /pods "nosuchpod" not found/);
    });

    it('scales, and watches it happen', async () => {
      const seen = (async () => {
        for await (const line of kubectl.follow('get pods -w --no-headers')) {
          if (/Terminating|Completed|Error/.test(line)) return line;
        }
        return '';
      })();
      await kubectl.ok('scale deployment web --replicas=1');
      assert.match(await seen, /^web-/);
      await kubectl.ok('scale deployment/web --replicas=3');
      await kubectl.ok('rollout status deployment/web --timeout=30s');
      assert.equal(await kubectl.ok('get deployment web -o jsonpath={.status.readyReplicas}'), '3');
      assert.match(
        await kubectl.fails('scale deployment web --replicas=5 --current-replicas=9'),
        /Expected replicas to be 9, was 3/,
      );
    });

    it('rolls to a new template, tells its history and goes back', async () => {
      await kubectl.ok('set env deployment/web COLOR=blue');
      await kubectl.ok('rollout status deployment/web --timeout=30s');
      assert.match(await kubectl.ok('set env deployment/web --list'), /COLOR=blue/);
      assert.match(await kubectl.ok('rollout history deployment/web'), /^2\s/m);
      await kubectl.ok('rollout undo deployment/web');
      await kubectl.ok('rollout status deployment/web --timeout=30s');
      assert.doesNotMatch(await kubectl.ok('set env deployment/web --list'), /COLOR/);
    });

    it('replaces a pod that is deleted', async () => {
      const before = (await kubectl.ok('get pods -l app=web -o name')).trim().split('\n');
      await kubectl.ok(`delete ${before[0]}`);
      await kubectl
        .ok('wait --for=jsonpath={.status.readyReplicas}=3 deployment/web --timeout=30s')
        .catch(async (error) => {
          // Releases before 1.23 wait for conditions only.
          if (name !== 'kubectl-oldest') throw error;
          await kubectl.ok('rollout status deployment/web --timeout=30s');
        });
      const after = (await kubectl.ok('get pods -l app=web -o name')).trim().split('\n');
      assert.equal(after.length, 3);
      assert.ok(!after.includes(before[0]!));
    });

    it('describes what there is', async () => {
      const text = await kubectl.ok('describe deployment web');
      assert.match(text, /StrategyType:\s+RollingUpdate/);
      assert.match(text, /Available\s+True\s+MinimumReplicasAvailable/);
      assert.match(text, /ScalingReplicaSet/);
      const pod = (await kubectl.ok('get pods -l app=web -o name')).split('\n')[0];
      assert.match(await kubectl.ok(`describe ${pod}`), /Successfully assigned default\/web-/);
      assert.match(await kubectl.ok('describe node node-1'), /Ready\s+True/);
      assert.match(await kubectl.ok('describe ns default'), /Status:\s+Active/);
    });

    it('serves a custom resource from apply to delete', async () => {
      const crd = join(cluster.directory, 'crd.yaml');
      const cr = join(cluster.directory, 'cr.yaml');
      writeFileSync(crd, memcachedCrd);
      writeFileSync(cr, memcached);
      assert.match(
        await kubectl.ok(`apply -f ${crd}`),
        /customresourcedefinition.apiextensions.k8s.io\/memcacheds\S+ created/,
      );
      await kubectl.ok('wait --for=condition=Established crd/memcacheds.cache.example.com --timeout=10s');
      assert.equal(
        await kubectl.ok(`apply -f ${crd} -f ${cr}`),
        'customresourcedefinition.apiextensions.k8s.io/memcacheds.cache.example.com unchanged\nmemcached.cache.example.com/small created\n',
      );
      assert.match(await kubectl.ok('get mc'), /^NAME\s+SIZE\s+AGE\nsmall\s+2\s/);
      assert.match(await kubectl.ok('get mc -o wide'), /^NAME\s+SIZE\s+AGE\s+READY\n/);
      assert.equal(await kubectl.ok('get mc small -o name'), 'memcached.cache.example.com/small\n');
      assert.equal(await kubectl.ok('get mc small -o jsonpath={.spec.size}'), '2');
      assert.match(await kubectl.ok('get mc small -o yaml'), /kind: Memcached/);
      assert.equal(JSON.parse(await kubectl.ok('get mc small -o json')).spec.size, 2);
      assert.equal(
        await kubectl.ok('get mc -o custom-columns=N:.metadata.name,S:.spec.size'),
        'N       S\nsmall   2\n',
      );
      assert.equal(await kubectl.ok('scale mc small --replicas=4'), 'memcached.cache.example.com/small scaled\n');
      assert.equal(await kubectl.ok('get mc small -o jsonpath={.spec.size}'), '4');
      assert.match(await kubectl.ok('explain mc.spec'), /size\s+<integer>/);
      const refused = await kubectl.run(['patch', 'mc', 'small', '--type=merge', '-p', '{"spec":{"size":9}}']);
      assert.equal(
        refused.stderr,
        'The Memcached "small" is invalid: spec.size: Invalid value: 9: spec.size in body should be less than or equal to 5\n',
      );
      assert.equal(await kubectl.ok('annotate mc small note=seen'), 'memcached.cache.example.com/small annotated\n');
      assert.equal(await kubectl.ok('label mc small tier=cache'), 'memcached.cache.example.com/small labeled\n');
      assert.equal(await kubectl.ok('get mc -l tier=cache -o name'), 'memcached.cache.example.com/small\n');
      await kubectl.ok(`delete -f ${crd}`);
      assert.match(
        await kubectl.fails('get mc'),
        /the server (doesn't have a resource type|could not find the requested resource)/,
      );
    });

    it('edits', async () => {
      process.env.KUBE_EDITOR = 'sed -i s/revisionHistoryLimit:.10/revisionHistoryLimit:\\ 3/';
      try {
        assert.equal(await kubectl.ok('edit deployment web'), 'deployment.apps/web edited\n');
      } finally {
        delete process.env.KUBE_EDITOR;
      }
      assert.equal(await kubectl.ok('get deployment web -o jsonpath={.spec.revisionHistoryLimit}'), '3');
    });

    it('patches in three ways', async () => {
      const patch = (type: string, text: string) =>
        kubectl.run(['patch', 'deployment', 'web', `--type=${type}`, '-p', text]);
      assert.equal((await patch('strategic', '{"metadata":{"annotations":{"a":"1"}}}')).code, 0);
      assert.equal((await patch('merge', '{"metadata":{"annotations":{"b":"2"}}}')).code, 0);
      assert.equal((await patch('json', '[{"op":"add","path":"/metadata/annotations/c","value":"3"}]')).code, 0);
      const annotations = JSON.parse(await kubectl.ok('get deployment web -o jsonpath={.metadata.annotations}'));
      assert.deepEqual([annotations.a, annotations.b, annotations.c], ['1', '2', '3']);
    });

    it('tells the API and its versions', async () => {
      assert.match(await kubectl.ok('api-resources'), /^deployments\s+deploy\s+apps\/v1\s+true\s+Deployment$/m);
      assert.match(await kubectl.ok('api-versions'), /^apps\/v1$/m);
      assert.match(await kubectl.ok('version'), /1\.36|Minor:"36"/);
      assert.match(await kubectl.ok('explain deployment.spec.strategy'), /rollingUpdate/);
      assert.match(await kubectl.ok('explain pods --recursive'), /terminationGracePeriodSeconds/);
      assert.match(await kubectl.ok('get events'), /Scheduled/);
    });

    it('deletes with and without dependents', async () => {
      await kubectl.ok('delete deployment web --cascade=orphan');
      const sets = (await kubectl.ok('get rs -o name')).trim().split('\n');
      assert.ok(sets.length >= 1 && sets[0] !== '', 'replica sets outlive an orphaning delete');
      await kubectl.ok('delete rs --all --cascade=foreground --timeout=40s');
      assert.equal(await kubectl.ok('get pods -l app=web -o name'), '', 'a foreground delete waits for dependents');
    });

    it('deletes a namespace with what is in it', async () => {
      await kubectl.ok('create namespace scratch');
      await kubectl.ok('create configmap a --from-literal=k=v -n scratch');
      assert.match(await kubectl.ok('get cm a -n scratch -o jsonpath={.data.k}'), /^v$/);
      await kubectl.ok('delete namespace scratch --timeout=30s');
      assert.match(await kubectl.fails('get namespace scratch'), /namespaces "scratch" not found/);
    });

    it('says what is wrong with what it was given', async () => {
      assert.match(
        await kubectl.fails('create configmap Bad_Name --from-literal=a=b'),
        /metadata\.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain must consist of/,
      );
      assert.match(
        await kubectl.fails('get cm nosuch'),
        /Error from server \(NotFound\): configmaps "nosuch" not found/,
      );
      assert.match(
        await kubectl.fails(
          'apply -f -',
          'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {replicas: many}\n',
        ),
        /replicas/,
      );
    });
  });
}

const memcachedCrd = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: memcacheds.cache.example.com}
spec:
  group: cache.example.com
  scope: Namespaced
  names: {plural: memcacheds, singular: memcached, kind: Memcached, shortNames: [mc]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.size, statusReplicasPath: .status.ready}
    additionalPrinterColumns:
    - {name: Size, type: integer, jsonPath: .spec.size}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    - {name: Ready, type: integer, jsonPath: .status.ready, priority: 1}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              size: {type: integer, minimum: 1, maximum: 5, default: 1, description: How many there are.}
          status:
            type: object
            properties:
              ready: {type: integer}
`;

const memcached = `
apiVersion: cache.example.com/v1
kind: Memcached
metadata: {name: small}
spec: {size: 2}
`;
