/**
 * Every namespace has the ConfigMap `kube-root-ca.crt`, by which pods check the API server's certificate.
 * Source: `k8s.io/kubernetes/pkg/controller/certificates/rootcacertpublisher`.
 */
import { ConfigMap, Namespace } from '../../client/kinds.ts';
import type { ControllerModule } from '../controller-module.ts';
import { ensureInNamespaces } from '../workload/namespace-defaults.ts';

const name = 'kube-root-ca.crt';
const description =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

export const rootCaPublisherController: ControllerModule = {
  name: 'root-ca-certificate-publisher-controller',
  add(manager, { rootCertificates } = {}) {
    // Where the API server has no certificate there is nothing to check it by.
    if (rootCertificates === undefined) return;
    const data = { 'ca.crt': rootCertificates };
    const annotations = { 'kubernetes.io/description': description };
    const controller = manager.controller('root-ca-certificate-publisher-controller', { for: Namespace });
    ensureInNamespaces(controller, ConfigMap, name, {
      draft: (namespace) => ({ metadata: { name, namespace, annotations }, data }),
      correct(found) {
        const isRight =
          found.data?.['ca.crt'] === rootCertificates &&
          Object.keys(found.data).length === 1 &&
          found.metadata.annotations?.['kubernetes.io/description'] === description;
        if (isRight) return undefined;
        return {
          ...found,
          metadata: { ...found.metadata, annotations: { ...found.metadata.annotations, ...annotations } },
          data,
        };
      },
    });
  },
};
