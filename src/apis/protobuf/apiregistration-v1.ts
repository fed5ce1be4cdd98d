/** The field numbers of `io.k8s.kube-aggregator.pkg.apis.apiregistration.v1`, in the notation of {@link MessageTable}. */
import type { MessageTable } from './table.ts';

export const apiregistrationV1: MessageTable = {
  APIService: 'metadata spec status',
  APIServiceCondition: 'type status lastTransitionTime reason message',
  APIServiceList: 'metadata items',
  APIServiceSpec: `
    service group version insecureSkipTLSVerify caBundle groupPriorityMinimum=7 versionPriority`,
  APIServiceStatus: 'conditions',
  ServiceReference: 'namespace name port',
};
