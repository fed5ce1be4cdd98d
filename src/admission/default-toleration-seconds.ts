/**
 * DefaultTolerationSeconds: pods stay for five minutes on a node that is not ready or cannot be reached, unless they say
 * something else. Source: Kubernetes `plugin/pkg/admission/defaulttolerationseconds`.
 */
import type { Pod, Toleration } from '../apis/types.ts';
import type { AdmissionPlugin } from './chain.ts';

const conditions = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];
const seconds = 300;

export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  mutate(request) {
    const { group, resource, subresource, operation } = request;
    if (group !== '' || resource !== 'pods' || subresource !== '') return;
    if (operation !== 'CREATE' && operation !== 'UPDATE') return;
    const spec = (request.object as Pod).spec!;
    for (const key of conditions) {
      if (spec.tolerations?.some((toleration) => concerns(toleration, key))) continue;
      spec.tolerations ??= [];
      spec.tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: seconds });
    }
  },
};

function concerns({ key = '', effect = '' }: Toleration, taint: string): boolean {
  return (key === taint || key === '') && (effect === 'NoExecute' || effect === '');
}
