/** How kubectl abbreviates access modes, in Kubernetes' order. Source: `pkg/apis/core/helper`, GetAccessModesAsString. */
const abbreviations: readonly (readonly [mode: string, text: string])[] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
];

export function accessModesText(modes: readonly string[] | undefined): string {
  return abbreviations
    .filter(([mode]) => modes?.includes(mode) === true)
    .map(([, text]) => text)
    .join(',');
}
