/** A test cluster on HTTPS, for kubectl and other clients outside the process. */
import type { ApiServer } from '../apiserver/server.ts';
import { listen } from '../cluster/https-listener.ts';
import { kubeconfig } from '../cluster/kubeconfig.ts';
import { type ClusterPki, clusterPki } from '../cluster/pki.ts';

export interface HttpEndpoint {
  /** `https://127.0.0.1:<port>`. */
  readonly url: string;
  /** An administrator's kubeconfig, as a file's text. */
  readonly kubeconfig: string;
  readonly pki: ClusterPki;
  stop(): Promise<void>;
}

/** Certificates are made once a process: they take longer than the cluster itself. */
let pki: Promise<ClusterPki> | undefined;

export function testPki(now: number): Promise<ClusterPki> {
  pki ??= clusterPki(undefined, '127.0.0.1', now);
  return pki;
}

export async function serveOverHttps(server: ApiServer, now: number): Promise<HttpEndpoint> {
  const made = await testPki(now);
  const listener = await listen({
    handler: server.handler,
    upgrade: server.upgrade,
    serving: made.serving,
    clientAuthority: made.authority.certificate,
    bind: '127.0.0.1',
    port: 0,
  });
  const url = `https://127.0.0.1:${listener.port}`;
  return {
    url,
    pki: made,
    kubeconfig: kubeconfig({
      server: url,
      authority: made.authority.certificate,
      user: 'kubernetes-admin',
      credentials: made.admin,
    }),
    async stop() {
      const closed = listener.close();
      await server.stop();
      await closed;
    },
  };
}
