/** The file that clients find a cluster by. Source: Kubernetes `clientcmd/api/v1`. */
import type { KeyPair } from '../auth/certificates.ts';

export interface KubeconfigOptions {
  /** `https://127.0.0.1:6443`. */
  readonly server: string;
  /** PEM. */
  readonly authority: string;
  readonly user: string;
  readonly credentials: KeyPair;
}

export function kubeconfig({ server, authority, user, credentials }: KubeconfigOptions): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return `apiVersion: v1
kind: Config
clusters:
- name: setpoint
  cluster:
    server: ${server}
    certificate-authority-data: ${base64(authority)}
users:
- name: ${user}
  user:
    client-certificate-data: ${base64(credentials.certificate)}
    client-key-data: ${base64(credentials.key)}
contexts:
- name: ${user}@setpoint
  context:
    cluster: setpoint
    user: ${user}
current-context: ${user}@setpoint
preferences: {}
`;
}
