/**
 * The HTTPS endpoint of a node agent in a process of its own. As kubelet does by default, it shows a certificate of its own
 * making; whom it answers is decided by the cluster's CA.
 */
import { createAuthority, issueServingCertificate } from '../auth/certificates.ts';
import type { AgentServerOptions } from '../node/index.ts';

/** `authority`: the CA that signs the API server's client certificate, PEM. */
export async function agentServer(nodeName: string, authority: string, now: number): Promise<AgentServerOptions> {
  const own = await createAuthority(`${nodeName}-ca`, now);
  const serving = await issueServingCertificate(
    own,
    { commonName: `system:node:${nodeName}`, organizations: ['system:nodes'] },
    { dns: [nodeName, 'localhost'], ips: ['127.0.0.1'] },
    now,
  );
  return { certificate: serving.certificate, key: serving.key, clientAuthority: authority, port: 0, host: '127.0.0.1' };
}
