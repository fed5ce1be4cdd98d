/** How the default roles are written down: words instead of arrays. */
import type { PolicyRule } from '../types.ts';

/** `can('get list watch', 'apps extensions', 'replicasets')`. The group `core` is the one without a name. */
export function can(verbs: string, groups: string, resources: string, ...resourceNames: string[]): PolicyRule {
  return {
    verbs: words(verbs),
    apiGroups: words(groups).map((group) => (group === 'core' ? '' : group)),
    resources: words(resources),
    ...(resourceNames.length === 0 ? {} : { resourceNames }),
  };
}

export function canPath(verbs: string, ...nonResourceURLs: string[]): PolicyRule {
  return { verbs: words(verbs), nonResourceURLs: nonResourceURLs.sort() };
}

export const read = 'get list watch';
export const write = 'create delete deletecollection patch update';
export const readWrite = `${read} ${write}`;

/** What every component that records events may do. */
export const recordEvents = can('create patch update', 'core events.k8s.io', 'events');

function words(text: string): string[] {
  return text.split(' ').sort();
}
