/** A client of a cluster in another process, by its kubeconfig alone. */
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { parse } from 'yaml';

interface KubeConfig {
  clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
  users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[];
}

export interface Answer {
  readonly code: number;
  readonly text: string;
}

export class ProcessClient {
  readonly url: URL;
  readonly agent: Agent;

  constructor(kubeconfig: string) {
    const config = parse(readFileSync(kubeconfig, 'utf8')) as KubeConfig;
    const { cluster } = config.clusters[0]!;
    const { user } = config.users[0]!;
    const decode = (text: string): string => Buffer.from(text, 'base64').toString();
    this.url = new URL(cluster.server);
    this.agent = new Agent({
      keepAlive: true,
      ca: decode(cluster['certificate-authority-data']),
      cert: decode(user['client-certificate-data']),
      key: decode(user['client-key-data']),
    });
  }

  /** Rejects when the connection breaks before the whole answer is there. */
  async send(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await this.open(method, path, body);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return { code: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
  }

  open(method: string, path: string, body?: unknown): Promise<IncomingMessage> {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          agent: this.agent,
          hostname: this.url.hostname,
          port: this.url.port,
          method,
          path,
          headers: body === undefined ? {} : { 'Content-Type': type },
        },
        resolve,
      );
      sent.on('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

export const configMaps = '/api/v1/namespaces/default/configmaps';

export const configMap = (name: string, data: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
});

/** Flags of a cluster that is an API server and little else. */
export const serverOnly = ['--port', '0', '--nodes', '0', '--controllers', '-*'] as const;
