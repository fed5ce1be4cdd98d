/** What checks of the Pod Security Standards share: how they look at a pod, and how they say what is wrong. */
import type { Container, Pod } from '../../apis/types.ts';
import { goQuote } from '../../machinery/field.ts';

export type PodSpec = NonNullable<Pod['spec']>;

/** A pod, or what pods are made from. */
export interface PodShape {
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
}

export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

/** One control, in the form it has had since each of several minor versions. */
export interface Check {
  /** The restricted check of a control takes the place of the baseline one. */
  readonly control: string;
  /** Newest first. */
  readonly versions: readonly { readonly since: number; readonly check: (pod: PodShape) => Violation | undefined }[];
}

export function containersOf({ initContainers = [], containers, ephemeralContainers = [] }: PodSpec): Container[] {
  return [...initContainers, ...containers, ...(ephemeralContainers as Container[])];
}

export const quoted = (texts: Iterable<string>): string => [...texts].map(goQuote).join(', ');

export const sortedSet = (texts: Iterable<string>): string[] => [...new Set(texts)].sort();

export const plural = (one: string, many: string, count: number): string => (count === 1 ? one : many);

export const named = (containers: readonly Container[]): string =>
  `${plural('container', 'containers', containers.length)} ${quoted(containers.map(({ name }) => name))}`;

/** `pod and containers "a", "b"`. */
export function settersText(pod: boolean, containers: readonly Container[]): string {
  return [...(pod ? ['pod'] : []), ...(containers.length > 0 ? [named(containers)] : [])].join(' and ');
}

/** Pods in a user namespace may do more since 1.35 (KEP-127). */
export const hasUserNamespace = ({ hostUsers }: PodSpec): boolean => hostUsers === false;

/** Since 1.25 what means nothing on Windows is not asked of pods that say they run there. */
export const isWindows = ({ os }: PodSpec): boolean => os?.name === 'windows';

export const always = (check: (pod: PodShape) => Violation | undefined): Check['versions'] => [{ since: 0, check }];
