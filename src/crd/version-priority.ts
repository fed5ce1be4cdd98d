/**
 * Kubernetes' version priority: `v2`, `v1`, `v2beta1`, `v1beta2`, `v1alpha1`, then whatever else there is, by name.
 * Source: apimachinery `pkg/version` (CompareKubeAwareVersionStrings); documentation "Versions in
 * CustomResourceDefinitions".
 */

/** Orders versions, the preferred one first. */
export function compareVersions(a: string, b: string): number {
  const left = parse(a);
  const right = parse(b);
  if (left === undefined || right === undefined) {
    if (left !== undefined) return -1;
    if (right !== undefined) return 1;
    return a < b ? -1 : a > b ? 1 : 0;
  }
  for (let i = 0; i < left.length; i++) {
    const difference = (right[i] as number) - (left[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

const stages = { alpha: 0, beta: 1, stable: 2 };

/** Stage, major and minor; `undefined` for a name that does not follow the convention. */
function parse(version: string): [stage: number, major: number, minor: number] | undefined {
  const parts = /^v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?$/.exec(version);
  if (parts === null) return undefined;
  const stage = parts[2] as 'alpha' | 'beta' | undefined;
  return [stages[stage ?? 'stable'], Number(parts[1]), Number(parts[3] ?? 0)];
}
