/** Every namespace has a ServiceAccount `default`. Source: `k8s.io/kubernetes/pkg/controller/serviceaccount`. */
import { Namespace, ServiceAccount } from '../../client/kinds.ts';
import type { ControllerModule } from '../controller-module.ts';
import { ensureInNamespaces } from '../workload/namespace-defaults.ts';

const name = 'default';

export const serviceAccountController: ControllerModule = {
  name: 'serviceaccount-controller',
  add(manager) {
    ensureInNamespaces(manager.controller('serviceaccount-controller', { for: Namespace }), ServiceAccount, name, {
      draft: (namespace) => ({ metadata: { name, namespace } }),
    });
  },
};
