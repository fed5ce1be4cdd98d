/**
 * NamespaceLifecycle: nothing is created in a namespace that does not exist or is going away, and the namespaces that the
 * system stands on are not deleted. Source: Kubernetes' admission controller of the same name.
 */
import { forbiddenError, notFound, StatusError } from '../machinery/status.ts';
import type { AdmissionPlugin, AdmissionRequest } from './chain.ts';

const immortal = new Set(['default', 'kube-system', 'kube-public']);
const namespaces = { group: '', plural: 'namespaces' };

export const namespaceLifecycle: AdmissionPlugin = {
  name: 'NamespaceLifecycle',
  validate(request) {
    if (request.group === '' && request.resource === 'namespaces') {
      if (request.operation === 'DELETE' && immortal.has(request.name)) {
        throw forbiddenError({ group: '', name: 'namespaces' }, request.name, 'this namespace may not be deleted');
      }
      return;
    }
    // Whether a namespace exists is nothing for who asks what may be done in it.
    if (request.group === 'authorization.k8s.io' && request.resource === 'localsubjectaccessreviews') return;
    if (request.operation === 'CREATE' && request.namespace !== undefined) return checkNamespace(request);
  },
};

async function checkNamespace(request: AdmissionRequest): Promise<void> {
  const name = request.namespace!;
  const namespace = await request.access.get(namespaces, undefined, name);
  if (namespace === undefined) throw notFound({ group: '', name: 'namespaces' }, name);
  const phase = (namespace.status as { phase?: string } | undefined)?.phase;
  if (phase !== 'Terminating' && namespace.metadata.deletionTimestamp === undefined) return;
  const refused = forbiddenError(
    { group: request.group, name: request.resource },
    request.name,
    `unable to create new content in namespace ${name} because it is being terminated`,
  );
  throw new StatusError(403, 'Forbidden', refused.message, {
    ...refused.status.details,
    causes: [
      { reason: 'NamespaceTerminating', message: `namespace ${name} is being terminated`, field: 'metadata.namespace' },
    ],
  });
}
