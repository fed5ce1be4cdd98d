/** TaintToleration. Source: Kubernetes "Taints and Tolerations". */
import { type FilterPlugin, fits, type ScorePlugin } from '../framework.ts';

interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
}

export function tolerates(tolerations: readonly Toleration[] | undefined, taint: Taint): boolean {
  return (tolerations ?? []).some(({ key = '', operator = 'Equal', value = '', effect = '' }) => {
    if (effect !== '' && effect !== taint.effect) return false;
    if (key === '') return operator === 'Exists';
    if (key !== taint.key) return false;
    return operator === 'Exists' || value === (taint.value ?? '');
  });
}

export const taintToleration: FilterPlugin & ScorePlugin = {
  name: 'TaintToleration',
  weight: 3,
  filter({ pod }, { node }) {
    const refused = node.spec?.taints?.find(
      (taint) => taint.effect !== 'PreferNoSchedule' && !tolerates(pod.spec?.tolerations, taint),
    );
    return refused === undefined ? fits : [`node(s) had untolerated taint {${refused.key}: ${refused.value ?? ''}}`];
  },
  /** Fewer taints that would rather not have the pod are better. */
  score({ pod }, { node }) {
    const unwanted = (node.spec?.taints ?? []).filter(
      (taint) => taint.effect === 'PreferNoSchedule' && !tolerates(pod.spec?.tolerations, taint),
    ).length;
    return 100 / (1 + unwanted);
  },
};
