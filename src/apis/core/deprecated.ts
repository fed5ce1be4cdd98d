/** What Kubernetes warns of in pods and volumes. Source: `pkg/api/node/util.go`, `pkg/api/pod/warnings.go`. */
import type { FieldPath } from '../../machinery/field.ts';

interface RenamedLabel {
  readonly since: string;
  readonly now: string;
}

/** Labels of nodes that have left beta, by the name that they had there. */
export const renamedLabels: Readonly<Record<string, RenamedLabel>> = {
  'beta.kubernetes.io/arch': { since: 'v1.14', now: 'kubernetes.io/arch' },
  'beta.kubernetes.io/os': { since: 'v1.14', now: 'kubernetes.io/os' },
  'failure-domain.beta.kubernetes.io/region': { since: 'v1.17', now: 'topology.kubernetes.io/region' },
  'failure-domain.beta.kubernetes.io/zone': { since: 'v1.17', now: 'topology.kubernetes.io/zone' },
  'beta.kubernetes.io/instance-type': { since: 'v1.17', now: 'node.kubernetes.io/instance-type' },
};

/** `undefined`: there is nothing to say about the label. */
export function labelWarning(label: string): string | undefined {
  const renamed = renamedLabels[label];
  return renamed && `deprecated since ${renamed.since}; use "${renamed.now}" instead`;
}

export type Warn = (at: FieldPath, text: string) => void;

/** `path` is that of a NodeSelectorTerm. */
export function warnOfExpressions(
  expressions: readonly { readonly key: string }[] | undefined,
  path: FieldPath,
  warn: Warn,
): void {
  for (const [i, { key }] of (expressions ?? []).entries()) {
    const text = labelWarning(key);
    if (text !== undefined) warn(path.child('matchExpressions').index(i).child('key'), `${key} is ${text}`);
  }
}

/** Sources of volumes by field: what warnings call them, and what they say. */
export const deprecatedVolumes: Readonly<Record<string, readonly [field: string, text: string]>> = {
  gitRepo: ['gitRepo', 'deprecated in v1.11, and disabled by default in v1.33+'],
  photonPersistentDisk: ['photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  scaleIO: ['scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  flocker: ['flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  storageos: ['storageOS', 'deprecated in v1.22, non-functional in v1.25+'],
  quobyte: ['quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  glusterfs: ['glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  rbd: ['rbd', 'deprecated in v1.28, non-functional in v1.31+'],
  cephfs: ['cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
};

export const oldClassAnnotation = 'volume.beta.kubernetes.io/storage-class';
export const oldClassWarning = 'deprecated since v1.8; use "storageClassName" attribute instead';
