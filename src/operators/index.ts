/** The built-in controllers. */
import { requestApprovingController } from './certificates/approving.ts';
import { requestCleanerController } from './certificates/cleaner.ts';
import { requestSigningController } from './certificates/signing.ts';
import { clusterRoleAggregationController } from './clusterrole-aggregation/controller.ts';
import type { ControllerModule } from './controller-module.ts';
import { cronJobController } from './cronjob/controller.ts';
import { daemonSetController } from './daemonset/controller.ts';
import { deploymentController } from './deployment/controller.ts';
import { disruptionController } from './disruption/controller.ts';
import { endpointsController } from './endpoints/controller.ts';
import { endpointSliceController } from './endpointslice/controller.ts';
import { garbageCollectorController } from './garbage-collector/controller.ts';
import { jobController } from './job/controller.ts';
import { namespaceController } from './namespace/controller.ts';
import { nodeLifecycleController } from './node-lifecycle/controller.ts';
import { podGarbageCollectorController } from './pod-gc/controller.ts';
import { replicaSetController } from './replicaset/controller.ts';
import { resourceQuotaController } from './resourcequota/controller.ts';
import { rootCaPublisherController } from './root-ca/controller.ts';
import { serviceAccountController } from './serviceaccount/controller.ts';
import { serviceAccountTokenController } from './serviceaccount-token/controller.ts';
import { statefulSetController } from './statefulset/controller.ts';
import { taintEvictionController } from './taint-eviction/controller.ts';
import { tokenCleanerController } from './token-cleaner/controller.ts';
import { ttlAfterFinishedController } from './ttl-after-finished/controller.ts';
import { claimProtectionController } from './volume-protection/claims.ts';
import { volumeProtectionController } from './volume-protection/volumes.ts';

export type { ControllerModule, ControllerSettings } from './controller-module.ts';

/** Under kube-controller-manager's names, in the order in which they are added to a manager. */
export const controllers: readonly ControllerModule[] = [
  replicaSetController,
  deploymentController,
  garbageCollectorController,
  namespaceController,
  statefulSetController,
  daemonSetController,
  jobController,
  cronJobController,
  serviceAccountController,
  serviceAccountTokenController,
  rootCaPublisherController,
  endpointSliceController,
  endpointsController,
  podGarbageCollectorController,
  nodeLifecycleController,
  taintEvictionController,
  ttlAfterFinishedController,
  tokenCleanerController,
  resourceQuotaController,
  clusterRoleAggregationController,
  requestSigningController,
  requestApprovingController,
  requestCleanerController,
  disruptionController,
  claimProtectionController,
  volumeProtectionController,
];
