/**
 * What a scheduler of a name does: its plugins and how much it looks at. Pods choose by `spec.schedulerName`.
 * Source: `kubescheduler.config.k8s.io/v1` KubeSchedulerProfile.
 */
import type { FilterPlugin, ScorePlugin } from './framework.ts';
import { imageLocality } from './plugins/image-locality.ts';
import { interPodAffinity } from './plugins/inter-pod-affinity.ts';
import { nodeAffinity } from './plugins/node-affinity.ts';
import { nodeName, nodeReady, nodeUnschedulable } from './plugins/node-availability.ts';
import { nodePorts } from './plugins/node-ports.ts';
import { nodeResourcesBalancedAllocation, nodeResourcesFit, type ScoringStrategy } from './plugins/node-resources.ts';
import { taintToleration } from './plugins/tolerations.ts';
import { podTopologySpread } from './plugins/topology-spread.ts';

export interface ProfileOptions {
  /** Default `default-scheduler`. */
  readonly schedulerName?: string;
  /** How many of the nodes to look at for candidates, 0 to 100. Default 0: the larger the cluster, the smaller the share. */
  readonly percentageOfNodesToScore?: number;
  /** Spread pods over nodes, or fill one node after the other. Default `LeastAllocated`. */
  readonly scoringStrategy?: ScoringStrategy;
  /** Names of plugins that are not asked. */
  readonly disabled?: readonly string[];
}

export interface Profile {
  readonly schedulerName: string;
  readonly percentageOfNodesToScore: number;
  /** In the order in which Kubernetes asks them. */
  readonly filters: readonly FilterPlugin[];
  readonly scores: readonly ScorePlugin[];
  /** Whether pods may have others removed. */
  readonly preempts: boolean;
}

export const defaultSchedulerName = 'default-scheduler';

export function createProfile({
  schedulerName = defaultSchedulerName,
  percentageOfNodesToScore = 0,
  scoringStrategy = 'LeastAllocated',
  disabled = [],
}: ProfileOptions = {}): Profile {
  const fit = nodeResourcesFit(scoringStrategy);
  const enabled = ({ name }: { readonly name: string }): boolean => !disabled.includes(name);
  const filters = [
    nodeUnschedulable,
    nodeName,
    nodeReady,
    taintToleration,
    nodeAffinity,
    nodePorts,
    fit,
    podTopologySpread,
    interPodAffinity,
  ];
  const scores = [
    taintToleration,
    nodeAffinity,
    fit,
    podTopologySpread,
    interPodAffinity,
    nodeResourcesBalancedAllocation,
    imageLocality,
  ];
  return {
    schedulerName,
    percentageOfNodesToScore,
    filters: filters.filter(enabled),
    scores: scores.filter(enabled),
    preempts: enabled({ name: 'DefaultPreemption' }),
  };
}
