import assert from 'node:assert/strict';
import { withGoValues } from '../../src/apis/go-values.ts';
import { schemaOf } from '../../src/apis/schemas.ts';
import { errorBody, invalid } from '../../src/machinery/field.ts';

/** How a value at a path of a definition is printed. */
function printed(definition: string, path: string, value: unknown): string {
  const [error] = withGoValues([invalid(path, value, '')], schemaOf(`io.k8s.api.${definition}`));
  return errorBody(error!).replace(/^Invalid value: /, '');
}

describe('values in errors of built-in kinds', () => {
  it('are printed with the types of Go', () => {
    const cases: [definition: string, path: string, value: unknown, text: string][] = [
      [
        'apps.v1.Deployment',
        'spec.template.metadata.labels',
        { b: '2', a: '1' },
        'map[string]string{"a":"1", "b":"2"}',
      ],
      ['apps.v1.Deployment', 'spec.template.metadata.labels', {}, 'map[string]string(nil)'],
      ['batch.v1.Job', 'spec.template.metadata.labels[job-name]', { a: '1' }, 'map[string]string{"a":"1"}'],
      ['core.v1.Service', 'spec.clusterIPs', ['10.0.0.1', '::1'], '[]string{"10.0.0.1", "::1"}'],
      ['core.v1.Service', 'spec.clusterIPs[0]', ['::1'], '[]string{"::1"}'],
      ['core.v1.ResourceQuota', 'spec.scopes', ['BestEffort'], '[]core.ResourceQuotaScope{"BestEffort"}'],
      ['core.v1.Pod', 'status.podIPs', [{ ip: '::1' }], '[]core.PodIP{core.PodIP{IP:"::1"}}'],
      ['core.v1.Pod', 'status.podIPs[0]', { ip: '::1' }, 'core.PodIP{IP:"::1"}'],
      [
        'apps.v1.Deployment',
        'spec.selector',
        { matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] },
        'v1.LabelSelector{MatchLabels:map[string]string(nil), MatchExpressions:[]v1.LabelSelectorRequirement{v1.LabelSelectorRequirement{Key:"a", Operator:"In", Values:[]string{"b"}}}}',
      ],
      [
        'apps.v1.StatefulSet',
        'spec.updateStrategy',
        { type: 'x' },
        'apps.StatefulSetUpdateStrategy{Type:"x", RollingUpdate:(*apps.RollingUpdateStatefulSetStrategy)(nil)}',
      ],
    ];
    for (const [definition, path, value, text] of cases) assert.equal(printed(definition, path, value), text);
  });

  it('stay JSON where Go prints addresses, and where nobody knows the type', () => {
    const privileged = { privileged: true };
    assert.equal(printed('core.v1.Pod', 'spec.containers[0].securityContext', privileged), '{"privileged":true}');
    assert.equal(printed('core.v1.Pod', 'elsewhere', ['a']), '["a"]');
    assert.equal(printed('core.v1.Pod', 'spec.nodeName', 'a'), '"a"');
  });
});
