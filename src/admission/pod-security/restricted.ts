/**
 * The restricted standard: what a hardened pod says of itself.
 * Source: Kubernetes "Pod Security Standards"; `k8s.io/pod-security-admission/policy`.
 */
import type { Container, Volume } from '../../apis/types.ts';
import { procMount, seccompProfile } from './baseline.ts';
import {
  always,
  type Check,
  containersOf,
  hasUserNamespace,
  isWindows,
  named,
  type PodShape,
  plural,
  quoted,
  settersText,
  sortedSet,
  type Violation,
} from './check.ts';

function allowPrivilegeEscalation({ spec }: PodShape): Violation | undefined {
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false);
  if (bad.length === 0) return undefined;
  const detail = `${named(bad)} must set securityContext.allowPrivilegeEscalation=false`;
  return { reason: 'allowPrivilegeEscalation != false', detail };
}

function capabilities({ spec }: PodShape): Violation | undefined {
  const containers = containersOf(spec);
  const added = ({ securityContext }: Container): string[] =>
    (securityContext?.capabilities?.add ?? []).filter((capability) => capability !== 'NET_BIND_SERVICE');
  const keeping = containers.filter(({ securityContext }) => !securityContext?.capabilities?.drop?.includes('ALL'));
  const adding = containers.filter((container) => added(container).length > 0);
  const details: string[] = [];
  if (keeping.length > 0) details.push(`${named(keeping)} must set securityContext.capabilities.drop=["ALL"]`);
  if (adding.length > 0) {
    const all = quoted(sortedSet(adding.flatMap(added)));
    details.push(`${named(adding)} must not include ${all} in securityContext.capabilities.add`);
  }
  return details.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: details.join('; ') };
}

const volumeTypes = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);

function restrictedVolumes({ spec }: PodShape): Violation | undefined {
  const typeOf = (volume: Volume): string => Object.keys(volume).find((field) => field !== 'name') ?? 'unknown';
  const bad = (spec.volumes ?? []).filter((volume) => !volumeTypes.has(typeOf(volume)));
  if (bad.length === 0) return undefined;
  const types = sortedSet(bad.map(typeOf));
  const who = `${plural('volume', 'volumes', bad.length)} ${quoted(bad.map(({ name }) => name))}`;
  const what = plural('restricted volume type', 'restricted volume types', types.length);
  return {
    reason: 'restricted volume types',
    detail: `${who} ${plural('uses', 'use', bad.length)} ${what} ${quoted(types)}`,
  };
}

function runAsNonRoot({ spec }: PodShape): Violation | undefined {
  const reason = 'runAsNonRoot != true';
  const ofPod = spec.securityContext?.runAsNonRoot;
  const containers = containersOf(spec);
  const bad = containers.filter(({ securityContext }) => securityContext?.runAsNonRoot === false);
  if (ofPod === false || bad.length > 0) {
    return { reason, detail: `${settersText(ofPod === false, bad)} must not set securityContext.runAsNonRoot=false` };
  }
  const silent = containers.filter(({ securityContext }) => securityContext?.runAsNonRoot === undefined);
  if (ofPod === true || silent.length === 0) return undefined;
  return { reason, detail: `pod or ${named(silent)} must set securityContext.runAsNonRoot=true` };
}

function runAsUser({ spec }: PodShape): Violation | undefined {
  const ofPod = spec.securityContext?.runAsUser === 0;
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.runAsUser === 0);
  if (!ofPod && bad.length === 0) return undefined;
  return { reason: 'runAsUser=0', detail: `${settersText(ofPod, bad)} must not set runAsUser=0` };
}

function seccompProfileSet(pod: PodShape): Violation | undefined {
  const bad = seccompProfile(pod);
  if (bad !== undefined || pod.spec.securityContext?.seccompProfile !== undefined) return bad;
  const silent = containersOf(pod.spec).filter(({ securityContext }) => securityContext?.seccompProfile === undefined);
  if (silent.length === 0) return undefined;
  const detail = `pod or ${named(silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`;
  return { reason: 'seccompProfile', detail };
}

const unlessWindows =
  (check: (pod: PodShape) => Violation | undefined) =>
  (pod: PodShape): Violation | undefined =>
    isWindows(pod.spec) ? undefined : check(pod);

const unlessUserNamespace =
  (check: (pod: PodShape) => Violation | undefined) =>
  (pod: PodShape): Violation | undefined =>
    hasUserNamespace(pod.spec) ? undefined : check(pod);

/** In the order in which violations are listed, after those of the baseline standard. */
export const restrictedChecks: readonly Check[] = [
  {
    control: 'allowPrivilegeEscalation',
    versions: [
      { since: 25, check: unlessWindows(allowPrivilegeEscalation) },
      { since: 8, check: allowPrivilegeEscalation },
    ],
  },
  {
    control: 'capabilities',
    versions: [
      { since: 25, check: unlessWindows(capabilities) },
      { since: 22, check: capabilities },
    ],
  },
  { control: 'procMount', versions: [{ since: 35, check: procMount }] },
  { control: 'volumes', versions: always(restrictedVolumes) },
  {
    control: 'runAsNonRoot',
    versions: [
      { since: 35, check: unlessUserNamespace(runAsNonRoot) },
      { since: 0, check: runAsNonRoot },
    ],
  },
  {
    control: 'runAsUser',
    versions: [
      { since: 35, check: unlessUserNamespace(runAsUser) },
      { since: 23, check: runAsUser },
    ],
  },
  {
    control: 'seccompProfile',
    versions: [
      { since: 25, check: unlessWindows(seccompProfileSet) },
      { since: 19, check: seccompProfileSet },
    ],
  },
];
