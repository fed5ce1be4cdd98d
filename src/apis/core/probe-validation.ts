/** Probes and lifecycle hooks. Source: Kubernetes `pkg/apis/core/validation/validation.go`. */
import type * as k8s from '@kubernetes/client-node';
import { type FieldError, type FieldPath, forbidden, invalid, notSupported, required } from '../../machinery/field.ts';
import { isHttpHeaderName, isPortNumber } from '../../machinery/names.ts';
import type { Probe, Wire } from '../types.ts';
import { checkAll, checkNonNegative, checkPortNumberOrName } from './field-rules.ts';

type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & { sleep?: { seconds: number } };
type Lifecycle = Wire<k8s.V1Lifecycle>;

interface Probed {
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  startupProbe?: Probe;
  lifecycle?: Lifecycle;
}

/** `gracePeriod` is the pod's: a hook may not sleep longer. */
export function validateProbesAndLifecycle(
  { lifecycle, livenessProbe, readinessProbe, startupProbe }: Probed,
  gracePeriod: number | undefined,
  path: FieldPath,
  errors: FieldError[],
): void {
  if (lifecycle !== undefined) {
    const at = path.child('lifecycle');
    if (lifecycle.postStart !== undefined)
      validateHandler(lifecycle.postStart, gracePeriod, at.child('postStart'), errors);
    if (lifecycle.preStop !== undefined) validateHandler(lifecycle.preStop, gracePeriod, at.child('preStop'), errors);
  }
  validateProbe(livenessProbe, 'livenessProbe', gracePeriod, path, errors);
  validateProbe(readinessProbe, 'readinessProbe', gracePeriod, path, errors);
  validateProbe(startupProbe, 'startupProbe', gracePeriod, path, errors);
}

function validateProbe(
  probe: Probe | undefined,
  field: 'livenessProbe' | 'readinessProbe' | 'startupProbe',
  gracePeriod: number | undefined,
  parent: FieldPath,
  errors: FieldError[],
): void {
  if (probe === undefined) return;
  const path = parent.child(field);
  validateHandler(probe, gracePeriod, path, errors);
  checkNonNegative(probe.initialDelaySeconds, path.child('initialDelaySeconds'), errors);
  checkNonNegative(probe.timeoutSeconds, path.child('timeoutSeconds'), errors);
  checkNonNegative(probe.periodSeconds, path.child('periodSeconds'), errors);
  checkNonNegative(probe.successThreshold, path.child('successThreshold'), errors);
  checkNonNegative(probe.failureThreshold, path.child('failureThreshold'), errors);
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) {
    errors.push(invalid(path.child('terminationGracePeriodSeconds'), grace, 'must be greater than 0'));
  }
  if (field === 'readinessProbe') {
    if (grace !== undefined) {
      errors.push(invalid(path.child('terminationGracePeriodSeconds'), grace, 'must not be set for readinessProbes'));
    }
  } else if (probe.successThreshold !== 1) {
    errors.push(invalid(path.child('successThreshold'), probe.successThreshold ?? 0, 'must be 1'));
  }
}

function validateHandler(
  { exec, httpGet, tcpSocket, grpc, sleep }: Handler,
  gracePeriod: number | undefined,
  path: FieldPath,
  errors: FieldError[],
): void {
  let handlers = 0;
  /** Whether the handler is the only one so far. */
  const alone = (field: string): boolean => {
    if (handlers++ === 0) return true;
    errors.push(forbidden(path.child(field), 'may not specify more than 1 handler type'));
    return false;
  };
  if (exec !== undefined && alone('exec') && (exec.command?.length ?? 0) === 0) {
    errors.push(required(path.child('exec').child('command')));
  }
  if (httpGet !== undefined && alone('httpGet')) validateHttpGet(httpGet, path.child('httpGet'), errors);
  if (tcpSocket !== undefined && alone('tcpSocket')) {
    checkPortNumberOrName(tcpSocket.port, path.child('tcpSocket').child('port'), errors);
  }
  if (grpc !== undefined && alone('grpc')) {
    checkAll(isPortNumber(grpc.port), path.child('grpc').child('port'), grpc.port, errors);
  }
  if (sleep !== undefined && alone('sleep')) {
    const at = path.child('sleep');
    if (gracePeriod !== undefined && (sleep.seconds < 0 || sleep.seconds > gracePeriod)) {
      const range = `must be non-negative and less than terminationGracePeriodSeconds (${gracePeriod})`;
      errors.push(
        invalid(
          at,
          sleep.seconds,
          `${range}. Enable AllowPodLifecycleSleepActionZeroValue feature gate for zero sleep.`,
        ),
      );
    }
  }
  if (handlers === 0) errors.push(required(path, 'must specify a handler type'));
}

function validateHttpGet(
  { path: url, port, scheme, httpHeaders }: NonNullable<Handler['httpGet']>,
  path: FieldPath,
  errors: FieldError[],
): void {
  if ((url ?? '') === '') errors.push(required(path.child('path')));
  checkPortNumberOrName(port, path.child('port'), errors);
  if (scheme !== 'HTTP' && scheme !== 'HTTPS')
    errors.push(notSupported(path.child('scheme'), scheme, ['HTTP', 'HTTPS']));
  for (const { name } of httpHeaders ?? []) checkAll(isHttpHeaderName(name), path.child('httpHeaders'), name, errors);
}
