/** Deletes bootstrap tokens when their time is over. Source: `k8s.io/kubernetes/pkg/controller/bootstrap/tokencleaner.go`. */
import { bootstrapTokenNamespace, bootstrapTokenType } from '../../auth/bootstrap-tokens.ts';
import { keyOf } from '../../client/definition.ts';
import { Secret } from '../../client/kinds.ts';
import { isReason } from '../../machinery/status.ts';
import type { ControllerModule } from '../controller-module.ts';
import { preconditionsOf } from '../workload/pod-control.ts';

const scope = { namespaces: [bootstrapTokenNamespace], fieldSelector: `type=${bootstrapTokenType}` };

export const tokenCleanerController: ControllerModule = {
  name: 'token-cleaner-controller',
  add(manager) {
    manager.controller('token-cleaner-controller', { for: Secret, scope }).reconcile(async (secret, context) => {
      const { expiration } = secret.data ?? {};
      if (expiration === undefined) return;
      const left = Date.parse(Buffer.from(expiration, 'base64').toString()) - context.clock.now();
      if (left > 0) return { requeueAfter: left };
      try {
        await context.client.resource(Secret).delete(keyOf(secret), preconditionsOf(secret));
      } catch (error) {
        if (!isReason(error, 'NotFound') && !isReason(error, 'Conflict')) throw error;
      }
    });
  },
};
