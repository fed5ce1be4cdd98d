/** Custom resources as kubectl shows them, against `setpoint up` as it is shipped. */
import assert from 'node:assert/strict';
import { hasKubectl, Kubectl, type KubectlName } from '../support/kubectl.ts';
import { type ProcessCluster, upCluster } from '../support/process-cluster.ts';

const crontabs = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: crontabs.stable.example.com
spec:
  group: stable.example.com
  scope: Namespaced
  names: { plural: crontabs, singular: crontab, kind: CronTab, shortNames: [ct], categories: [all, schedules] }
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: { specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas }
    selectableFields: [{ jsonPath: .spec.image }]
    additionalPrinterColumns:
    - { name: Spec, type: string, jsonPath: .spec.cronSpec, description: When it runs. }
    - { name: Replicas, type: integer, jsonPath: .spec.replicas }
    - { name: Image, type: string, jsonPath: .spec.image, priority: 1 }
    - { name: Age, type: date, jsonPath: .metadata.creationTimestamp }
    schema:
      openAPIV3Schema:
        type: object
        description: CronTab runs something now and then.
        properties:
          spec:
            type: object
            required: [cronSpec]
            properties:
              cronSpec: { type: string, description: When it runs., pattern: '^(\\d+|\\*)(\\s+(\\d+|\\*)){4}$' }
              image: { type: string }
              replicas: { type: integer, minimum: 1, maximum: 10, default: 1 }
            x-kubernetes-validations:
            - { rule: "!has(self.image) || self.image != 'forbidden'", message: this image is forbidden }
          status: { type: object, properties: { replicas: { type: integer } } }
  - name: v1beta1
    served: true
    storage: false
    deprecated: true
    schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } }
`;

const crontab = (name: string, spec: string, version = 'v1'): string => `
apiVersion: stable.example.com/${version}
kind: CronTab
metadata: { name: ${name} }
spec: ${spec}
`;

for (const name of ['kubectl', 'kubectl-oldest'] satisfies KubectlName[]) {
  describe(`custom resources with ${name}`, function () {
    this.timeout(60_000);
    let cluster: ProcessCluster;
    let kubectl: Kubectl;

    before(async function () {
      if (!hasKubectl(name)) this.skip();
      cluster = await upCluster('--runtime', 'none');
      kubectl = new Kubectl(cluster.kubeconfig, name);
      await kubectl.ok('apply -f -', crontabs);
      await kubectl.ok('wait --for=condition=Established --timeout=10s crd/crontabs.stable.example.com');
    });
    after(async () => {
      kubectl?.dispose();
      await cluster?.stop();
    });

    it('are created, listed and described', async () => {
      assert.equal(
        await kubectl.ok('apply -f -', crontab('one', '{ cronSpec: "* * * * 5", image: app }')),
        'crontab.stable.example.com/one created\n',
      );
      const lines = (await kubectl.ok('get crontabs')).split('\n');
      assert.match(lines[0]!, /^NAME\s+SPEC\s+REPLICAS\s+AGE\s*$/);
      assert.match(lines[1]!, /^one\s+\* \* \* \* 5\s+1\s+\d+s\s*$/);
      assert.match(await kubectl.ok('get ct -o wide'), /NAME\s+SPEC\s+REPLICAS\s+IMAGE\s+AGE\s*\none\s.*\sapp\s/);
      assert.match(await kubectl.ok('describe ct one'), /^Kind:\s+CronTab$/m);
      assert.equal(await kubectl.ok('get ct one -o jsonpath={.spec.replicas}'), '1');
    });

    it('are found by short names and categories', async () => {
      assert.match(await kubectl.ok('get schedules'), /^one\s/m);
      assert.match(await kubectl.ok('get all'), /^crontab\.stable\.example\.com\/one\s/m);
      assert.match(
        await kubectl.ok('api-resources --api-group=stable.example.com'),
        /^crontabs\s+ct\s+stable\.example\.com\/v1\s+true\s+CronTab$/m,
      );
    });

    it('are explained', async () => {
      assert.match(await kubectl.ok('explain crontab'), /CronTab runs something now and then\./);
      assert.match(await kubectl.ok('explain crontab.spec.cronSpec'), /When it runs\./);
    });

    it('are selected, patched and scaled', async () => {
      assert.match(
        await kubectl.ok('get ct --field-selector spec.image=app -o name'),
        /^crontab\.stable\.example\.com\/one\n$/,
      );
      assert.equal(await kubectl.ok('get ct --field-selector spec.image=other -o name'), '');
      assert.match(await kubectl.ok('scale ct one --replicas=3'), /^crontab\.stable\.example\.com\/one scaled\n$/);
      assert.equal(await kubectl.ok('get ct one -o jsonpath={.spec.replicas}'), '3');
      await kubectl.ok('patch ct one --type=merge -p {"spec":{"replicas":2}}');
      await kubectl.ok('label ct one tier=web');
      assert.match(await kubectl.ok('get ct -l tier=web -o name'), /one/);
    });

    it('are applied server-side', async () => {
      await kubectl.ok('apply --server-side --field-manager=x -f -', crontab('two', '{ cronSpec: "1 * * * *" }'));
      const conflict = await kubectl.fails(
        'apply --server-side --field-manager=y -f -',
        crontab('two', '{ cronSpec: "2 * * * *" }'),
      );
      assert.match(conflict, /conflict with "x": \.spec\.cronSpec/);
    });

    it('are refused with everything that is wrong', async () => {
      const errors = await kubectl.fails('create -f -', crontab('bad', '{ cronSpec: daily, replicas: 99 }'));
      assert.match(errors, /^The CronTab "bad" is invalid:/m);
      assert.match(errors, /spec\.cronSpec: Invalid value: "daily": spec\.cronSpec in body should match/);
      assert.match(
        errors,
        /spec\.replicas: Invalid value: 99: spec\.replicas in body should be less than or equal to 10/,
      );
      assert.match(
        await kubectl.fails('create -f -', crontab('bad', '{ cronSpec: "* * * * 5", image: forbidden }')),
        /this image is forbidden/,
      );
      assert.match(
        await kubectl.fails('create -f -', crontab('bad', '{ cronSpec: "* * * * 5", imgae: x }')),
        /unknown field "(spec\.)?imgae"/,
      );
    });

    it('warn of deprecated versions', async () => {
      const { stderr } = await kubectl.run(['get', 'crontabs.v1beta1.stable.example.com']);
      assert.match(
        stderr,
        /Warning: stable\.example\.com\/v1beta1 CronTab is deprecated; use stable\.example\.com\/v1 CronTab/,
      );
    });

    it('go with their definition', async () => {
      assert.equal(
        await kubectl.ok('delete crd crontabs.stable.example.com'),
        'customresourcedefinition.apiextensions.k8s.io "crontabs.stable.example.com" deleted\n',
      );
      assert.match(
        await kubectl.fails('get crontabs'),
        /the server (could not find the requested resource|doesn't have a resource type "crontabs")/,
      );
    });
  });
}
