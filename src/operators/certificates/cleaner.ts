/**
 * Deletes requests that have been dealt with for an hour, that nobody deals with for a day, or whose certificate has run out.
 * Source: `k8s.io/kubernetes/pkg/controller/certificates/cleaner`.
 */
import { X509Certificate } from 'node:crypto';
import { keyOf } from '../../client/definition.ts';
import { CertificateSigningRequest } from '../../client/kinds.ts';
import { isReason } from '../../machinery/status.ts';
import type { ControllerModule } from '../controller-module.ts';
import { preconditionsOf } from '../workload/pod-control.ts';
import { conditionOf, isIssued, type RequestCondition } from './requests.ts';

const name = 'certificatesigningrequest-cleaner-controller';
const hour = 60 * 60_000;
const decidedExpiration = hour;
const pendingExpiration = 24 * hour;

export const requestCleanerController: ControllerModule = {
  name,
  add(manager) {
    manager.controller(name, { for: CertificateSigningRequest }).reconcile(async (request, context) => {
      const left = expiresAt(request) - context.clock.now();
      if (left === Number.POSITIVE_INFINITY) return undefined;
      // Kubernetes lets the very moment pass.
      if (left >= 0) return { requeueAfter: left + 1 };
      try {
        await context.client.resource(CertificateSigningRequest).delete(keyOf(request), preconditionsOf(request));
      } catch (error) {
        if (!isReason(error, 'NotFound', 'Conflict')) throw error;
      }
      return undefined;
    });
  },
};

/** In milliseconds. */
function expiresAt(request: CertificateSigningRequest): number {
  const { metadata, status } = request;
  const times: number[] = [];
  if ((status?.conditions ?? []).length === 0) {
    times.push(Date.parse(metadata.creationTimestamp ?? '') + pendingExpiration);
  }
  const since = (condition: RequestCondition | undefined): void => {
    const time = condition?.lastUpdateTime;
    if (time !== undefined) times.push(Date.parse(time) + decidedExpiration);
  };
  since(conditionOf(request, 'Denied'));
  since(conditionOf(request, 'Failed'));
  const approved = conditionOf(request, 'Approved');
  if (approved !== undefined && isIssued(request)) {
    since(approved);
    times.push(Date.parse(new X509Certificate(Buffer.from(status!.certificate!, 'base64')).validTo));
  }
  return Math.min(...times);
}
